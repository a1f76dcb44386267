//! A struct and one attribute make a machine-learning microservice.
//!
//! # A predictor
//!
//! The attribute goes on the struct, and behaviour in one method:
//!
//! ```
//! use seldon::DefaultCustomPredictRequest;
//! use seldon::prelude::*;
//!
//! /// Scores by a weighted sum.
//! #[seldon::predictor(classes = ["score"])]
//! struct Linear {
//!     weights: Vec<f64>,
//! }
//!
//! impl Predict for Linear {
//!     fn predict(&self, row: &DefaultCustomPredictRequest) -> Result<Prediction> {
//!         if row.values.len() != self.weights.len() {
//!             let detail = format!("takes {} numbers", self.weights.len());
//!             return Err(Error::invalid_input(detail));
//!         }
//!         let products = row.values.iter().zip(&self.weights).map(|(x, w)| f64::from(*x) * w);
//!         Ok(Prediction::scores([products.sum::<f64>()]))
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let model = folder.path().join("model");
//! Linear { weights: vec![0.5, 2.0] }.save(&model)?;
//! let linear = Linear::load(&Folder::open(&model)?)?;
//! let server = Server::new().mount(linear);
//! # let _ = server;
//! # Ok(())
//! # }
//! ```
//!
//! `fn main() -> seldon::ExitCode { seldon::run::<Linear>() }` is the whole program: it loads the
//! folder `model` and answers `GET` and `POST /predict` and gRPC `Classify` on port 5000. Flags, the
//! environment and `seldon.toml` say otherwise ([`Config`]).
//!
//! Features of your own are a protobuf message: `seldon_build::compile` in `build.rs` compiles it,
//! [`include_proto!`] brings it in, and `#[seldon::predictor(data = IrisPredictRequest)]` names it. The same
//! type is read from JSON, with the names of the `.proto` file in camel case.
//!
//! # A recommender
//!
//! ```
//! use seldon::prelude::*;
//!
//! /// Recommends what comes first.
//! #[seldon::recommender(candidates = seldon::Configured, scores = min_max)]
//! struct First {}
//!
//! impl Recommend for First {
//!     fn recommend(&self, query: &Query<'_>, candidates: &Candidates) -> Result<Vec<Recommendation>> {
//!         let ids = candidates.ids().unwrap_or(&[1, 2, 3]);
//!         let score = |item| Recommendation { item, score: -(item as f64) };
//!         Ok(ids.iter().take(query.limit).map(|&item| score(item)).collect())
//!     }
//! }
//! ```
//!
//! The lists of items to score are in memcached (`Memcached`, with the feature `memcached`), in the model folder ([`InMemory`]), or
//! where the configuration says ([`Configured`]). Whatever the method returns, the reply is sorted, cut to
//! the limit, free of excluded items, of repetitions and of items outside the lists, and its scores are in
//! 0..1.
//!
//! # Cargo features
//!
//! All are off by default, so that a small service compiles little.
//!
//! | feature | adds |
//! |---|---|
//! | `memcached` | `Memcached`: candidate lists from memcached |
//! | `recommenders` | `recommenders`: ready-made ones |
//! | `onnx` | `onnx`: ONNX graphs, of scikit-learn's estimators and others |
//! | `onnx-runtime` | and what is not known in Rust, by onnxruntime's shared library |
//! | `trees` | `trees`: XGBoost and LightGBM models |
//! | `pipeline` | `pipeline`, `run_pipeline`: model files served without code |
//! | `s3`, `gcs`, `azure`, `https` | models in buckets and on web servers: [`Location`] |
//! | `tls` | TLS on both transports |
//! | `otel` | spans of requests, exported by OTLP |
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | what a model folder holds, and fields of other kinds | [`artifact`], [`Persist`] |
//! | several services in one server, own routes, own configuration | [`Server`] |
//! | errors that the caller can mend, and those that it cannot | [`Error::invalid_input`], [`Error::failed`] |
//! | what the server guards against | [`Limits`] |
//! | rows that are scored together | [`Predict::predict_batch`] |

pub use seldon_macros::{Payload, predictor, recommender};
#[doc(hidden)]
pub use seldon_runtime::__private;
/// The web framework below, for routes of one's own: see [`Server::routes`].
pub use seldon_runtime::__private::axum;
#[doc(hidden)]
pub use seldon_runtime::__private::prost_types;
pub use seldon_runtime::*;

/// Ready-made recommenders: fit one, keep it in a field of yours, and delegate to it.
#[cfg(feature = "recommenders")]
pub use seldon_recommenders as recommenders;

/// ONNX graphs: an [`Onnx`](onnx::Onnx) is a field like any other.
///
/// ```no_run
/// use seldon::DefaultCustomPredictRequest;
/// use seldon::onnx::Onnx;
/// use seldon::prelude::*;
///
/// /// Which of three ranges the demand is in, by a scikit-learn pipeline.
/// #[seldon::predictor(classes = ["high", "low", "middle"])]
/// struct Demand {
///     onnx: Onnx,
/// }
///
/// impl Predict for Demand {
///     fn predict(&self, row: &DefaultCustomPredictRequest) -> Result<Prediction> {
///         let scores = self.onnx.predict_f32(&row.values, 1);
///         let scores = scores.map_err(|error| match error.is_input() {
///             true => Error::invalid_input(error.to_string()),
///             false => Error::failed(error),
///         })?;
///         Ok(Prediction::scores(scores.into_iter().map(f64::from)))
///     }
/// }
///
/// # fn main() -> Result<()> {
/// let onnx = Onnx::open("model.onnx").map_err(|error| Error::setup(error.to_string()))?;
/// Demand { onnx }.save("model")?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "onnx")]
pub use seldon_onnx as onnx;

/// XGBoost and LightGBM models: a [`Forest`](trees::Forest) is a field like any other.
#[cfg(feature = "trees")]
pub use seldon_trees as trees;

/// Model files that are served without code, and the steps that features go through first.
#[cfg(feature = "pipeline")]
pub use seldon_pipeline as pipeline;

/// Serves a [`Pipeline`](pipeline::Pipeline) as flags, environment and file say: [`run`] without a
/// service of your own. `fn main() -> seldon::ExitCode { seldon::run_pipeline() }` is what
/// `seldon-serve` does.
#[cfg(feature = "pipeline")]
pub fn run_pipeline() -> ExitCode {
    run::<pipeline::Pipeline>()
}

/// What [`run`] returns, so that `main` can return it.
pub use std::process::ExitCode;

/// The messages of a protobuf package that `seldon_build::compile` compiled in `build.rs`.
///
/// ```ignore
/// seldon::include_proto!("io.seldon.microservice.iris");
/// ```
#[macro_export]
macro_rules! include_proto {
    ($package:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $package, ".rs"));
    };
}

/// What a service's source needs, in one line: `use seldon::prelude::*;`.
pub mod prelude {
    pub use seldon_runtime::{
        Artifact, Candidates, Error, Folder, Predict, Prediction, Query, Recommend, Recommendation,
        Result, Server,
    };
}
