//! How often files were read anew while the server ran.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Counts reloads, by what was reloaded and whether it could be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reloads(Family<Labels, Counter>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    what: &'static str,
    outcome: &'static str,
}

impl Labels {
    fn of(what: &'static str, good: bool) -> Self {
        let outcome = if good { "ok" } else { "failed" };
        Self { what, outcome }
    }
}

impl Reloads {
    /// Shows a count from zero on, so that the first reload is an increase.
    pub(crate) fn expect(&self, what: &'static str) {
        for good in [true, false] {
            drop(self.0.get_or_create(&Labels::of(what, good)));
        }
    }

    /// Counts one.
    pub(crate) fn count(&self, what: &'static str, good: bool) {
        self.0.get_or_create(&Labels::of(what, good)).inc();
    }

    /// Shows the counts among the server's figures.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "reloads",
            "Files that changed and were read anew; where that failed, what was loaded before goes on",
            self.0.clone(),
        );
    }
}
