//! Header blocks as they are read, RFC 7541: what a few bytes stand for depends on all blocks
//! before, so that each is read to its end whatever becomes of its request.

use bytes::Bytes;

use super::field::{Field, Name};
use super::huffman;
use super::table::{self, Table};

/// A block that cannot be read, and none after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Reads the blocks of one connection.
#[derive(Debug)]
pub(super) struct Decoder {
    table: Table,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            table: Table::new(),
        }
    }

    /// Another number once the same bytes may stand for something else.
    pub(super) fn version(&self) -> u64 {
        self.table.version()
    }

    /// Reads `block`, and gives each of its fields to `take`, with the size that it counts for.
    ///
    /// # Errors
    ///
    /// If it is malformed: then the connection is over.
    pub(super) fn read(
        &mut self,
        mut block: &[u8],
        mut take: impl FnMut(Field, usize),
    ) -> Result<(), Malformed> {
        let mut begun = false;
        while let Some(first) = block.first().copied() {
            match first {
                0x80.. => {
                    let index = integer(&mut block, 7)?;
                    let (field, size) = self.table.get(index).ok_or(Malformed)?;
                    take(field, size);
                }
                0x40.. => {
                    let (field, size) = self.literal(&mut block, 6)?;
                    self.table.insert(field.clone(), size);
                    take(field, size);
                }
                // Only at the beginning, where there may be two: the least in between, and the last.
                0x20.. => {
                    let size = integer(&mut block, 5)?;
                    if begun || !self.table.resize(size) {
                        return Err(Malformed);
                    }
                    continue;
                }
                // Not indexed, or never to be.
                _ => {
                    let (field, size) = self.literal(&mut block, 4)?;
                    take(field, size);
                }
            }
            begun = true;
        }
        Ok(())
    }

    /// A field that is spelt out, though its name may be one of the table's.
    fn literal(&self, block: &mut &[u8], prefix: u8) -> Result<(Field, usize), Malformed> {
        let name = match integer(block, prefix)? {
            0 => Name::read(&string(block)?),
            index => self.table.name(index).ok_or(Malformed)?,
        };
        let value = string(block)?;
        let size = table::size(name.len(), value.len());
        Ok((Field::new(name, value), size))
    }

    #[cfg(test)]
    fn held(&self) -> (usize, usize) {
        self.table.held()
    }
}

/// A number that begins in the last `prefix` bits of the first byte, §5.1.
fn integer(block: &mut &[u8], prefix: u8) -> Result<usize, Malformed> {
    let (first, mut rest) = block.split_first().ok_or(Malformed)?;
    let most = (1 << prefix) - 1;
    let mut value = usize::from(first & most);
    if value == usize::from(most) {
        // Four bytes more: beyond 2^28 nothing is that large.
        let mut shift = 0;
        loop {
            let (byte, after) = rest.split_first().ok_or(Malformed)?;
            rest = after;
            value += usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
            if shift > 21 {
                return Err(Malformed);
            }
        }
    }
    *block = rest;
    Ok(value)
}

