//! Where a model is: a path, or a URL of a cloud's storage.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

use super::url::{self, Remote};
use super::{Storage, remote};
use crate::error::{Error, Result};

/// Where a model is: `models/iris`, `file:///srv/iris`, `s3://bucket/iris`, `gs://bucket/iris`,
/// `az://container/iris` or `https://host/iris/`.
///
/// A path and a `file` URL are read in place. The others are fetched, each by a feature of seldon's
/// of its own: `s3`, `gcs`, `azure`, `https`. `s3n` and `s3a` are other names of `s3`.
///
/// It holds no credentials, so that it can be shown and logged: a URL with a user or a password in
/// it is none.
///
/// ```
/// # fn main() -> seldon_runtime::Result<()> {
/// use seldon_runtime::artifact::Location;
///
/// let location: Location = "s3n://models/iris".parse()?;
/// assert_eq!(location.to_string(), "s3://models/iris");
/// assert_eq!("file:///srv/iris".parse::<Location>()?.as_path(), Some("/srv/iris".as_ref()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Location(Place);

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Path(PathBuf),
    Remote(Remote),
}

impl Location {
    /// The path, if it is one.
    pub fn as_path(&self) -> Option<&Path> {
        match &self.0 {
            Place::Path(path) => Some(path),
            Place::Remote(_) => None,
        }
    }

    /// What the file `name` of the folder holds, whether its manifest lists it or not; `None` if
    /// there is no such file.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub(crate) fn read(&self, name: &str, storage: &Storage) -> Result<Option<Vec<u8>>> {
        match &self.0 {
            Place::Path(path) => match fs::read(path.join(name)) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(e) => {
                    let path = path.join(name);
                    Err(Error::setup(format!("{} cannot be read", path.display())).with_cause(e))
                }
            },
            Place::Remote(remote) => remote::read(remote, name, storage),
        }
    }

    pub(super) fn place(&self) -> &Place {
        &self.0
    }
}

/// A path or a URL. What is refused is not repeated: it may hold a password.
impl FromStr for Location {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::setup("a location cannot be empty"));
        }
        let Some((scheme, rest)) = url::split(text) else {
            return Ok(Self(Place::Path(text.into())));
        };
        let place = match scheme.to_ascii_lowercase().as_str() {
            "file" => url::file_path(rest).map(Place::Path),
            scheme => Remote::parse(scheme, rest).map(Place::Remote),
        };
        place.map(Self).map_err(Error::setup)
    }
}

/// This path, even if it looks like a URL.
impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self(Place::Path(path))
    }
}

/// This path, even if it looks like a URL.
impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

/// As it is parsed.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Path(path) => path.display().fmt(f),
            Place::Remote(remote) => remote.fmt(f),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What names a location: a [`Location`], or a path or URL as text, as a `Path` or a `PathBuf`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no location of a model",
    note = "a `&str`, a `Path`, a `PathBuf` or a `seldon::artifact::Location` does"
)]
pub trait ToLocation {
    /// The location.
    ///
    /// # Errors
    ///
    /// If the text is a URL that is none of a model.
    fn to_location(&self) -> Result<Location>;
}

#[diagnostic::do_not_recommend]
impl<T: AsRef<Path> + ?Sized> ToLocation for T {
    fn to_location(&self) -> Result<Location> {
        let path = self.as_ref();
        // What is no text is no URL.
        path.to_str().map_or_else(|| Ok(path.into()), str::parse)
    }
}

impl ToLocation for Location {
    fn to_location(&self) -> Result<Location> {
        Ok(self.clone())
    }
}

impl ToLocation for &Location {
    fn to_location(&self) -> Result<Location> {
        Ok((*self).clone())
    }
}
