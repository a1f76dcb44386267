//! Model folders: one file per field, and a manifest.
//!
//! ```text
//! models/iris/
//!   manifest.json      format, service, and of each file: field, kind, schema, length, SHA-256
//!   weights.msgpack    the field `weights`, as MessagePack with field names
//!   labels.json        the field `labels`, which says `#[seldon(json)]`
//! ```
//!
//! A folder is written aside and put in place in one step; see [`Draft`].

mod disk;
mod draft;
mod folder;
mod manifest;
mod matrix;
mod persist;

pub use draft::Draft;
pub use folder::Folder;
pub use matrix::Matrix;
pub use persist::{Field, Persist, PersistJson, Skip, skipped, stored, stored_as_json};

use std::path::Path;

use crate::error::Result;

/// A model that is kept in a folder, written by the attribute.
pub trait Artifact: Sized {
    /// The service's name, which the manifest carries.
    const NAME: &'static str;

    /// Reads the model's fields from `folder`.
    ///
    /// # Errors
    ///
    /// In one sentence: which file, and which check it fails.
    fn read(folder: &Folder) -> Result<Self>;

    /// Writes the model's fields to `draft`.
    ///
    /// # Errors
    ///
    /// If a field cannot be encoded or written.
    fn write(&self, draft: &mut Draft) -> Result<()>;

    /// The model that `folder` holds: `Iris::load(&Folder::open("models/iris")?)?`.
    ///
    /// # Errors
    ///
    /// If it is another service's, or a file of it is damaged. In one sentence: which file, and
    /// which check it fails.
    fn load(folder: &Folder) -> Result<Self> {
        folder.must_be_of(<Self as Artifact>::NAME)?;
        Self::read(folder)
    }

    /// Saves the model in the folder `path`, making those above it where they are missing. A model
    /// folder that is there is replaced, with all that is in it: a crash leaves the old model or
    /// the new one, never a mix, and so reads who loads it meanwhile.
    ///
    /// # Errors
    ///
    /// If a field cannot be encoded; if a file cannot be written, with its path; if what is at
    /// `path` is neither a model folder nor an empty one.
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut draft = Draft::new(path.as_ref(), <Self as Artifact>::NAME)?;
        self.write(&mut draft)?;
        draft.commit()
    }
}
