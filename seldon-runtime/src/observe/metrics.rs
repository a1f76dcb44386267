//! Figures in Prometheus' text format.
//!
//! Labels come from a closed set: the names of the services mounted, and those that are written
//! here. Each request's own series are looked up by index, not by name.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::process;
use super::reloads::Reloads;
use super::stages::{AllStages, Stages};
use crate::error::Code;

/// The upper bounds of a histogram's buckets, in seconds: from a quick model's inline answer to
/// the default deadline.
const BUCKETS: [f64; 14] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];

/// The name of what no service answers: an unknown path, health, the index.
const OTHER: &str = "other";

/// The figures of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// For each service, and last for what is none, a series for each kind of request.
    series: Vec<[Series; Kind::COUNT]>,
    services: Vec<Named>,
    requests: Family<RequestLabels, Counter>,
    malformed_timeouts: Counter,
    failed_handshakes: Counter,
    reloads: Reloads,
    waits: Histogram,
    in_flight: Gauge,
    waiting: Gauge,
    connections: Gauge,
    ready: Gauge,
}

/// A service, by which requests are told apart.
#[derive(Debug)]
struct Named {
    name: Arc<str>,
    path: String,
}

/// What is counted at each good answer.
#[derive(Debug)]
struct Series {
    good: Counter,
    took: Histogram,
}

/// Which service a request was for, as far as its path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(usize);

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Get,
    Post,
    OtherMethod,
    Grpc,
}

impl Kind {
    const COUNT: usize = 4;
    const ALL: [Self; Self::COUNT] = [Self::Get, Self::Post, Self::OtherMethod, Self::Grpc];

    /// The kind of a request over REST.
    pub(crate) fn rest(method: &Method) -> Self {
        match *method {
            Method::GET => Self::Get,
            Method::POST => Self::Post,
            _ => Self::OtherMethod,
        }
    }

    fn transport(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            _ => "rest",
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::OtherMethod => OTHER,
            Self::Grpc => "Classify",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    service: Arc<str>,
    transport: &'static str,
    method: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LatencyLabels {
    service: Arc<str>,
    transport: &'static str,
}

impl Metrics {
    /// The figures of a server of `services`, each with its name and the paths that it answers.
    ///
    /// `stages` are those of each service by its name.
    pub(crate) fn new(
        services: impl IntoIterator<Item = (String, String)>,
        stages: impl IntoIterator<Item = (String, Stages)>,
    ) -> Self {
        let mut registry = Registry::with_prefix("seldon");
        let stages = stages.into_iter().map(|(name, of)| (name.into(), of));
        registry.register_collector(Box::new(AllStages(stages.collect())));
        let requests = Family::<RequestLabels, Counter>::default();
        registry.register(
            "requests",
            "Requests answered, by outcome: ok, or the code of the error",
            requests.clone(),
        );
        let took =
            Family::<LatencyLabels, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register_with_unit(
            "request_duration",
            "From a request's head to its answer's",
            Unit::Seconds,
            took.clone(),
        );
        let waits = Histogram::new(BUCKETS);
        registry.register_with_unit(
            "queue_wait",
            "For a place among the requests in flight, where there was none at once",
            Unit::Seconds,
            waits.clone(),
        );
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
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let in_flight = gauge("requests_in_flight", "Requests that have a place");
        let waiting = gauge("requests_waiting", "Requests that wait for a place");
        let connections = gauge("connections_open", "Connections that are served");
        let ready = gauge("ready", "1 while the server is ready, else 0");
        registry.register(
            "build",
            "The framework's version",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let services: Vec<Named> = (services.into_iter())
            .map(|(name, path)| Named {
                name: name.into(),
                path,
            })
            .collect();
        let names = services.iter().map(|service| Arc::clone(&service.name));
        let series = names
            .chain([Arc::from(OTHER)])
            .map(|service| {
                Kind::ALL.map(|kind| Series {
                    good: requests
                        .get_or_create(&RequestLabels {
                            service: Arc::clone(&service),
                            transport: kind.transport(),
                            method: kind.method(),
                            outcome: "ok",
                        })
                        .clone(),
                    took: took
                        .get_or_create(&LatencyLabels {
                            service: Arc::clone(&service),
                            transport: kind.transport(),
                        })
                        .clone(),
                })
            })
            .collect();
        Self {
            registry,
            series,
            services,
            requests,
            malformed_timeouts,
            failed_handshakes,
            reloads,
            waits,
            in_flight,
            waiting,
            connections,
            ready,
        }
    }

    /// The service that answers at `path`.
    pub(crate) fn place(&self, path: &str) -> Place {
        let at = self
            .services
            .iter()
            .position(|service| service.path == path);
        Place(at.unwrap_or(self.services.len()))
    }

    /// The service's name.
    pub(crate) fn name(&self, place: Place) -> &str {
        self.services
            .get(place.0)
            .map_or(OTHER, |service| &service.name)
    }

    /// Counts an answer: a good one, or one of an error.
    pub(crate) fn answered(&self, place: Place, kind: Kind, code: Option<Code>, took: Duration) {
        let Some(series) = self.series.get(place.0).map(|kinds| &kinds[kind as usize]) else {
            return;
        };
        series.took.observe(took.as_secs_f64());
        match code {
            None => drop(series.good.inc()),
            Some(code) => {
                let labels = RequestLabels {
                    service: Arc::from(self.name(place)),
                    transport: kind.transport(),
                    method: kind.method(),
                    outcome: code.as_str(),
                };
                self.requests.get_or_create(&labels).inc();
            }
        }
    }

    /// Counts a wait for a place.
    pub(crate) fn waited(&self, time: Duration) {
        self.waits.observe(time.as_secs_f64());
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

    /// All figures as text, with those that are only known now.
    pub(crate) fn text(&self, now: &Now) -> String {
        self.in_flight.set(now.in_flight as i64);
        self.waiting.set(now.waiting as i64);
        self.connections.set(now.connections as i64);
        self.ready.set(i64::from(now.ready));
        let mut text = String::new();
        // Writing to a string does not fail; what was written is whole lines in any case.
        let _ = encode(&mut text, &self.registry);
        // Ours come before OpenMetrics' end.
        if let Some(end) = text.rfind("# EOF") {
            text.truncate(end);
        }
        process::write(&mut text);
        text.push_str("# EOF\n");
        text
    }
}

/// Figures that are read when they are asked for.
pub(crate) struct Now {
    pub(crate) in_flight: usize,
    pub(crate) waiting: usize,
    pub(crate) connections: usize,
    pub(crate) ready: bool,
}
