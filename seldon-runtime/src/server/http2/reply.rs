//! Heads and trailers of replies, as they are written.
//!
//! Every field is spelt out or found in the static table: a block is a few copies of bytes, and
//! nothing is remembered that a later block depends on.

use http::{HeaderMap, HeaderValue, StatusCode};

use super::frame::{self, END_HEADERS, END_STREAM, HEADERS};
use super::table::STATIC;

/// What of a connection the blocks depend on.
#[derive(Debug)]
pub(super) struct Style {
    /// The longest payload that the peer takes.
    pub(super) longest: usize,
    /// The peer has made its table smaller, which the next block has to answer.
    pub(super) resized: bool,
}

/// What a head has besides its own fields.
#[derive(Debug)]
pub(super) struct Extra<'a> {
    /// The time, where it does not say that itself.
    pub(super) date: &'a HeaderValue,
    /// The length of the body, where that is known and the head does not say it.
    pub(super) length: Option<usize>,
}

/// Writes the head of a reply to `stream`.
pub(super) fn head(
    out: &mut Vec<u8>,
    style: &mut Style,
    stream: u32,
    (status, headers): (StatusCode, &HeaderMap),
    extra: &Extra<'_>,
    last: bool,
) {
    let at = begin(out, style, stream, last);
    match status.as_u16() {
        200 => out.push(0x80 | 8),
        204 => out.push(0x80 | 9),
        206 => out.push(0x80 | 10),
        304 => out.push(0x80 | 11),
        400 => out.push(0x80 | 12),
        404 => out.push(0x80 | 13),
        500 => out.push(0x80 | 14),
        _ => {
            // The name of entry 8, and three digits.
            out.extend_from_slice(&[8, 3]);
            out.extend_from_slice(status.as_str().as_bytes());
        }
    }
    let said = fields(out, headers);
    if let Some(length) = extra.length.filter(|_| !said.length) {
        integer(out, 0, 4, usize::from(CONTENT_LENGTH));
        let mut digits = itoa::Buffer::new();
        string(out, digits.format(length).as_bytes());
    }
    if !said.date {
        integer(out, 0, 4, usize::from(DATE));
        string(out, extra.date.as_bytes());
    }
    frame::end_block(out, at, style.longest);
}

/// Writes the trailers of a reply to `stream`.
pub(super) fn trailers(out: &mut Vec<u8>, style: &mut Style, stream: u32, headers: &HeaderMap) {
    let at = begin(out, style, stream, true);
    fields(out, headers);
    frame::end_block(out, at, style.longest);
}

/// Writes the trailers of a call that has gone well.
pub(super) fn went_well(out: &mut Vec<u8>, style: &mut Style, stream: u32) {
    let at = begin(out, style, stream, true);
    out.extend_from_slice(b"\x00\x0bgrpc-status\x010");
    frame::end_block(out, at, style.longest);
}

fn begin(out: &mut Vec<u8>, style: &mut Style, stream: u32, last: bool) -> usize {
    let at = out.len();
    let flags = if last {
        END_HEADERS | END_STREAM
    } else {
        END_HEADERS
    };
    frame::begin(out, 0, HEADERS, flags, stream);
    // The table is left empty, whatever size it may have.
    if std::mem::take(&mut style.resized) {
        out.push(0x20);
    }
    at
}

/// What was among the fields.
#[derive(Default)]
struct Said {
    date: bool,
    length: bool,
}

/// Writes literals without indexing, or such as are not to be indexed by anybody, RFC 7541 §6.2.
fn fields(out: &mut Vec<u8>, headers: &HeaderMap) -> Said {
    let mut said = Said::default();
    for (name, value) in headers {
        let kind = if value.is_sensitive() { 0x10 } else { 0 };
        match known(name.as_str()) {
            Some(index) => {
                said.date |= index == DATE;
                said.length |= index == CONTENT_LENGTH;
                integer(out, kind, 4, usize::from(index));
            }
            None => {
                out.push(kind);
                string(out, name.as_str().as_bytes());
            }
        }
        string(out, value.as_bytes());
    }
    said
}

const CONTENT_LENGTH: u8 = 28;
const DATE: u8 = 33;

