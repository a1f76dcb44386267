//! What the author of a `.proto` says of its messages and fields, from their descriptors.

use std::collections::BTreeMap;

use prost::Message as _;
use prost_types::field_descriptor_proto::Type;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet,
};

/// The comments, by the full names of messages.
#[derive(Default)]
pub(super) struct Comments(BTreeMap<String, Message>);

struct Message {
    text: Option<String>,
    /// By their names in JSON.
    fields: BTreeMap<String, Field>,
}

/// What is known of a field.
#[derive(Clone)]
pub(super) struct Field {
    /// What its author says of it, and the names of an enumeration's numbers.
    pub(super) text: Option<String>,
    /// The message that it holds, or that its map's values are; for a oneof, the message that has
    /// it, whose fields its variants are.
    pub(super) message: Option<String>,
}

impl Comments {
    /// Those in an encoded `FileDescriptorSet`; none where it is empty or damaged.
    pub(super) fn read(descriptors: &[u8]) -> Self {
        let mut comments = Self::default();
        let files = FileDescriptorSet::decode(descriptors).unwrap_or_default();
        let enums = Enums::of(&files);
        for file in &files.file {
            let said = Said::of(file);
            for (index, message) in file.message_type.iter().enumerate() {
                let path = vec![FILE_MESSAGE, at(index)];
                comments.add(file.package(), message, &path, &said, &enums);
            }
        }
        comments
    }

    fn add(
        &mut self,
        scope: &str,
        message: &DescriptorProto,
        path: &[i32],
        said: &Said<'_>,
        enums: &Enums<'_>,
    ) {
        let name = full(scope, message.name());
        for (index, nested) in message.nested_type.iter().enumerate() {
            let path = [path, &[MESSAGE_MESSAGE, at(index)]].concat();
            self.add(&name, nested, &path, said, enums);
        }
        let mut fields = BTreeMap::new();
        for (index, field) in message.field.iter().enumerate() {
            let comment = said.at(&[path, &[MESSAGE_FIELD, at(index)]].concat());
            let known = Field {
                text: join(comment, enums.values(field)),
                message: held(message, field),
            };
            fields.insert(field.json_name().to_owned(), known);
        }
        for (index, oneof) in message.oneof_decl.iter().enumerate() {
            let known = Field {
                text: said.at(&[path, &[MESSAGE_ONEOF, at(index)]].concat()),
                message: Some(name.clone()),
            };
            fields.entry(json_name(oneof.name())).or_insert(known);
        }
        let text = said.at(path);
        self.0.insert(name, Message { text, fields });
    }

    /// Whether there is a message of that name.
    pub(super) fn knows(&self, message: &str) -> bool {
        self.0.contains_key(message)
    }

    /// What is said of a message.
    pub(super) fn message(&self, message: &str) -> Option<String> {
        self.0.get(message)?.text.clone()
    }

    /// What is known of a message's field, by its name in JSON.
    pub(super) fn field(&self, message: &str, field: &str) -> Option<Field> {
        self.0.get(message)?.fields.get(field).cloned()
    }
}

// The numbers of the fields of `FileDescriptorProto` and `DescriptorProto`, of which the paths of
// comments are made.
const FILE_MESSAGE: i32 = 4;
const MESSAGE_FIELD: i32 = 2;
const MESSAGE_MESSAGE: i32 = 3;
const MESSAGE_ONEOF: i32 = 8;

fn at(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

fn full(scope: &str, name: &str) -> String {
    match scope {
        "" => name.to_owned(),
        scope => format!("{scope}.{name}"),
    }
}

/// The message that `field` of `message` holds, directly or as a map's values.
fn held(message: &DescriptorProto, field: &FieldDescriptorProto) -> Option<String> {
    let local = field.type_name().rsplit('.').next();
    let is_map = |m: &&DescriptorProto| m.options.as_ref().is_some_and(|o| o.map_entry());
    let entry = (message.nested_type.iter().filter(is_map)).find(|m| Some(m.name()) == local);
    let field = match entry {
        Some(entry) => entry.field.iter().find(|f| f.number() == 2)?,
        None => field,
    };
    (field.r#type() == Type::Message).then(|| field.type_name().trim_start_matches('.').to_owned())
}

/// `card_number` as `cardNumber`.
fn json_name(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut all, word| {
        let mut letters = word.chars();
        all.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        all.extend(letters);
        all
    })
}

/// The comments of one file, by the place in it.
struct Said<'a>(BTreeMap<&'a [i32], &'a str>);

impl<'a> Said<'a> {
    fn of(file: &'a FileDescriptorProto) -> Self {
        let places = file.source_code_info.iter().flat_map(|info| &info.location);
        let comments = places.filter_map(|place| {
            let text = [place.leading_comments(), place.trailing_comments()];
            let text = text.into_iter().find(|text| !text.trim().is_empty())?;
            Some((&*place.path, text))
        });
        Self(comments.collect())
    }

    fn at(&self, path: &[i32]) -> Option<String> {
        let lines = self.0.get(path)?.lines().map(str::trim);
        Some(lines.collect::<Vec<_>>().join("\n").trim().to_owned())
    }
}

/// The enumerations, by full name.
struct Enums<'a>(BTreeMap<String, &'a EnumDescriptorProto>);

