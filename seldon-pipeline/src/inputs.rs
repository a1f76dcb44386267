//! The features of a request, read from JSON by name or by order.

use std::collections::HashMap;
use std::fmt;

use seldon_runtime::predict::{Members, ReadRow};
use seldon_runtime::{Error, Result, Violation};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};

use crate::columns::{Column, Kind, list, quoted};
use crate::spec;
use crate::value::{Row, Value};

/// The longest text that a feature may be, in bytes.
pub const MOST_TEXT: usize = 256 << 10;

/// The most features that a request may have.
pub const MOST_FEATURES: usize = 10_000;

/// As many names as each error may repeat.
const FEW: usize = 8;

/// The features that a request must have, in order.
#[derive(Debug, Clone)]
pub(crate) struct Inputs {
    features: Vec<Feature>,
    places: HashMap<String, usize>,
    all_numbers: bool,
}

/// A feature that a request must have.
#[derive(Debug, Clone)]
pub struct Feature {
    pub(crate) name: String,
    kind: Kind,
    missing: bool,
    about: Option<String>,
    example: Option<Value>,
}

impl Inputs {
    /// # Errors
    ///
    /// If there is none or too many, or two have one name.
    pub(crate) fn new(features: &[spec::Feature], missing: bool) -> Result<Self> {
        let count = features.len();
        if count == 0 || count > MOST_FEATURES {
            return Err(Error::setup(format!(
                "`features` has {count}, and 1 to {MOST_FEATURES} are taken"
            )));
        }
        let mut places = HashMap::with_capacity(count);
        for (at, feature) in features.iter().enumerate() {
            let name = quoted(&feature.name);
            if feature.name.is_empty() || feature.name.len() > 256 {
                return Err(Error::setup(format!(
                    "`features` holds {name}: a name has 1 to 256 bytes"
                )));
            }
            if places.insert(feature.name.clone(), at).is_some() {
                return Err(Error::setup(format!("`features` has {name} twice")));
            }
            if let Some(example) = &feature.example
                && !is_of(feature.kind, example)
            {
                let kind = feature.kind;
                return Err(Error::setup(format!(
                    "{name} has {kind}, and its example is none"
                )));
            }
        }
        Ok(Self {
            all_numbers: features.iter().all(|feature| feature.kind == Kind::Number),
            features: (features.iter())
                .map(|feature| Feature {
                    name: feature.name.clone(),
                    kind: feature.kind,
                    missing: feature.missing.unwrap_or(missing),
                    about: feature.about.clone(),
                    example: feature.example.clone(),
                })
                .collect(),
            places,
        })
    }

