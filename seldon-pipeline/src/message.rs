//! The message of a pipeline's features: its `.proto`, its descriptor, and how it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bytes::Buf;
use prost::Message as _;
use prost::encoding::{self, DecodeContext, WireType};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    OneofDescriptorProto,
};
use seldon_runtime::{Code, Error, Result, Violation};

use crate::columns::{Kind, quoted};
use crate::inputs::{Inputs, MOST_TEXT};
use crate::spec::{self, Feature, Float};
use crate::value::{Row, Value};

/// The message: a field for each feature.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    name: String,
    numbers: Float,
    optional: bool,
    fields: Vec<Field>,
    /// The feature of each field's number.
    places: BTreeMap<u32, usize>,
}

#[derive(Debug, Clone)]
struct Field {
    name: String,
    number: u32,
    kind: Kind,
}

/// Numbers that protobuf keeps for itself.
const RESERVED: std::ops::RangeInclusive<u32> = 19_000..=19_999;
const MOST_NUMBER: u32 = (1 << 29) - 1;

/// The package of messages that are not named.
const PACKAGE: &str = "io.seldon.pipeline";

impl Message {
    /// The message of `features`: as `said`, else one named after the `pipeline`.
    ///
    /// A field's number is what its feature says, or the next one in order.
    pub(crate) fn new(
        pipeline: &str,
        features: &[Feature],
        said: Option<&spec::Message>,
    ) -> Result<Self> {
        let name = match said {
            Some(said) => said.name.clone(),
            None => format!("{PACKAGE}.{}", pascal(pipeline)),
        };
        if !is_full_name(&name) || name.len() > 512 {
            return Err(Error::setup(format!(
                "`message.name` must be the full name of a message, such as `shop.Customer`, got {}",
                quoted(&name)
            )));
        }
        let (mut fields, mut places) = (Vec::with_capacity(features.len()), BTreeMap::new());
        let (mut names, mut next) = (BTreeSet::new(), 1);
        for (at, feature) in features.iter().enumerate() {
            if RESERVED.contains(&next) {
                next = RESERVED.end() + 1;
            }
            let number = feature.number.unwrap_or(next);
            if number == 0 || number > MOST_NUMBER || RESERVED.contains(&number) {
                return Err(Error::setup(format!(
                    "{} has the field number {number}, which protobuf does not have",
                    quoted(&feature.name)
                )));
            }
            if places.insert(number, at).is_some() {
                return Err(Error::setup(format!(
                    "{} has the field number {number}, as another feature has",
                    quoted(&feature.name)
                )));
            }
            let mut name = identifier(&feature.name);
            if !names.insert(name.clone()) {
                name = format!("{name}_{number}");
                while !names.insert(name.clone()) {
                    name.push('_');
                }
            }
            fields.push(Field {
                name,
                number,
                kind: feature.kind,
            });
            next = number + 1;
        }
        Ok(Self {
            name,
            numbers: said.map_or(Float::default(), |said| said.numbers),
            optional: said.is_none_or(|said| said.optional),
            fields,
            places,
        })
    }

