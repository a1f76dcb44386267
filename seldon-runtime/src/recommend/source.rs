//! Where the items to score come from.

use std::future::Future;
use std::sync::Arc;

use super::candidates::List;
use crate::config::Config;
use crate::error::Result;

/// A place that holds lists of items under keys.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no source of candidates",
    label = "not a source of candidates",
    note = "`seldon::Memcached`, `seldon::InMemory` and `seldon::Configured` are; one of your own implements `seldon::CandidateSource`"
)]
pub trait CandidateSource: Sized + Send + Sync + 'static {
    /// Whether requests' keys are looked up at all; if not, the recommender chooses from all it
    /// knows.
    const LOOKS_UP: bool = true;

    /// Opens the source as the configuration says, for `seldon::run`.
    ///
    /// # Errors
    ///
    /// If the configuration does not say enough, or says something wrong. A source that is merely
    /// unreachable at the moment is no error.
    fn open(config: &Config) -> impl Future<Output = Result<Self>> + Send;

    /// The lists under `keys`, which the runtime has checked: 1 to 64 of them, each 1 to 250 bytes
    /// without spaces and control characters. A key that is not held is an empty list.
    ///
    /// # Errors
    ///
    /// If the source cannot be reached in time, or what it holds is no list of items.
    fn fetch(&self, keys: &[&str]) -> impl Future<Output = Result<Fetched>> + Send;
}

/// What a source gave.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// One list for each key that is held, in the order of the keys.
    pub lists: Vec<Arc<List>>,
    /// The source was out of reach, and is set to go on without: the reply says so.
    pub degraded: bool,
}

/// No source: the recommender chooses from all it knows.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllItems;

impl CandidateSource for AllItems {
    const LOOKS_UP: bool = false;

    async fn open(_: &Config) -> Result<Self> {
        Ok(Self)
    }

    async fn fetch(&self, _: &[&str]) -> Result<Fetched> {
        Ok(Fetched::default())
    }
}
