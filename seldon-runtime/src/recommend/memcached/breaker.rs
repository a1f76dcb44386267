//! Keeps requests from waiting for a server that does not answer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Closed while the server answers; open, it turns requests away at once, and one task probes the
/// server until it is back.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    probed: bool,
    /// When the server last answered.
    answered: Option<Instant>,
    openings: u64,
}

impl Breaker {
    /// Whether requests may go to the server.
    pub(super) fn is_closed(&self) -> bool {
        !self.state().open
    }

    /// Notes an answer, which closes the breaker; whether that is a change.
    pub(super) fn answered(&self) -> bool {
        let mut state = self.state();
        state.answered = Some(Instant::now());
        std::mem::take(&mut state.open)
    }

    /// Notes that an exchange that began at `since` had no answer; whether that opens the breaker.
    ///
    /// It does not if the server has answered anything since: then it is up, and merely one exchange
    /// went wrong.
    pub(super) fn failed(&self, since: Instant) -> bool {
        let mut state = self.state();
        if state.answered.is_some_and(|at| at >= since) {
            return false;
        }
        let opens = !std::mem::replace(&mut state.open, true);
        state.openings += u64::from(opens);
        opens
    }

    /// How often it was opened.
    pub(super) fn openings(&self) -> u64 {
        self.state().openings
    }

    /// The right to probe the server, if it needs that and nobody does it. The right goes back when the
    /// probe is dropped: a runtime that ends under its task must not leave the breaker open for ever.
    pub(super) fn probe(&self) -> bool {
        let mut state = self.state();
        state.open && !std::mem::replace(&mut state.probed, true)
    }

    /// Gives the right to probe back.
    pub(super) fn probe_over(&self) {
        self.state().probed = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_when_nothing_has_been_answered_since() {
        let breaker = Breaker::default();
        let began = Instant::now();
        assert!(breaker.failed(began));
        assert!(!breaker.is_closed());
        assert!(!breaker.failed(began), "it is open already");
        assert_eq!(breaker.openings(), 1);
        assert!(breaker.answered());
        assert!(breaker.is_closed());
        assert!(!breaker.answered(), "it is closed already");
    }

    #[test]
    fn one_lost_exchange_among_good_ones_does_not_open_it() {
        let breaker = Breaker::default();
        let began = Instant::now();
        breaker.answered();
        assert!(!breaker.failed(began));
        assert!(breaker.is_closed());
    }

    #[test]
    fn is_probed_by_one_at_a_time_and_only_while_open() {
        let breaker = Breaker::default();
        assert!(!breaker.probe());
        breaker.failed(Instant::now());
        assert!(breaker.probe());
        assert!(!breaker.probe());
        breaker.probe_over();
        assert!(breaker.probe());
    }
}
