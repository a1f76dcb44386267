//! Frames, RFC 9113 §4 and §6: their headers as they are read, and those that are written here.

/// Bytes of a frame's header.
pub(super) const HEADER: usize = 9;

/// The longest payload that is taken, which is the least that a server may ask for.
pub(super) const LONGEST: usize = 1 << 14;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

// Flags.
pub(super) const END_STREAM: u8 = 0x1;
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const HAS_PRIORITY: u8 = 0x20;

// Settings, §6.5.2.
pub(super) const HEADER_TABLE_SIZE: u16 = 1;
pub(super) const ENABLE_PUSH: u16 = 2;
pub(super) const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(super) const MAX_FRAME_SIZE: u16 = 5;
pub(super) const MAX_HEADER_LIST_SIZE: u16 = 6;

/// Why a stream or a connection ends, §7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reason(u32);

impl Reason {
    pub(super) const NO_ERROR: Self = Self(0);
    pub(super) const PROTOCOL_ERROR: Self = Self(1);
    pub(super) const INTERNAL_ERROR: Self = Self(2);
    pub(super) const FLOW_CONTROL_ERROR: Self = Self(3);
    pub(super) const STREAM_CLOSED: Self = Self(5);
    pub(super) const FRAME_SIZE_ERROR: Self = Self(6);
    pub(super) const REFUSED_STREAM: Self = Self(7);
    pub(super) const CANCEL: Self = Self(8);
    pub(super) const COMPRESSION_ERROR: Self = Self(9);
    pub(super) const ENHANCE_YOUR_CALM: Self = Self(11);
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Header {
    /// The header that `bytes` begin with, if it is all there.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, stream @ ..] = bytes.first_chunk::<HEADER>()?;
        Some(Self {
            length: u32::from_be_bytes([0, *a, *b, *c]) as usize,
            kind: *kind,
            flags: *flags,
            // The first bit is reserved.
            stream: u32::from_be_bytes(*stream) & 0x7fff_ffff,
        })
    }

    pub(super) fn is(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Writes a header. The lengths of what is written here are below 2^24.
pub(super) fn begin(out: &mut Vec<u8>, length: usize, kind: u8, flags: u8, stream: u32) {
    let [_, a, b, c] = (length as u32).to_be_bytes();
    let [s, t, u, v] = stream.to_be_bytes();
    out.extend_from_slice(&[a, b, c, kind, flags, s, t, u, v]);
}

pub(super) fn settings(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    begin(out, 6 * settings.len(), SETTINGS, 0, 0);
    for (name, value) in settings {
        out.extend_from_slice(&name.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

pub(super) fn settings_ack(out: &mut Vec<u8>) {
    begin(out, 0, SETTINGS, ACK, 0);
}

pub(super) fn ping(out: &mut Vec<u8>, flags: u8, opaque: [u8; 8]) {
    begin(out, opaque.len(), PING, flags, 0);
    out.extend_from_slice(&opaque);
}

pub(super) fn reset(out: &mut Vec<u8>, stream: u32, reason: Reason) {
    begin(out, 4, RST_STREAM, 0, stream);
    out.extend_from_slice(&reason.0.to_be_bytes());
}

/// Says that streams above `last` are not looked at.
pub(super) fn go_away(out: &mut Vec<u8>, last: u32, reason: Reason) {
    begin(out, 8, GOAWAY, 0, 0);
    out.extend_from_slice(&last.to_be_bytes());
    out.extend_from_slice(&reason.0.to_be_bytes());
}

pub(super) fn window_update(out: &mut Vec<u8>, stream: u32, more: u32) {
    begin(out, 4, WINDOW_UPDATE, 0, stream);
    out.extend_from_slice(&more.to_be_bytes());
}

pub(super) fn data(out: &mut Vec<u8>, stream: u32, bytes: &[u8], last: bool) {
    let flags = if last { END_STREAM } else { 0 };
    begin(out, bytes.len(), DATA, flags, stream);
    out.extend_from_slice(bytes);
}

/// Makes a frame, or several, of the header block that `out` ends with, from `at` on, where its
/// first header was begun with a length of nothing and all its flags.
pub(super) fn end_block(out: &mut Vec<u8>, at: usize, longest: usize) {
    let length = out.len() - at - HEADER;
    let first = length.min(longest);
    let [_, a, b, c] = (first as u32).to_be_bytes();
    out[at..at + 3].copy_from_slice(&[a, b, c]);
    if length == first {
        return;
    }
    // Seldom: replies have few headers.
    out[at + 4] &= !END_HEADERS;
    let stream = Header::read(&out[at..]).map_or(0, |header| header.stream);
    let rest = out.split_off(at + HEADER + first);
    let mut pieces = rest.chunks(longest).peekable();
    while let Some(piece) = pieces.next() {
        let flags = if pieces.peek().is_none() {
            END_HEADERS
        } else {
            0
        };
        begin(out, piece.len(), CONTINUATION, flags, stream);
        out.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let mut out = Vec::new();
        begin(&mut out, 0x01_0203, HEADERS, END_HEADERS, 0x7fff_fffd);
        let expected = Header {
            length: 0x01_0203,
            kind: HEADERS,
            flags: END_HEADERS,
            stream: 0x7fff_fffd,
        };
        assert_eq!(Header::read(&out), Some(expected));
        assert_eq!(Header::read(&out[..8]), None);
    }

    #[test]
    fn a_long_block_is_cut_into_frames() {
        let block: Vec<u8> = (0..100).collect();
        let mut out = b"before".to_vec();
        begin(&mut out, 0, HEADERS, END_HEADERS | END_STREAM, 5);
        out.extend_from_slice(&block);
        end_block(&mut out, 6, 40);
        let mut rest = &out[6..];
        let (mut frames, mut whole) = (Vec::new(), Vec::new());
        while let Some(header) = Header::read(rest) {
            whole.extend_from_slice(&rest[HEADER..HEADER + header.length]);
            rest = &rest[HEADER + header.length..];
            frames.push((header.kind, header.flags, header.length, header.stream));
        }
        let expected = [
            (HEADERS, END_STREAM, 40, 5),
            (CONTINUATION, 0, 40, 5),
            (CONTINUATION, END_HEADERS, 20, 5),
        ];
        assert_eq!((frames, whole), (expected.to_vec(), block));
    }
}
