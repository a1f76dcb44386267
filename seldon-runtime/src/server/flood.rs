//! Counts the HTTP/2 frames that cost a server and bring it nothing.
//!
//! The `h2` crate cuts off floods of CONTINUATION and of empty DATA, and of streams that are reset
//! before they were looked at. It answers as many PINGs and SETTINGS as come, and any number of
//! streams that are opened and reset a moment later, each of which starts a request.

use tokio::time::Instant;

/// A frame's header, RFC 9113 §4.1.
const HEADER: usize = 9;

const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;

const ACK: u8 = 1;

/// The sum of costs that a connection may run up at once.
///
/// A stream that is reset costs 8, and opening it earned 2: some 170 cancelled requests in a
/// row, more than the streams that a connection may have open.
const MOST: u32 = 1000;

/// What is forgiven in a second.
const FORGIVEN: u32 = 200;

/// Follows the frames of one connection, and adds up what they cost.
#[derive(Debug)]
pub(super) struct Meter {
    header: [u8; HEADER],
    /// Bytes of the header that have come.
    have: usize,
    /// Bytes of the payload that are to be skipped.
    skip: usize,
    cost: u32,
    forgiven_at: Instant,
}

impl Meter {
    /// A meter of what follows the preface.
    pub(super) fn new() -> Self {
        Self {
            header: [0; HEADER],
            have: 0,
            skip: 0,
            cost: 0,
            forgiven_at: Instant::now(),
        }
    }

    /// Takes in `bytes` as they came from the peer.
    ///
    /// Returns whether the peer is still to be borne.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> bool {
        let before = self.cost;
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            let taken = (HEADER - self.have).min(bytes.len());
            self.header[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have == HEADER {
                self.frame();
            }
        }
        if self.cost > before && self.cost > MOST {
            self.forgive();
        }
        self.cost <= MOST
    }

    fn frame(&mut self) {
        let [a, b, c, kind, flags, ..] = self.header;
        self.have = 0;
        self.skip = u32::from_be_bytes([0, a, b, c]) as usize;
        self.cost = match kind {
            // A request earns what its client may spend on measuring the way (gRPC clients send a
            // PING for a reply) and on giving up.
            HEADERS => self.cost.saturating_sub(2),
            RST_STREAM => self.cost.saturating_add(8),
            SETTINGS | PING if flags & ACK == 0 => self.cost.saturating_add(2),
            PRIORITY => self.cost.saturating_add(1),
            _ => self.cost,
        };
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

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, 0, 0, 0, 0, 1];
        frame.extend_from_slice(payload);
        frame
    }

    /// How many repetitions of `bytes` a connection is borne for, at most `most`.
    fn borne(bytes: &[u8], most: usize) -> usize {
        let mut meter = Meter::new();
        (0..most).take_while(|_| meter.read(bytes)).count()
    }

    #[test]
    fn a_flood_of_pings_is_cut_off() {
        assert!(borne(&frame(PING, &[0; 8]), 100_000) < 1000);
    }

    #[test]
    fn a_flood_of_settings_is_cut_off() {
        assert!(borne(&frame(SETTINGS, &[]), 100_000) < 1000);
    }

    #[test]
    fn streams_opened_and_reset_are_cut_off() {
        let pair = [frame(HEADERS, &[0x82; 20]), frame(RST_STREAM, &[0; 4])].concat();
        let borne = borne(&pair, 100_000);
        assert!((101..500).contains(&borne), "{borne} were borne");
    }

    #[test]
    fn a_client_that_measures_the_way_at_each_request_is_borne() {
        let round = [
            frame(HEADERS, &[0x82; 20]),
            frame(0, &[0; 50]),
            frame(PING, &[0; 8]),
            frame(8, &[0; 4]),
        ]
        .concat();
        assert_eq!(borne(&round, 100_000), 100_000);
    }

    #[test]
    fn frames_are_followed_across_any_cut() {
        let stream = [frame(0, &[PING; 300]), frame(PING, &[0; 8])].concat();
        let mut whole = Meter::new();
        whole.read(&stream);
        let mut bytewise = Meter::new();
        for byte in &stream {
            bytewise.read(std::slice::from_ref(byte));
        }
        assert_eq!(whole.cost, 2);
        assert_eq!(bytewise.cost, whole.cost);
    }
}
