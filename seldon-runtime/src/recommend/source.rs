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

    /// How the source fares, for the metrics: read when somebody asks for them.
    fn state(&self) -> SourceState {
        SourceState::default()
    }
}

/// How a source fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceState {
    /// Lists that were still kept from an earlier request.
    pub cache_hits: u64,
    /// Lists that were not, and had to be read.
    pub cache_misses: u64,
    /// The servers that it reads from.
    pub servers: Vec<ServerState>,
}

/// How one of a source's servers fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerState {
    /// As it was configured: `host:port`.
    pub address: String,
    /// It does not answer, and requests are turned away without asking it.
    pub breaker_open: bool,
    /// How often that began.
    pub openings: u64,
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
