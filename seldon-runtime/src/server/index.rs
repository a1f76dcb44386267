//! `GET /`: what is served here, for whoever comes upon it.

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use http::header;
use serde::Serialize;

use super::Mounted;
use crate::error::{Error, Result};

#[derive(Serialize)]
struct Index<'a> {
    services: Vec<Entry<'a>>,
    health: Health,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    kind: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc: Option<Method<'a>>,
}

impl<'a> Entry<'a> {
    fn of(mounted: &'a Mounted) -> Self {
        Self {
            name: &mounted.name,
            kind: mounted.kind,
            path: &mounted.path,
            grpc: mounted.takes.map(|message| Method {
                method: format!("{}/Classify", crate::grpc::SERVICE),
                message,
            }),
        }
    }
}

/// How a predictor is called over gRPC.
#[derive(Serialize)]
struct Method<'a> {
    method: String,
    message: &'a str,
}

#[derive(Serialize)]
struct Health {
    live: &'static str,
    ready: &'static str,
}

/// The index of what is mounted, written once.
///
/// # Errors
///
/// None that is known of: it is text only.
pub(super) fn routes(mounted: &[Mounted]) -> Result<Router> {
    let index = Index {
        services: mounted.iter().map(Entry::of).collect(),
        health: Health {
            live: "/health/live",
            ready: "/health/ready",
        },
    };
    let text = serde_json::to_vec(&index)
        .map(Bytes::from)
        .map_err(|e| Error::setup("cannot write the index of services").with_cause(e))?;
    let answer = move || async move { ([(header::CONTENT_TYPE, "application/json")], text) };
    Ok(Router::new().route("/", get(answer)))
}
