//! What memcached holds under a key, as a list.
//!
//! The content decides and not the flags, which each client library numbers for itself: 2 is "gzip" to
//! spymemcached and "boolean" to pylibmc.

use std::io::{self, Read};

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};

use super::failure::Failure;
use crate::recommend::List;
use crate::recommend::ids;

/// A value as it is stored.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) bytes: Vec<u8>,
    /// The client flags that the writer's library stored beside it.
    pub(super) flags: u32,
}

/// The one flag that the common libraries agree on: pickled (pylibmc and its kin), or serialised by
/// Java (spymemcached).
const SERIALISED: u32 = 1;

impl Value {
    /// Text that is read in under half a millisecond.
    const QUICK_PLAIN: usize = 256 << 10;
    /// The same of compressed text, which is a third of its size at most and costs twice as much.
    const QUICK_COMPRESSED: usize = 32 << 10;

    /// Whether [`decode`](Self::decode) is over before a task on the same thread would notice.
    pub(super) fn is_quick(&self) -> bool {
        let most = match Coding::of(&self.bytes) {
            Coding::Plain => Self::QUICK_PLAIN,
            Coding::Gzip | Coding::Zlib => Self::QUICK_COMPRESSED,
        };
        self.bytes.len() <= most
    }

    /// The list that the value holds. It may inflate to `most` bytes; `key` is for the sentence that
    /// says what is wrong.
    pub(super) fn decode(&self, key: &str, most: usize) -> Result<List, Failure> {
        if self.flags & SERIALISED != 0 {
            let what = "is pickled or serialised by Java (flag 1): write it as JSON text";
            return Err(Failure::value(key, what, format!("flags {}", self.flags)));
        }
        let inflated = match Coding::of(&self.bytes) {
            Coding::Plain if self.bytes.len() > most => Err(Unfit::Large),
            Coding::Plain => Ok(None),
            Coding::Gzip => inflate(MultiGzDecoder::new(&self.bytes[..]), most).map(Some),
            Coding::Zlib => inflate_zlib(&self.bytes, most).map(Some),
        };
        let inflated = inflated.map_err(|unfit| match unfit {
            Unfit::Large => Failure::value(
                key,
                &format!("is over the limit of {most} bytes"),
                "too large",
            ),
            Unfit::Damaged(cause) => Failure::value(key, "is compressed and damaged", cause),
        })?;
        let text = inflated.as_deref().unwrap_or(&self.bytes);
        ids::parse(text).map(List::new).map_err(|e| {
            let (line, column) = (e.line(), e.column());
            let what = format!("is no JSON array of item ids (line {line}, column {column})");
            Failure::value(key, &what, e)
        })
    }
}

enum Coding {
    Plain,
    Gzip,
    Zlib,
}

impl Coding {
    fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // RFC 1950: method 8 with a window of at most 32 KiB, and a check of the two bytes. No JSON
            // begins with such a byte.
            [method, flags, ..]
                if method & 0x0f == 8
                    && method >> 4 <= 7
                    && u16::from_be_bytes([*method, *flags]) % 31 == 0 =>
            {
                Self::Zlib
            }
            _ => Self::Plain,
        }
    }
}

enum Unfit {
    Large,
    Damaged(String),
}

impl From<io::Error> for Unfit {
    fn from(cause: io::Error) -> Self {
        Self::Damaged(cause.to_string())
    }
}

fn inflate_zlib(bytes: &[u8], most: usize) -> Result<Vec<u8>, Unfit> {
    let mut decoder = ZlibDecoder::new(bytes);
    let text = inflate(&mut decoder, most)?;
    if decoder.total_in() < bytes.len() as u64 {
        return Err(Unfit::Damaged("something follows it".to_owned()));
    }
    Ok(text)
}

/// Reads all, but never more than a byte over the limit.
fn inflate(decoder: impl Read, most: usize) -> Result<Vec<u8>, Unfit> {
    let mut text = Vec::new();
    decoder.take(most as u64 + 1).read_to_end(&mut text)?;
    if text.len() > most {
        return Err(Unfit::Large);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 1 << 20;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    }

    fn zlib(text: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(text).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    }

    fn decode(bytes: impl Into<Vec<u8>>, flags: u32) -> Result<Vec<i64>, String> {
        let bytes = bytes.into();
        Value { bytes, flags }
            .decode("popular", LIMIT)
            .map(|list| list.ids().to_vec())
            .map_err(|failure| failure.error().detail().to_owned())
    }

    #[test]
    fn the_content_decides_and_not_the_flags() {
        let text = b"[3,1,2]";
        for flags in [0, 2, 4, 8, 16, 24, 32, 0x800] {
            assert_eq!(decode(*text, flags), Ok(vec![1, 2, 3]));
            assert_eq!(decode(gzip(text), flags), Ok(vec![1, 2, 3]));
            for level in 0..=9 {
                assert_eq!(decode(zlib(text, level), flags), Ok(vec![1, 2, 3]));
            }
        }
    }

    #[test]
    fn serialised_values_are_refused_by_name() {
        for flags in [1, 3, 9] {
            let sentence = decode(*b"[1]", flags).expect_err("flag 1");
            assert!(sentence.contains("`popular` is pickled or serialised by Java"));
        }
    }

    #[test]
    fn the_limit_holds_after_inflating() {
        let bomb = vec![b' '; 64 << 20];
        for value in [gzip(&bomb), zlib(&bomb, 9)] {
            assert!(value.len() < LIMIT);
            let sentence = decode(value, 0).expect_err("too large");
            assert!(sentence.ends_with("is over the limit of 1048576 bytes"));
        }
        let mut just = b"[1]".to_vec();
        just.resize(LIMIT, b' ');
        assert_eq!(decode(gzip(&just), 0), Ok(vec![1]));
        just.push(b' ');
        assert!(decode(gzip(&just), 0).is_err());
        assert!(decode(just, 0).is_err());
    }

    #[test]
    fn damage_is_said_in_words() {
        let (gzip, zlib) = (gzip(b"[1,2,3]"), zlib(b"[1,2,3]", 6));
        for whole in [gzip, zlib] {
            for length in 2..whole.len() {
                assert!(decode(&whole[..length], 0).is_err());
            }
            let mut more = whole.clone();
            more.push(0);
            assert!(decode(more, 0).is_err());
        }
        let sentence = decode(*b"[1,\n true]", 0).expect_err("a boolean");
        assert_eq!(
            sentence,
            "the candidate list under `popular` is no JSON array of item ids (line 2, column 5)"
        );
        assert!(decode(*b"", 0).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), flags: u32) {
            let _ = decode(bytes, flags);
        }

        #[test]
        fn never_panics_on_damage(at in 0..60_usize, with: u8, which: bool) {
            let text = b"[1,20,300,4000,50000,600000,7000000]";
            let mut value = if which { gzip(text) } else { zlib(text, 6) };
            let at = at % value.len();
            value[at] = with;
            let _ = decode(value, 0);
        }
    }
}
