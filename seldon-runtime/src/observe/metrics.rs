//! The figures of a server, as Prometheus reads them.
//!
//! Labels come from closed sets: the names of the services mounted, and those that are written in
//! these files. What a request counts is found by index and added to without a lock.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::exposition::Format;
use super::figures::Figures;
use super::now::Now;
use super::process::Process;
use super::reloads::Reloads;
use super::requests::{AllRequests, Kind, OTHER, Requests};
use super::services::{AllServices, Observed};
use super::stages::{AllStages, Stage, Transport};
use crate::error::Code;
use crate::grpc::CLASSIFY;

/// Before the names of all figures but the process's.
const PREFIX: &str = "seldon";

/// The figures of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    process: Registry,
    /// The paths that are answered, and whose they are.
    paths: Vec<(String, Place)>,
    /// What no service answers: an unknown path, health, the index.
    other: Place,
    /// What several services answer: which of them is not known from its path.
    shared: Option<Place>,
    names: Vec<(Arc<str>, Figures)>,
    requests: Arc<[Requests]>,
    malformed_timeouts: Counter,
    failed_handshakes: Counter,
    reloads: Reloads,
    turned_away: Counter,
}

/// Which service a request was for, as far as its path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(usize);

impl Metrics {
    /// The figures of a server of `services`, where each of `paths` is answered by one of that
    /// name, or of a name that several share.
    pub(crate) fn new(services: Vec<Observed>, paths: Vec<(String, String)>) -> Self {
        let mut names: Vec<(Arc<str>, Figures)> = (services.iter())
            .map(|service| (Arc::clone(&service.name), service.figures.clone()))
            .collect();
        // A service that has one of our names shares its series: two of one name are no text that
        // a scraper takes.
        let mut place = |name: &str| {
            let known = names.iter().position(|(known, _)| **known == *name);
            Place(known.unwrap_or_else(|| {
                names.push((Arc::from(name), Figures::default()));
                names.len() - 1
            }))
        };
        let paths: Vec<(String, Place)> = (paths.into_iter())
            .map(|(name, path)| (path, place(&name)))
            .collect();
        let other = place(OTHER);
        let mounted = services.len();
        let shared = (paths.iter().map(|(_, place)| *place)).find(|place| place.0 >= mounted);
        let mut requests: Vec<_> = (names.iter())
            .map(|(name, _)| Requests::new(Arc::clone(name)))
            .collect();
        for (path, place) in &paths {
            let transport = match &**path {
                CLASSIFY => Transport::Grpc,
                _ => Transport::Rest,
            };
            requests[place.0].expect(transport);
        }
        let requests: Arc<[Requests]> = requests.into();
        let stages = (names.iter())
            .map(|(name, figures)| (Arc::clone(name), figures.stages.clone()))
            .collect();

        let mut registry = Registry::with_prefix(PREFIX);
        registry.register_collector(Box::new(AllRequests(Arc::clone(&requests))));
        registry.register_collector(Box::new(AllStages(stages)));
        registry.register_collector(Box::new(AllServices(services)));
        let malformed_timeouts = Counter::default();
        registry.register(
            "malformed_timeouts",
            "Deadlines of callers that were ignored because they are no time",
            malformed_timeouts.clone(),
        );
        let failed_handshakes = Counter::default();
        registry.register(
            "tls_handshake_failures",
            "Connections that were closed because TLS could not be agreed upon in time or at all",
            failed_handshakes.clone(),
        );
        let reloads = Reloads::default();
        reloads.register(&mut registry);
        registry.register(
            "build",
            "The framework's version",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let mut process = Registry::default();
        process.register_collector(Box::new(Process));
        Self {
            registry,
            process,
            paths,
            other,
            shared,
            names,
            requests,
            malformed_timeouts,
            failed_handshakes,
            reloads,
            turned_away: Counter::default(),
        }
    }

    /// The service that answers at `path`.
    pub(crate) fn place(&self, path: &str) -> Place {
        let found = self.paths.iter().find(|(known, _)| known == path);
        found.map_or(self.other, |(_, place)| *place)
    }

    /// Whether its path leaves open for which of several services a request was.
    pub(crate) fn is_shared(&self, place: Place) -> bool {
        self.shared == Some(place)
    }

    /// The service of this name, if there is one.
    pub(crate) fn place_of(&self, name: &str) -> Option<Place> {
        let found = self.names.iter().position(|(known, _)| **known == *name);
        found.map(Place)
    }

    /// The service's name.
    pub(crate) fn name(&self, place: Place) -> &str {
        &self.names[place.0].0
    }

    /// Counts an answer: a good one, or one of an error.
    pub(crate) fn answered(&self, place: Place, kind: Kind, code: Option<Code>, took: Duration) {
        self.requests[place.0].answered(kind, code, took);
    }

    /// Counts a wait for a place among the requests in flight.
    pub(crate) fn waited(&self, place: Place, kind: Kind, time: Duration) {
        let stages = &self.names[place.0].1.stages;
        stages.observe(kind.transport(), Stage::Queue, time);
    }

    /// Counts a caller's deadline that is none.
    pub(crate) fn malformed_timeout(&self) {
        self.malformed_timeouts.inc();
    }

    /// Counts a TLS handshake that failed.
    pub(crate) fn handshake_failed(&self) {
        self.failed_handshakes.inc();
    }

    /// What counts the files that are read anew.
    pub(crate) fn reloads(&self) -> Reloads {
        self.reloads.clone()
    }

    /// Counts a request that was turned away because its connection is one too many.
    pub(crate) fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// All figures as text, with those that are only known now.
    pub(crate) fn text(&self, mut now: Now, format: Format) -> String {
        now.shed.push(("connections", self.turned_away.get()));
        let mut present = Registry::with_prefix(PREFIX);
        present.register_collector(Box::new(now));
        let mut text = String::new();
        // Writing to a string does not fail; what was written is whole lines in any case.
        for registry in [&self.registry, &present, &self.process] {
            let _ = encode_registry(&mut text, registry);
        }
        let _ = encode_eof(&mut text);
        format.of(text)
    }
}