impl<'a> Enums<'a> {
    fn of(files: &'a FileDescriptorSet) -> Self {
        let mut enums = Self(BTreeMap::new());
        for file in &files.file {
            enums.add(file.package(), &file.enum_type, &file.message_type);
        }
        enums
    }

    fn add(
        &mut self,
        scope: &str,
        own: &'a [EnumDescriptorProto],
        messages: &'a [DescriptorProto],
    ) {
        let named = own.iter().map(|e| (full(scope, e.name()), e));
        self.0.extend(named);
        for message in messages {
            let scope = full(scope, message.name());
            self.add(&scope, &message.enum_type, &message.nested_type);
        }
    }

    /// The names of the numbers that `field` takes, if it is an enumeration.
    fn values(&self, field: &FieldDescriptorProto) -> Option<String> {
        if field.r#type() != Type::Enum {
            return None;
        }
        let values = &self.0.get(field.type_name().trim_start_matches('.'))?.value;
        let named = |v: &prost_types::EnumValueDescriptorProto| {
            let (number, name) = (v.number(), v.name());
            format!("{number} is {name}")
        };
        Some(values.iter().map(named).collect::<Vec<_>>().join(", "))
    }
}

fn join(comment: Option<String>, values: Option<String>) -> Option<String> {
    match (comment, values) {
        (Some(comment), Some(values)) => Some(format!("{comment}\n{values}.")),
        (None, Some(values)) => Some(format!("{values}.")),
        (comment, None) => comment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTO: &str = r#"
        syntax = "proto3";
        package test;
        // What one customer buys.
        message Order {
          // A thing, and how many of it.
          message Line {
            // What the shelf says.
            string product_name = 1;
          }
          enum Channel { WEB = 0; SHOP = 1; }
          repeated Line lines = 1; // In the order of the receipt.
          // Where it was bought.
          Channel sold_at = 2;
          map<int64, Line> by_id = 3;
          // How it is paid.
          oneof paid_by {
            // The number.
            string card = 4;
          }
        }
    "#;

    fn comments() -> Comments {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("order.proto");
        std::fs::write(&file, PROTO).expect("it is written");
        let files = protox::compile([&file], [folder.path()]).expect("it compiles");
        Comments::read(&files.encode_to_vec())
    }

    fn text(message: &str, field: &str) -> Option<String> {
        comments().field(message, field)?.text
    }

    #[test]
    fn messages_and_fields_have_their_authors_words() {
        let comments = comments();
        let of = |message| comments.message(message);
        assert_eq!(of("test.Order").as_deref(), Some("What one customer buys."));
        assert_eq!(
            of("test.Order.Line").as_deref(),
            Some("A thing, and how many of it.")
        );
        assert_eq!(
            text("test.Order.Line", "productName").as_deref(),
            Some("What the shelf says.")
        );
        assert_eq!(
            text("test.Order", "lines").as_deref(),
            Some("In the order of the receipt.")
        );
        assert_eq!(
            text("test.Order", "paidBy").as_deref(),
            Some("How it is paid.")
        );
        assert_eq!(text("test.Order", "byId"), None);
    }

    #[test]
    fn the_numbers_of_an_enumeration_have_their_names() {
        assert_eq!(
            text("test.Order", "soldAt").as_deref(),
            Some("Where it was bought.\n0 is WEB, 1 is SHOP.")
        );
    }

    #[test]
    fn what_a_field_holds_is_known() {
        let held = |field| comments().field("test.Order", field)?.message;
        assert_eq!(held("lines").as_deref(), Some("test.Order.Line"));
        assert_eq!(held("byId").as_deref(), Some("test.Order.Line"));
        assert_eq!(held("paidBy").as_deref(), Some("test.Order"));
        assert_eq!(held("card"), None);
    }

    #[test]
    fn damaged_descriptors_have_none() {
        assert!(!Comments::read(&[1, 2, 3]).knows("test.Order"));
    }
}
