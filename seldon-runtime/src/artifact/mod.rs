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

mod called;
mod disk;
mod draft;
mod files;
mod folder;
mod glance;
mod listing;
mod location;
mod manifest;
mod matrix;
mod persist;
#[cfg(feature = "remote")]
mod remote;
#[cfg(not(feature = "remote"))]
#[path = "no_remote.rs"]
mod remote;
mod storage;
mod url;

pub use draft::Draft;
pub use folder::Folder;
pub use glance::Glance;
pub use location::{Location, ToLocation};
pub use matrix::Matrix;
pub use persist::{Field, Persist, PersistJson, Skip, skipped, stored, stored_as_json};
pub use storage::Storage;

use crate::error::Result;

/// A model that is kept in a folder, written by the attribute.
pub trait Artifact: Sized {
    /// The service's name, which the manifest carries.
    const NAME: &'static str;

    /// Whether it also reads a folder that has no manifest, or a single file, by
    /// [`Folder::files`] and [`Folder::bytes`]; and a folder of whichever service.
    const LOOSE: bool = false;

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
        if !Self::LOOSE {
            folder.must_be_of(<Self as Artifact>::NAME)?;
        }
        Self::read(folder)
    }

    /// Saves the model in the folder `location`, a path or a URL, making those above it where they
    /// are missing. A model folder that is there is replaced, with all that is in it: a crash leaves
    /// the old model or the new one, never a mix, and so reads who loads it meanwhile.
    ///
    /// # Errors
    ///
    /// If a field cannot be encoded; if a file cannot be written, with its path; if what is at
    /// `location` is neither a model folder nor an empty one.
    fn save(&self, location: impl ToLocation) -> Result<()> {
        self.save_with(location, &Storage::default())
    }

    /// The same, with the credentials and limits of `storage`.
    ///
    /// # Errors
    ///
    /// Those of [`save`](Self::save).
    fn save_with(&self, location: impl ToLocation, storage: &Storage) -> Result<()> {
        let name = <Self as Artifact>::NAME;
        let mut draft = Draft::new(&location.to_location()?, name, storage)?;
        self.write(&mut draft)?;
        draft.commit()
    }
}
