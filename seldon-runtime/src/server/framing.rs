//! Tells whether an HTTP/1 head says in two ways how long its body is.
//!
//! Hyper goes by the chunks, closes the connection afterwards, and hides the Content-Length: safe by
//! RFC 9112 §6.3, which would rather have it refused. So the head's lines are looked at as they
//! come in. That is done where a head begins with what was just read; one that came in behind
//! another request of hyper's is hyper's alone.

/// As long as the names that are looked for, each with its colon.
const LONGEST: usize = "transfer-encoding:".len();

/// Follows the lines of one head.
#[derive(Debug, Default)]
pub(super) struct Framing {
    /// How the line that is coming in begins.
    line: [u8; LONGEST],
    have: usize,
    length: bool,
    coding: bool,
    over: bool,
}

impl Framing {
    /// A head that begins with `bytes`.
    pub(super) fn begin(bytes: &[u8]) -> Self {
        // What has no body says nothing of it, or is refused for what it says.
        let over = bytes.starts_with(b"GET ");
        let mut head = Self {
            over,
            ..Self::default()
        };
        head.read(bytes);
        head
    }

    /// Goes on with `bytes`.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !self.over && !bytes.is_empty() {
            let end = bytes.iter().position(|&b| b == b'\n');
            let piece = &bytes[..end.unwrap_or(bytes.len())];
            let room = &mut self.line[self.have..];
            let taken = piece.len().min(room.len());
            room[..taken].copy_from_slice(&piece[..taken]);
            self.have += taken;
            let Some(end) = end else { return };
            self.line();
            bytes = &bytes[end + 1..];
        }
    }

    /// A line has ended.
    fn line(&mut self) {
        let line = &self.line[..self.have];
        let is = |name: &[u8]| {
            (line.get(..name.len())).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
        };
        self.over = line.is_empty() || line == b"\r";
        self.length |= is(b"content-length:");
        self.coding |= is(b"transfer-encoding:");
        self.have = 0;
    }

    /// Whether it is said in two ways.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.length && self.coding
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: &str =
        "POST / HTTP/1.1\r\nContent-Length: 3\r\na: b\r\nTRANSFER-ENCODING: chunked\r\n\r\n";

    #[test]
    fn either_alone_is_clear() {
        for line in [
            "content-length: 3",
            "transfer-encoding: chunked",
            "content-length-x: 3",
        ] {
            let head = format!("POST / HTTP/1.1\r\nhost: a\r\n{line}\r\n\r\n");
            assert!(!Framing::begin(head.as_bytes()).is_ambiguous(), "{line}");
        }
    }

    #[test]
    fn a_body_that_speaks_of_them_is_none_of_a_head() {
        let head = "POST / HTTP/1.1\r\ncontent-length: 99\r\n\r\ntransfer-encoding: chunked\r\n";
        assert!(!Framing::begin(head.as_bytes()).is_ambiguous());
    }

    proptest! {
        #[test]
        fn both_are_seen_however_the_head_is_cut(cuts in proptest::collection::vec(1..BOTH.len(), 0..5)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([BOTH.len()]) {
                pieces.push(&BOTH.as_bytes()[from..cut]);
                from = cut;
            }
            let mut head = Framing::begin(pieces[0]);
            for piece in &pieces[1..] {
                head.read(piece);
            }
            prop_assert!(head.is_ambiguous());
        }

        #[test]
        fn nothing_makes_it_panic(pieces in proptest::collection::vec(any::<Vec<u8>>(), 1..5)) {
            let mut head = Framing::begin(&pieces[0]);
            for piece in &pieces[1..] {
                head.read(piece);
            }
        }
    }
}
