//! A model folder, from there to here: the manifest, then what it lists, then the check.

use std::path::Path;
use std::sync::Mutex;

use super::download::{Fetched, Wanted, download};
use super::look::{Look, look};
use super::patience::Patience;
use super::progress::Progress;
use super::stage::Stage;
use super::store::Store;
use crate::artifact::Storage;
use crate::artifact::called::Called;
use crate::artifact::files::{Files, Held, Seen, digest_of};
use crate::artifact::listing::Listed;
use crate::artifact::manifest::{self, Manifest};
use crate::artifact::url::Remote;
use crate::error::{Error, Result};

/// How often a folder that is not as its manifest says is looked at again, if the manifest stays
/// the same: who saves it may be about to replace that, too.
const LOOKS: u32 = 4;

/// How often it may be replaced while it is being fetched.
const REPLACED: u32 = 20;

pub(super) async fn fetch(remote: &Remote, storage: &Storage, loose: bool) -> Result<Files> {
    let store = Store::open(remote, storage)?;
    let mut patience = Patience::new(storage.retry);
    let mut progress = Progress::new(store.name());
    let stage = Stage::new(storage.staging.as_deref())?;
    let mut seen = look(&store, loose, &mut patience).await?;
    let (mut same, mut replaced) = (0, 0);
    loop {
        let folder = Fetching {
            store: &store,
            stage: &stage,
            patience: &mut patience,
            progress: &mut progress,
        };
        let (held, wrong) = folder.all(&seen).await?;
        let next = match (&wrong, &seen) {
            // Each file was checked against the manifest.
            (None, Look::Manifest(_)) => None,
            _ => Some(look(&store, loose, &mut patience).await?),
        };
        match (wrong, next) {
            (None, next) if next.as_ref().is_none_or(|next| *next == seen) => {
                progress.end(held.len());
                return finish(seen, held, stage, store.name());
            }
            (Some(wrong), Some(next)) if next == seen => {
                same += 1;
                if same == LOOKS {
                    return Err(Error::setup(wrong));
                }
                tokio::time::sleep(std::time::Duration::from_millis(100) * (1 << same)).await;
            }
            (_, next) => {
                replaced += 1;
                if replaced == REPLACED {
                    return Err(Error::setup(format!(
                        "{} is replaced so often that it cannot be fetched",
                        store.name()
                    )));
                }
                (seen, same) = (next.unwrap_or(seen), 0);
            }
        }
    }
}

/// The files of a folder, and what is wrong with them, if something is.
type Fetch = (Vec<Held>, Option<String>);

struct Fetching<'a> {
    store: &'a Store,
    stage: &'a Stage,
    patience: &'a mut Patience,
    progress: &'a mut Progress,
}

