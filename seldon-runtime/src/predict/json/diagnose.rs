//! Names all that is wrong with a row that serde refused.

use serde::de::{self, DeserializeOwned, Deserializer, Visitor, value::Error as Captured};
use serde_json::value::RawValue;

use super::Members;
use crate::error::{Violation, echo};
use crate::predict::{Payload, check};

/// Adds to `wrong` each feature of the row `text` that is missing, unknown, repeated or of the
/// wrong type; `error`, which serde gave, where none of these explains it.
pub(super) fn row<D: Payload>(
    text: &str,
    pointer: &str,
    error: &serde_json::Error,
    wrong: &mut Vec<Violation>,
) {
    let before = wrong.len();
    match serde_json::from_str::<Members<'_>>(text) {
        Ok(Members(members)) => features::<D>(&members, pointer, wrong),
        Err(_) => {
            let detail = format!(
                "must be an object of features ({}), got {}",
                list::<D>(),
                kind(text)
            );
            wrong.push(Violation::new(at(pointer), detail));
        }
    }
    if wrong.len() == before {
        wrong.push(Violation::new(at(pointer), mismatch(error)));
    }
}

fn features<D: Payload>(
    members: &[(String, &RawValue)],
    pointer: &str,
    wrong: &mut Vec<Violation>,
) {
    let names = fields::<D>();
    for (n, (key, value)) in members.iter().enumerate() {
        let mut report = |detail: String| {
            wrong.push(Violation::new(format!("{pointer}/{}", step(key)), detail));
        };
        let Some(index) = names.iter().position(|name| name == key) else {
            report(format!("is not a feature ({} are)", list::<D>()));
            continue;
        };
        if members[..n].iter().any(|(earlier, _)| earlier == key) {
            report("is given twice".to_owned());
            continue;
        }
        if let Some(check) = D::CHECKS.get(index)
            && let Err(error) = check(value.get())
        {
            report(mismatch(&error));
        }
    }
    for (index, name) in names.iter().enumerate() {
        // What takes a null may be left out.
        let optional = D::CHECKS
            .get(index)
            .is_some_and(|check| check("null").is_ok());
        if !optional && !members.iter().any(|(key, _)| key == name) {
            wrong.push(Violation::new(format!("{pointer}/{name}"), "is missing"));
        }
    }
}

/// Adds to `wrong` each element of the array `text` that is no number.
pub(super) fn values(text: &str, pointer: &str, wrong: &mut Vec<Violation>) {
    let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    for (n, element) in elements.iter().enumerate() {
        if let Err(error) = check::<f32>(element.get()) {
            wrong.push(Violation::new(format!("{pointer}/{n}"), mismatch(&error)));
        }
    }
}

/// What is wrong with a number that its type cannot hold.
pub(super) const OUT_OF_RANGE: &str = "is out of range for its type";

/// What serde says of a value, without the position in the fragment, and cut short.
fn mismatch(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message
        .rsplit_once(" at line ")
        .map_or(&*message, |(m, _)| m);
    match message.rsplit_once(", expected ") {
        Some((got, expected)) => {
            let got = got
                .trim_start_matches("invalid type: ")
                .trim_start_matches("invalid value: ");
            format!("must be {expected}, got {}", echo(got))
        }
        None if message == "number out of range" => OUT_OF_RANGE.to_owned(),
        None => echo(message),
    }
}

/// What kind of JSON value `text` is.
pub(super) fn kind(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(_) => "a number",
        None => "nothing",
    }
}

/// The features' names, for a sentence.
pub(super) fn list<D: DeserializeOwned>() -> String {
    fields::<D>()
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Where the features are, for a sentence: a pointer, or the parameter that holds them all.
pub(super) fn at(pointer: &str) -> String {
    if pointer.is_empty() {
        "json".to_owned()
    } else {
        pointer.to_owned()
    }
}

/// A key as a step of a JSON pointer (RFC 6901), as an error may echo it.
fn step(key: &str) -> String {
    echo(key).replace('~', "~0").replace('/', "~1")
}

/// The names of the fields that serde reads, in the order of declaration: what the derived
/// implementation asks its deserializer for.
pub(super) fn fields<D: DeserializeOwned>() -> &'static [&'static str] {
    struct Ask<'a>(&'a mut &'static [&'static str]);

    impl<'de> Deserializer<'de> for Ask<'_> {
        type Error = Captured;

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Captured> {
            *self.0 = fields;
            Err(de::Error::custom("asked"))
        }

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Captured> {
            Err(de::Error::custom("not a struct"))
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    let mut names: &'static [&'static str] = &[];
    // The answer is always an error; the names are what was asked for.
    let _ = D::deserialize(Ask(&mut names));
    names
}
