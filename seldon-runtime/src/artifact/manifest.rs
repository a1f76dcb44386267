//! What a model folder says of itself: `manifest.json`.

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::disk;
use crate::error::{Error, Result, echo};

/// The manifest's name in the folder.
pub(super) const FILE: &str = "manifest.json";

/// The longest manifest that is read, in bytes: some hundred times what a large model needs.
pub(super) const MOST_BYTES: u64 = 1 << 20;

/// The most files that a folder lists. A loader holds all of them open, and 1,024 open files are
/// what a process is commonly allowed.
pub(super) const MOST_FILES: usize = 256;

/// The version of the manifest's own form.
const FORMAT: u32 = 1;

/// The version of the form in which a kind of file is written. All kinds are at their first.
const SCHEMA: u32 = 1;

/// The files of a model and whose model it is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    pub(super) service: String,
    pub(super) files: Vec<Entry>,
}

/// One file, which holds one field.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) field: String,
    pub(super) file: String,
    /// What the file holds: `msgpack`, `json`, or a kind of the field's own.
    pub(super) kind: String,
    schema: u32,
    pub(super) bytes: u64,
    /// In hexadecimal.
    pub(super) sha256: String,
}

/// What every format has in common. It is read first, because a later format may have nothing
/// else of this one.
#[derive(Deserialize)]
struct Version {
    format: u64,
}

/// What marks a manifest as ours, whatever its format.
#[derive(Deserialize)]
#[expect(dead_code, reason = "that they are there is all")]
struct Marks {
    format: u64,
    service: String,
    files: Vec<serde_json::Value>,
}

impl Manifest {
    pub(super) fn new(service: &str) -> Self {
        Self {
            format: FORMAT,
            service: service.to_owned(),
            files: Vec::new(),
        }
    }

    /// The manifest that `bytes`, which are called `path`, hold.
    pub(super) fn parse(bytes: &[u8], path: &str) -> Result<Self> {
        let no_manifest = |cause| {
            Error::setup(format!("{path} is no manifest of a model folder")).with_cause(cause)
        };
        let Version { format } = serde_json::from_slice(bytes).map_err(no_manifest)?;
        if format != u64::from(FORMAT) {
            return Err(Error::setup(format!(
                "{path} is of format {format}, and this program reads format {FORMAT}: it was saved by another version of seldon"
            )));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(no_manifest)?;
        manifest
            .check()
            .map_err(|wrong| Error::setup(format!("{path} is refused: {wrong}")))?;
        Ok(manifest)
    }

    /// Whether `bytes` are another program's `manifest.json`: an object without our marks. What is
    /// no JSON may be ours, and damaged.
    pub(super) fn is_anothers(bytes: &[u8]) -> bool {
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes)
            .is_ok_and(|object| !object.contains_key("format"))
    }

    /// Whether `bytes` are a manifest of this or another format.
    pub(super) fn is_ours(bytes: &[u8]) -> bool {
        serde_json::from_slice::<Marks>(bytes).is_ok()
    }

    /// Whether `folder` has a manifest of this or another format, its files damaged or not.
    pub(super) fn is_in(folder: &Path) -> bool {
        let mut bytes = Vec::new();
        disk::open_regular(&folder.join(FILE))
            .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
            .is_ok_and(|_| Self::is_ours(&bytes))
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    pub(super) fn entry(&self, field: &str) -> Option<&Entry> {
        self.files.iter().find(|entry| entry.field == field)
    }

    /// The manifest is input: nothing in it is used before this.
    fn check(&self) -> Result<(), String> {
        if self.files.len() > MOST_FILES {
            return Err(format!(
                "it lists {} files, and {MOST_FILES} are the most",
                self.files.len()
            ));
        }
        let mut fields = HashSet::new();
        for entry in &self.files {
            let (field, file) = (echo(&entry.field), echo(&entry.file));
            if !is_plain(&entry.file) {
                return Err(format!("`{file}` is no plain file name"));
            }
            if !fields.insert(&entry.field) {
                return Err(format!("it lists the field `{field}` twice"));
            }
            if entry.schema != SCHEMA {
                return Err(format!(
                    "`{file}` has schema version {}, and this program reads version {SCHEMA}",
                    entry.schema
                ));
            }
        }
        Ok(())
    }
}

impl Entry {
    /// The entry for a file of `bytes`.
    pub(super) fn new(field: &str, kind: &str, bytes: &[u8]) -> Self {
        Self {
            field: field.to_owned(),
            file: file_name(field, kind),
            kind: kind.to_owned(),
            schema: SCHEMA,
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        }
    }
}

/// Whether `name` is the name of a file in this very folder, on any system.
pub(super) fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!(components.next(), Some(Component::Normal(_)))
        && components.next().is_none()
        && !name.contains(['/', '\\', ':'])
        && !name.contains(char::is_control)
}

/// Where a field is kept: its name, with its kind as the suffix.
fn file_name(field: &str, kind: &str) -> String {
    let name = format!("{field}.{kind}");
    if name.eq_ignore_ascii_case(FILE) {
        // A field called `manifest` that is kept as JSON. No field's name has a dash.
        return format!("{field}-field.{kind}");
    }
    name
}

/// The SHA-256 of `bytes`, in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// The length of `file` from here to its end, and the SHA-256 of that.
pub(super) fn sha256_of(mut file: impl Read) -> io::Result<(u64, String)> {
    let (mut length, mut digest) = (0, Sha256::new());
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((length, hexadecimal(&digest.finalize()))),
            n => {
                digest.update(&buffer[..n]);
                length += n as u64;
            }
        }
    }
}

/// `bytes` in hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
