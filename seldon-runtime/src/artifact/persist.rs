//! How one field is kept.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Draft, Folder};
use crate::error::{Error, Result};
use crate::predict::non_finite;

/// A value that can be a file of a model folder.
///
/// Whatever serde can read and write is kept as MessagePack with field names; a type of another
/// kind implements this itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved in a model folder",
    label = "this field cannot be stored",
    note = "derive `serde::Serialize` and `serde::Deserialize` for `{Self}`, implement `seldon::Persist` for it, or leave the field out with `#[seldon(skip)]`"
)]
pub trait Persist: Sized {
    /// What the file holds, and its suffix: `msgpack`, for example.
    const KIND: &'static str;

    /// The value as bytes.
    ///
    /// # Errors
    ///
    /// If the value has no such form.
    fn to_bytes(&self) -> Result<Vec<u8>>;

    /// The value that `bytes`, whose digest has been checked, hold.
    ///
    /// # Errors
    ///
    /// If they do not hold one.
    fn from_bytes(bytes: &[u8]) -> Result<Self>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Persist for T {
    const KIND: &'static str = "msgpack";

    fn to_bytes(&self) -> Result<Vec<u8>> {
        Ok(rmp_serde::to_vec_named(self)?)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(rmp_serde::from_slice(bytes)?)
    }
}

/// A value that `#[seldon(json)]` can keep as JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved as JSON in a model folder",
    label = "this field cannot be stored",
    note = "derive `serde::Serialize` and `serde::Deserialize` for `{Self}`, or leave the field out with `#[seldon(skip)]`"
)]
pub trait PersistJson: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> PersistJson for T {}

/// A value that `#[seldon(skip)]` can leave out of the model folder.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be skipped: it has no default value",
    label = "this field cannot be filled after loading",
    note = "derive or implement `Default` for `{Self}`, with which a skipped field is filled"
)]
pub trait Skip: Default {}

#[diagnostic::do_not_recommend]
impl<T: Default> Skip for T {}

/// The value of a field that is not in the folder.
pub fn skipped<T: Skip>() -> T {
    T::default()
}

/// One stored field of a model: its name, and how it is read and written.
///
/// It captures functions, so that the bound on the field's type is asked for once, where it is
/// made, and a type that cannot be stored is one error.
#[derive(Debug)]
pub struct Field<T> {
    name: &'static str,
    kind: &'static str,
    to_bytes: fn(&T) -> Result<Vec<u8>>,
    from_bytes: fn(&[u8]) -> Result<T>,
}

/// A field kept as its [`Persist`] implementation says.
// A function of its own, and not one of `Field`, so that the compiler says of a type that cannot be
// kept where the field has it.
pub const fn stored<T: Persist>(name: &'static str) -> Field<T> {
    Field {
        name,
        kind: T::KIND,
        to_bytes: T::to_bytes,
        from_bytes: T::from_bytes,
    }
}

/// A field kept as JSON, for people to read. A NaN or an infinity in it cannot be saved.
pub const fn stored_as_json<T: PersistJson>(name: &'static str) -> Field<T> {
    Field {
        name,
        kind: "json",
        to_bytes: to_json,
        from_bytes: |bytes| Ok(serde_json::from_slice(bytes)?),
    }
}

impl<T> Field<T> {
    /// Reads the field.
    ///
    /// # Errors
    ///
    /// In one sentence: which file, and which check it fails.
    pub fn load(&self, folder: &Folder) -> Result<T> {
        folder.read(self.name, self.kind, self.from_bytes)
    }

    /// Writes the field.
    ///
    /// # Errors
    ///
    /// If the value cannot be encoded, or the file cannot be written.
    pub fn save(&self, value: &T, draft: &mut Draft) -> Result<()> {
        draft.write(self.name, self.kind, (self.to_bytes)(value))
    }
}

fn to_json<T: PersistJson>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    // serde_json writes `null` for a number that JSON does not have.
    if let Some(place) = non_finite(value) {
        let at = if place.is_empty() {
            String::new()
        } else {
            format!(", at `{place}`")
        };
        return Err(Error::setup(format!(
            "JSON has no NaN and no infinity, and it holds one{at}"
        )));
    }
    bytes.push(b'\n');
    Ok(bytes)
}
