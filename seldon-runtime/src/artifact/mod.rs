//! Model folders: one file per field, and a manifest.

mod folder;
mod matrix;
mod persist;

pub use folder::{Draft, Folder};
pub use matrix::Matrix;
pub use persist::{Field, Persist, PersistJson};

use std::path::Path;

use crate::error::Result;

/// A model that is kept in a folder, written by the attribute.
pub trait Artifact: Sized + Send + Sync + 'static {
    /// The service's name, which the manifest carries.
    const NAME: &'static str;

    /// Reads the model from `folder`.
    ///
    /// # Errors
    ///
    /// In one sentence: which file, and which check it fails.
    fn load(folder: &Folder) -> Result<Self>;

    /// Writes the model's fields to `draft`.
    ///
    /// # Errors
    ///
    /// If a field cannot be encoded or written.
    fn write(&self, draft: &mut Draft) -> Result<()>;

    /// Saves the model in the folder `path`, which it replaces: a crash leaves the old model or
    /// the new one, never a mix.
    ///
    /// # Errors
    ///
    /// If a field cannot be encoded, or a file cannot be written, with its path.
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut draft = Draft::new(path.as_ref(), <Self as Artifact>::NAME)?;
        self.write(&mut draft)?;
        draft.commit()
    }
}
