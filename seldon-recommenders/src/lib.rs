//! Ready-made recommenders: fit one, keep it in a field, delegate to it.
//!
//! | recommender | what it knows | fit on | finds |
//! |---|---|---|---|
//! | [`MostPopular`] | how many users touched each item | interactions | what everybody takes |
//! | [`ItemKnn`] | each item's nearest neighbours | interactions | what goes with what the user touched |
//! | [`Factors`] | a vector for each item | interactions | the same, also where no user joined the two |
//! | [`DocSimilarity`] | the words of each item | texts | what reads like what the user touched |
//!
//! Each is a file of a model folder (it is serde's, and so [`Persist`](seldon_runtime::Persist)),
//! and each implements [`Recommend`](seldon_runtime::Recommend), so that a service of one's own is
//! a struct with a field of it:
//!
//! ```ignore
//! #[seldon::recommender(candidates = seldon::Configured, scores = best)]
//! pub struct Similar {
//!     neighbours: ItemKnn,
//! }
//!
//! impl Recommend for Similar {
//!     fn recommend(&self, query: &Query<'_>, candidates: &Candidates) -> Result<Vec<Recommendation>> {
//!         self.neighbours.recommend(query, candidates)
//!     }
//! }
//! ```
//!
//! What they have in common:
//!
//! * What is known of the user is the item being looked at, where the query names one, and then the
//!   recent interactions, newest first; the first [`MOST_RECENT`] of them count, each once. None of
//!   these items is recommended, as is usual: the user has them.
//! * Where nothing of this is known to the model, or nothing of it leads to a candidate, the most
//!   popular candidates are the answer.
//! * Answers are the same every time: equal scores are in the order of item ids, and a fit from the
//!   same data with the same parameters gives the same model on any number of cores.
//! * A model with a NaN, an infinity or shapes that do not fit each other is refused when it is
//!   loaded, in one sentence.

mod als;
mod documents;
mod dot;
pub mod evaluation;
mod factors;
mod interactions;
mod little_endian;
mod neighbours;
mod parallel;
mod popular;
mod progress;
mod seen;
mod sparse;
mod top;

pub use documents::{DocSimilarity, DocSimilarityParameters};
pub use factors::{Factors, FactorsParameters};
pub use interactions::{Interaction, Interactions};
pub use neighbours::{ItemKnn, ItemKnnParameters};
pub use popular::MostPopular;
pub use seen::MOST_RECENT;
