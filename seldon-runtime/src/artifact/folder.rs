//! A model folder, to read and to write.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A model folder whose manifest has been read.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    ///
    /// If there is none, or its manifest is missing, damaged or of another format.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self {
            path: path.as_ref().to_owned(),
        })
    }

    pub(super) fn read<T>(
        &self,
        _name: &str,
        _kind: &str,
        _from_bytes: fn(&[u8]) -> Result<T>,
    ) -> Result<T> {
        Err(Error::setup(format!("{} STUB", self.path.display())))
    }
}

/// A model folder that is being written.
#[derive(Debug)]
pub struct Draft {}

impl Draft {
    pub(super) fn new(_path: &Path, _name: &str) -> Result<Self> {
        Err(Error::setup("STUB"))
    }

    pub(super) fn write(
        &mut self,
        _name: &str,
        _kind: &str,
        _bytes: Result<Vec<u8>>,
    ) -> Result<()> {
        Err(Error::setup("STUB"))
    }

    pub(super) fn commit(self) -> Result<()> {
        Err(Error::setup("STUB"))
    }
}
