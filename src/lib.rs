//! A struct and one attribute make a machine-learning microservice.
#![doc = ""]

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
