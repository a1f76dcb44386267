//! What operators ask and tell, on a listener of its own.

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{HeaderMap, header};

use super::accept::Connections;
use super::guard::Guard;
use crate::observe::Format;

/// Where the figures are.
pub(super) const METRICS: &str = "/metrics";

/// `GET /metrics`, and `POST /reload`.
pub(super) fn routes(guard: &Arc<Guard>, connections: &Connections) -> Router {
    let reload = super::reload::routes(guard);
    let (guard, connections) = (Arc::clone(guard), connections.clone());
    let figures = move |headers: HeaderMap| {
        let format = Format::accepted_by(&headers);
        let text = guard.figures(&connections, format);
        let kind = (header::CONTENT_TYPE, format.content_type());
        async move { ([kind, (header::VARY, "accept")], text).into_response() }
    };
    Router::new()
        .route(METRICS, get(figures))
        .merge(reload)
        .fallback(super::unknown_path)
        .method_not_allowed_fallback(super::wrong_method)
}
