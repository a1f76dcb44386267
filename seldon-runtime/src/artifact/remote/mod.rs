//! Models that are kept elsewhere: fetched to this machine, and saved there.
//!
//! All is done on a thread with a runtime of its own, so that whoever asks may be in a runtime or
//! in none. What is not finished when the thread ends, with an error or a panic, is removed.

#[cfg(not(any(feature = "s3", feature = "gcs", feature = "azure", feature = "https")))]
compile_error!(
    "the feature `remote` is for `s3`, `gcs`, `azure` and `https` to share: ask for one of these"
);

mod client;
mod download;
mod fault;
mod fetch;
mod look;
mod patience;
mod progress;
mod save;
mod stage;
mod store;

use std::future::Future;
use std::thread;

use super::Storage;
use super::files::{Files, Seen};
use super::url::{Remote, Scheme};
use crate::error::{Error, Result};
use patience::Patience;
pub(super) use save::Upload;
pub(super) use stage::Stage;
use store::Store;

/// Fetches the folder at `remote`; if `loose`, also one without a manifest, or a single file.
pub(super) fn fetch(remote: &Remote, storage: &Storage, loose: bool) -> Result<Files> {
    on_a_thread(fetch::fetch(remote, storage, loose))
}

/// What is at `remote`, asked for once.
pub(super) fn seen(remote: &Remote, storage: &Storage) -> Result<Seen> {
    on_a_thread(async {
        let store = Store::open(remote, storage)?;
        let look = look::look(&store, true, &mut Patience::none()).await?;
        Ok(look.into())
    })
}

/// What the file `name` of the folder at `remote` holds, if there is one.
pub(super) fn read(remote: &Remote, name: &str, storage: &Storage) -> Result<Option<Vec<u8>>> {
    on_a_thread(async {
        let store = Store::open(remote, storage)?;
        let mut patience = Patience::new(storage.retry);
        look::read(&store, name, storage.max_bytes, &mut patience).await
    })
}

fn on_a_thread<T: Send>(work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::setup("cannot start a runtime to fetch with").with_cause(e))?;
        runtime.block_on(work)
    };
    // Within this scope, so that what it borrows lives as long as it works.
    thread::scope(|scope| match scope.spawn(run).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

impl Remote {
    /// Whether this program can fetch it.
    pub(super) fn is_built_in(&self) -> bool {
        match self.scheme {
            Scheme::S3 => cfg!(feature = "s3"),
            Scheme::Gcs => cfg!(feature = "gcs"),
            Scheme::Azure => cfg!(feature = "azure"),
            Scheme::Https => cfg!(feature = "https"),
        }
    }
}
