//! What is made of files, and made anew when they change.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::observe::Reloads;

/// Between two looks at the files. A change counts when two looks have seen the same, so that a
/// file in the middle of being written, or a certificate whose key is still to come, is not taken.
///
/// The files are read, not asked for their age: they are small, and whatever replaces them (a
/// rename, a symbolic link that is turned, as Kubernetes does) is seen.
const EVERY: Duration = Duration::from_secs(1);

/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// A `T` made of files. While they are damaged or gone, the last good one stays.
pub(super) struct Live<T> {
    files: Vec<PathBuf>,
    make: fn(&[Source]) -> Result<T>,
    now: RwLock<Arc<T>>,
    /// What `now` was made of.
    made_of: Print,
}

/// The files' names, and nothing of what is in them.
impl<T> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Live").field(&self.files).finish()
    }
}

/// A file that was read.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
}

impl Source {
    /// Reads `path`, which must be a file and not too long.
    fn read(path: &Path) -> Result<Self> {
        let wrong = |what: &str| Error::setup(format!("{}: {what}", path.display()));
        let cannot = |e| wrong("cannot be read").with_cause(e);
        let kind = std::fs::metadata(path).map_err(cannot)?;
        // To open a pipe is to wait for whoever writes.
        if !kind.is_file() {
            return Err(wrong("is no file"));
        }
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(cannot)?;
        let read = file.take(LONGEST + 1).read_to_end(&mut bytes);
        if read.map_err(cannot)? as u64 > LONGEST {
            return Err(wrong("is longer than a mebibyte"));
        }
        Ok(Self {
            path: path.to_owned(),
            bytes,
        })
    }

    /// An error about this file.
    pub(super) fn wrong(&self, what: impl fmt::Display) -> Error {
        Error::setup(format!("{}: {what}", self.path.display()))
    }
}

/// What tells one content of the files from another. Not the content: it may be a secret.
type Print = [u8; 32];

impl<T: Send + Sync + 'static> Live<T> {
    /// What `make` makes of `files`.
    ///
    /// # Errors
    ///
    /// If one of them cannot be read, and those of `make`.
    pub(super) fn load(files: Vec<PathBuf>, make: fn(&[Source]) -> Result<T>) -> Result<Self> {
        let sources = read(&files)?;
        let now = make(&sources)?;
        Ok(Self {
            made_of: print(&Ok(sources)),
            now: RwLock::new(Arc::new(now)),
            files,
            make,
        })
    }

    /// The latest.
    pub(super) fn get(&self) -> Arc<T> {
        // Only ever replaced whole.
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether that is the latest.
    pub(super) fn is(&self, one: &Arc<T>) -> bool {
        Arc::ptr_eq(
            &self.now.read().unwrap_or_else(PoisonError::into_inner),
            one,
        )
    }

    /// Looks at the files every second from here on, on a thread that ends with `self`.
    ///
    /// It is no task: `router()` has no runtime, and a file system that hangs should hold up
    /// nobody else.
    ///
    /// # Errors
    ///
    /// If the system has no thread left.
    pub(super) fn watch(self: &Arc<Self>, what: &'static str, reloads: Reloads) -> Result<()> {
        reloads.expect(what);
        let live = Arc::downgrade(self);
        let seen = self.made_of;
        std::thread::Builder::new()
            .name("seldon-reload".to_owned())
            .spawn(move || look_after(&live, seen, what, &reloads))
            .map(drop)
            .map_err(|e| Error::setup("cannot start the thread that reloads files").with_cause(e))
    }
}

fn look_after<T: Send + Sync + 'static>(
    live: &Weak<Live<T>>,
    mut settled: Print,
    what: &'static str,
    reloads: &Reloads,
) {
    let mut last = settled;
    loop {
        std::thread::sleep(EVERY);
        let Some(live) = live.upgrade() else {
            return;
        };
        let sources = read(&live.files);
        let seen = print(&sources);
        if seen == settled || seen != std::mem::replace(&mut last, seen) {
            continue;
        }
        settled = seen;
        match sources.and_then(|sources| (live.make)(&sources)) {
            Ok(made) => {
                *live.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(made);
                reloads.count(what, true);
                tracing::info!(what, "reloaded");
            }
            Err(error) => {
                reloads.count(what, false);
                tracing::warn!(what, %error, "not reloaded: what was loaded before goes on");
            }
        }
    }
}

fn read(files: &[PathBuf]) -> Result<Vec<Source>> {
    files.iter().map(|file| Source::read(file)).collect()
}

fn print(sources: &Result<Vec<Source>>) -> Print {
    let mut digest = Sha256::new();
    match sources {
        Ok(sources) => {
            for source in sources {
                digest.update((source.bytes.len() as u64).to_be_bytes());
                digest.update(&source.bytes);
            }
        }
        Err(error) => digest.update(error.to_string()),
    }
    digest.finalize().into()
}
