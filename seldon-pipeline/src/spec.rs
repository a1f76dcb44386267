//! What `pipeline.toml` says.

use std::fmt;
use std::ops::Range;

use seldon_runtime::{Error, Result};
use serde::de::{self, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use serde_path_to_error::Segment;
use toml::Spanned;

use crate::columns::{Kind, quoted};
use crate::transform::{Step, Steps};
use crate::value::Value;

/// The file's name.
pub(crate) const FILE: &str = "pipeline.toml";

/// The longest that is read, in bytes; what is large belongs in files beside it.
pub(crate) const MOST_BYTES: usize = 4 << 20;

/// A pipeline, all of it but its model. As JSON it is kept in a saved one's folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) about: Option<String>,
    #[serde(default)]
    pub(crate) features: Option<Vec<Feature>>,
    /// Whether any feature may be missing that does not say so itself.
    #[serde(default)]
    pub(crate) missing: bool,
    #[serde(default)]
    pub(crate) classes: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) message: Option<Message>,
    #[serde(default)]
    pub(crate) run: Option<Run>,
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    about: Option<String>,
    model: Option<String>,
    kind: Option<String>,
    features: Option<Vec<Feature>>,
    #[serde(default)]
    missing: bool,
    classes: Option<Vec<String>>,
    message: Option<Message>,
    run: Option<Run>,
    #[serde(default)]
    step: Vec<Spanned<Map<String, Json>>>,
}

/// What a file says, and which others it names.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) spec: Spec,
    /// The model file.
    pub(crate) model: Option<String>,
    /// What kind of model that holds.
    pub(crate) kind: Option<String>,
    /// The files that steps took their parameters from.
    pub(crate) files: Vec<String>,
}

/// A feature of a request.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Feature {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) example: Option<Value>,
    /// Its number in the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<u32>,
}

/// Where rows are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Run {
    /// On the thread that reads requests.
    Inline,
    /// On a pool.
    Blocking,
}

/// The message of the features over gRPC.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) numbers: Float,
    #[serde(default = "yes")]
    pub(crate) optional: bool,
}

/// What numbers are in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Float {
    #[default]
    Double,
    Float,
}

fn yes() -> bool {
    true
}

// By hand, as an untagged enum would not say what is wrong with a table, or where.
impl<'de> Deserialize<'de> for Feature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            name: String,
            #[serde(default, rename = "type")]
            kind: Kind,
            missing: Option<bool>,
            about: Option<String>,
            example: Option<Value>,
            number: Option<u32>,
        }

        struct NameOrTable;

        impl<'de> Visitor<'de> for NameOrTable {
            type Value = Feature;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a feature's name, or a table with `name` and `type`")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Feature, E> {
                Ok(Feature {
                    name: name.to_owned(),
                    ..Feature::default()
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Feature, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Feature {
                    name: table.name,
                    kind: table.kind,
                    missing: table.missing,
                    about: table.about,
                    example: table.example,
                    number: table.number,
                })
            }
        }

        deserializer.deserialize_any(NameOrTable)
    }
}

