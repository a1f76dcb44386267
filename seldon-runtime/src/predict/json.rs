//! Features in JSON, in the shapes that the wire contract takes.
//!
//! The good row costs one pass of serde into the message. Only a request that is refused is read
//! again, to name all that is wrong with it.

mod diagnose;

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Payload, non_finite};
use crate::error::{Code, Error, Result, Violation};

/// The rows of one request.
#[derive(Debug, PartialEq)]
pub(crate) enum Features<D> {
    One(D),
    Batch(Vec<D>),
}

/// Reads the features in `text`: an object of them, the same under `data`, an array of numbers
/// where the message takes one, or an array of rows.
///
/// # Errors
///
/// With line and column if `text` is no JSON; else with a pointer to each thing that is wrong.
pub(crate) fn decode<D: Payload>(text: &[u8]) -> Result<Features<D>> {
    decode_text(utf8(text)?)
}

/// The same, of what is known to be UTF-8.
///
/// # Errors
///
/// As [`decode`].
pub(crate) fn decode_text<D: Payload>(text: &str) -> Result<Features<D>> {
    // Nothing is wrapped or an array (serde would take one for a struct): the likely case, in one
    // pass.
    if text.trim_start_matches(WHITE).starts_with('{')
        && !has_data(text)
        && let Ok(row) = serde_json::from_str(text)
        && non_finite::<D>(&row).is_none()
    {
        return Ok(Features::One(row));
    }
    let (value, pointer) = unwrap::<D>(text)?;
    let mut wrong = Vec::new();
    let features = match value.as_bytes().first() {
        Some(b'{') => row(value, pointer, &mut wrong).map(Features::One),
        Some(b'[') => array(value, pointer, &mut wrong)?,
        _ => {
            return Err(shape::<D>(
                pointer,
                &format!("got {}", diagnose::kind(value)),
            ));
        }
    };
    match (
        features,
        Error::from_violations(Code::InvalidFeature, wrong),
    ) {
        (Some(features), None) => Ok(features),
        (_, Some(error)) => Err(error),
        (None, None) => Err(shape::<D>(pointer, "got something else")),
    }
}

/// What JSON calls white space.
const WHITE: [char; 4] = [' ', '\t', '\n', '\r'];

/// Whether there may be a member `data`.
fn has_data(text: &str) -> bool {
    const KEY: &[u8] = b"\"data\"";
    memchr::memchr_iter(b'd', text.as_bytes())
        .any(|at| at > 0 && text.as_bytes()[at - 1..].starts_with(KEY))
}

fn utf8(text: &[u8]) -> Result<&str> {
    std::str::from_utf8(text).map_err(|e| {
        let good = &text[..e.valid_up_to()];
        let line = good.iter().filter(|&&b| b == b'\n').count() + 1;
        let column = good.iter().rev().take_while(|&&b| b != b'\n').count() + 1;
        let detail = format!("`json` is not UTF-8 at line {line} column {column}");
        Error::new(Code::MalformedJson, detail)
    })
}

/// What holds the features, without white space around it, and the pointer to it: the member
/// `data` of an object, or all of `text`.
fn unwrap<D: Payload>(text: &str) -> Result<(&str, &'static str)> {
    let malformed =
        |e: serde_json::Error| Error::new(Code::MalformedJson, format!("`json` is malformed: {e}"));
    let whole = text.trim_matches(WHITE);
    if whole.starts_with('{') && !diagnose::fields::<D>().contains(&"data") {
        let envelope: Envelope<'_> = serde_json::from_str(text).map_err(malformed)?;
        if envelope.repeated {
            let twice = vec![Violation::new("/data", "is given twice")];
            return Err(Error::from_violations(Code::InvalidFeature, twice)
                .expect("one violation makes an error"));
        }
        return Ok(envelope
            .data
            .map_or((whole, ""), |data| (data.get(), "/data")));
    }
    serde_json::from_str::<IgnoredAny>(text).map_err(malformed)?;
    Ok((whole, ""))
}

/// An object that may wrap the features; what else it holds is the original server's business.
struct Envelope<'a> {
    data: Option<&'a RawValue>,
    repeated: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
                let mut envelope = Envelope {
                    data: None,
                    repeated: false,
                };
                while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    if key == "data" {
                        let data = map.next_value::<&RawValue>()?;
                        envelope.repeated |= envelope.data.replace(data).is_some();
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(envelope)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// An array in the place of the features: one row of numbers, or rows.
fn array<D: Payload>(
    text: &str,
    pointer: &str,
    wrong: &mut Vec<Violation>,
) -> Result<Option<Features<D>>> {
    let elements: Vec<&RawValue> = serde_json::from_str(text)?;
    let is_row = |element: &RawValue| matches!(element.get().as_bytes().first(), Some(b'{' | b'['));
    match elements.first() {
        None => Err(shape::<D>(pointer, "got an empty array")),
        Some(first) if is_row(first) => {
            let mut rows = Vec::with_capacity(elements.len());
            for (n, element) in elements.iter().enumerate() {
                rows.extend(row(element.get(), &format!("{pointer}/{n}"), wrong));
            }
            Ok(Some(Features::Batch(rows)))
        }
        Some(_) => Ok(values(text, pointer, wrong).map(Features::One)),
    }
}

/// One row; what is wrong with it is added to `wrong`.
fn row<D: Payload>(text: &str, pointer: &str, wrong: &mut Vec<Violation>) -> Option<D> {
    if text.starts_with('[') {
        return values(text, pointer, wrong);
    }
    match serde_json::from_str(text) {
        Ok(row) => finite(row, pointer, wrong),
        Err(error) => {
            diagnose::row::<D>(text, pointer, &error, wrong);
            None
        }
    }
}

/// One row of the default data type, as an array of numbers.
fn values<D: Payload>(text: &str, pointer: &str, wrong: &mut Vec<Violation>) -> Option<D> {
    let Some(from_values) = D::FROM_VALUES else {
        let detail = format!("must be an object of features ({})", diagnose::list::<D>());
        wrong.push(Violation::new(diagnose::at(pointer), detail));
        return None;
    };
    match serde_json::from_str(text) {
        Ok(values) => finite(from_values(values), pointer, wrong),
        Err(_) => {
            diagnose::values(text, pointer, wrong);
            None
        }
    }
}

/// JSON has no infinity, but a number too large for a float becomes one.
fn finite<D: Payload>(row: D, pointer: &str, wrong: &mut Vec<Violation>) -> Option<D> {
    match non_finite(&row) {
        None => Some(row),
        Some(found) => {
            let parameter = diagnose::at(&format!("{pointer}{found}"));
            wrong.push(Violation::new(parameter, diagnose::OUT_OF_RANGE));
            None
        }
    }
}

fn shape<D: Payload>(pointer: &str, got: &str) -> Error {
    let numbers = if D::FROM_VALUES.is_some() {
        ", an array of numbers"
    } else {
        ""
    };
    let detail = format!(
        "must be an object of features ({}){numbers} or an array of such rows, {got}",
        diagnose::list::<D>()
    );
    let violation = Violation::new(diagnose::at(pointer), detail);
    Error::from_violations(Code::InvalidFeature, vec![violation])
        .expect("one violation makes an error")
}

#[cfg(test)]
mod tests;
