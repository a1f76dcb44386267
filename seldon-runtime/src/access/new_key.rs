//! A new API key.

use std::fmt::Write;

use super::keys::{check_name, digest_of};
use crate::Secret;
use crate::error::{Error, Result};

/// What each key begins with, so that scanners for secrets know one.
const PREFIX: &str = "seldon_";

/// A new key, and its line for the file of digests.
///
/// # Errors
///
/// If no key can have that name, or the system has no random bytes.
pub(crate) fn new_key(name: &str) -> Result<(Secret, String)> {
    check_name(name).map_err(Error::setup)?;
    let mut random = [0; 32];
    getrandom::fill(&mut random)
        .map_err(|e| Error::setup(format!("cannot make a key without random bytes: {e}")))?;
    let key = Secret::from(format!("{PREFIX}{}", hex(&random)));
    let line = format!("{name} {}", hex(&digest_of(key.reveal().as_bytes())));
    Ok((key, line))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
