//! The files of a folder of this machine, found, opened and compared with the manifest.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::called::Called;
use super::disk;
use super::listing::{self, Listed};
use super::manifest::{self, Entry, Manifest};
use crate::error::{Error, Result};

/// The open files of a folder.
#[derive(Debug)]
pub(super) struct Files {
    /// Where they are.
    pub(super) path: PathBuf,
    /// What the folder was when they were opened.
    pub(super) seen: Seen,
    pub(super) called: Called,
    pub(super) manifest: Option<Manifest>,
    pub(super) digest: Arc<str>,
    /// In the manifest's order, or in that of their names.
    pub(super) held: Vec<Held>,
    /// The folder they were fetched to. It comes after them: an open file cannot be removed
    /// everywhere.
    #[cfg(feature = "remote")]
    pub(super) _stage: Option<super::remote::Stage>,
}

/// An open file.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// In hexadecimal.
    pub(super) sha256: String,
    /// Locked, because a file has one position.
    pub(super) file: Mutex<File>,
}

/// How often a folder may be replaced while it is being opened.
const TRIES: usize = 100;

impl Files {
    /// Opens what is at `path`; if `loose`, also a folder without a manifest, or a single file.
    pub(super) fn open(path: &Path, loose: bool) -> Result<Self> {
        let path = absolute(path)?;
        for _ in 0..TRIES {
            let place = place(&path);
            let before = seen(&place, loose);
            let files = match &before {
                Ok(seen) => Self::open_seen(&place, Called::by_path(&place), seen),
                Err(error) => Err(error.clone()),
            };
            // The same before and after: all files are of one model, or damaged.
            let after = seen(&place, loose);
            if before.ok() == after.ok() && place == self::place(&path) {
                return files;
            }
        }
        Err(Error::setup(format!(
            "{} is replaced so often that it cannot be read",
            path.display()
        )))
    }

    fn open_seen(path: &Path, called: Called, seen: &Seen) -> Result<Self> {
        let (manifest, digest, held) = match seen {
            Seen::Manifest(bytes) => {
                let manifest = Manifest::parse(bytes, &called.file(manifest::FILE))?;
                let open = |entry| open_listed(path, &called, entry);
                let held = manifest.files.iter().map(open).collect::<Result<_>>()?;
                (Some(manifest), manifest::sha256(bytes), held)
            }
            Seen::Files(files) => {
                let open = |file| open_loose(path, &called, file);
                let held: Vec<Held> = files.iter().map(open).collect::<Result<_>>()?;
                (None, digest_of(&held), held)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            seen: seen.clone(),
            called,
            manifest,
            digest: digest.into(),
            held,
            #[cfg(feature = "remote")]
            _stage: None,
        })
    }
}

/// What tells a model from another without reading its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Manifest(Vec<u8>),
    Files(Vec<Listed>),
}

/// What is at `path`, an absolute one.
pub(super) fn seen(path: &Path, loose: bool) -> Result<Seen> {
    if !loose {
        return manifest_bytes(path).map(Seen::Manifest);
    }
    match manifest_bytes(path) {
        Ok(bytes) if !Manifest::is_anothers(&bytes) => Ok(Seen::Manifest(bytes)),
        Err(error) if path.join(manifest::FILE).exists() => Err(error),
        // `manifest.json` is a name that others use as well.
        _ => listing::of(path).map(Seen::Files),
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
pub(super) fn place(path: &Path) -> PathBuf {
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

/// Opens a file that the manifest lists.
fn open_listed(folder: &Path, called: &Called, entry: &Entry) -> Result<Held> {
    let shown = called.file(&entry.file);
    let opened = disk::open_regular(&folder.join(&entry.file))
        .and_then(|file| Ok((file.metadata()?.len(), file)));
    let (length, file) = opened.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => {
            Error::setup(format!("{shown} is missing, and the manifest lists it"))
        }
        _ => Error::setup(format!("cannot read {shown}")).with_cause(e),
    })?;
    if length != entry.bytes {
        let how = if length < entry.bytes {
            "truncated"
        } else {
            "altered"
        };
        return Err(Error::setup(format!(
            "{shown} was {how}: it has {length} bytes, and the manifest says {}",
            entry.bytes
        )));
    }
    Ok(Held {
        name: entry.file.clone(),
        bytes: length,
        sha256: entry.sha256.clone(),
        file: Mutex::new(file),
    })
}

/// Opens a file that a folder without a manifest holds, and takes its digest.
fn open_loose(path: &Path, called: &Called, listed: &Listed) -> Result<Held> {
    let place = match path.is_dir() {
        true => path.join(&listed.name),
        false => path.to_owned(),
    };
    let open = || -> io::Result<_> {
        let mut file = disk::open_regular(&place)?;
        let (bytes, sha256) = manifest::sha256_of(&mut file)?;
        Ok((bytes, sha256, file))
    };
    let (bytes, sha256, file) = open().map_err(|e| {
        let shown = called.file(&listed.name);
        Error::setup(format!("cannot read {shown}")).with_cause(e)
    })?;
    Ok(Held {
        name: listed.name.clone(),
        bytes,
        sha256,
        file: Mutex::new(file),
    })
}

/// A digest of files without a manifest. No name has a line break in it.
pub(super) fn digest_of(files: &[Held]) -> String {
    let lines = files
        .iter()
        .map(|f| format!("{} {} {}\n", f.sha256, f.bytes, f.name));
    manifest::sha256(lines.collect::<String>().as_bytes())
}
