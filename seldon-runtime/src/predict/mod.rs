//! Predictors: what a user writes, and the facts that the attribute adds.

mod batch;
mod executor;
mod facts;
mod finite;
mod json;
mod payload;
mod prediction;
mod score;
mod timed;

pub use batch::Batching;
pub use executor::{Blocking, Executor, Inline};
pub use facts::Facts;
pub use json::{Features, Members, ReadRow, read_features};
pub use payload::{Check, Payload, Undecided, check};
pub use prediction::{Class, Label, Prediction};

pub(crate) use batch::{Arrival, Batcher};
pub(crate) use executor::{Pool, cores};
pub(crate) use finite::non_finite;
pub(crate) use json::{BySerde, utf8};
pub(crate) use prediction::Checked;
pub(crate) use score::{Answers, arriving, score, score_one};
pub(crate) use timed::run_timed;

use crate::any::Any;
use crate::artifact::Artifact;
use crate::error::Result;
use crate::grpc::{Grpc, unpack_message};
use crate::proto::DefaultCustomPredictRequest;
use crate::rest::Rest;
use crate::server::Program;

/// How a predictor scores features: the one trait that its author implements.
///
/// `D` is the message that carries the features, over REST as over gRPC. It is the one that the
/// attribute names, `#[seldon::predictor(data = IrisPredictRequest)]`; without that argument it
/// is [`DefaultCustomPredictRequest`], a list of numbers, and `impl Predict for Mean` is enough.
///
/// The method is synchronous, because scoring is: it computes. A model that takes more than about
/// 100 µs says `run = blocking`, and its calls go to a pool of threads as wide as the machine.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not implement `Predict<{D}>`",
    label = "a predictor needs `impl Predict<{D}> for {Self}`",
    note = "write `impl Predict<{D}> for {Self} {{ fn predict(&self, data: &{D}) -> Result<Prediction> {{ … }} }}`"
)]
pub trait Predict<D = DefaultCustomPredictRequest> {
    /// Whether a NaN or an infinity among the features reaches the model, as "missing" does in
    /// tree ensembles. JSON has neither, protobuf has both; by default they are refused.
    const ACCEPTS_NON_FINITE: bool = false;

    /// Scores one row.
    ///
    /// # Errors
    ///
    /// [`Error::invalid_input`](crate::Error::invalid_input) if the features are at fault: the
    /// caller is answered 400 or INVALID_ARGUMENT with its sentence. Any other error is the
    /// model's: 500 or INTERNAL, and only the log says why.
    fn predict(&self, data: &D) -> Result<Prediction>;

    /// Scores several rows: one result per row, in order. A model that is quicker on many rows
    /// than on each overrides this.
    fn predict_batch(&self, rows: &[D]) -> Vec<Result<Prediction>> {
        rows.iter().map(|row| self.predict(row)).collect()
    }

    /// Called once after loading, before the service says that it is ready.
    ///
    /// # Errors
    ///
    /// An error keeps the service from starting.
    fn warm_up(&self) -> Result<()> {
        Ok(())
    }
}

/// The facts of a predictor, written by `#[seldon::predictor]`.
// `Rest`, `Grpc` and the others are supertraits, and not bounds of what is called with a
// predictor, and only here must a model be fit to be shared between threads, so that a mistake
// breaks one obligation and gives one error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a predictor",
    label = "not annotated with `#[seldon::predictor]`",
    note = "annotate the struct: `#[seldon::predictor]`, or `#[seldon::predictor(data = YourMessage)]`"
)]
pub trait Predictor:
    Predict<<Self as Predictor>::Data> + Rest + Grpc + Artifact + Program + Send + Sync + 'static
{
    /// The message that carries the features.
    type Data: Payload;
    /// Where `predict` runs.
    type Run: Executor;
    /// The names of the classes, by index; empty where the index as text is the name.
    const CLASSES: &'static [&'static str] = &[];
    /// How REST replies are written.
    const REPLY: Reply = Reply::Documented;
    /// When concurrent rows are scored together; `None` is never.
    const BATCHING: Option<Batching> = None;
    /// What it does, for its documentation: the first paragraph of the struct's own.
    const ABOUT: &'static str = "";
    /// The path that REST answers at.
    const PATH: &'static str;

    // What follows the message says, unless a predictor learns only from what it has loaded what
    // its features are: `seldon::pipeline` does.

    /// The full name of the message that it takes over gRPC.
    fn message(&self) -> &str {
        Self::Data::TYPE_NAME
    }

    /// What it says of itself.
    fn facts(&self) -> Facts<'_> {
        Facts::of::<Self>()
    }

    /// Reads features in JSON.
    ///
    /// # Errors
    ///
    /// With line and column if `text` is no JSON; else with a pointer to each thing that is wrong.
    fn read_features(&self, text: &str) -> Result<Features<Self::Data>> {
        read_features(text, &BySerde)
    }

    /// Reads features in protobuf.
    ///
    /// # Errors
    ///
    /// If it is another message, does not decode, or holds a number that is not finite where the
    /// model takes none.
    fn unpack_features(&self, features: Any) -> Result<Self::Data> {
        unpack_message::<Self>(features)
    }
}

/// How REST replies to `/predict` are written: the documentation and the original server disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// `{"predictions":[{"score":0.9,"classId":"1","confidence":0.7}]}`, as documented.
    Documented,
    /// With `meta` and `custom`, as the original server has read it since its 1.4.
    Classic,
}
