//! A graph as serde sees it: the bytes of its file.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::onnx::Onnx;

impl Serialize for Onnx {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.bytes())
    }
}

impl<'de> Deserialize<'de> for Onnx {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Bytes)
    }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Onnx;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of an ONNX file")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Onnx, E> {
        self.visit_byte_buf(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Onnx, E> {
        Onnx::read(bytes).map_err(E::custom)
    }

    /// A format for people has them as numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Onnx, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        self.visit_byte_buf(bytes)
    }
}
