//! The schema of a predictor's features: what serde asks for, with the comments of the `.proto`.

use serde_json::{Map, Value, json};

use super::comments::Comments;
use super::probe::{Asked, Kind, Probed, Step};
use crate::predict::Payload;

/// A message, to be described.
#[derive(Clone, Copy)]
pub(super) struct Message {
    name: &'static str,
    descriptors: &'static [u8],
    probed: Probed,
}

impl Message {
    pub(super) fn of<D: Payload>() -> Self {
        Self {
            name: D::TYPE_NAME,
            descriptors: D::DESCRIPTORS,
            probed: Probed::of::<D>(),
        }
    }

    /// Adds its schema, and that of each message within it, to `schemas`; returns a reference to
    /// it.
    pub(super) fn schema(self, schemas: &mut Map<String, Value>) -> Value {
        let mut walk = Walk {
            root: self.name,
            probed: self.probed,
            comments: Comments::read(self.descriptors),
            schemas,
            known: Vec::new(),
        };
        walk.at(&mut Vec::new(), Some(self.name))
    }
}

/// A reference to the schema `name` of the document.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

struct Walk<'a> {
    root: &'static str,
    probed: Probed,
    comments: Comments,
    schemas: &'a mut Map<String, Value>,
    /// The structs met so far, and the names of their schemas: a message may hold itself.
    known: Vec<(Shape, String)>,
}

/// What tells a struct from others of its name: what protobuf calls it, and what serde wants in
/// each field.
#[derive(PartialEq, Eq)]
struct Shape {
    name: &'static str,
    message: Option<String>,
    fields: Vec<(&'static str, Option<Asked>)>,
}

impl Walk<'_> {
    /// The schema at the end of `path`; `message` is the name in protobuf of what is there.
    fn at(&mut self, path: &mut Vec<Step>, message: Option<&str>) -> Value {
        match self.probed.asked(path) {
            None => json!({}),
            Some(Asked::Bool) => json!({"type": "boolean"}),
            Some(Asked::Integer(least, greatest)) => integer(least, greatest),
            Some(Asked::Float32) => {
                let most = f64::from(f32::MAX);
                json!({"type": "number", "format": "float", "minimum": -most, "maximum": most})
            }
            Some(Asked::Float64) => json!({"type": "number", "format": "double"}),
            Some(Asked::Text) => json!({"type": "string"}),
            Some(Asked::Null) => json!({"type": "null"}),
            Some(Asked::Option) => nullable(self.within(path, Step::Inner, message)),
            Some(Asked::Array) => {
                json!({"type": "array", "items": self.within(path, Step::Element, message)})
            }
            Some(Asked::Tuple(len)) => {
                json!({"type": "array", "minItems": len, "maxItems": len})
            }
            Some(Asked::Map) => self.map(path, message),
            Some(Asked::Struct(name, fields)) => self.structure(path, message, name, fields),
            Some(Asked::Enum(variants)) => self.choice(path, message, variants),
            Some(Asked::Unit) => json!({}),
            Some(Asked::Any) => any(self.probed, path),
        }
    }

    fn within(&mut self, path: &mut Vec<Step>, step: Step, message: Option<&str>) -> Value {
        path.push(step);
        let schema = self.at(path, message);
        path.pop();
        schema
    }

    fn map(&mut self, path: &mut Vec<Step>, message: Option<&str>) -> Value {
        let values = self.within(path, Step::Value, message);
        let mut schema = json!({"type": "object", "additionalProperties": values});
        path.push(Step::Key);
        let pattern = match self.probed.asked(path) {
            // As many digits as fit for certain.
            Some(Asked::Integer(least, greatest)) => {
                let digits = greatest.to_string().len() - 2;
                let sign = if least < 0 { "-?" } else { "" };
                Some(format!("^(0|{sign}[1-9][0-9]{{0,{digits}}})$"))
            }
            Some(Asked::Bool) => Some("^(true|false)$".to_owned()),
            _ => None,
        };
        path.pop();
        if let Some(pattern) = pattern {
            schema["propertyNames"] = json!({"pattern": pattern});
        }
        schema
    }

