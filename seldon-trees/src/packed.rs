//! Numbers as one run of little-endian bytes, which loads many times faster than number by number
//! and is `numpy.frombuffer` to Python; formats for people get plain numbers.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of a fixed width.
pub(crate) trait Number: Copy + Serialize + for<'de> Deserialize<'de> {
    fn to_bytes(values: &[Self]) -> Vec<u8>;
    /// The values that `bytes` hold; `None` if a part of one is left over.
    fn from_bytes(bytes: &[u8]) -> Option<Vec<Self>>;
}

macro_rules! number {
    ($($number:ty)*) => {$(
        impl Number for $number {
            fn to_bytes(values: &[Self]) -> Vec<u8> {
                values.iter().flat_map(|value| value.to_le_bytes()).collect()
            }

            fn from_bytes(bytes: &[u8]) -> Option<Vec<Self>> {
                let (values, rest) = bytes.as_chunks();
                rest.is_empty()
                    .then(|| values.iter().map(|bytes| Self::from_le_bytes(*bytes)).collect())
            }
        }
    )*};
}

number!(f32 f64 u32);

pub(crate) fn serialize<T: Number, S: Serializer>(
    values: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        values.serialize(serializer)
    } else {
        serializer.serialize_bytes(&T::to_bytes(values))
    }
}

pub(crate) fn deserialize<'de, T: Number, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    if deserializer.is_human_readable() {
        Vec::deserialize(deserializer)
    } else {
        deserializer.deserialize_bytes(Bytes(PhantomData))
    }
}

struct Bytes<T>(PhantomData<T>);

impl<'de, T: Number> Visitor<'de> for Bytes<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = size_of::<T>();
        write!(f, "bytes of little-endian numbers, {width} bytes each")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        T::from_bytes(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
    }

    /// What holds the struct may have kept the bytes as numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