/// A string, §5.2.
fn string(block: &mut &[u8]) -> Result<Bytes, Malformed> {
    let coded = block.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(block, 7)?;
    let (bytes, rest) = block.split_at_checked(length).ok_or(Malformed)?;
    *block = rest;
    match coded {
        true => huffman::decode(bytes).map(Bytes::from),
        false => Ok(Bytes::copy_from_slice(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: String = text.split_whitespace().collect();
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex");
        (0..digits.len()).step_by(2).map(byte).collect()
    }

    fn shown(field: &Field) -> String {
        match field {
            Field::Method(method) => format!(":method {method}"),
            Field::Scheme(scheme) => format!(":scheme {scheme}"),
            Field::Authority(authority) => format!(":authority {authority}"),
            Field::Path(path) => format!(":path {path}"),
            Field::Header(name, value) => format!("{name} {}", value.to_str().expect("text")),
            Field::Malformed(name) => format!("malformed {}", name.len()),
        }
    }

    fn read(decoder: &mut Decoder, block: &str) -> Result<Vec<String>, Malformed> {
        let mut fields = Vec::new();
        decoder.read(&hex(block), |field, _| fields.push(shown(&field)))?;
        Ok(fields)
    }

    // Appendix C.3 and C.4: the same three requests, their strings as they are and in codes.
    #[test]
    fn the_examples_are_read() {
        let plain = [
            "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "8286 84be 5808 6e6f 2d63 6163 6865",
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        ];
        let coded = [
            "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
            "8286 84be 5886 a8eb 1064 9cbf",
            "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        ];
        for blocks in [plain, coded] {
            let mut decoder = Decoder::new();
            let first = [
                ":method GET",
                ":scheme http",
                ":path /",
                ":authority www.example.com",
            ];
            assert_eq!(read(&mut decoder, blocks[0]).expect("it is one"), first);
            assert_eq!(decoder.held(), (1, 57));
            let second = [&first[..], &["cache-control no-cache"]].concat();
            assert_eq!(read(&mut decoder, blocks[1]).expect("it is one"), second);
            assert_eq!(decoder.held(), (2, 110));
            let third = [
                ":method GET",
                ":scheme https",
                ":path /index.html",
                ":authority www.example.com",
                "custom-key custom-value",
            ];
            assert_eq!(read(&mut decoder, blocks[2]).expect("it is one"), third);
            assert_eq!(decoder.held(), (3, 164));
        }
    }

    // C.2: a literal that is indexed, one that is not, one that never is.
    #[test]
    fn each_kind_of_literal_is_read() {
        for (block, field, held) in [
            (
                "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
                "custom-key custom-header",
                (1, 55),
            ),
            (
                "040c 2f73 616d 706c 652f 7061 7468",
                ":path /sample/path",
                (0, 0),
            ),
            (
                "1008 7061 7373 776f 7264 0673 6563 7265 74",
                "password secret",
                (0, 0),
            ),
        ] {
            let mut decoder = Decoder::new();
            assert_eq!(read(&mut decoder, block), Ok(vec![field.to_owned()]));
            assert_eq!(decoder.held(), held);
        }
    }

    #[test]
    fn the_oldest_make_room() {
        let mut decoder = Decoder::new();
        // `a: ` and 3000 bytes, then `b: ` and 3000: both do not fit.
        let entry = |name: &str| {
            let value = "61".repeat(3000);
            // 127 + 2873 = 3000
            format!("40 01 {name} 7fb916 {value}")
        };
        read(&mut decoder, &entry("61")).expect("it is one");
        assert_eq!(decoder.held(), (1, 3033));
        read(&mut decoder, &entry("62")).expect("it is one");
        assert_eq!(decoder.held(), (1, 3033));
        // One that the table cannot hold empties it.
        read(
            &mut decoder,
            &format!("40 01 63 7fa11f {}", "61".repeat(4128)),
        )
        .expect("it is one");
        assert_eq!(decoder.held(), (0, 0));
    }

    #[test]
    fn a_size_is_said_first_and_within_what_was_agreed() {
        for (block, good) in [
            ("20", true),
            ("20 3fe1 1f 82", true),
            ("3fe1 1f", true),
            ("3fe2 1f", false),
            ("82 20", false),
        ] {
            let read = read(&mut Decoder::new(), block);
            assert_eq!(read.is_ok(), good, "{block}");
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for block in [
            "80",                // index 0
            "be",                // nothing is there yet
            "ff ff ff ff ff 01", // a number without an end
            "ff 80 80 80 80 00", // one that is long for what it says
            "40",                // no name
            "40 05 61",          // cut off
            "40 01 61 81 fe",    // a code that ends wrong
            "7f 00 01 61",       // the name of nothing
        ] {
            assert_eq!(read(&mut Decoder::new(), block), Err(Malformed), "{block}");
        }
    }

    #[test]
    fn a_field_that_is_malformed_is_still_an_entry() {
        let mut decoder = Decoder::new();
        // `A: b`, in the table; then it and its name again; then one of a response's.
        let fields = read(&mut decoder, "40 01 41 01 62 be 7e 01 63 88").expect("it can be read");
        assert_eq!(
            fields,
            ["malformed 1", "malformed 1", "malformed 1", "malformed 7"]
        );
        assert_eq!(decoder.held(), (2, 68));
    }

    proptest! {
        #[test]
        fn any_blocks_are_read_within_bounds(
            blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..20),
        ) {
            let mut decoder = Decoder::new();
            for block in blocks {
                let mut fields = 0;
                let read = decoder.read(&block, |_, _| fields += 1);
                prop_assert!(fields <= block.len());
                let (entries, size) = decoder.held();
                prop_assert!(size <= Table::SIZE && entries * 32 <= size);
                if read.is_err() {
                    break;
                }
            }
        }
    }
}
