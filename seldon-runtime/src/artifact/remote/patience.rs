//! For how long what fails is tried again.

use std::fmt;
use std::time::{Duration, Instant};

use super::fault::Fault;
use crate::error::{Error, Result};

/// One for all that is done for a model, so that its time is the model's.
#[derive(Debug)]
pub(super) struct Patience {
    total: Duration,
    /// When it failed first since it last went well.
    since: Option<Instant>,
    failures: u32,
}

impl Patience {
    const FIRST_PAUSE: Duration = Duration::from_millis(100);
    const LONGEST_PAUSE: Duration = Duration::from_secs(5);

    pub(super) fn new(total: Duration) -> Self {
        Self {
            total,
            since: None,
            failures: 0,
        }
    }

    /// Nothing is tried twice.
    pub(super) fn none() -> Self {
        Self::new(Duration::ZERO)
    }

    /// Something went well: what fails next fails for the first time.
    pub(super) fn renew(&mut self) {
        (self.since, self.failures) = (None, 0);
    }

    /// Waits before the next try, or says in one sentence that there is none: `what` was to be
    /// done, and came to `fault`.
    pub(super) async fn bear(
        &mut self,
        what: impl fmt::Display,
        fault: &Fault,
        silence: Duration,
    ) -> Result<()> {
        let words = fault.words(silence);
        let since = *self.since.get_or_insert_with(Instant::now);
        self.failures += 1;
        let pause = Self::FIRST_PAUSE.saturating_mul(1 << self.failures.min(10).saturating_sub(1));
        // Not all replicas of a service that started together ask again together.
        let share = 0.75 + f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 1024.0;
        let pause = pause.min(Self::LONGEST_PAUSE).mul_f64(share);
        if !fault.passes() || self.total.is_zero() {
            return Err(Error::setup(format!("{what}: {words}")));
        }
        if since.elapsed() + pause > self.total {
            return Err(Error::setup(format!(
                "{what}: {words}; it was tried {} times in {:?}",
                self.failures, self.total
            )));
        }
        tracing::info!("{what}: {words}; trying again");
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
