//! The model that the tests fetch and save.

use std::time::Duration;

use seldon_runtime::__private::{Artifact, Draft, Folder, Result, stored};
use seldon_runtime::{Location, Storage};

/// A model of two fields, of which one may be large.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Small {
    pub(crate) weights: Vec<f64>,
    pub(crate) name: String,
}

pub(crate) fn small() -> Small {
    Small {
        weights: vec![0.5, -1.0, 2.0],
        name: "small".to_owned(),
    }
}

impl Artifact for Small {
    const NAME: &'static str = "small";
    fn read(folder: &Folder) -> Result<Self> {
        Ok(Self {
            weights: stored("weights").load(folder)?,
            name: stored("name").load(folder)?,
        })
    }
    fn write(&self, draft: &mut Draft) -> Result<()> {
        stored("weights").save(&self.weights, draft)?;
        stored("name").save(&self.name, draft)
    }
}

/// Whatever files there are.
pub(crate) struct Whatever;

impl Artifact for Whatever {
    const NAME: &'static str = "whatever";
    const LOOSE: bool = true;
    fn read(_: &Folder) -> Result<Self> {
        Ok(Self)
    }
    fn write(&self, _: &mut Draft) -> Result<()> {
        Ok(())
    }
}

/// The files of a saved model, by name.
pub(crate) fn files_of(model: &Small) -> Vec<(String, Vec<u8>)> {
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().join("model");
    model.save(&path).expect("saved");
    let entries = std::fs::read_dir(&path).expect("a folder");
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy();
        (name.into_owned(), std::fs::read(&path).expect("a file"))
    };
    entries
        .map(|entry| read(entry.expect("an entry").path()))
        .collect()
}

/// Settings for a server at `endpoint`, of little patience, that stage in `staging`.
pub(crate) fn storage(endpoint: String, staging: &std::path::Path) -> Storage {
    let mut storage = Storage::default();
    storage.aws_key = Some("the-key".into());
    storage.aws_secret = Some("HUSH-the-secret".into());
    storage.s3_endpoint = Some(endpoint);
    storage.staging = Some(staging.to_owned());
    storage.silence = Duration::from_millis(500);
    storage.retry = Duration::from_secs(2);
    storage
}

pub(crate) fn location(text: &str) -> Location {
    text.parse().expect("a location")
}
