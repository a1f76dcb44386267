//! How many connections are in which state, and how many tasks serve them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::runtime::RuntimeMetrics;

/// Counts connections that are not merely idle.
#[derive(Debug, Default)]
pub(super) struct Census {
    new: AtomicUsize,
    active: AtomicUsize,
    runtimes: OnceLock<Vec<RuntimeMetrics>>,
}

impl Census {
    /// Connections are served on these.
    pub(super) fn served_on(&self, runtimes: Vec<RuntimeMetrics>) {
        // A server starts its workers once.
        let _ = self.runtimes.set(runtimes);
    }

    /// Tasks that are alive there.
    pub(super) fn tasks(&self) -> usize {
        let runtimes = self.runtimes.get().map(Vec::as_slice).unwrap_or_default();
        runtimes.iter().map(RuntimeMetrics::num_alive_tasks).sum()
    }

    /// A connection of which nothing was read yet, until what this gives is dropped.
    pub(super) fn arrival(self: &Arc<Self>) -> Newcomer {
        self.new.fetch_add(1, Ordering::Relaxed);
        Newcomer(Arc::clone(self))
    }

    /// A connection has a request in flight.
    pub(super) fn busy(&self) {
        self.active.fetch_add(1, Ordering::Relaxed);
    }

    /// It has none any more.
    pub(super) fn quiet(&self) {
        self.active.fetch_sub(1, Ordering::Relaxed);
    }

    /// Those that are new, those that are active.
    pub(super) fn count(&self) -> (usize, usize) {
        let read = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (read(&self.new), read(&self.active))
    }
}

/// One of the new connections.
pub(super) struct Newcomer(Arc<Census>);

impl Drop for Newcomer {
    fn drop(&mut self) {
        self.0.new.fetch_sub(1, Ordering::Relaxed);
    }
}
