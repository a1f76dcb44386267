//! A model folder, to read.

use std::io::Seek;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::files::{Files, Held};
use super::location::Place;
use super::manifest;
use super::{Artifact, Glance, Location, Storage, ToLocation, disk, remote};
use crate::error::{Code, Error, Result, echo};
use crate::observe::Origin;

/// A model folder whose manifest has been read and whose files are open.
///
/// It stays the model that it was when it was opened: a folder that is replaced meanwhile, by
/// [`Artifact::save`](super::Artifact::save), is read to its end. All that is read from it is
/// checked: the files' lengths when it is opened, each one's SHA-256 when its field is read.
///
/// A *loose* folder has no manifest: whatever files another program left there. Its files' digests
/// are taken when it is opened.
#[derive(Debug)]
pub struct Folder {
    location: Location,
    storage: Storage,
    opened: Instant,
    files: Files,
}

impl Folder {
    /// Opens the model folder at `location`: a path or a URL.
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
    pub fn open(location: impl ToLocation) -> Result<Self> {
        Self::open_at(&location.to_location()?, &Storage::default(), false)
    }

    /// Opens the folder or the single file at `location`, whether it has a manifest or none.
    ///
    /// Without one it holds the regular files that are right in it, but those whose names begin
    /// with a dot.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open); without a manifest, if there is no file, if one of them
    /// cannot be read, is a link or has a name that other systems do not have.
    pub fn open_loose(location: impl ToLocation) -> Result<Self> {
        Self::open_at(&location.to_location()?, &Storage::default(), true)
    }

    /// Opens the folder at `location` as `M` wants it, with the credentials and limits of `storage`.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), or of [`open_loose`](Self::open_loose) if `M` is
    /// [`LOOSE`](Artifact::LOOSE).
    pub fn open_for<M: Artifact>(location: &Location, storage: &Storage) -> Result<Self> {
        Self::open_at(location, storage, M::LOOSE)
    }

    fn open_at(location: &Location, storage: &Storage, loose: bool) -> Result<Self> {
        let opened = Instant::now();
        let opening = match location.place() {
            Place::Path(path) => Files::open(path, loose),
            Place::Remote(remote) => remote::fetch(remote, storage, loose),
        };
        opening.map(|files| Self {
            location: location.clone(),
            storage: storage.clone(),
            opened,
            files,
        })
    }

    /// Where it was opened.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Where its files are on this machine, as long as it is open.
    pub fn path(&self) -> &Path {
        &self.files.path
    }

    /// The name of the service whose model it holds, if it has a manifest, which says so.
    pub fn service(&self) -> Option<&str> {
        Some(&self.files.manifest.as_ref()?.service)
    }

    /// What tells the model from another, in hexadecimal: the SHA-256 of the manifest, which has
    /// that of each file; without one, of the files' names, lengths and SHA-256.
    pub fn digest(&self) -> &str {
        &self.files.digest
    }

    /// The names of its files and their lengths in bytes. The manifest itself is not among them.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.files.held.iter().map(|file| (&*file.name, file.bytes))
    }

    /// What the file `name` holds, checked against its digest.
    ///
    /// # Errors
    ///
    /// If there is no such file; if it cannot be read; if it was altered or damaged.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        match self.files.held.iter().find(|file| file.name == name) {
            Some(file) => self.read_file(file),
            None => Err(Error::setup(format!(
                "{} holds no file `{}`",
                self.files.called,
                echo(name)
            ))),
        }
    }

    /// With what it was fetched.
    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// What its location looked like when it was opened.
    pub(crate) fn seen(&self) -> Glance {
        Glance::of(self.files.seen.clone())
    }

    /// Which model it is, and how long ago it was opened.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            digest: Arc::clone(&self.files.digest),
            took: self.opened.elapsed(),
        }
    }

    /// Checks that the model is one of the service `name`.
    pub(super) fn must_be_of(&self, name: &str) -> Result<()> {
        let whose = match self.service() {
            Some(service) if service == name => return Ok(()),
            Some(service) => format!("a model of the service `{}`", echo(service)),
            None => format!("files without a {}", manifest::FILE),
        };
        Err(Error::setup(format!(
            "{} holds {whose}, not of `{name}`",
            self.files.called
        )))
    }

    /// The value of the field `name`, which is kept as `kind`.
    pub(super) fn read<T>(
        &self,
        name: &str,
        kind: &str,
        from_bytes: fn(&[u8]) -> Result<T>,
    ) -> Result<T> {
        let entries = self.files.manifest.as_ref().map_or(&[][..], |m| &m.files);
        let Some(index) = entries.iter().position(|e| e.field == name) else {
            return absent(kind, from_bytes).ok_or_else(|| {
                Error::setup(format!(
                    "{} holds no field `{name}`: it was saved by another version of the program",
                    self.files.called
                ))
            });
        };
        let (entry, file) = (&entries[index], &self.files.held[index]);
        let shown = self.shown(file);
        if entry.kind != kind {
            return Err(Error::setup(format!(
                "{shown} holds the field `{name}` as {}, and the program keeps it as {kind}",
                echo(&entry.kind)
            )));
        }
        from_bytes(&self.read_file(file)?).map_err(|error| {
            Error::setup(format!(
                "{shown} holds no value of the field `{name}`: {}",
                reason(&error)
            ))
        })
    }

    fn read_file(&self, held: &Held) -> Result<Vec<u8>> {
        let read = || {
            let mut file = held.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.rewind()?;
            // The length was compared with the file's when it was opened.
            disk::read_exactly(&mut *file, held.bytes)
        };
        let shown = self.shown(held);
        let bytes =
            read().map_err(|e| Error::setup(format!("cannot read {shown}")).with_cause(e))?;
        if held.sha256.eq_ignore_ascii_case(&manifest::sha256(&bytes)) {
            return Ok(bytes);
        }
        let than = match self.files.manifest {
            Some(_) => "the one in the manifest",
            None => "what it was when it was opened",
        };
        Err(Error::setup(format!(
            "{shown} was altered or damaged: its SHA-256 is not {than}"
        )))
    }

    /// How a file is called in sentences.
    fn shown(&self, file: &Held) -> String {
        self.files.called.file(&file.name)
    }
}

/// What led to `error`, in words: `?` on serde's errors says no more than that the model failed.
pub(super) fn reason(error: &Error) -> String {
    match error.cause() {
        Some(cause) if error.code() == Code::ModelFailed => cause.to_string(),
        _ => error.to_string(),
    }
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
