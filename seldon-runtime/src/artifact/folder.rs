//! A model folder, to read.

use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::disk;
use super::manifest::{self, Entry, Manifest};
use crate::error::{Code, Error, Result, echo};
use crate::observe::Origin;

/// A model folder whose manifest has been read and whose files are open.
///
/// It stays the model that it was when it was opened: a folder that is replaced meanwhile, by
/// [`Artifact::save`](super::Artifact::save), is read to its end. All that is read from it is
/// checked: the files' lengths when it is opened, each one's SHA-256 when its field is read.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    manifest: Manifest,
    digest: Arc<str>,
    opened: Instant,
    /// The files of the manifest, in its order. Locked, because a file has one position.
    files: Vec<Mutex<File>>,
}

impl Folder {
    /// How often a folder may be replaced while it is being opened.
    const TRIES: usize = 100;

    /// Opens the folder at `path`.
    ///
    /// Files that the manifest does not list are ignored. Where there is no folder, because a save
    /// was interrupted on a system that cannot replace a folder in one step, the old model is
    /// opened where that save has left it.
    ///
    /// # Errors
    ///
    /// If there is none; if its manifest is missing, damaged or of another format; if a file that
    /// the manifest lists is missing, is no regular file, or has another length. One sentence says
    /// which file fails which check.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let opened = Instant::now();
        let path = absolute(path.as_ref())?;
        for _ in 0..Self::TRIES {
            let place = place(&path);
            let manifest = manifest_bytes(&place);
            let before = manifest.as_ref().ok().cloned();
            let folder = manifest.and_then(|bytes| Self::open_files(&place, &bytes, opened));
            // The same manifest before and after: all files are of one model, or damaged.
            let after = manifest_bytes(&place).ok();
            if before == after && place == self::place(&path) {
                return folder;
            }
        }
        Err(Error::setup(format!(
            "{} is replaced so often that it cannot be read",
            path.display()
        )))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the service whose model it holds.
    pub fn service(&self) -> &str {
        &self.manifest.service
    }

    /// The SHA-256 of the manifest, in hexadecimal. The manifest has that of each file, so that
    /// two folders of one digest hold the same model.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Which model it is, and how long ago it was opened.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            digest: Arc::clone(&self.digest),
            took: self.opened.elapsed(),
        }
    }

    /// Checks that the model is one of the service `name`.
    pub(super) fn must_be_of(&self, name: &str) -> Result<()> {
        if self.service() == name {
            return Ok(());
        }
        Err(Error::setup(format!(
            "{} holds a model of the service `{}`, not of `{name}`",
            self.path.display(),
            echo(self.service())
        )))
    }

    /// The value of the field `name`, which is kept as `kind`.
    pub(super) fn read<T>(
        &self,
        name: &str,
        kind: &str,
        from_bytes: fn(&[u8]) -> Result<T>,
    ) -> Result<T> {
        let Some(index) = self.manifest.files.iter().position(|e| e.field == name) else {
            return absent(kind, from_bytes).ok_or_else(|| {
                Error::setup(format!(
                    "{} holds no field `{name}`: it was saved by another version of the program",
                    self.path.display()
                ))
            });
        };
        let entry = &self.manifest.files[index];
        let path = self.path.join(&entry.file);
        let path = path.display();
        if entry.kind != kind {
            return Err(Error::setup(format!(
                "{path} holds the field `{name}` as {}, and the program keeps it as {kind}",
                echo(&entry.kind)
            )));
        }
        let bytes = read_file(&self.files[index], entry)
            .map_err(|e| Error::setup(format!("cannot read {path}")).with_cause(e))?;
        if !entry.is_of(&bytes) {
            return Err(Error::setup(format!(
                "{path} was altered or damaged: its SHA-256 is not the one in the manifest"
            )));
        }
        from_bytes(&bytes).map_err(|error| {
            Error::setup(format!(
                "{path} holds no value of the field `{name}`: {}",
                reason(&error)
            ))
        })
    }

    /// Opens the files that the manifest, `bytes`, lists.
    fn open_files(path: &Path, bytes: &[u8], opened: Instant) -> Result<Self> {
        let manifest = Manifest::parse(bytes, &path.join(manifest::FILE))?;
        let open = |entry| open_file(path, entry).map(Mutex::new);
        let files = manifest.files.iter().map(open).collect::<Result<_>>()?;
        Ok(Self {
            path: path.to_owned(),
            manifest,
            digest: manifest::digest(bytes).into(),
            opened,
            files,
        })
    }
}

