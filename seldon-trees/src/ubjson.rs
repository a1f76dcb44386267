//! Reads UBJSON, <https://ubjson.org>, as XGBoost writes it: a format of serde's, so that a model is
//! described once for both of its forms.
//!
//! The input is a file that anyone may have written. No length in it is believed before as many
//! bytes are there, and nothing nests deeper than [`MOST_DEPTH`].

use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// As deep as serde_json goes.
const MOST_DEPTH: usize = 128;

/// Reads the one value that `bytes` hold.
pub(crate) fn from_slice<'de, T: de::Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    let mut reader = Reader {
        bytes,
        next: 0,
        depth: 0,
    };
    let value = T::deserialize(&mut reader).map_err(|error| error.at(reader.next))?;
    if reader.next < bytes.len() {
        return Err(Error::new("something follows the model").at(reader.next));
    }
    Ok(value)
}

/// What is wrong, and at which byte.
#[derive(Debug)]
pub(crate) struct Error {
    sentence: String,
    at: Option<usize>,
}

impl Error {
    fn new(sentence: impl fmt::Display) -> Self {
        Self {
            sentence: sentence.to_string(),
            at: None,
        }
    }

    fn at(mut self, byte: usize) -> Self {
        self.at.get_or_insert(byte);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)?;
        match self.at {
            Some(byte) => write!(f, " at byte {byte}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }
}

type Result<T, E = Error> = std::result::Result<T, E>;

struct Reader<'de> {
    bytes: &'de [u8],
    next: usize,
    depth: usize,
}

/// What the head of a container says: the one type of its values, and their number.
#[derive(Clone, Copy)]
struct Head {
    marker: Option<u8>,
    count: Option<usize>,
}

impl<'de> Reader<'de> {
    fn left(&self) -> usize {
        self.bytes.len() - self.next
    }

    fn take(&mut self, count: usize) -> Result<&'de [u8]> {
        if count > self.left() {
            return Err(Error::new("the file is cut off").at(self.bytes.len()));
        }
        let taken = &self.bytes[self.next..self.next + count];
        self.next += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.take(N)?;
        Ok(bytes.try_into().expect("as many as were asked for"))
    }

    fn peek(&self) -> Result<u8> {
        let byte = self.bytes.get(self.next);
        byte.copied()
            .ok_or_else(|| Error::new("the file is cut off").at(self.next))
    }

    fn byte(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    /// The marker of a value; a no-op is passed over.
    fn marker(&mut self) -> Result<u8> {
        loop {
            match self.byte()? {
                b'N' => {}
                marker => return Ok(marker),
            }
        }
    }

    fn integer(&mut self, marker: u8) -> Result<Option<i64>> {
        Ok(Some(match marker {
            b'i' => i8::from_be_bytes(self.array()?).into(),
            b'U' => self.byte()?.into(),
            b'I' => i16::from_be_bytes(self.array()?).into(),
            b'l' => i32::from_be_bytes(self.array()?).into(),
            b'L' => i64::from_be_bytes(self.array()?),
            _ => return Ok(None),
        }))
    }

    /// A length of things that take at least `width` bytes each: no more than can be there.
    fn length(&mut self, width: usize) -> Result<usize> {
        let start = self.next;
        let marker = self.byte()?;
        let length = self.integer(marker)?;
        let length = length.and_then(|length| usize::try_from(length).ok());
        let Some(length) = length else {
            return Err(Error::new("a length is no whole number from 0").at(start));
        };
        if length > self.left() / width {
            let left = self.left();
            let says = format!("a length is {length}, and the file has {left} more bytes");
            return Err(Error::new(says).at(start));
        }
        Ok(length)
    }

    fn text(&mut self) -> Result<&'de str> {
        let length = self.length(1)?;
        let start = self.next;
        std::str::from_utf8(self.take(length)?)
            .map_err(|_| Error::new("a text is not UTF-8").at(start))
    }

