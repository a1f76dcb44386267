//! A model folder, from here to there: the files, and when all are there, the manifest.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use object_store::{ObjectStoreExt, WriteMultipart};

use super::fault::Fault;
use super::patience::Patience;
use super::stage::Stage;
use super::store::Store;
use super::{look, on_a_thread};
use crate::artifact::Storage;
use crate::artifact::manifest::{self, Manifest};
use crate::artifact::url::{Remote, Scheme};
use crate::error::{Error, Result};

/// A model on its way to a location elsewhere.
#[derive(Debug)]
pub(in crate::artifact) struct Upload {
    remote: Remote,
    storage: Storage,
    stage: Stage,
}

/// What is sent at once. A longer file goes in parts of this length, of which a storage takes
/// 10,000.
const PART: usize = 8 << 20;

/// How many parts are on their way.
const AT_ONCE: usize = 4;

impl Upload {
    pub(in crate::artifact) fn new(remote: &Remote, storage: &Storage) -> Result<Self> {
        if !remote.is_built_in() {
            return Err(remote.not_built_in());
        }
        if remote.scheme == Scheme::Https {
            return Err(Error::setup(format!(
                "a model cannot be saved at {remote}: over https:// it can only be fetched"
            )));
        }
        let upload = Self {
            remote: remote.clone(),
            storage: storage.clone(),
            stage: Stage::new(storage.staging.as_deref())?,
        };
        // Before anything is computed for it.
        on_a_thread(upload.replaced())?;
        Ok(upload)
    }

    /// Where the files are until all of them are there.
    pub(in crate::artifact) fn stage(&self) -> &Path {
        self.stage.path()
    }

    /// The name of a file, which its digest is part of: so the files of the model that it replaces
    /// stay as their manifest says, until that is replaced in one step.
    pub(in crate::artifact) fn file_name(file: &str, sha256: &str) -> String {
        let digest = &sha256[..16];
        match file.rsplit_once('.') {
            Some((name, suffix)) => format!("{name}.{digest}.{suffix}"),
            None => format!("{file}.{digest}"),
        }
    }

    /// Sends all files, which are in the stage, and `manifest` last.
    pub(in crate::artifact) fn send(&self, manifest: &Manifest) -> Result<()> {
        on_a_thread(async {
            let old = self.replaced().await?;
            let store = Store::open_to_write(&self.remote, &self.storage)?;
            for entry in &manifest.files {
                let file = &entry.file;
                put(&store, file, &self.stage.path().join(file)).await?;
            }
            put(
                &store,
                manifest::FILE,
                &self.stage.path().join(manifest::FILE),
            )
            .await?;
            let kept: HashSet<&str> = manifest.files.iter().map(|e| &*e.file).collect();
            for entry in old.iter().flat_map(|old| &old.files) {
                if !kept.contains(&*entry.file) {
                    // What is left is litter and no harm.
                    let _ = store.objects.delete(&store.file(&entry.file)?).await;
                }
            }
            Ok(())
        })
    }

    /// The manifest of the model that is replaced, if there is one.
    async fn replaced(&self) -> Result<Option<Manifest>> {
        let store = Store::open(&self.remote, &self.storage)?;
        let mut patience = Patience::new(self.storage.retry);
        let (name, most) = (manifest::FILE, manifest::MOST_BYTES);
        let Some(bytes) = look::read(&store, name, most, &mut patience).await? else {
            return Ok(None);
        };
        if !Manifest::is_ours(&bytes) {
            return Err(Error::setup(format!(
                "{} is not replaced by the model: its {name} is another program's",
                store.name()
            )));
        }
        // One of another format lists what this program does not know.
        Ok(Manifest::parse(&bytes, name).ok())
    }
}

async fn put(store: &Store, name: &str, path: &Path) -> Result<()> {
    let cannot_read = |e| Error::setup(format!("cannot read {}", path.display())).with_cause(e);
    let mut file = File::open(path).map_err(cannot_read)?;
    let length = file.metadata().map_err(cannot_read)?.len();
    let object = store.file(name)?;
    let failed = |error: object_store::Error| {
        let what = format!("cannot write {}/{name}", store.name());
        store.failed(what, &Fault::of(&error))
    };
    if length <= PART as u64 {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(cannot_read)?;
        let put = store.objects.put(&object, bytes.into()).await;
        return put.map(drop).map_err(failed);
    }
    let upload = store.objects.put_multipart(&object).await.map_err(failed)?;
    let mut parts = WriteMultipart::new_with_chunk_size(upload, PART);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut buffer).map_err(cannot_read)?;
        if n == 0 {
            break;
        }
        if let Err(error) = parts.wait_for_capacity(AT_ONCE).await {
            let _ = parts.abort().await;
            return Err(failed(error));
        }
        parts.write(&buffer[..n]);
    }
    // If it fails it gives up the parts that are there.
    parts.finish().await.map(drop).map_err(failed)
}
