//! Where the time of a service's requests goes: waiting, reading, computing, writing.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::histogram::Histogram;

/// A part of a request's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// For a place, for a thread of the pool, or for the batch to be full. Counted only where
    /// there is a wait at all.
    Queue,
    /// From the text or the packed message to the model's own, once all of it is here.
    Decode,
    /// Lists of items are fetched.
    Candidates,
    /// The user's code, and the check of what it gave.
    Predict,
    /// From the model's answer to the reply.
    Encode,
}

impl Stage {
    pub(super) const ALL: [Self; 5] = [
        Self::Queue,
        Self::Decode,
        Self::Candidates,
        Self::Predict,
        Self::Encode,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Decode => "decode",
            Self::Candidates => "candidates",
            Self::Predict => "predict",
            Self::Encode => "encode",
        }
    }
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Rest,
    Grpc,
}

impl Transport {
    pub(super) const ALL: [Self; 2] = [Self::Rest, Self::Grpc];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Grpc => "grpc",
        }
    }
}

/// The times of one service, by transport and stage; clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stages([[Histogram; Stage::ALL.len()]; Transport::ALL.len()]);

impl Stages {
    pub(crate) fn observe(&self, transport: Transport, stage: Stage, time: Duration) {
        self.of(transport, stage).observe(time);
    }

    pub(super) fn of(&self, transport: Transport, stage: Stage) -> &Histogram {
        &self.0[transport as usize][stage as usize]
    }

    /// Takes one request's time from `last` on.
    pub(crate) fn watch_from(&self, transport: Transport, last: Instant) -> Stopwatch<'_> {
        Stopwatch {
            stages: self,
            transport,
            last,
        }
    }
}

/// Takes one request's time: each stage ends where the next begins, so that a stage costs one look
/// at the clock.
#[derive(Debug)]
pub(crate) struct Stopwatch<'a> {
    stages: &'a Stages,
    transport: Transport,
    last: Instant,
}

impl Stopwatch<'_> {
    /// Ends `stage`, and begins the next: now, as it says.
    pub(crate) fn lap(&mut self, stage: Stage) -> Instant {
        let now = Instant::now();
        let time = now.duration_since(self.last);
        self.stages.observe(self.transport, stage, time);
        self.last = now;
        now
    }

    /// Begins the next stage, whoever has counted what was before.
    pub(crate) fn restart(&mut self) {
        self.last = Instant::now();
    }

    /// The transport that it is for, and when the stage began: to go on elsewhere.
    pub(crate) fn mark(&self) -> (Transport, Instant) {
        (self.transport, self.last)
    }
}

/// The stages of all services, each by its name, to be shown among the figures.
#[derive(Debug)]
pub(super) struct AllStages(pub(super) Vec<(Arc<str>, Stages)>);

impl Collector for AllStages {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = encoder.encode_descriptor(
            "stage_duration",
            "Where the time of requests goes: queue (where there was a wait), decode, candidates, predict, encode",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for (service, stages) in &self.0 {
            for transport in Transport::ALL {
                for stage in Stage::ALL {
                    let labels = [
                        ("service", &**service),
                        ("transport", transport.name()),
                        ("stage", stage.name()),
                    ];
                    stages
                        .of(transport, stage)
                        .encode(family.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }
}
