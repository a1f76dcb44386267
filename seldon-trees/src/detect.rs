//! Tells formats apart by their first bytes, as a file may have any name.

use crate::error::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Ubj,
    Text,
}

pub(crate) fn format(bytes: &[u8]) -> Result<Format> {
    const TYPES: &[u8] = b"iUIlL$#N";
    let text = bytes.trim_ascii_start();
    match text {
        [b'{', second, ..] if bytes[0] == b'{' && TYPES.contains(second) => Ok(Format::Ubj),
        [b'{', ..] => Ok(Format::Json),
        [b't', b'r', b'e', b'e', b'\r' | b'\n', ..] => Ok(Format::Text),
        [] => Err(Error::new("the model is empty")),
        _ => Err(Error::new(format!(
            "this is {}; XGBoost's JSON and UBJSON and LightGBM's text are read",
            other(bytes)
        ))),
    }
}

/// What people take for a model file.
fn other(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'b', b'i', b'n', b'f', ..] | [b'b', b's', b'6', b'4', ..] => {
            "XGBoost's old binary format, write it anew with `save_model(\"model.ubj\")`"
        }
        [0x80, 2..=5, ..] => "a Python pickle, write the model with `save_model`",
        [0x1f, 0x8b, ..] => "compressed by gzip, unpack it first",
        [b'P', b'K', ..] => "a zip archive, unpack it first",
        _ => "no model that is known",
    }
}