impl Fetching<'_> {
    async fn all(mut self, seen: &Look) -> Result<Fetch> {
        match seen {
            Look::Manifest(bytes) => self.listed(bytes).await,
            Look::Files { files, single } => self.loose(files, *single).await,
        }
    }

    /// The files that the manifest `bytes` lists.
    async fn listed(&mut self, bytes: &[u8]) -> Result<Fetch> {
        let called = format!("{}/{}", self.store.name(), manifest::FILE);
        let manifest = Manifest::parse(bytes, &called)?;
        let total = manifest.files.iter().map(|entry| entry.bytes);
        self.must_be_allowed(manifest.files.len(), total)?;
        self.keep(manifest::FILE, bytes)?;
        let mut held = Vec::with_capacity(manifest.files.len());
        for entry in &manifest.files {
            let file = &entry.file;
            let wanted = Wanted {
                path: self.store.file(file)?,
                called: format!("{}/{file}", self.store.name()),
                bytes: entry.bytes,
                tag: None,
            };
            let (file, fetched) = self.one(file, &wanted).await?;
            match fetched {
                Fetched::Whole(sha256) if sha256.eq_ignore_ascii_case(&entry.sha256) => {
                    held.push(Held {
                        name: entry.file.clone(),
                        bytes: entry.bytes,
                        sha256,
                        file: Mutex::new(file),
                    });
                }
                Fetched::Whole(_) => {
                    let wrong = format!(
                        "{} was altered or damaged: its SHA-256 is not the one in the manifest",
                        wanted.called
                    );
                    return Ok((held, Some(wrong)));
                }
                Fetched::Another(wrong) => return Ok((held, Some(wrong))),
            }
        }
        Ok((held, None))
    }

    /// The files that a listing showed.
    async fn loose(&mut self, files: &[Listed], single: bool) -> Result<Fetch> {
        self.must_be_allowed(files.len(), files.iter().map(|file| file.bytes))?;
        let mut held = Vec::with_capacity(files.len());
        for file in files {
            let (path, called) = match self.store.itself()? {
                Some((path, _)) if single => (path, self.store.name()),
                _ => {
                    let called = format!("{}/{}", self.store.name(), file.name);
                    (self.store.file(&file.name)?, called)
                }
            };
            let wanted = Wanted {
                path,
                called,
                bytes: file.bytes,
                tag: file.version.starts_with('"').then_some(&*file.version),
            };
            match self.one(&file.name, &wanted).await? {
                (opened, Fetched::Whole(sha256)) => held.push(Held {
                    name: file.name.clone(),
                    bytes: file.bytes,
                    sha256,
                    file: Mutex::new(opened),
                }),
                (_, Fetched::Another(wrong)) => return Ok((held, Some(wrong))),
            }
        }
        Ok((held, None))
    }

    async fn one(&mut self, name: &str, wanted: &Wanted<'_>) -> Result<(std::fs::File, Fetched)> {
        let mut file = self
            .stage
            .create(name)
            .map_err(|e| cannot_keep(self.stage.path(), e))?;
        let (patience, progress) = (&mut *self.patience, &mut *self.progress);
        let fetched = download(self.store, wanted, &mut file, patience, progress).await?;
        Ok((file, fetched))
    }

    /// Compares what is announced with the limits, before any of it is fetched.
    fn must_be_allowed(&mut self, files: usize, bytes: impl Iterator<Item = u64>) -> Result<()> {
        let bytes = bytes.fold(0, u64::saturating_add);
        let refused = |what: &str, is: u64, setting: &str, most: u64| {
            Err(Error::setup(format!(
                "{} has {is} {what}, and {most} are the most (`{setting}` of the table [storage])",
                self.store.name()
            )))
        };
        if files > self.store.max_files {
            return refused(
                "files",
                files as u64,
                "max_files",
                self.store.max_files as u64,
            );
        }
        if bytes > self.store.max_bytes {
            return refused("bytes", bytes, "max_bytes", self.store.max_bytes);
        }
        self.progress.begin(bytes);
        Ok(())
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let write = || std::io::Write::write_all(&mut self.stage.create(name)?, bytes);
        write().map_err(|e| cannot_keep(self.stage.path(), e))
    }
}

fn cannot_keep(stage: &Path, cause: std::io::Error) -> Error {
    let stage = stage.display();
    Error::setup(format!("cannot keep what is fetched in {stage}")).with_cause(cause)
}

fn finish(look: Look, held: Vec<Held>, stage: Stage, name: String) -> Result<Files> {
    let single = matches!(look, Look::Files { single: true, .. });
    let seen = Seen::from(look);
    let (manifest, digest) = match &seen {
        Seen::Manifest(bytes) => {
            let manifest = Manifest::parse(bytes, manifest::FILE)?;
            (Some(manifest), manifest::sha256(bytes))
        }
        Seen::Files(_) => (None, digest_of(&held)),
    };
    Ok(Files {
        path: stage.path().to_owned(),
        seen,
        called: Called::elsewhere(name, single),
        manifest,
        digest: digest.into(),
        held,
        _stage: Some(stage),
    })
}
