//! Figures that are read when they are asked for.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::panics;

/// A server at one moment.
#[derive(Debug)]
pub(crate) struct Now {
    pub(crate) ready: bool,
    pub(crate) in_flight: usize,
    pub(crate) in_flight_limit: usize,
    pub(crate) waiting: usize,
    pub(crate) waiting_limit: usize,
    /// Connections by their state.
    pub(crate) connections: [(&'static str, usize); 4],
    pub(crate) connections_limit: usize,
    /// On the runtimes that serve.
    pub(crate) tasks: usize,
    /// Requests that were turned away, by reason.
    pub(crate) shed: Vec<(&'static str, u64)>,
}

impl Collector for Now {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, value) in [
            (
                "ready",
                "1 while the server is ready, else 0",
                usize::from(self.ready),
            ),
            (
                "requests_in_flight",
                "Requests that have a place",
                self.in_flight,
            ),
            (
                "requests_in_flight_limit",
                "The most that have one",
                self.in_flight_limit,
            ),
            (
                "queue_depth",
                "Requests that wait for a place",
                self.waiting,
            ),
            (
                "queue_depth_limit",
                "The most that may wait",
                self.waiting_limit,
            ),
            (
                "connections_limit",
                "The most connections that are served",
                self.connections_limit,
            ),
            (
                "tasks",
                "Tasks that serve connections and their requests",
                self.tasks,
            ),
        ] {
            let family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value as i64).encode(family)?;
        }
        let help = "Open connections: new (nothing was read yet), idle, active (a request is in flight), turned_away (over the limit)";
        let mut family = encoder.encode_descriptor("connections", help, None, MetricType::Gauge)?;
        for (state, count) in self.connections {
            let labels = [("state", state)];
            ConstGauge::new(count as i64).encode(family.encode_family(&labels)?)?;
        }
        let help =
            "Requests that were turned away, by what there were too many of or what took too long";
        let mut family =
            encoder.encode_descriptor("requests_shed", help, None, MetricType::Counter)?;
        for (reason, count) in &self.shed {
            let labels = [("reason", *reason)];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
        let help = "Panics of the process, in a model or anywhere else";
        let family = encoder.encode_descriptor("panics", help, None, MetricType::Counter)?;
        ConstCounter::new(panics::count()).encode(family)
    }
}