    fn head(&mut self) -> Result<Head> {
        let mut head = Head {
            marker: None,
            count: None,
        };
        if self.peek()? == b'$' {
            self.next += 1;
            let start = self.next;
            let marker = self.byte()?;
            head.marker = Some(marker);
            // A value of none of these is all marker: nothing of it would be left in the file, so
            // that any number could be there.
            if !matches!(
                marker,
                b'i' | b'U' | b'I' | b'l' | b'L' | b'd' | b'D' | b'C' | b'S' | b'[' | b'{'
            ) {
                let says = format!(
                    "values of type {} cannot be in one container",
                    shown(marker)
                );
                return Err(Error::new(says).at(start));
            }
            if self.peek()? != b'#' {
                return Err(Error::new("a container has a type, and no length").at(self.next));
            }
        }
        if self.peek()? == b'#' {
            self.next += 1;
            head.count = Some(self.length(width(head.marker))?);
        }
        Ok(head)
    }

    fn value<V: Visitor<'de>>(&mut self, marker: u8, visitor: V) -> Result<V::Value> {
        let start = self.next;
        if let Some(integer) = self.integer(marker)? {
            return visitor.visit_i64(integer);
        }
        match marker {
            b'Z' => visitor.visit_unit(),
            b'T' => visitor.visit_bool(true),
            b'F' => visitor.visit_bool(false),
            b'd' => visitor.visit_f32(f32::from_be_bytes(self.array()?)),
            b'D' => visitor.visit_f64(f64::from_be_bytes(self.array()?)),
            b'S' => visitor.visit_borrowed_str(self.text()?),
            b'C' => visitor.visit_char(self.byte()?.into()),
            b'[' | b'{' => {
                self.depth += 1;
                if self.depth > MOST_DEPTH {
                    return Err(
                        Error::new(format!("it nests more than {MOST_DEPTH} deep")).at(start)
                    );
                }
                let head = self.head()?;
                let items = Items {
                    reader: self,
                    head,
                    end: if marker == b'[' { b']' } else { b'}' },
                };
                let value = if marker == b'[' {
                    visitor.visit_seq(items)?
                } else {
                    visitor.visit_map(items)?
                };
                self.depth -= 1;
                Ok(value)
            }
            marker => {
                Err(Error::new(format!("{} is no type of UBJSON", shown(marker))).at(start - 1))
            }
        }
    }
}

/// The fewest bytes that a value of the type takes in a container; one without a type has a marker.
fn width(marker: Option<u8>) -> usize {
    match marker {
        Some(b'I') => 2,
        Some(b'l' | b'd') => 4,
        Some(b'L' | b'D') => 8,
        _ => 1,
    }
}

fn shown(marker: u8) -> String {
    format!("`{}`", marker.escape_ascii())
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let marker = self.marker()?;
        self.value(marker, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek()? == b'Z' {
            self.next += 1;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// What a container holds, one after the other.
struct Items<'a, 'de> {
    reader: &'a mut Reader<'de>,
    head: Head,
    end: u8,
}

impl<'de> Items<'_, 'de> {
    /// Whether there is another, which is then begun.
    fn another(&mut self) -> Result<bool> {
        match &mut self.head.count {
            Some(0) => Ok(false),
            Some(count) => {
                *count -= 1;
                Ok(true)
            }
            None => {
                while self.reader.peek()? == b'N' {
                    self.reader.next += 1;
                }
                let more = self.reader.peek()? != self.end;
                self.reader.next += usize::from(!more);
                Ok(more)
            }
        }
    }

    fn item<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let Some(marker) = self.head.marker else {
            return seed.deserialize(&mut *self.reader);
        };
        seed.deserialize(Typed {
            reader: self.reader,
            marker,
        })
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if !self.another()? {
            return Ok(None);
        }
        self.item(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        self.head.count
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if !self.another()? {
            return Ok(None);
        }
        // A key is a text without its marker.
        let key = self.reader.text()?;
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.item(seed)
    }
}

/// A value whose type the head of its container has said.
struct Typed<'a, 'de> {
    reader: &'a mut Reader<'de>,
    marker: u8,
}

impl<'de> Deserializer<'de> for Typed<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.reader.value(self.marker, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
