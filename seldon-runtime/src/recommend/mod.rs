//! Recommenders: what a user writes, the facts that the attribute adds, and where candidates
//! come from.

#[cfg(feature = "memcached")]
mod cache;
mod candidates;
mod configured;
mod ids;
mod in_memory;
mod key;
#[cfg(feature = "memcached")]
mod memcached;
mod rank;
mod source;

pub use candidates::{Candidates, ItemIndex, List};
pub use configured::Configured;
pub use in_memory::InMemory;
#[cfg(feature = "memcached")]
pub use memcached::{CandidateSettings, Memcached, Routing};
pub use source::{AllItems, CandidateSource, Fetched, ServerState, SourceState};

pub(crate) use key::{LONGEST as LONGEST_KEY, is_key};
pub(crate) use rank::rank;

use crate::artifact::Artifact;
use crate::error::Result;
use crate::predict::Executor;
use crate::rest::Rest;
use crate::server::Program;

/// How a recommender chooses: the one trait that its author implements.
///
/// The runtime keeps what the wire promises whatever is returned here: best first, at most
/// `limit`, no excluded item, nothing outside the candidates, no item twice, and scores brought
/// to 0..1 by the rule that the attribute names.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not implement `Recommend`",
    label = "a recommender needs `impl Recommend for {Self}`",
    note = "write `impl Recommend for {Self} {{ fn recommend(&self, query: &Query<'_>, candidates: &Candidates) -> Result<Vec<Recommendation>> {{ … }} }}`"
)]
pub trait Recommend {
    /// Chooses among `candidates` for the user of `query`, with raw scores: greater is better.
    ///
    /// # Errors
    ///
    /// [`Error::invalid_input`](crate::Error::invalid_input) if the query is at fault, answered
    /// 400 with its sentence; any other error is the model's, answered 500.
    fn recommend(&self, query: &Query<'_>, candidates: &Candidates) -> Result<Vec<Recommendation>>;

    /// Called once after loading, before the service says that it is ready.
    ///
    /// # Errors
    ///
    /// An error keeps the service from starting.
    fn warm_up(&self) -> Result<()> {
        Ok(())
    }
}

/// The facts of a recommender, written by `#[seldon::recommender]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a recommender",
    label = "not annotated with `#[seldon::recommender]`",
    note = "annotate the struct: `#[seldon::recommender]`, or `#[seldon::recommender(candidates = seldon::Memcached)]`"
)]
pub trait Recommender:
    Recommend + Rest<<Self as Recommender>::Source> + Artifact + Program + Send + Sync + 'static
{
    /// Where the items to score come from.
    type Source: CandidateSource;
    /// Where `recommend` runs.
    type Run: Executor;
    /// How raw scores are brought to 0..1.
    const SCORES: Scores = Scores::Unit;
    /// What it does, for its documentation: the first paragraph of the struct's own.
    const ABOUT: &'static str = "";
    /// The path that REST answers at.
    const PATH: &'static str;
}

/// A request for recommendations.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Query<'a> {
    /// The business whose catalogue and users these are; empty where the caller names none.
    pub client: &'a str,
    /// The user to recommend for.
    pub user_id: i64,
    /// Items that the user touched lately, newest first.
    pub recent_interactions: &'a [i64],
    /// Items that must not come back. The runtime takes them out in any case.
    pub exclusion_items: &'a [i64],
    /// The most recommendations to return, at least 1.
    pub limit: usize,
    /// The item that the user is looking at.
    pub item_id: Option<i64>,
    /// Item dimensions asked for.
    pub dimensions: &'a [i32],
}

impl<'a> Query<'a> {
    /// A query of `user_id` for at most `limit` items, and nothing else said: for tests, and to
    /// be filled in.
    pub fn new(user_id: i64, limit: usize) -> Self {
        Self {
            client: "",
            user_id,
            recent_interactions: &[],
            exclusion_items: &[],
            limit,
            item_id: None,
            dimensions: &[],
        }
    }

    /// The same query of a user who touched these items, newest first.
    #[must_use]
    pub fn recent(mut self, items: &'a [i64]) -> Self {
        self.recent_interactions = items;
        self
    }

    /// The same query, with items that must not come back.
    #[must_use]
    pub fn excluding(mut self, items: &'a [i64]) -> Self {
        self.exclusion_items = items;
        self
    }
}

/// An item and how well it fits.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Recommendation {
    /// The item's id.
    pub item: i64,
    /// Greater is better. On the wire 0..1, where 1 is best.
    pub score: f64,
}

/// How raw scores are brought to 0..1: the argument `scores` of the attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scores {
    /// They are there already: a score outside is the recommender's error.
    Unit,
    /// Divided by the best of the reply; a negative one is 0. Where the best is 0 or less, all are 0.
    Best,
    /// From 0 for the worst of the reply to 1 for the best; all 1 where they are equal.
    MinMax,
    /// `1 / (1 + e^-score)`.
    Logistic,
}