/// The index of those names that replies have and the static table too.
fn known(name: &str) -> Option<u8> {
    let index = match name {
        "allow" => 22,
        "cache-control" => 24,
        "content-encoding" => 26,
        "content-length" => CONTENT_LENGTH,
        "content-type" => 31,
        "date" => DATE,
        "location" => 46,
        "retry-after" => 53,
        "vary" => 59,
        "www-authenticate" => 61,
        _ => return None,
    };
    debug_assert_eq!(STATIC[usize::from(index) - 1].0, name);
    Some(index)
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    integer(out, 0, 7, bytes.len());
    out.extend_from_slice(bytes);
}

/// A number that begins in the last `prefix` bits of a byte of that `kind`, §5.1.
fn integer(out: &mut Vec<u8>, kind: u8, prefix: u8, value: usize) {
    let most = (1 << prefix) - 1;
    if value < most {
        out.push(kind | value as u8);
        return;
    }
    out.push(kind | most as u8);
    let mut rest = value - most;
    while rest >= 0x80 {
        out.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use proptest::prelude::*;

    use super::super::field::Field;
    use super::super::frame::{HEADER, Header};
    use super::super::hpack::Decoder;
    use super::*;

    fn style() -> Style {
        Style {
            longest: 1 << 14,
            resized: false,
        }
    }

    fn extra(date: &HeaderValue) -> Extra<'_> {
        Extra { date, length: None }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            headers in prop::collection::vec(
                ("[a-z][a-z0-9-]{0,200}", "[ -~]{0,300}", any::<bool>()),
                0..20,
            ),
        ) {
            let mut map = HeaderMap::new();
            for (name, value, sensitive) in &headers {
                let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
                let mut value = HeaderValue::from_str(value).expect("a value");
                value.set_sensitive(*sensitive);
                map.append(name, value);
            }
            let mut out = Vec::new();
            trailers(&mut out, &mut style(), 1, &map);
            let mut read = HeaderMap::new();
            let block = &out[HEADER..];
            let decoded = Decoder::new().read(block, |field, _| {
                if let Field::Header(name, value) = field {
                    read.append(name, value);
                }
            });
            prop_assert_eq!(decoded, Ok(()));
            prop_assert_eq!(read, map);
        }
    }

    #[test]
    fn each_status_is_one_byte_or_five() {
        for (status, block) in [
            (StatusCode::OK, &[0x88][..]),
            (StatusCode::NOT_FOUND, &[0x8d]),
            (StatusCode::GATEWAY_TIMEOUT, &[8, 3, b'5', b'0', b'4']),
        ] {
            let mut out = Vec::new();
            let date = HeaderValue::from_static("now");
            let empty = HeaderMap::new();
            head(
                &mut out,
                &mut style(),
                1,
                (status, &empty),
                &extra(&date),
                true,
            );
            let header = Header::read(&out).expect("a frame");
            assert_eq!(header.flags, END_HEADERS | END_STREAM);
            let block = [block, &[0x0f, 33 - 15, 3], b"now"].concat();
            assert_eq!((header.length, &out[HEADER..]), (block.len(), &*block));
        }
    }

    #[test]
    fn a_call_that_has_gone_well_says_so() {
        let [mut out, mut expected] = [const { Vec::new() }; 2];
        went_well(&mut out, &mut style(), 1);
        trailers(
            &mut expected,
            &mut style(),
            1,
            &crate::known::call_went_well(),
        );
        assert_eq!(out, expected);
    }

    #[test]
    fn a_smaller_table_is_answered_once() {
        let mut style = Style {
            resized: true,
            ..style()
        };
        let mut out = Vec::new();
        for _ in 0..2 {
            trailers(&mut out, &mut style, 1, &HeaderMap::new());
        }
        assert_eq!(out[HEADER], 0x20);
        assert_eq!(out.len(), 2 * HEADER + 1);
    }

    #[test]
    fn every_known_name_has_its_index() {
        let known: Vec<_> = STATIC
            .iter()
            .filter(|(name, _)| known(name).is_some())
            .collect();
        assert_eq!(known.len(), 10);
    }
}
