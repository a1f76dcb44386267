//! Whether the server lives and is ready: for probes over HTTP and for gRPC clients.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::{HeaderName, header};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use super::life::{Life, Phase};
use super::named::Named;
use crate::error::{Code, Error, Result, echo};

/// The health of a server and of each service that it serves. A service is ready when its server
/// is: that a model is loaded and warm is known before it is mounted.
#[derive(Clone)]
pub(super) struct Health {
    life: Life,
    services: Arc<[String]>,
    reporter: HealthReporter,
}

/// A short JSON document.
type Report = ([(HeaderName, &'static str); 1], &'static str);

const fn report(document: &'static str) -> Report {
    ([(header::CONTENT_TYPE, "application/json")], document)
}

impl Health {
    /// The health of a server with these services: not ready until its life says so.
    pub(super) fn new(life: Life, services: impl IntoIterator<Item = String>) -> Self {
        Self {
            life,
            services: services.into_iter().collect(),
            reporter: HealthReporter::new(),
        }
    }

    /// The probes over HTTP.
    pub(super) fn rest(&self) -> Router {
        let (all, each) = (self.clone(), self.clone());
        Router::new()
            .route("/health/live", get(live))
            .route("/health/ready", get(async move || all.ready()))
            .route(
                "/health/ready/{name}",
                get(async move |Named(name): Named| each.ready_one(&name)),
            )
    }

    fn ready(&self) -> Result<Report> {
        if self.life.is_ready() {
            return Ok(report(r#"{"status":"ready"}"#));
        }
        let detail = match self.life.has_come(Phase::LameDuck) {
            true => "the server is ending",
            false => "the server is starting",
        };
        Err(Error::new(Code::Unavailable, detail))
    }

    fn ready_one(&self, name: &str) -> Result<Report> {
        if !self.services.iter().any(|service| service == name) {
            let detail = format!("no service `{}` is served here", echo(name));
            return Err(Error::new(Code::ModelNotFound, detail));
        }
        self.ready()
    }

    /// `grpc.health.v1`: each method as a route, so that other paths stay unknown.
    pub(super) fn grpc(&self) -> Router {
        let service = HealthService::from_health_reporter(self.reporter.clone());
        let service = HealthServer::new(service);
        Router::new()
            .route_service("/grpc.health.v1.Health/Check", service.clone())
            .route_service("/grpc.health.v1.Health/Watch", service)
    }

    /// Tells those that watch over gRPC of a new phase.
    pub(super) async fn tell(&mut self, phase: Phase) {
        let names = self.services.iter().map(String::as_str);
        // The empty name is the server's own.
        for name in names.chain([crate::grpc::SERVICE, ""]) {
            match phase {
                Phase::Starting | Phase::LameDuck => {
                    let status = ServingStatus::NotServing;
                    self.reporter.set_service_status(name, status).await;
                }
                Phase::Serving => {
                    let status = ServingStatus::Serving;
                    self.reporter.set_service_status(name, status).await;
                }
                // Ends the watches, which would otherwise be in flight until their clients leave.
                Phase::Draining | Phase::Ended => self.reporter.clear_service_status(name).await,
            }
        }
    }
}

async fn live() -> Report {
    report(r#"{"status":"live"}"#)
}
