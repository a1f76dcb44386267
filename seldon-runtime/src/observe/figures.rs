//! What is counted of one service where its requests are answered.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::stages::Stages;
use crate::error::{Code, Error, NonFinite};

/// The figures of one service; clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    pub(crate) stages: Stages,
    pub(super) panics: Counter,
    pub(super) non_finite: Counter,
    fetches: [Counter; Fetch::ALL.len()],
    pub(super) batches: Counter,
    pub(super) batch_rows: Counter,
    reloads: [Counter; Reload::ALL.len()],
    pub(super) old_versions: Gauge,
}

/// How the reload of a model ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reload {
    /// A new version answers.
    Loaded,
    /// There is none.
    Unchanged,
    /// What there is cannot be served.
    Refused,
}

impl Reload {
    pub(super) const ALL: [Self; 3] = [Self::Loaded, Self::Unchanged, Self::Refused];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

/// How the fetching of one request's candidates ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetch {
    Good,
    /// The reply is made without.
    Degraded,
    Failed,
}

impl Fetch {
    pub(super) const ALL: [Self; 3] = [Self::Good, Self::Degraded, Self::Failed];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }
}

impl Figures {
    /// Counts the faults of a model's call that an operator should hear of.
    pub(crate) fn failed(&self, error: &Error) {
        let count = match error.code() {
            Code::ModelPanicked => &self.panics,
            Code::InvalidAnswer if error.is_caused_by::<NonFinite>() => &self.non_finite,
            _ => return,
        };
        count.inc();
    }

    /// Counts a batch of `rows`.
    pub(crate) fn batch(&self, rows: usize) {
        self.batches.inc();
        self.batch_rows.inc_by(rows as u64);
    }

    /// Counts a fetching of candidates.
    pub(crate) fn fetched(&self, how: Fetch) {
        self.fetches[how as usize].inc();
    }

    /// Counts a reload.
    pub(crate) fn reloaded(&self, how: Reload) {
        self.reloads[how as usize].inc();
    }

    /// Notes how many versions still answer that have been replaced.
    pub(crate) fn old_versions(&self, count: usize) {
        self.old_versions.set(count as i64);
    }

    pub(super) fn reloads(&self, how: Reload) -> u64 {
        self.reloads[how as usize].get()
    }

    pub(super) fn fetches(&self, how: Fetch) -> u64 {
        self.fetches[how as usize].get()
    }
}
