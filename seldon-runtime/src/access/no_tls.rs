//! TLS in a program that was built without it: nothing, at no cost.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::error::{Error, Result};
use crate::observe::Reloads;

/// There is none.
#[derive(Debug, Clone)]
pub(crate) enum Tls {}

/// There is none.
pub(crate) type Encrypted = std::convert::Infallible;

impl Tls {
    /// Says that there is none: a setting that guards something is never passed over.
    pub(crate) fn from_files(_: &Path, _: &Path) -> Result<Self> {
        Err(Error::setup(
            "this program is built without TLS: build it with the feature `tls` of the crate `seldon`",
        ))
    }

    pub(crate) fn with_client_ca(self, _: &Path) -> Result<Self> {
        match self {}
    }

    pub(crate) fn is_mutual(&self) -> bool {
        match *self {}
    }

    pub(crate) fn watch(&self, _: Reloads) -> Result<()> {
        match *self {}
    }

    pub(crate) async fn accept(
        &self,
        _: TcpStream,
        _: Duration,
    ) -> io::Result<Result<Encrypted, TcpStream>> {
        match *self {}
    }
}
