//! Requests by service, transport, method and outcome: each a number that is found by index.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Unit;

use super::histogram::Histogram;
use super::stages::Transport;
use crate::error::Code;

/// What the labels say of all that is not known before.
pub(super) const OTHER: &str = "other";

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Get,
    Post,
    OtherMethod,
    Grpc,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Get, Self::Post, Self::OtherMethod, Self::Grpc];

    /// The kind of a request over REST.
    pub(crate) fn rest(method: &Method) -> Self {
        match *method {
            Method::GET => Self::Get,
            Method::POST => Self::Post,
            _ => Self::OtherMethod,
        }
    }

    pub(crate) fn transport(self) -> Transport {
        match self {
            Self::Grpc => Transport::Grpc,
            _ => Transport::Rest,
        }
    }

    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::OtherMethod => OTHER,
            Self::Grpc => "Classify",
        }
    }
}

/// The outcome of a good answer; the others are the names of the codes.
const OK: &str = "ok";

/// The requests for one service.
#[derive(Debug)]
pub(super) struct Requests {
    service: Arc<str>,
    /// Whether it answers GET and POST, or gRPC: what it does not is shown once it was tried.
    transports: [bool; Transport::ALL.len()],
    kinds: [Outcomes; Kind::ALL.len()],
    took: [Histogram; Transport::ALL.len()],
}

/// The good answers of one kind of request, then those of each code.
#[derive(Debug, Default)]
struct Outcomes {
    good: AtomicU64,
    codes: [AtomicU64; Code::ALL.len()],
}

impl Requests {
    pub(super) fn new(service: Arc<str>) -> Self {
        Self {
            service,
            transports: Default::default(),
            kinds: Default::default(),
            took: Default::default(),
        }
    }

    /// Notes that it answers over `transport`.
    pub(super) fn expect(&mut self, transport: Transport) {
        self.transports[transport as usize] = true;
    }

    /// Counts an answer: a good one, or one of an error.
    pub(super) fn answered(&self, kind: Kind, code: Option<Code>, took: Duration) {
        self.took[kind.transport() as usize].observe(took);
        let outcomes = &self.kinds[kind as usize];
        let count = match code {
            None => &outcomes.good,
            Some(code) => &outcomes.codes[code as usize],
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// The requests for all services, to be shown among the figures.
#[derive(Debug)]
pub(super) struct AllRequests(pub(super) Arc<[Requests]>);

impl Collector for AllRequests {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = encoder.encode_descriptor(
            "requests",
            "Requests answered, by outcome: ok, or the code of the error",
            None,
            MetricType::Counter,
        )?;
        for requests in &*self.0 {
            for kind in Kind::ALL {
                let outcomes = &requests.kinds[kind as usize];
                // From zero on where it is expected, so that the first of them is an increase.
                let expected =
                    requests.transports[kind.transport() as usize] && kind != Kind::OtherMethod;
                let good = (OK, outcomes.good.load(Ordering::Relaxed));
                let codes = (Code::ALL.iter().zip(&outcomes.codes))
                    .map(|(code, count)| (code.as_str(), count.load(Ordering::Relaxed)));
                for (outcome, count) in [good].into_iter().chain(codes) {
                    if count == 0 && !(expected && outcome == OK) {
                        continue;
                    }
                    let labels = [
                        ("service", &*requests.service),
                        ("transport", kind.transport().name()),
                        ("method", kind.method()),
                        ("outcome", outcome),
                    ];
                    ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
                }
            }
        }
        let mut family = encoder.encode_descriptor(
            "request_duration",
            "From a request's head to its answer's",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for requests in &*self.0 {
            for transport in Transport::ALL {
                let labels = [
                    ("service", &*requests.service),
                    ("transport", transport.name()),
                ];
                requests.took[transport as usize].encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_number() {
        for (index, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, index, "{code:?}");
        }
        // The last one that there is.
        assert_eq!(Code::Internal as usize + 1, Code::ALL.len());
    }
}