    fn structure(
        &mut self,
        path: &mut Vec<Step>,
        message: Option<&str>,
        name: &'static str,
        fields: &'static [&'static str],
    ) -> Value {
        let described = message.filter(|message| self.comments.knows(message));
        let shape = Shape {
            name,
            message: described.map(str::to_owned),
            fields: (fields.iter().enumerate())
                .map(|(index, field)| {
                    path.push(Step::Field(index));
                    let asked = self.probed.asked(path);
                    path.pop();
                    (*field, asked)
                })
                .collect(),
        };
        if let Some((_, known)) = self.known.iter().find(|(known, _)| *known == shape) {
            return reference(known);
        }
        let key = self.free(message, name);
        self.known.push((shape, key.clone()));
        self.schemas.insert(key.clone(), Value::Null);
        let message = described.map(str::to_owned);

        let mut properties = Map::new();
        for (index, field) in fields.iter().enumerate() {
            let said = message.as_ref().and_then(|m| self.comments.field(m, field));
            let held = said.as_ref().and_then(|said| said.message.clone());
            let mut schema = self.within(path, Step::Field(index), held.as_deref());
            if let Some(text) = said.and_then(|said| said.text) {
                describe(&mut schema, text);
            }
            properties.insert((*field).to_owned(), schema);
        }
        // Where a struct of plain values is not read at all, nothing can be said of each field.
        let is_read = self.probed.optional(path, usize::MAX);
        let required: Vec<&str> = (fields.iter().enumerate())
            .filter(|(index, _)| is_read && !self.probed.optional(path, *index))
            .map(|(_, field)| *field)
            .collect();
        let mut schema = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if is_read && !self.probed.open(path) {
            schema["additionalProperties"] = json!(false);
        }
        if let Some(text) = message.and_then(|message| self.comments.message(&message)) {
            describe(&mut schema, text);
        }
        self.schemas.insert(key.clone(), schema);
        reference(&key)
    }

    /// An enum as serde writes it: a variant's name, or an object of the variant alone.
    fn choice(
        &mut self,
        path: &mut Vec<Step>,
        message: Option<&str>,
        variants: &'static [&'static str],
    ) -> Value {
        let mut names = Vec::new();
        let mut schemas = Vec::new();
        for (index, variant) in variants.iter().enumerate() {
            path.push(Step::Variant(index));
            if self.probed.asked(path) == Some(Asked::Unit) {
                names.push(*variant);
            } else {
                // What a oneof's variants hold is described by the message that has the oneof.
                let held = message.and_then(|m| self.comments.field(m, variant));
                let schema = self.at(path, held.and_then(|held| held.message).as_deref());
                schemas.push(json!({
                    "type": "object",
                    "properties": {*variant: schema},
                    "required": [variant],
                    "additionalProperties": false,
                }));
            }
            path.pop();
        }
        if !names.is_empty() {
            schemas.push(json!({"enum": names}));
        }
        match schemas.len() {
            1 => schemas.remove(0),
            _ => json!({"oneOf": schemas}),
        }
    }

    /// A name that no schema has: the one in protobuf, or the struct's own below the root's.
    fn free(&self, message: Option<&str>, name: &str) -> String {
        let root = self.root;
        let wanted = match message {
            Some(message) if self.known.is_empty() || self.comments.knows(message) => {
                message.to_owned()
            }
            _ if name.is_empty() => format!("{root}.Variant"),
            _ => format!("{root}.{name}"),
        };
        let numbered = (2..).map(|n| format!("{wanted}-{n}"));
        std::iter::once(wanted.clone())
            .chain(numbered)
            .find(|name| !self.schemas.contains_key(name))
            .unwrap_or(wanted)
    }
}

fn integer(least: i128, greatest: i128) -> Value {
    let format = match (least, greatest) {
        (_, greatest) if greatest <= i32::MAX.into() => "int32",
        _ => "int64",
    };
    let mut schema = json!({"type": "integer", "format": format});
    // JSON's numbers end there for serde, too.
    if let (Ok(least), Ok(greatest)) = (i64::try_from(least), u64::try_from(greatest)) {
        schema["minimum"] = json!(least);
        schema["maximum"] = json!(greatest);
    }
    schema
}

/// What is taken where serde takes whatever comes: each kind of value that it was seen to take.
fn any(probed: Probed, path: &[Step]) -> Value {
    const KINDS: [(Kind, &str); 7] = [
        (Kind::Null, "null"),
        (Kind::Bool, "boolean"),
        (Kind::Integer, "integer"),
        (Kind::Float, "number"),
        (Kind::Text, "string"),
        (Kind::Array, "array"),
        (Kind::Object, "object"),
    ];
    let mut taken: Vec<&str> = (KINDS.iter())
        .filter(|(kind, _)| probed.takes(path, *kind))
        .map(|(_, name)| *name)
        .collect();
    if taken.contains(&"number") {
        taken.retain(|kind| *kind != "integer");
    }
    match taken.len() {
        0 | 6 => json!({}),
        1 => json!({"type": taken[0]}),
        _ => json!({"type": taken}),
    }
}

/// The same schema, and null.
fn nullable(mut schema: Value) -> Value {
    match schema["type"].take() {
        Value::String(kind) => schema["type"] = json!([kind, "null"]),
        kinds @ Value::Array(_) => schema["type"] = kinds,
        _ => {
            let members = schema.as_object_mut().expect("a schema is an object");
            members.remove("type");
            if !members.is_empty() {
                schema = json!({"anyOf": [schema, {"type": "null"}]});
            }
        }
    }
    schema
}

/// Adds what a person says of it.
fn describe(schema: &mut Value, text: String) {
    schema["description"] = text.into();
}

#[cfg(test)]
mod tests;
