//! One object into one file.

use std::fs::File;
use std::io::{Seek, Write};

use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange};
use sha2::{Digest, Sha256};

use super::fault::Fault;
use super::patience::Patience;
use super::progress::Progress;
use super::store::Store;
use crate::artifact::manifest::hexadecimal;
use crate::error::{Error, Result};

/// What is to be fetched.
pub(super) struct Wanted<'a> {
    pub(super) path: Path,
    /// How it is called in sentences.
    pub(super) called: String,
    pub(super) bytes: u64,
    /// The entity tag that it must have, if that is known.
    pub(super) tag: Option<&'a str>,
}

/// What became of it.
pub(super) enum Fetched {
    /// All of it is there, and this is its SHA-256.
    Whole(String),
    /// It is not what was wanted, in words: another object by now, or a damaged one.
    Another(String),
}

/// After so many bytes the way is good again, and the time for trying begins anew.
const GOOD_AGAIN: u64 = 1 << 20;

/// Fetches `wanted` into `file`, which is empty. What broke off goes on where it did.
pub(super) async fn download(
    store: &Store,
    wanted: &Wanted<'_>,
    file: &mut File,
    patience: &mut Patience,
    progress: &mut Progress,
) -> Result<Fetched> {
    let mut partial = Partial {
        file,
        bytes: 0,
        digest: Sha256::new(),
        tag: wanted.tag.map(str::to_owned),
    };
    loop {
        let before = partial.bytes;
        let fault = match go_on(store, wanted, &mut partial, progress).await? {
            Ok(fetched) => {
                patience.renew();
                return Ok(fetched);
            }
            Err(fault) => fault,
        };
        match fault {
            Fault::Missing { bucket: false } => {
                return Ok(Fetched::Another(format!("{} is missing", wanted.called)));
            }
            Fault::Changed => {
                let called = &wanted.called;
                return Ok(Fetched::Another(format!("{called} was replaced meanwhile")));
            }
            _ => {}
        }
        if partial.bytes - before >= GOOD_AGAIN {
            patience.renew();
        }
        let what = format!("cannot fetch {}", wanted.called);
        patience.bear(what, &fault, store.silence).await?;
        // Without a tag what follows might be another object's.
        if partial.tag.is_none() || store.listing.is_none() {
            progress.take_back(partial.bytes);
            partial.begin_anew(wanted)?;
        }
    }
}

struct Partial<'a> {
    file: &'a mut File,
    bytes: u64,
    digest: Sha256,
    tag: Option<String>,
}

impl Partial<'_> {
    fn begin_anew(&mut self, wanted: &Wanted<'_>) -> Result<()> {
        let begin = self.file.rewind().and_then(|()| self.file.set_len(0));
        begin.map_err(|e| cannot_keep(wanted, e))?;
        (self.bytes, self.digest) = (0, Sha256::new());
        Ok(())
    }
}

/// Reads on to the end. The outer error is this machine's, the inner one the other's.
async fn go_on(
    store: &Store,
    wanted: &Wanted<'_>,
    partial: &mut Partial<'_>,
    progress: &mut Progress,
) -> Result<Result<Fetched, Fault>> {
    let differs = |bytes: u64| {
        let how = if bytes < wanted.bytes {
            "truncated"
        } else {
            "altered"
        };
        Fetched::Another(format!(
            "{} was {how}: it has {bytes} bytes, and was said to have {}",
            wanted.called, wanted.bytes
        ))
    };
    let options = GetOptions {
        range: (partial.bytes > 0).then_some(GetRange::Offset(partial.bytes)),
        if_match: partial.tag.clone(),
        ..GetOptions::default()
    };
    let got = match store.objects.get_opts(&wanted.path, options).await {
        Ok(got) => got,
        Err(error) => {
            let fault = Fault::of(&error);
            if partial.bytes == 0 || !matches!(fault, Fault::Other(_)) {
                return Ok(Err(fault));
            }
            // A server that cannot send what is left is asked for all of it.
            partial.tag = None;
            return Ok(Err(Fault::Truncated));
        }
    };
    if got.meta.size != wanted.bytes {
        return Ok(Ok(differs(got.meta.size)));
    }
    partial.tag = got.meta.e_tag.clone();
    let mut chunks = got.into_stream();
    loop {
        let chunk = match chunks.try_next().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) => return Ok(Err(Fault::of(&error))),
        };
        partial.bytes += chunk.len() as u64;
        if partial.bytes > wanted.bytes {
            return Ok(Ok(differs(partial.bytes)));
        }
        partial.digest.update(&chunk);
        // It blocks this thread, which has nothing else to do.
        partial
            .file
            .write_all(&chunk)
            .map_err(|e| cannot_keep(wanted, e))?;
        progress.add(chunk.len() as u64);
    }
    if partial.bytes < wanted.bytes {
        return Ok(Err(Fault::Truncated));
    }
    let digest = std::mem::take(&mut partial.digest).finalize();
    Ok(Ok(Fetched::Whole(hexadecimal(&digest))))
}

fn cannot_keep(wanted: &Wanted<'_>, cause: std::io::Error) -> Error {
    Error::setup(format!("cannot keep {} on this machine", wanted.called)).with_cause(cause)
}
