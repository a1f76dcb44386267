//! REST: the original's dialect.

mod body;
mod json;
mod parameters;
mod predict;
mod predictions;
mod recommend;

use axum::Router;

pub(crate) use body::{OverLimit, read};
pub(crate) use parameters::{MOST_ENTRIES, decode, query};
pub(crate) use predict::predict_known;
pub use predict::predict_routes;
pub(crate) use recommend::MOST_KEYS;
pub(crate) use recommend::recommend_known;
pub use recommend::recommend_routes;

use crate::service::Service;

/// The REST routes of a service, written by the attribute.
pub trait Rest<S = ()>: Sized {
    /// The routes, at the path that the service was mounted at.
    fn routes(service: Service<Self, S>) -> Router;
}
