//! A program that was built without what fetches models: it says so.

use std::path::Path;

use super::Storage;
use super::files::{Files, Seen};
use super::manifest::Manifest;
use super::url::Remote;
use crate::error::Result;

pub(super) fn fetch(remote: &Remote, _: &Storage, _: bool) -> Result<Files> {
    Err(remote.not_built_in())
}

pub(super) fn seen(remote: &Remote, _: &Storage) -> Result<Seen> {
    Err(remote.not_built_in())
}

pub(super) fn read(remote: &Remote, _: &str, _: &Storage) -> Result<Option<Vec<u8>>> {
    Err(remote.not_built_in())
}

/// There is none.
#[derive(Debug)]
pub(super) enum Upload {}

impl Upload {
    pub(super) fn new(remote: &Remote, _: &Storage) -> Result<Self> {
        Err(remote.not_built_in())
    }

    pub(super) fn stage(&self) -> &Path {
        match *self {}
    }

    pub(super) fn file_name(file: &str, _: &str) -> String {
        file.to_owned()
    }

    pub(super) fn send(&self, _: &Manifest) -> Result<()> {
        match *self {}
    }
}