    pub(crate) fn all(&self) -> &[Feature] {
        &self.features
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = Column> {
        self.features
            .iter()
            .map(|f| Column::of(f.name.clone(), f.kind))
    }

    /// Whether a row may be numbers in order.
    pub(crate) fn all_numbers(&self) -> bool {
        self.all_numbers
    }

    /// A row of numbers in order.
    pub(crate) fn of_numbers(&self, numbers: &[f32]) -> Result<Row, Vec<Violation>> {
        let (got, wanted) = (numbers.len(), self.features.len());
        if got != wanted {
            return Err(vec![Violation::new("/values", self.as_many(got))]);
        }
        let mut wrong = Vec::new();
        let row = numbers.iter().zip(&self.features).enumerate();
        let row = row
            .map(|(at, (number, feature))| {
                let is_missing = number.is_nan() && feature.missing;
                if !number.is_finite() && !is_missing {
                    let detail = format!("must be a finite number ({})", quoted(&feature.name));
                    wrong.push(Violation::new(format!("/values/{at}"), detail));
                }
                (!is_missing).then(|| Value::Number((*number).into()))
            })
            .collect();
        match wrong.is_empty() {
            true => Ok(row),
            false => Err(wrong),
        }
    }

    /// A row of what a table of text has of each feature.
    pub(crate) fn of_text<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Result<Row> {
        let mut texts = texts.into_iter();
        let row = (self.features.iter()).map(|feature| {
            let text = texts.next().unwrap_or_default();
            feature.parse(text).map_err(|detail| {
                Error::invalid_input(format!("{} {detail}", quoted(&feature.name)))
            })
        });
        row.collect::<Result<_>>()
    }

    fn as_many(&self, got: usize) -> String {
        format!(
            "must be {} numbers, one for each feature in order ({}), got {got}",
            self.features.len(),
            self.list()
        )
    }

    /// The JSON Schema of a row.
    pub(crate) fn schema(&self, about: &str) -> Json {
        let mut properties = Map::new();
        let mut example = Map::new();
        let mut required = Vec::new();
        for feature in &self.features {
            let kind = match feature.kind {
                Kind::Number => "number",
                Kind::Text => "string",
                Kind::Flag => "boolean",
            };
            let mut schema = match feature.missing {
                true => json!({"type": [kind, "null"]}),
                false => json!({"type": kind}),
            };
            match feature.kind {
                Kind::Number => schema["format"] = "double".into(),
                Kind::Text => schema["maxLength"] = (MOST_TEXT / 4).into(),
                Kind::Flag => {}
            }
            if let Some(about) = &feature.about {
                schema["description"] = about.as_str().into();
            }
            if !feature.missing {
                required.push(feature.name.as_str());
            }
            example.insert(feature.name.clone(), feature.example());
            properties.insert(feature.name.clone(), schema);
        }
        let mut schema = json!({
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
            "examples": [example],
        });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if !about.is_empty() {
            schema["description"] = about.into();
        }
        schema
    }

    /// Says of each feature of the object `members` what is wrong with it.
    fn members(
        &self,
        members: &[(String, &RawValue)],
        pointer: &str,
        wrong: &mut Vec<Violation>,
    ) -> Row {
        let mut row = Row::missing(self.features.len());
        let mut seen = vec![false; self.features.len()];
        // Where there are many, they are named once.
        let mut listed = false;
        for (key, value) in members {
            let mut report = |detail: String| {
                wrong.push(Violation::new(format!("{pointer}/{}", step(key)), detail));
            };
            let Some(at) = self.places.get(key).copied() else {
                report(match listed {
                    true => "is not a feature".to_owned(),
                    false => format!("is not a feature ({} are)", self.list()),
                });
                listed |= self.features.len() > FEW;
                continue;
            };
            if std::mem::replace(&mut seen[at], true) {
                report("is given twice".to_owned());
                continue;
            }
            match self.features[at].read(value.get()) {
                Ok(value) => row.set(at, value),
                Err(detail) => report(detail),
            }
        }
        for (feature, seen) in self.features.iter().zip(seen) {
            if !seen && !feature.missing {
                let parameter = format!("{pointer}/{}", step(&feature.name));
                wrong.push(Violation::new(parameter, "is missing"));
            }
        }
        row
    }
}

impl Feature {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What kind of value it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether a row may lack it, or have null there.
    pub fn may_be_missing(&self) -> bool {
        self.missing
    }

    /// What is said of it.
    pub fn about(&self) -> Option<&str> {
        self.about.as_deref()
    }

    /// The value that `text`, a JSON value without white space around it, is.
    fn read(&self, text: &str) -> Result<Option<Value>, String> {
        let got = |wanted: &str| {
            let null = if self.missing { " or null" } else { "" };
            let got = match text.as_bytes().first() {
                Some(b'{') => "an object".to_owned(),
                Some(b'[') => "an array".to_owned(),
                Some(b'"') => format!("the text {}", quoted(text.trim_matches('"'))),
                Some(b'n') => "null".to_owned(),
                _ => quoted(text),
            };
            format!("must be {wanted}{null}, got {got}")
        };
        match (self.kind, text.as_bytes().first()) {
            (_, Some(b'n')) if self.missing => Ok(None),
            // By the standard library, which rounds as Python does: serde_json may be off by the
            // last bit.
            (Kind::Number, Some(b'-' | b'0'..=b'9')) => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Some(Value::Number(number))),
                _ => Err("is out of range for its type".to_owned()),
            },
            (Kind::Number, _) => Err(got("a number")),
            (Kind::Text, Some(b'"')) => match serde_json::from_str::<String>(text) {
                Ok(text) if text.len() <= MOST_TEXT => Ok(Some(Value::Text(text))),
                Ok(_) => Err(format!("is longer than {MOST_TEXT} bytes")),
                Err(e) => Err(format!("is no text: {e}")),
            },
            (Kind::Text, _) => Err(got("a text")),
            (Kind::Flag, Some(b't')) => Ok(Some(Value::Flag(true))),
            (Kind::Flag, Some(b'f')) => Ok(Some(Value::Flag(false))),
            (Kind::Flag, _) => Err(got("true or false")),
        }
    }

    /// The value that `text` is in a table.
    fn parse(&self, text: &str) -> Result<Option<Value>, String> {
        let is_nan = self.kind == Kind::Number && text.eq_ignore_ascii_case("nan");
        if text.is_empty() || is_nan {
            return match self.missing {
                true => Ok(None),
                false => Err("is missing, and must not be: `missing` says what may".to_owned()),
            };
        }
        let got = |wanted: &str| format!("must be {wanted}, got {}", quoted(text));
        match self.kind {
            Kind::Number => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Some(Value::Number(number))),
                _ => Err(got("a number")),
            },
            Kind::Text if text.len() > MOST_TEXT => {
                Err(format!("is longer than {MOST_TEXT} bytes"))
            }
            Kind::Text => Ok(Some(text.into())),
            Kind::Flag => match &*text.to_ascii_lowercase() {
                "true" | "1" => Ok(Some(true.into())),
                "false" | "0" => Ok(Some(false.into())),
                _ => Err(got("`true` or `false`")),
            },
        }
    }

    fn example(&self) -> Json {
        match &self.example {
            Some(value) => json!(value),
            None => match self.kind {
                Kind::Number => json!(1.0),
                Kind::Text => json!("text"),
                Kind::Flag => json!(true),
            },
        }
    }
}

