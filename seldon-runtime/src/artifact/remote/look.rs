//! What is at a location: a manifest, a single file, or files without a manifest.

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::list::PaginatedListOptions;
use object_store::path::Path;
use object_store::{Error as StoreError, GetResult, ObjectMeta};

use super::fault::Fault;
use super::patience::Patience;
use super::store::Store;
use crate::artifact::files::Seen;
use crate::artifact::listing::Listed;
use crate::artifact::manifest::{self, Manifest, is_plain};
use crate::error::{Error, Result, echo};

/// What is there.
#[derive(Debug, PartialEq)]
pub(super) enum Look {
    Manifest(Vec<u8>),
    Files {
        files: Vec<Listed>,
        /// It is the location itself that is the file.
        single: bool,
    },
}

impl From<Look> for Seen {
    fn from(look: Look) -> Self {
        match look {
            Look::Manifest(bytes) => Self::Manifest(bytes),
            Look::Files { files, .. } => Self::Files(files),
        }
    }
}

/// Looks at what is there; if `loose`, also for what has no manifest.
pub(super) async fn look(store: &Store, loose: bool, patience: &mut Patience) -> Result<Look> {
    if loose && let Some(file) = single(store, patience).await? {
        let files = vec![file];
        return Ok(Look::Files {
            files,
            single: true,
        });
    }
    let name = manifest::FILE;
    let bytes = match get(store, name, manifest::MOST_BYTES, patience).await? {
        Got::Bytes(bytes) if !loose || !Manifest::is_anothers(&bytes) => {
            return Ok(Look::Manifest(bytes));
        }
        Got::Bytes(_) => None,
        Got::Fault(fault) => Some(fault),
    };
    match (bytes, &store.listing) {
        // A bucket whose contents may not be listed refuses what is not there.
        (Some(Fault::Missing { bucket: false } | Fault::Refused { .. }) | None, Some(_))
            if loose =>
        {
            list(store, patience).await
        }
        (Some(Fault::Missing { bucket: false }), _) => Err(Error::setup(format!(
            "there is no model folder {}: it has no {name}",
            store.name()
        ))),
        (Some(fault), _) => Err(store.failed(cannot_fetch(store, name), &fault)),
        (None, _) => Err(Error::setup(format!(
            "the {name} of {} is another program's, and files are not listed over HTTP",
            store.name()
        ))),
    }
}

/// What the file `name` of the folder holds, if there is one.
pub(super) async fn read(
    store: &Store,
    name: &str,
    most: u64,
    patience: &mut Patience,
) -> Result<Option<Vec<u8>>> {
    match get(store, name, most, patience).await? {
        Got::Bytes(bytes) => Ok(Some(bytes)),
        Got::Fault(Fault::Missing { bucket: false }) => Ok(None),
        Got::Fault(fault) => Err(store.failed(cannot_fetch(store, name), &fault)),
    }
}

pub(super) fn cannot_fetch(store: &Store, name: &str) -> String {
    format!("cannot fetch {}/{name}", store.name())
}

enum Got {
    Bytes(Vec<u8>),
    /// One that does not pass.
    Fault(Fault),
}

/// The file `name`, whole, if it has at most `most` bytes.
async fn get(store: &Store, name: &str, most: u64, patience: &mut Patience) -> Result<Got> {
    let path = store.file(name)?;
    loop {
        let error = match get_once(store, &path, most).await {
            Ok(Some(bytes)) => {
                patience.renew();
                return Ok(Got::Bytes(bytes));
            }
            Ok(None) => {
                return Err(Error::setup(format!(
                    "{}: it has over {most} bytes",
                    cannot_fetch(store, name)
                )));
            }
            Err(error) => error,
        };
        let fault = Fault::of(&error);
        if !fault.passes() {
            return Ok(Got::Fault(fault));
        }
        let what = cannot_fetch(store, name);
        patience.bear(what, &fault, store.silence).await?;
    }
}

async fn get_once(store: &Store, path: &Path, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let got: GetResult = store.objects.get_opts(path, Default::default()).await?;
    if got.meta.size > most {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let mut chunks = got.into_stream();
    while let Some(chunk) = chunks.try_next().await? {
        let chunk: Bytes = chunk;
        if bytes.len() as u64 + chunk.len() as u64 > most {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

/// The file that the location itself names, if there is one.
async fn single(store: &Store, patience: &mut Patience) -> Result<Option<Listed>> {
    use object_store::ObjectStoreExt;

    if store.remote.is_folder {
        return Ok(None);
    }
    let Some((path, name)) = store.itself()? else {
        return Ok(None);
    };
    loop {
        let error = match store.objects.head(&path).await {
            Ok(meta) => return Ok(Some(listed(&name, &meta))),
            Err(error) => error,
        };
        match Fault::of(&error) {
            Fault::Missing { bucket: false } | Fault::Refused { .. } => return Ok(None),
            fault => {
                let what = format!("cannot fetch {}", store.remote);
                patience.bear(what, &fault, store.silence).await?;
            }
        }
    }
}

/// The files right in the folder, page by page, until there are too many.
async fn list(store: &Store, patience: &mut Patience) -> Result<Look> {
    let name = store.name();
    let prefix = store.prefix();
    let mut files = Vec::new();
    let mut page_token = None;
    loop {
        let page = page(store, prefix.as_deref(), page_token, patience).await?;
        for meta in page.result.objects {
            let key = meta.location.as_ref();
            // Consoles make an object of the folder's own name; it comes without its slash.
            if Some(key) == prefix.as_deref().map(|prefix| prefix.trim_end_matches('/')) {
                continue;
            }
            let file = key.rsplit('/').next().unwrap_or(key);
            if !is_plain(file) {
                let file = echo(file);
                return Err(Error::setup(format!(
                    "{name} cannot be served: `{file}` is no plain file name"
                )));
            }
            if file.starts_with('.') {
                continue;
            }
            if files.len() == store.max_files {
                return Err(Error::setup(format!(
                    "{name} holds over {} files, which is no model",
                    store.max_files
                )));
            }
            files.push(listed(file, &meta));
        }
        page_token = page.page_token;
        if page_token.is_none() {
            break;
        }
    }
    if files.is_empty() {
        return Err(Error::setup(format!("there is no model at {name}")));
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Look::Files {
        files,
        single: false,
    })
}

async fn page(
    store: &Store,
    prefix: Option<&str>,
    page_token: Option<String>,
    patience: &mut Patience,
) -> Result<object_store::list::PaginatedListResult> {
    let listing = store
        .listing
        .as_ref()
        .ok_or_else(|| Error::setup(format!("files are not listed over HTTP: {}", store.name())))?;
    loop {
        let options = PaginatedListOptions {
            delimiter: Some("/".into()),
            page_token: page_token.clone(),
            ..Default::default()
        };
        match listing.list_paginated(prefix, options).await {
            Ok(page) => {
                patience.renew();
                return Ok(page);
            }
            Err(error) => {
                let what = format!("cannot list {}", store.name());
                patience
                    .bear(what, &Fault::of(&error), store.silence)
                    .await?;
            }
        }
    }
}

fn listed(name: &str, meta: &ObjectMeta) -> Listed {
    let time = || meta.last_modified.to_string();
    Listed {
        name: name.to_owned(),
        bytes: meta.size,
        version: meta.e_tag.clone().unwrap_or_else(time),
    }
}
