//! What a folder without a manifest holds.

use std::fs;
use std::io;
use std::path::Path;

use super::manifest::{self, is_plain};
use crate::error::{Error, Result, echo};

/// A file of a folder without a manifest, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// What changes with its contents: the time of its last change, or an entity tag.
    pub(super) version: String,
}

/// The files right in the folder `path`, or the single file there, by their names.
pub(super) fn of(path: &Path) -> Result<Vec<Listed>> {
    let shown = path.display();
    let cannot = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => Error::setup(format!("there is no model at {shown}")),
        _ => Error::setup(format!("cannot read {shown}")).with_cause(e),
    };
    let what = fs::metadata(path).map_err(cannot)?;
    if what.is_file() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        return Ok(vec![listed(&name, &what)]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| is_plain(name)) else {
            let name = name.to_string_lossy();
            return Err(Error::setup(format!(
                "{shown} cannot be served: `{}` is no plain file name",
                echo(&name)
            )));
        };
        // Other programs' own, and what is still being copied by `rsync`.
        if name.starts_with('.') {
            continue;
        }
        let what = entry.metadata().map_err(cannot)?;
        if what.is_dir() {
            continue;
        }
        if files.len() == manifest::MOST_FILES {
            return Err(Error::setup(format!(
                "{shown} holds over {} files, which is no model",
                manifest::MOST_FILES
            )));
        }
        files.push(listed(name, &what));
    }
    if files.is_empty() {
        return Err(Error::setup(format!("{shown} holds no file")));
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn listed(name: &str, what: &fs::Metadata) -> Listed {
    Listed {
        name: name.to_owned(),
        bytes: what.len(),
        version: format!("{:?}", what.modified().ok()),
    }
}