fn is_of(kind: Kind, value: &Value) -> bool {
    match value {
        Value::Number(number) => kind == Kind::Number && number.is_finite(),
        Value::Text(_) => kind == Kind::Text,
        Value::Flag(_) => kind == Kind::Flag,
    }
}

/// A key as a step of a JSON pointer, as an error may echo it.
fn step(key: &str) -> String {
    let quoted = quoted(key);
    let plain = &quoted[1..quoted.len() - 1];
    plain.replace('~', "~0").replace('/', "~1")
}

impl ReadRow<Row> for Inputs {
    fn read(&self, text: &str) -> Option<Row> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let row = Good(self).deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()?;
        Some(row)
    }

    fn diagnose(&self, text: &str, pointer: &str, wrong: &mut Vec<Violation>) -> Option<Row> {
        if let Some(row) = self.read(text) {
            return Some(row);
        }
        let before = wrong.len();
        let mut row = None;
        match serde_json::from_str::<Members<'_>>(text) {
            Ok(Members(members)) => match &members[..] {
                // What the default message is in JSON.
                [(key, values)] if key == "values" && self.all_numbers && !self.has(key) => {
                    return self.values(values.get(), &format!("{pointer}/values"), wrong);
                }
                members => row = Some(self.members(members, pointer, wrong)),
            },
            Err(_) => {
                let detail = format!("must be an object of features ({})", self.list());
                wrong.push(Violation::new(at(pointer), detail));
            }
        }
        row.filter(|_| wrong.len() == before)
    }

    fn values(&self, text: &str, pointer: &str, wrong: &mut Vec<Violation>) -> Option<Row> {
        let before = wrong.len();
        let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(text) else {
            wrong.push(Violation::new(at(pointer), self.as_many(0)));
            return None;
        };
        if elements.len() != self.features.len() {
            let detail = self.as_many(elements.len());
            wrong.push(Violation::new(at(pointer), detail));
            return None;
        }
        let mut row = Row::with_room(elements.len());
        for (n, (element, feature)) in elements.iter().zip(&self.features).enumerate() {
            match feature.read(element.get()) {
                Ok(value) => row.push(value),
                Err(detail) => wrong.push(Violation::new(format!("{pointer}/{n}"), detail)),
            }
        }
        (wrong.len() == before).then_some(row)
    }

    fn takes_values(&self) -> bool {
        self.all_numbers
    }

    fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    fn list(&self) -> String {
        list(self.features.iter().map(|feature| feature.name.as_str()))
    }
}

/// Where the features are, for a sentence: a pointer, or the parameter that holds them all.
fn at(pointer: &str) -> String {
    match pointer {
        "" => "json".to_owned(),
        pointer => pointer.to_owned(),
    }
}

/// Reads a row with which all is well; of any other it says no more than that.
struct Good<'a>(&'a Inputs);

impl<'de> DeserializeSeed<'de> for Good<'_> {
    type Value = Row;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Row, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Good<'_> {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of features")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let Inputs {
            features, places, ..
        } = self.0;
        let mut row = Row::missing(features.len());
        let mut seen = vec![false; features.len()];
        let mut next = 0;
        let refused = || de::Error::custom("refused");
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            // Most often they come in order.
            let at = match features.get(next) {
                Some(feature) if feature.name == *key => next,
                _ => *places.get(&*key).ok_or_else(refused)?,
            };
            if std::mem::replace(&mut seen[at], true) {
                return Err(refused());
            }
            let value = map.next_value::<&RawValue>()?;
            row.set(at, features[at].read(value.get()).map_err(|_| refused())?);
            next = at + 1;
        }
        let lacks = |(feature, seen): (&Feature, &bool)| !seen && !feature.missing;
        if features.iter().zip(&seen).any(lacks) {
            return Err(refused());
        }
        Ok(row)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Row, A::Error> {
        Err(de::Error::custom("refused"))
    }
}
