//! What the code that seldon's attributes write calls. Use it through the crate `seldon`.

mod access;
pub mod any;
pub mod artifact;
pub mod config;
mod descriptors;
pub mod error;
mod gate;
pub mod grpc;
mod known;
mod live;
mod observe;
mod openapi;
pub mod predict;
pub mod proto;
mod puid;
pub mod recommend;
pub mod rest;
mod run;
mod secret;
pub mod server;
pub mod service;

pub use access::ApiKeys;
#[cfg(feature = "tls")]
pub use access::Tls;
pub use any::Any;
pub use artifact::{Artifact, Folder, Location, Matrix, Persist, Storage};
pub use config::Config;
pub use error::{Code, Error, Result, Violation};
pub use predict::{Batching, Class, Label, Payload, Predict, Prediction, Predictor, Reply};
pub use proto::DefaultCustomPredictRequest;
pub use recommend::{
    AllItems, CandidateSource, Candidates, Configured, Fetched, InMemory, ItemIndex, List, Query,
    Recommend, Recommendation, Recommender, ServerState, SourceState,
};
#[cfg(feature = "memcached")]
pub use recommend::{CandidateSettings, Memcached, Routing};
pub use run::{block_on, run};
pub use secret::Secret;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use server::fuzz_http2;
pub use server::{Bound, Limits, Server};
pub use service::Service;

/// What expansions name. Not a public interface: it changes with the macros.
#[doc(hidden)]
pub mod __private {
    pub use std::option::Option::{self, Some};
    pub use std::result::Result::Ok;
    pub use std::time::Duration;

    pub use axum::{self, Router};
    pub use prost;
    pub use prost_types;
    pub use serde;

    pub use crate::artifact::{Artifact, Draft, Field, Folder, skipped, stored, stored_as_json};
    pub use crate::config::Config;
    pub use crate::error::Result;
    pub use crate::grpc::{self, Grpc};
    pub use crate::predict::{
        Batching, Blocking, Check, Inline, Payload, Predict, Prediction, Predictor, Reply,
        Undecided, check,
    };
    pub use crate::proto::DefaultCustomPredictRequest;
    pub use crate::recommend::{AllItems, Recommender, Scores};
    pub use crate::rest::{self, Rest};
    pub use crate::server::{Composed, Mount, Program};
    pub use crate::service::Service;
}
