//! What tells one state of a location from another, without fetching it.

use super::files::{self, Seen};
use super::location::Place;
use super::{Location, Storage, remote};
use crate::error::Result;

/// What a location looks like from afar: equal as long as nothing there has changed.
///
/// It is the manifest; without one, the files' names and lengths, and the times of their last
/// change or their entity tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance(Seen);

impl Glance {
    pub(super) fn of(seen: Seen) -> Self {
        Self(seen)
    }
}

impl Location {
    /// Looks at the location, at the cost of reading a small file or a listing.
    ///
    /// # Errors
    ///
    /// If there is nothing, or it cannot be reached. What is damaged is no error, as long as it
    /// can be told from what comes next.
    pub fn glance(&self, storage: &Storage) -> Result<Glance> {
        match self.place() {
            Place::Path(path) => {
                let path = files::absolute(path)?;
                files::seen(&files::place(&path), true).map(Glance)
            }
            Place::Remote(remote) => remote::seen(remote, storage).map(Glance),
        }
    }
}
