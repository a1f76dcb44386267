//! So many at a time, so many waiting, and not for long: the rest is turned away at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::error::{Code, Error, Result};

/// A bounded number of places with a bounded queue before them.
///
/// Places are given in the order of asking. Who stops waiting has left the queue at that moment.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    all: usize,
    waiting: AtomicUsize,
    most_waiting: usize,
    longest_wait: Duration,
    /// Who found the queue full, and who waited too long.
    shed: [AtomicU64; 2],
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Gate {
    pub(crate) fn new(places: usize, queue_per_place: usize, longest_wait: Duration) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            all: places,
            waiting: AtomicUsize::new(0),
            most_waiting: places.saturating_mul(queue_per_place),
            longest_wait,
            shed: Default::default(),
        }
    }

    /// A place if there is one now.
    pub(crate) fn try_enter(&self) -> Option<Permit> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Permit(place))
    }

    /// The same, for who leaves it before anything is waited for.
    pub(crate) fn try_pass(&self) -> Option<SemaphorePermit<'_>> {
        self.places.try_acquire().ok()
    }

    /// A place, now or after a wait.
    ///
    /// # Errors
    ///
    /// [`Code::Overloaded`] if the queue is full or the wait was too long.
    pub(crate) async fn enter(&self) -> Result<Permit> {
        if let Some(permit) = self.try_enter() {
            return Ok(permit);
        }
        let Some(_waiting) = Waiting::join(&self.waiting, self.most_waiting) else {
            return Err(self.full());
        };
        let place = Arc::clone(&self.places).acquire_owned();
        match tokio::time::timeout(self.longest_wait, place).await {
            Ok(Ok(place)) => Ok(Permit(place)),
            _ => {
                self.shed[1].fetch_add(1, Ordering::Relaxed);
                Err(overloaded())
            }
        }
    }

    /// What is said to one who finds the queue full, who is counted.
    pub(crate) fn full(&self) -> Error {
        self.shed[0].fetch_add(1, Ordering::Relaxed);
        overloaded()
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many places there are.
    pub(crate) fn places(&self) -> usize {
        self.all
    }

    /// How many may wait.
    pub(crate) fn most_waiting(&self) -> usize {
        self.most_waiting
    }

    /// How many were turned away because the queue was full, and because they waited too long.
    pub(crate) fn shed(&self) -> [u64; 2] {
        [0, 1].map(|why| self.shed[why].load(Ordering::Relaxed))
    }

    /// How many places are taken.
    pub(crate) fn in_flight(&self) -> usize {
        self.all.saturating_sub(self.free())
    }

    /// How many places are free.
    pub(crate) fn free(&self) -> usize {
        self.places.available_permits()
    }
}

/// One more in the queue, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(count: &'a AtomicUsize, most: usize) -> Option<Self> {
        // The count is all that is shared: what it guards is the semaphore's own.
        let joined = count.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(count);
        (joined < most).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is said to those who are turned away.
fn overloaded() -> Error {
    Error::new(Code::Overloaded, "too many requests are in flight")
        .with_retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_full_queue_turns_away_at_once() {
        let gate = Gate::new(1, 1, LONG);
        let _inside = gate.enter().await.expect("there is a place");
        let mut queued = std::pin::pin!(gate.enter());
        assert!(futures_util::poll!(queued.as_mut()).is_pending());
        let error = gate.enter().await.expect_err("the queue is full");
        assert_eq!(error.code(), Code::Overloaded);
        assert!(error.retry_after().is_some());
        assert_eq!(gate.shed(), [1, 0]);
    }

    #[tokio::test]
    async fn who_stops_waiting_has_left_the_queue() {
        let gate = Gate::new(1, 1, LONG);
        let inside = gate.enter().await.expect("there is a place");
        {
            let mut queued = std::pin::pin!(gate.enter());
            assert!(futures_util::poll!(queued.as_mut()).is_pending());
            assert_eq!(gate.waiting(), 1);
        }
        assert_eq!(gate.waiting(), 0);
        drop(inside);
        assert_eq!(gate.free(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_at_its_limit() {
        let gate = Gate::new(1, 1, Duration::from_millis(250));
        let _inside = gate.enter().await.expect("there is a place");
        let error = gate.enter().await.expect_err("nobody leaves");
        assert_eq!(error.code(), Code::Overloaded);
        assert_eq!(gate.shed(), [0, 1]);
    }
}