/// Reads `text`, which is at `place`; `file` reads those that steps name.
///
/// # Errors
///
/// With file, line and key.
pub(crate) fn read(
    text: &str,
    place: &str,
    file: &mut dyn FnMut(&str) -> Result<Vec<u8>>,
) -> Result<Read> {
    if text.len() > MOST_BYTES {
        return Err(Error::setup(format!(
            "{place} is longer than {MOST_BYTES} bytes: put what is large in a JSON file, and name it by `file` in its step"
        )));
    }
    let at = |line: usize, what: &dyn fmt::Display| {
        Error::setup(format!("{place}, line {line}: {what}"))
    };
    let wrong = |key: String, error: &toml::de::Error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        at(line, &format!("{key}{}", one_line(error.message())))
    };
    let document = toml::Deserializer::parse(text).map_err(|e| wrong(String::new(), &e))?;
    let written: Written = serde_path_to_error::deserialize(document).map_err(|error| {
        let key = match error.path().iter().next() {
            Some(_) => format!("{}: ", quoted(&error.path().to_string())),
            None => String::new(),
        };
        wrong(key, error.inner())
    })?;
    if written.step.len() > Steps::MOST {
        return Err(at(1, &format!("there are over {} steps", Steps::MOST)));
    }
    let (mut steps, mut files) = (Vec::new(), Vec::new());
    for (n, step) in written.step.into_iter().enumerate() {
        let span = step.span();
        let line = line_of(text, span.start);
        let mut keys = step.into_inner();
        let step = parameters(&mut keys, &mut files, file)
            .and_then(|from| one_step(Json::Object(keys), from.as_deref()))
            .map_err(|(key, what)| {
                let line = key
                    .and_then(|key| line_of_key(text, &span, &key))
                    .unwrap_or(line);
                at(line, &format!("step {}: {what}", n + 1))
            })?;
        steps.push(step);
    }
    Ok(Read {
        spec: Spec {
            name: written.name,
            about: written.about,
            features: written.features,
            missing: written.missing,
            classes: written.classes,
            message: written.message,
            run: written.run,
            steps,
        },
        model: written.model,
        kind: written.kind,
        files,
    })
}

/// What is wrong with a step, and the key that it is about.
type Wrong = (Option<String>, String);

/// Adds the parameters in the file that a step names to its keys; returns its name.
fn parameters(
    keys: &mut Map<String, Json>,
    files: &mut Vec<String>,
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>>,
) -> Result<Option<String>, Wrong> {
    let wrong = |what: String| (Some("file".to_owned()), what);
    let name = match keys.remove("file") {
        None => return Ok(None),
        Some(Json::String(name)) => name,
        Some(_) => return Err(wrong("`file` must be the name of a JSON file".to_owned())),
    };
    let bytes = read(&name).map_err(|e| wrong(format!("`file`: {e}")))?;
    let held: Map<String, Json> = serde_json::from_slice(&bytes)
        .map_err(|e| wrong(format!("{} is no JSON object: {e}", quoted(&name))))?;
    for (key, value) in held {
        if keys.contains_key(&key) {
            let (key, name) = (quoted(&key), quoted(&name));
            return Err(wrong(format!("{key} is given here and in {name}")));
        }
        keys.insert(key, value);
    }
    files.push(name.clone());
    Ok(Some(name))
}

fn one_step(keys: Json, from: Option<&str>) -> Result<Step, Wrong> {
    serde_path_to_error::deserialize(keys).map_err(|error| {
        let said = error.inner().to_string();
        // Without a path it is what serde names in its first pair of quotes: `unknown field `x``.
        let (path, named) = match error.path().iter().next() {
            Some(Segment::Map { key }) => (error.path().to_string(), Some(key.as_str())),
            _ => (String::new(), said.split('`').nth(1)),
        };
        let named = named.map(str::to_owned);
        let path = match path.is_empty() {
            true => path,
            false => format!("{}: ", quoted(&path)),
        };
        let from = from.map_or_else(String::new, |name| format!(" (with {})", quoted(name)));
        let said = one_line(&said);
        (named, format!("{path}{said}{from}"))
    })
}

/// The line of the character at `at`, from 1.
fn line_of(text: &str, at: usize) -> usize {
    let before = &text.as_bytes()[..at.min(text.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// The line within `span` that begins with `key`.
fn line_of_key(text: &str, span: &Range<usize>, key: &str) -> Option<usize> {
    let end = text
        .get(span.start..)?
        .find("\n[")
        .map(|end| span.start + end);
    let within = text.get(span.start..end.unwrap_or(text.len()))?;
    let first = line_of(text, span.start);
    let is_key = |line: &str| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    within.lines().position(is_key).map(|n| first + n)
}

fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let line = lines.join("; ");
    // A value of the file may be quoted in full.
    match line.char_indices().nth(400) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
