//! A model folder that is being written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::disk;
use super::files::{absolute, aside};
use super::folder::reason;
use super::location::Place;
use super::manifest::{self, Entry, Manifest, is_plain};
use super::remote::Upload;
use super::{Location, Storage};
use crate::error::{Error, Result};

/// A model folder that is being written, beside the one that it will replace, or, if that is
/// elsewhere, in a private folder of this machine.
///
/// A crash at any moment leaves the old model or the new one at the target. It may also leave a
/// hidden folder beside it, `.NAME.….draft`, which nothing reads and anyone may delete.
#[derive(Debug)]
pub struct Draft {
    /// Where the draft is; once it is committed, where the old model is, if anything.
    place: PathBuf,
    target: Target,
    manifest: Manifest,
}

#[derive(Debug)]
enum Target {
    Path(PathBuf),
    Remote(Box<Upload>),
}

impl Draft {
    /// A draft of the folder `location`, for the service `name`.
    pub(super) fn new(location: &Location, name: &str, storage: &Storage) -> Result<Self> {
        let (place, target) = match location.place() {
            Place::Path(path) => Self::beside(path)?,
            Place::Remote(remote) => {
                let upload = Upload::new(remote, storage)?;
                (upload.stage().to_owned(), Target::Remote(Box::new(upload)))
            }
        };
        Ok(Self {
            place,
            target,
            manifest: Manifest::new(name),
        })
    }

    fn beside(path: &Path) -> Result<(PathBuf, Target)> {
        // Through a link to the folder it leads to: that one is replaced, and the link stays.
        let target = match path.canonicalize() {
            Ok(target) => target,
            Err(_) => absolute(path)?,
        };
        must_be_replaceable(&target)?;
        let (Some(parent), Some(file_name)) = (target.parent(), target.file_name()) else {
            return Err(Error::setup(format!(
                "a model cannot be saved as {}",
                target.display()
            )));
        };
        // Hidden, and of a name that no other saver has.
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(file_name);
        hidden.push(format!(".{}.draft", uuid::Uuid::new_v4().simple()));
        let place = parent.join(hidden);
        fs::create_dir_all(parent)
            .and_then(|()| fs::create_dir(&place))
            .map_err(|e| cannot_write(&place, e))?;
        Ok((place, Target::Path(target)))
    }

    /// Writes the field `name`, which is kept as `kind`.
    pub(super) fn write(&mut self, name: &str, kind: &str, bytes: Result<Vec<u8>>) -> Result<()> {
        let bytes = bytes.map_err(|error| {
            Error::setup(format!(
                "the field `{name}` cannot be saved as {kind}: {}",
                reason(&error)
            ))
        })?;
        let mut entry = Entry::new(name, kind, &bytes);
        if let Target::Remote(_) = self.target {
            entry.file = Upload::file_name(&entry.file, &entry.sha256);
        }
        if !is_plain(&entry.file) {
            return Err(Error::setup(format!(
                "the field `{name}` cannot be saved as {kind}: `{}` is no plain file name",
                entry.file
            )));
        }
        if self.manifest.entry(name).is_some() {
            return Err(Error::setup(format!("the field `{name}` is saved twice")));
        }
        if self.manifest.files.len() == manifest::MOST_FILES {
            return Err(Error::setup(format!(
                "a model cannot have over {} fields",
                manifest::MOST_FILES
            )));
        }
        self.write_file(&entry.file, &bytes)?;
        self.manifest.files.push(entry);
        Ok(())
    }

    /// Puts the folder where it belongs.
    pub(super) fn commit(self) -> Result<()> {
        let bytes = self.manifest.to_bytes()?;
        self.write_file(manifest::FILE, &bytes)?;
        let target = match &self.target {
            Target::Path(target) => target,
            Target::Remote(upload) => return upload.send(&self.manifest),
        };
        disk::sync_folder(&self.place).map_err(|e| cannot_write(&self.place, e))?;
        // Once more: writing may have taken long.
        must_be_replaceable(target)?;
        let parent = target.parent().unwrap_or(target);
        disk::put(&self.place, target, &aside(target))
            .and_then(|()| disk::sync_folder(parent))
            .map_err(|e| cannot_write(target, e))
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.place.join(name);
        // Not by `tempfile`, whose files only their owner may read.
        let write = || -> io::Result<()> {
            let mut file = File::create_new(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|e| cannot_write(&path, e))
    }
}

/// An unfinished draft goes, and so does the model that a finished one has replaced.
impl Drop for Draft {
    fn drop(&mut self) {
        // What is left is litter and no harm.
        let _ = fs::remove_dir_all(&self.place);
    }
}

fn cannot_write(path: &Path, cause: io::Error) -> Error {
    Error::setup(format!("cannot write {}", path.display())).with_cause(cause)
}

/// Whether what is at `target` may be deleted: a model folder, an empty folder, or nothing.
///
/// A mistyped path must not cost anyone a folder of something else, so the manifest is looked
/// into: other programs have a `manifest.json` too.
fn must_be_replaceable(target: &Path) -> Result<()> {
    let refused = |why: &str| {
        Err(Error::setup(format!(
            "{} is not replaced by the model: {why}",
            target.display()
        )))
    };
    let mut entries = match fs::read_dir(target) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return match fs::symlink_metadata(target) {
                Ok(_) => refused("it is a link that leads nowhere"),
                Err(_) => Ok(()),
            };
        }
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => return refused("it is no folder"),
        Err(e) => return Err(cannot_write(target, e)),
    };
    if entries.next().is_none() || Manifest::is_in(target) {
        return Ok(());
    }
    refused("it holds something else than a model; delete it first, or save elsewhere")
}