    /// Its full name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn split_name(&self) -> (&str, &str) {
        self.name.rsplit_once('.').unwrap_or(("", &self.name))
    }

    /// The `.proto` file that declares it.
    pub(crate) fn proto(&self, inputs: &Inputs, about: &str) -> String {
        let (package, name) = self.split_name();
        let mut text = String::from("syntax = \"proto3\";\n\n");
        if !package.is_empty() {
            let _ = writeln!(text, "package {package};\n");
        }
        for line in about.lines() {
            let _ = writeln!(text, "// {line}");
        }
        let _ = writeln!(text, "message {name} {{");
        for (field, input) in self.fields.iter().zip(inputs.all()) {
            // What is not the name as it is says which feature it is.
            if let Some(about) = input.about() {
                for line in about.lines() {
                    let _ = writeln!(text, "  // {line}");
                }
            } else if field.name != input.name {
                let _ = writeln!(text, "  // {}", input.name.escape_debug());
            }
            let kind = match self.kind(field) {
                Type::Float => "float",
                Type::Double => "double",
                Type::String => "string",
                _ => "bool",
            };
            let optional = if self.optional { "optional " } else { "" };
            let (name, number) = (&field.name, field.number);
            let _ = writeln!(text, "  {optional}{kind} {name} = {number};");
        }
        text.push_str("}\n");
        text
    }

    /// The encoded `FileDescriptorSet` of that file.
    pub(crate) fn descriptors(&self) -> Vec<u8> {
        let (package, name) = self.split_name();
        let field = |(at, field): (usize, &Field)| FieldDescriptorProto {
            name: Some(field.name.clone()),
            number: i32::try_from(field.number).ok(),
            label: Some(Label::Optional.into()),
            r#type: Some(self.kind(field).into()),
            json_name: Some(field.name.clone()),
            proto3_optional: self.optional.then_some(true),
            oneof_index: (self.optional).then(|| i32::try_from(at).ok()).flatten(),
            ..FieldDescriptorProto::default()
        };
        // What is `optional` is alone in a oneof, by protobuf's rule.
        let oneof = |field: &Field| OneofDescriptorProto {
            name: Some(format!("_{}", field.name)),
            options: None,
        };
        let message = DescriptorProto {
            name: Some(name.to_owned()),
            field: self.fields.iter().enumerate().map(field).collect(),
            oneof_decl: match self.optional {
                true => self.fields.iter().map(oneof).collect(),
                false => Vec::new(),
            },
            ..DescriptorProto::default()
        };
        let file = FileDescriptorProto {
            name: Some(format!("{}.proto", self.name.replace('.', "/"))),
            package: (!package.is_empty()).then(|| package.to_owned()),
            message_type: vec![message],
            syntax: Some("proto3".to_owned()),
            ..FileDescriptorProto::default()
        };
        FileDescriptorSet { file: vec![file] }.encode_to_vec()
    }

    fn kind(&self, field: &Field) -> Type {
        match (field.kind, self.numbers) {
            (Kind::Number, Float::Double) => Type::Double,
            (Kind::Number, Float::Float) => Type::Float,
            (Kind::Text, _) => Type::String,
            (Kind::Flag, _) => Type::Bool,
        }
    }

    /// Reads the features in `bytes`.
    ///
    /// # Errors
    ///
    /// If they do not decode; else with each feature that is missing or no finite number.
    pub(crate) fn read(&self, mut bytes: impl Buf, inputs: &Inputs) -> Result<Row> {
        let undecodable = |e: prost::DecodeError| {
            let detail = format!("`data` is no valid `{}`: {e}", self.name);
            Error::new(Code::InvalidMessage, detail)
        };
        let mut row = Row::missing(self.fields.len());
        while bytes.has_remaining() {
            let (number, wire) = encoding::decode_key(&mut bytes).map_err(undecodable)?;
            let context = DecodeContext::default();
            match self.places.get(&number) {
                None => encoding::skip_field(wire, number, &mut bytes, context),
                Some(at) => self
                    .value(&self.fields[*at], wire, &mut bytes, context)
                    .map(|value| row.set(*at, value)),
            }
            .map_err(undecodable)?;
        }
        self.check(row, inputs)
    }

    fn value(
        &self,
        field: &Field,
        wire: WireType,
        bytes: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<Value, prost::DecodeError> {
        match self.kind(field) {
            Type::Float => {
                let mut number = 0.0;
                encoding::float::merge(wire, &mut number, bytes, context)?;
                Ok(Value::Number(number.into()))
            }
            Type::Double => {
                let mut number = 0.0;
                encoding::double::merge(wire, &mut number, bytes, context)?;
                Ok(Value::Number(number))
            }
            Type::String => {
                let mut text = String::new();
                encoding::string::merge(wire, &mut text, bytes, context)?;
                Ok(Value::Text(text))
            }
            _ => {
                let mut flag = false;
                encoding::bool::merge(wire, &mut flag, bytes, context)?;
                Ok(Value::Flag(flag))
            }
        }
    }

    fn check(&self, mut row: Row, inputs: &Inputs) -> Result<Row> {
        let mut wrong = Vec::new();
        for (at, (field, input)) in self.fields.iter().zip(inputs.all()).enumerate() {
            let mut report = |detail: String| {
                wrong.push(Violation::new(format!("/{}", field.name), detail));
            };
            match row.get(at) {
                // Not sent: what the language guide says that then is read.
                None if !self.optional => row.set(
                    at,
                    match field.kind {
                        Kind::Number => Value::Number(0.0),
                        Kind::Text => Value::Text(String::new()),
                        Kind::Flag => Value::Flag(false),
                    },
                ),
                None if !input.may_be_missing() => report("is missing".to_owned()),
                Some(Value::Number(number)) if number.is_nan() && input.may_be_missing() => {
                    row.set(at, None);
                }
                Some(Value::Number(number)) if !number.is_finite() => {
                    report("must be a finite number".to_owned());
                }
                Some(Value::Text(text)) if text.len() > MOST_TEXT => {
                    report(format!("is longer than {MOST_TEXT} bytes"));
                }
                _ => {}
            }
        }
        match Error::from_violations(Code::InvalidFeature, wrong) {
            None => Ok(row),
            Some(error) => Err(error),
        }
    }
}

/// `my-model` as `MyModel`.
fn pascal(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let mut all = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at(1);
        all.push_str(&first.to_ascii_uppercase());
        all.push_str(rest);
    }
    match all.as_bytes().first() {
        Some(first) if first.is_ascii_alphabetic() => all,
        _ => format!("Pipeline{all}"),
    }
}

/// A feature's name as that of a field.
fn identifier(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let plain: String = name.chars().map(plain).collect();
    match plain.as_bytes().first() {
        Some(first) if !first.is_ascii_digit() => plain,
        _ => format!("f_{plain}"),
    }
}

fn is_full_name(name: &str) -> bool {
    name.split('.').all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}