/// What led to `error`, in words: `?` on serde's errors says no more than that the model failed.
pub(super) fn reason(error: &Error) -> String {
    match error.cause() {
        Some(cause) if error.code() == Code::ModelFailed => cause.to_string(),
        _ => error.to_string(),
    }
}

/// `path` from the root of the file system, for sentences and because a bare name has no parent.
pub(super) fn absolute(path: &Path) -> Result<PathBuf> {
    let wrong = |e| Error::setup(format!("`{}` is no path", path.display())).with_cause(e);
    std::path::absolute(path).map_err(wrong)
}

/// Where a save without an exchange of names puts the old folder while there is no new one.
pub(super) fn aside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.previous"))
}

/// Where the model of `path` is: there, or where an interrupted save has left it.
fn place(path: &Path) -> PathBuf {
    let aside = aside(path);
    if !path.exists() && aside.exists() {
        return aside;
    }
    path.to_owned()
}

fn manifest_bytes(folder: &Path) -> Result<Vec<u8>> {
    let path = folder.join(manifest::FILE);
    let read = || -> io::Result<Option<Vec<u8>>> {
        let file = disk::open_regular(&path)?;
        let length = file.metadata()?.len();
        if length > manifest::MOST_BYTES {
            return Ok(None);
        }
        disk::read_exactly(file, length).map(Some)
    };
    let (folder_exists, folder) = (folder.exists(), folder.display());
    match read() {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(Error::setup(format!(
            "{} is no manifest of a model folder: it has over {} bytes",
            path.display(),
            manifest::MOST_BYTES
        ))),
        Err(e) => Err(match e.kind() {
            io::ErrorKind::NotADirectory => Error::setup(format!("{folder} is no folder")),
            io::ErrorKind::NotFound if folder_exists => Error::setup(format!(
                "{folder} is no model folder: it has no {}",
                manifest::FILE
            )),
            io::ErrorKind::NotFound => Error::setup(format!("there is no model folder {folder}")),
            _ => Error::setup(format!("cannot read {}", path.display())).with_cause(e),
        }),
    }
}

fn open_file(folder: &Path, entry: &Entry) -> Result<File> {
    let path = folder.join(&entry.file);
    let path = path.display();
    let opened = disk::open_regular(&folder.join(&entry.file))
        .and_then(|file| Ok((file.metadata()?.len(), file)));
    let (length, file) = opened.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => {
            Error::setup(format!("{path} is missing, and the manifest lists it"))
        }
        _ => Error::setup(format!("cannot read {path}")).with_cause(e),
    })?;
    if length != entry.bytes {
        let how = if length < entry.bytes {
            "truncated"
        } else {
            "altered"
        };
        return Err(Error::setup(format!(
            "{path} was {how}: it has {length} bytes, and the manifest says {}",
            entry.bytes
        )));
    }
    Ok(file)
}

fn read_file(file: &Mutex<File>, entry: &Entry) -> io::Result<Vec<u8>> {
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    file.rewind()?;
    // The length was compared with the file's when it was opened.
    disk::read_exactly(&mut *file, entry.bytes)
}

/// The value of a field that the folder does not hold: what its type makes of "nothing", as
/// `Option` does and a number does not. So a model may gain an optional field.
fn absent<T>(kind: &str, from_bytes: fn(&[u8]) -> Result<T>) -> Option<T> {
    const NIL: &[u8] = &[0xc0];
    match kind {
        "msgpack" => from_bytes(NIL).ok(),
        "json" => from_bytes(b"null").ok(),
        _ => None,
    }
}
