//! Compiles `.proto` files for [seldon](https://docs.rs/seldon) in a build script, without protoc.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), seldon_build::Error> {
//!     seldon_build::compile(["proto/iris.proto"])
//! }
//! ```
//!
//! and, where the messages are used, with the package's name:
//!
//! ```ignore
//! seldon::include_proto!("io.seldon.microservice.iris");
//! ```
//!
//! One type serves both transports: each message gets prost's derives, serde's, with the JSON
//! names that the protobuf language guide gives (camelCase) and unknown features refused, and
//! `seldon::Payload`, which makes it fit to be the `data` of a predictor. The descriptors of what is
//! compiled are written beside it, and into the program, for gRPC reflection.

//!
//! # In JSON
//!
//! Mostly as protobuf's own JSON mapping has it. What differs is marked by a star: numbers stay
//! numbers, and a field that is missing is an error and no zero, because a model would score it.
//!
//! | field | in JSON |
//! |---|---|
//! | `float`, `double` | a number; never NaN or an infinity * |
//! | `int32`, `uint32` and their like | a number |
//! | `int64`, `uint64` and their like | a number *; clients in JavaScript keep 53 bits of it |
//! | `bool`, `string` | `true`, `"text"` |
//! | `bytes` | an array of numbers from 0 to 255 * |
//! | an enumeration | its number * |
//! | a message | an object, or `null`; may be left out |
//! | `optional` | the same as without, or `null`; may be left out |
//! | `repeated` | an array; must be there, empty if need be * |
//! | `map` | an object, whose keys are texts whatever their type; must be there * |
//! | `oneof payment { string card = 7; }` | under its own name, `"payment":{"card":"…"}` *; may be left out |

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use prost::Message as _;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

/// What went wrong: a file that cannot be read, or a mistake in it with its place.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Compiles `protos` into `OUT_DIR`, one Rust file per protobuf package.
///
/// Imports are looked for in the folders of the files that are compiled; the well-known types of
/// protobuf need no file. Cargo runs the build script again when one of `protos` changes.
///
/// A message that holds a well-known type (`google.protobuf.Timestamp` and its like) has no JSON
/// form here: it is compiled, and is no `Payload`.
///
/// # Errors
///
/// If a file cannot be read or compiled, with its name, line and column.
pub fn compile<P: AsRef<Path>>(protos: impl IntoIterator<Item = P>) -> Result<(), Error> {
    let protos: Vec<PathBuf> = protos.into_iter().map(|p| p.as_ref().to_owned()).collect();
    for proto in &protos {
        println!("cargo::rerun-if-changed={}", proto.display());
    }
    let includes: BTreeSet<&Path> = protos.iter().map(|p| folder_of(p)).collect();
    let files = protox::compile(&protos, includes)?;

    let descriptors = write_descriptors(&protos, &files)?;

    let mut config = prost_build::Config::new();
    config
        .prost_path("::seldon::__private::prost")
        // Not in `__private`: prost-build takes the underscores off.
        .prost_types_path("::seldon::prost_types")
        .extern_path(".google.protobuf.Any", "::seldon::Any");
    for message in payloads(&files) {
        // Without a dot before it the name is matched from its end: with one, the messages nested
        // in this one would get its attributes, too.
        config.message_attribute(
            &message.name,
            payload_attributes(&message.name, &descriptors),
        );
        for oneof in &message.oneofs {
            config.type_attribute(format!("{}.{oneof}", message.name), SERDE);
        }
    }
    config.compile_fds(files)?;
    Ok(())
}

/// Writes what reflection shows of `files` beside the messages, and returns the file's name.
fn write_descriptors(protos: &[PathBuf], files: &FileDescriptorSet) -> Result<String, Error> {
    let first = protos.first().and_then(|proto| proto.file_stem());
    let name = format!("{}.fds", first.unwrap_or_default().display());
    // Cargo sets it for every build script.
    let folder = std::env::var_os("OUT_DIR").unwrap_or_default();
    std::fs::write(Path::new(&folder).join(&name), files.encode_to_vec())?;
    Ok(name)
}

/// The folder that holds `file`, in a form that is a valid include path.
fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Serde's derives, through the facade, with the JSON names of protobuf.
const SERDE: &str = "\
    #[derive(::seldon::__private::serde::Serialize, ::seldon::__private::serde::Deserialize)]\n\
    #[serde(crate = \"::seldon::__private::serde\", rename_all = \"camelCase\")]";

/// What turns a message into the `data` of a predictor.
fn payload_attributes(type_name: &str, descriptors: &str) -> String {
    format!(
        "{SERDE}\n#[serde(deny_unknown_fields)]\n\
         #[derive(::seldon::Payload)]\n#[seldon(type_name = \"{type_name}\", \
         descriptors = ::core::include_bytes!(::core::concat!(::core::env!(\"OUT_DIR\"), \"/{descriptors}\")))]"
    )
}

/// A message, as far as the choice of its attributes goes.
struct Message {
    /// Full name, without the leading dot.
    name: String,
    oneofs: Vec<String>,
    /// Full names of the messages that its fields hold, with the leading dot.
    holds: Vec<String>,
}

/// The messages that have a JSON form: those that hold, at any depth, only one another.
fn payloads(files: &FileDescriptorSet) -> Vec<Message> {
    let mut messages = Vec::new();
    for file in &files.file {
        if file.package() != "google.protobuf" {
            for message in &file.message_type {
                collect(file.package(), message, &mut messages);
            }
        }
    }
    loop {
        let known: BTreeSet<String> = messages.iter().map(|m| format!(".{}", m.name)).collect();
        let before = messages.len();
        messages.retain(|m| m.holds.iter().all(|held| known.contains(held)));
        if messages.len() == before {
            return messages;
        }
    }
}

/// Adds `message` and those nested in it. The entries of maps are no messages of their own: what
/// they hold is held by the message that has the map.
fn collect(scope: &str, message: &DescriptorProto, into: &mut Vec<Message>) {
    let name = if scope.is_empty() {
        message.name().to_owned()
    } else {
        format!("{scope}.{}", message.name())
    };
    let is_map = |m: &DescriptorProto| m.options.as_ref().is_some_and(|o| o.map_entry());
    let maps: Vec<&DescriptorProto> = message.nested_type.iter().filter(|m| is_map(m)).collect();
    let is_own_map = |held: &str| maps.iter().any(|m| held == format!(".{name}.{}", m.name()));
    let holds = (message.field.iter())
        .chain(maps.iter().flat_map(|m| &m.field))
        .filter(|field| field.r#type() == Type::Message)
        .map(|field| field.type_name().to_owned())
        .filter(|held| !is_own_map(held))
        .collect();
    // proto3's `optional` is a oneof of its own that prost does not show.
    let oneofs = (message.oneof_decl.iter().enumerate())
        .filter(|(index, _)| {
            (message.field.iter())
                .any(|f| f.oneof_index == Some(*index as i32) && !f.proto3_optional())
        })
        .map(|(_, oneof)| oneof.name().to_owned())
        .collect();
    for nested in message.nested_type.iter().filter(|m| !is_map(m)) {
        collect(&name, nested, into);
    }
    into.push(Message {
        name,
        oneofs,
        holds,
    });
}
