//! Features in JSON, in the shapes that the wire contract takes.
//!
//! The good row costs one pass of serde into the message. Only a request that is refused is read
//! again, to name all that is wrong with it.

mod diagnose;
mod members;

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

pub use members::Members;

use super::{Payload, non_finite};
use crate::error::{Code, Error, Result, Violation};

/// The rows of one request.
#[derive(Debug, PartialEq)]
pub enum Features<D> {
    /// One, which is answered with its classes.
    One(D),
    /// Several, which are answered with an array of them.
    Batch(Vec<D>),
}

/// How one row is read: by serde, or by a predictor that knows its features once it is loaded.
pub trait ReadRow<D> {
    /// Reads the object `text` if all is well with it.
    fn read(&self, text: &str) -> Option<D>;

    /// Reads a row, of which `text` begins with neither white space nor `[`; adds what is wrong
    /// with it to `wrong`, each with a pointer that begins with `pointer`.
    fn diagnose(&self, text: &str, pointer: &str, wrong: &mut Vec<Violation>) -> Option<D>;

    /// The same of a row that is an array of numbers; `None` for all rows that are none.
    fn values(&self, text: &str, pointer: &str, wrong: &mut Vec<Violation>) -> Option<D>;

    /// Whether a row may be an array of numbers.
    fn takes_values(&self) -> bool;

    /// Whether there is a feature of that name.
    fn has(&self, name: &str) -> bool;

    /// The features' names, for a sentence.
    fn list(&self) -> String;
}

/// Reads the features in `text`: an object of them, the same under `data`, an array of numbers
/// where the row takes one, or an array of rows.
///
/// # Errors
///
/// With line and column if `text` is no JSON; else with a pointer to each thing that is wrong.
pub fn read_features<D>(text: &str, by: &(impl ReadRow<D> + ?Sized)) -> Result<Features<D>> {
    // Nothing is wrapped or an array (serde would take one for a struct): the likely case, in one
    // pass.
    if text.trim_start_matches(WHITE).starts_with('{')
        && !has_data(text)
        && let Some(row) = by.read(text)
    {
        return Ok(Features::One(row));
    }
    let (value, pointer) = unwrap(text, by)?;
    let mut wrong = Vec::new();
    let features = match value.as_bytes().first() {
        Some(b'{') => by.diagnose(value, pointer, &mut wrong).map(Features::One),
        Some(b'[') => array(value, pointer, by, &mut wrong)?,
        _ => {
            return Err(shape(
                pointer,
                by,
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
        (None, None) => Err(shape(pointer, by, "got something else")),
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

/// The text that a body is.
///
/// # Errors
///
/// With line and column if it is no UTF-8.
pub(crate) fn utf8(text: &[u8]) -> Result<&str> {
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
fn unwrap<'a, D>(
    text: &'a str,
    by: &(impl ReadRow<D> + ?Sized),
) -> Result<(&'a str, &'static str)> {
    let malformed =
        |e: serde_json::Error| Error::new(Code::MalformedJson, format!("`json` is malformed: {e}"));
    let whole = text.trim_matches(WHITE);
    if whole.starts_with('{') && !by.has("data") {
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
fn array<D>(
    text: &str,
    pointer: &str,
    by: &(impl ReadRow<D> + ?Sized),
    wrong: &mut Vec<Violation>,
) -> Result<Option<Features<D>>> {
    let elements: Vec<&RawValue> = serde_json::from_str(text)?;
    let is_row = |element: &RawValue| matches!(element.get().as_bytes().first(), Some(b'{' | b'['));
    match elements.first() {
        None => Err(shape(pointer, by, "got an empty array")),
        Some(first) if is_row(first) => {
            let mut rows = Vec::with_capacity(elements.len());
            for (n, element) in elements.iter().enumerate() {
                let (text, pointer) = (element.get(), format!("{pointer}/{n}"));
                rows.extend(match text.starts_with('[') {
                    true => values(text, &pointer, by, wrong),
                    false => by.diagnose(text, &pointer, wrong),
                });
            }
            Ok(Some(Features::Batch(rows)))
        }
        Some(_) => Ok(values(text, pointer, by, wrong).map(Features::One)),
    }
}

/// One row as an array of numbers.
fn values<D>(
    text: &str,
    pointer: &str,
    by: &(impl ReadRow<D> + ?Sized),
    wrong: &mut Vec<Violation>,
) -> Option<D> {
    if !by.takes_values() {
        let detail = format!("must be an object of features ({})", by.list());
        wrong.push(Violation::new(diagnose::at(pointer), detail));
        return None;
    }
    by.values(text, pointer, wrong)
}

fn shape<D>(pointer: &str, by: &(impl ReadRow<D> + ?Sized), got: &str) -> Error {
    let numbers = if by.takes_values() {
        ", an array of numbers"
    } else {
        ""
    };
    let detail = format!(
        "must be an object of features ({}){numbers} or an array of such rows, {got}",
        by.list()
    );
    let violation = Violation::new(diagnose::at(pointer), detail);
    Error::from_violations(Code::InvalidFeature, vec![violation])
        .expect("one violation makes an error")
}

/// Reads a message as serde does.
pub(crate) struct BySerde;

impl<D: Payload> ReadRow<D> for BySerde {
    fn read(&self, text: &str) -> Option<D> {
        let row = serde_json::from_str(text).ok()?;
        non_finite::<D>(&row).is_none().then_some(row)
    }

    fn diagnose(&self, text: &str, pointer: &str, wrong: &mut Vec<Violation>) -> Option<D> {
        match serde_json::from_str(text) {
            Ok(row) => finite(row, pointer, wrong),
            Err(error) => {
                diagnose::row::<D>(text, pointer, &error, wrong);
                None
            }
        }
    }

    fn values(&self, text: &str, pointer: &str, wrong: &mut Vec<Violation>) -> Option<D> {
        let from_values = D::FROM_VALUES?;
        match serde_json::from_str(text) {
            Ok(values) => finite(from_values(values), pointer, wrong),
            Err(_) => {
                diagnose::values(text, pointer, wrong);
                None
            }
        }
    }

    fn takes_values(&self) -> bool {
        D::FROM_VALUES.is_some()
    }

    fn has(&self, name: &str) -> bool {
        diagnose::fields::<D>().contains(&name)
    }

    fn list(&self) -> String {
        diagnose::list::<D>()
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

#[cfg(test)]
mod tests;
