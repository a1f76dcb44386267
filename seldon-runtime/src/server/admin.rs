//! What operators ask, on a listener of its own.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::header;

use super::accept::Connections;
use super::guard::Guard;

/// The text format that is written, by the name that Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the figures are.
pub(super) const METRICS: &str = "/metrics";

/// `GET /metrics`.
pub(super) fn routes(guard: &Arc<Guard>, connections: &Connections) -> Router {
    let (guard, connections) = (Arc::clone(guard), connections.clone());
    let figures = move || {
        let text = guard.figures(connections.open());
        async move { ([(header::CONTENT_TYPE, OPEN_METRICS)], text) }
    };
    Router::new()
        .route(METRICS, get(figures))
        .fallback(super::unknown_path)
        .method_not_allowed_fallback(super::wrong_method)
}
