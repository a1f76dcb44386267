//! `GET /`: what is served here, for whoever comes upon it.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;
use serde::Serialize;

use super::mounted::Mounted;
use super::reload::RELOAD;
use super::{admin, docs};
use crate::error::Error;
use crate::live::Model;

/// What the index says.
#[derive(Clone)]
pub(super) struct Index {
    services: Arc<[(Entry, Arc<dyn Model>)]>,
    /// Bound after the index was made, if at all.
    admin: Arc<OnceLock<SocketAddr>>,
}

#[derive(Serialize)]
struct Page<'a> {
    services: Vec<Service<'a>>,
    health: Health,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<Admin>,
}

/// A service, with the version of its model that answers now.
#[derive(Serialize)]
struct Service<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    kind: &'static str,
    variation: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc: Option<Method>,
}

/// How a predictor is called over gRPC.
#[derive(Debug, Serialize)]
struct Method {
    method: String,
    message: String,
}

#[derive(Serialize)]
struct Health {
    live: &'static str,
    ready: &'static str,
}

/// What the listener for administration answers.
#[derive(Serialize)]
struct Admin {
    address: SocketAddr,
    metrics: &'static str,
    documentation: &'static str,
    openapi: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reload: Option<&'static str>,
}

impl Entry {
    fn of(mounted: &Mounted) -> Self {
        let observed = &mounted.observed;
        Self {
            name: mounted.name.clone(),
            kind: mounted.kind,
            variation: observed.variation.clone(),
            path: mounted.path.clone(),
            grpc: mounted.takes.clone().map(|message| Method {
                method: format!("{}/Classify", crate::grpc::SERVICE),
                message,
            }),
        }
    }
}

impl Index {
    /// The index of what is mounted.
    pub(super) fn new(mounted: &[Mounted]) -> Self {
        Self {
            services: (mounted.iter())
                .map(|mounted| (Entry::of(mounted), Arc::clone(&mounted.observed.model)))
                .collect(),
            admin: Arc::default(),
        }
    }

    /// Says where administration listens.
    pub(super) fn administered(&self, address: SocketAddr) {
        // There is one such listener; a second would be shown as the first.
        let _ = self.admin.set(address);
    }

    pub(super) fn routes(&self) -> Router {
        let index = self.clone();
        Router::new().route("/", get(async move || index.page()))
    }

    fn page(&self) -> Response {
        let page = Page {
            services: (self.services.iter())
                .map(|(entry, model)| Service {
                    entry,
                    version: model.mark().map(|mark| mark.version().to_owned()),
                })
                .collect(),
            health: Health {
                live: "/health/live",
                ready: "/health/ready",
            },
            admin: self.admin.get().map(|address| Admin {
                address: *address,
                metrics: admin::METRICS,
                documentation: docs::PAGE,
                openapi: docs::DOCUMENT,
                reload: (self.services.iter())
                    .any(|(_, model)| model.seen().is_some())
                    .then_some(RELOAD),
            }),
        };
        match serde_json::to_vec(&page) {
            Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
            Err(e) => Error::from(e).into_response(),
        }
    }
}
