//! Counts the HTTP/2 frames that cost a server and bring it nothing.

use tokio::time::Instant;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;

/// Of SETTINGS and PING; of DATA it is the end of the stream.
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// A part of a header block that is not the last is at least this long, in bytes.
const PART: usize = 1 << 10;

/// The sum of costs that a connection may run up at once.
///
/// A stream that is reset costs 8, and opening it earned 2: some 170 cancelled requests in a
/// row, more than the streams that a connection may have open.
const MOST: u32 = 1000;

/// What is forgiven in a second.
const FORGIVEN: u32 = 200;

/// Adds up what the frames of one connection cost.
#[derive(Debug)]
pub(super) struct Meter {
    cost: u32,
    forgiven_at: Instant,
}

impl Meter {
    /// A meter of what follows the preface.
    pub(super) fn new() -> Self {
        Self {
            cost: 0,
            forgiven_at: Instant::now(),
        }
    }

    /// Notes a frame from the peer. Returns whether the peer is still to be borne.
    pub(super) fn frame(&mut self, kind: u8, flags: u8, length: usize) -> bool {
        match kind {
            // A request earns what its client may spend on measuring the way (gRPC clients send a
            // PING for a reply) and on giving up.
            HEADERS => {
                self.cost = self.cost.saturating_sub(2);
                true
            }
            RST_STREAM => self.add(8),
            SETTINGS | PING if flags & ACK == 0 => self.add(2),
            PRIORITY => self.add(1),
            DATA if length == 0 && flags & ACK == 0 => self.add(4),
            CONTINUATION if length < PART && flags & END_HEADERS == 0 => self.add(10),
            _ => true,
        }
    }

    /// Notes a stream that was reset for what the peer did on it, or because it is one too many.
    pub(super) fn refused(&mut self, too_many: bool) -> bool {
        self.add(if too_many { 4 } else { 8 })
    }

    fn add(&mut self, cost: u32) -> bool {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > MOST {
            self.forgive();
        }
        self.cost <= MOST
    }

    /// Takes off what time has made good since it last did.
    fn forgive(&mut self) {
        let passed = self.forgiven_at.elapsed().as_millis().min(1 << 20) as u32;
        let forgiven = passed * FORGIVEN / 1000;
        if forgiven > 0 {
            self.cost = self.cost.saturating_sub(forgiven);
            self.forgiven_at = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many rounds of these frames, of a kind, flags and a length, a connection is borne for,
    /// at most `most`.
    fn borne(round: &[(u8, u8, usize)], most: usize) -> usize {
        let mut meter = Meter::new();
        let mut frames = |_: &usize| {
            (round.iter()).all(|(kind, flags, length)| meter.frame(*kind, *flags, *length))
        };
        (0..most).take_while(&mut frames).count()
    }

    #[test]
    fn floods_are_cut_off() {
        for flood in [
            (PING, 0, 8),
            (SETTINGS, 0, 0),
            (PRIORITY, 0, 5),
            (DATA, 0, 0),
            (CONTINUATION, 0, 0),
            (CONTINUATION, 0, 100),
        ] {
            assert!(borne(&[flood], 100_000) < 2000, "{flood:?}");
        }
    }

    #[test]
    fn streams_opened_and_reset_are_cut_off() {
        let borne = borne(&[(HEADERS, 4, 20), (RST_STREAM, 0, 4)], 100_000);
        assert!((101..500).contains(&borne), "{borne} were borne");
    }

    #[test]
    fn streams_that_are_malformed_or_too_many_are_cut_off() {
        for too_many in [true, false] {
            let mut meter = Meter::new();
            let pairs = |_: &usize| meter.frame(HEADERS, 4, 20) && meter.refused(too_many);
            let borne = (0..100_000).take_while(pairs).count();
            assert!((101..1000).contains(&borne), "{borne} were borne");
        }
    }

    #[test]
    fn a_client_that_measures_the_way_at_each_request_is_borne() {
        let round = [(HEADERS, 4, 20), (DATA, 1, 50), (PING, 0, 8), (8, 0, 4)];
        assert_eq!(borne(&round, 100_000), 100_000);
    }

    #[test]
    fn long_heads_and_bodies_are_borne() {
        let round = [
            (HEADERS, 0, 1 << 14),
            (CONTINUATION, 0, 1 << 14),
            (CONTINUATION, END_HEADERS, 10),
            (DATA, 0, 1),
            (DATA, 1, 0),
        ];
        assert_eq!(borne(&round, 100_000), 100_000);
    }
}
