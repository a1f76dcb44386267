//! The phases of a server's life, and the signals that move it on.

use std::future::{Future, poll_fn};
use std::io::IsTerminal;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::unconstrained;

use crate::error::{Error, Result};

/// Where a server is in its life. It only ever moves on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Not ready yet: a model is loading, or an address is being bound.
    Starting,
    /// Ready.
    Serving,
    /// Told to end: not ready, and still accepting, until balancers have noticed.
    LameDuck,
    /// No new connections; requests in flight are finished.
    Draining,
    /// Whatever is still open is dropped.
    Ended,
}

/// The phase, to look at and to wait for.
#[derive(Debug, Clone)]
pub(super) struct Life(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The same as in `changes`, to be read at each request without a lock.
    now: AtomicU8,
    changes: watch::Sender<Phase>,
}

impl Life {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner {
            now: AtomicU8::new(Phase::Starting as u8),
            changes: watch::Sender::new(Phase::Starting),
        }))
    }

    /// Moves on to `phase`.
    pub(super) fn enter(&self, phase: Phase) {
        self.0.now.store(phase as u8, Ordering::Relaxed);
        self.0.changes.send_replace(phase);
    }

    /// Whether `phase` has come.
    pub(super) fn has_come(&self, phase: Phase) -> bool {
        self.0.now.load(Ordering::Relaxed) >= phase as u8
    }

    /// Whether requests should be sent here.
    pub(super) fn is_ready(&self) -> bool {
        self.0.now.load(Ordering::Relaxed) == Phase::Serving as u8
    }

    /// What to wait for a phase with.
    pub(super) fn watch(&self) -> watch::Receiver<Phase> {
        self.0.changes.subscribe()
    }
}

/// Waits until `phase` has come.
pub(super) async fn until(watch: &mut watch::Receiver<Phase>, phase: Phase) {
    // An error is a server that was dropped: every phase has come then.
    let _ = watch.wait_for(|now| *now >= phase).await;
}

/// Polls `other` until it is over or `phase` has come; returns whether it is over.
///
/// The phase is looked at only when a change of phases has woken this task: a connection is polled
/// at each request.
pub(super) async fn before(
    watch: &mut watch::Receiver<Phase>,
    phase: Phase,
    mut other: impl FnMut(&mut Context<'_>) -> Poll<()>,
) -> bool {
    // Out of turn: what `other` does may be all that this task does in one.
    let mut come = pin!(unconstrained(until(watch, phase)));
    let mut known: Option<Arc<Told>> = None;
    poll_fn(|context| {
        if other(context).is_ready() {
            return Poll::Ready(true);
        }
        let told = match &mut known {
            Some(told) if told.task.will_wake(context.waker()) => told,
            _ => known.insert(Arc::new(Told::new(context.waker()))),
        };
        if !told.told.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        told.told.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(told));
        let mut context = Context::from_waker(&waker);
        come.as_mut().poll(&mut context).map(|()| false)
    })
    .await
}

/// Wakes a task, and remembers who did.
struct Told {
    told: AtomicBool,
    task: Waker,
}

impl Told {
    /// To be looked at once in any case.
    fn new(task: &Waker) -> Self {
        Self {
            told: AtomicBool::new(true),
            task: task.clone(),
        }
    }
}

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        self.told.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

/// How a server is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Balancers have to notice first.
    Gently,
    /// Somebody waits at a terminal, and no balancer knows of this server.
    Promptly,
}

/// The signals that end a server: SIGTERM and SIGINT.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes the signals over from here on.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub(super) fn new() -> Result<Self> {
        let listen = |kind| {
            signal(kind).map_err(|e| Error::setup("cannot listen for signals").with_cause(e))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them.
    pub(super) async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.terminate.recv() => Stop::Gently,
            _ = self.interrupt.recv() => match std::io::stdin().is_terminal() {
                true => Stop::Promptly,
                false => Stop::Gently,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::coop::{consume_budget, has_budget_remaining};

    use super::*;

    #[tokio::test]
    async fn a_phase_is_noticed_beside_one_who_takes_all_of_a_turn() {
        let life = Life::new();
        let mut watch = life.watch();
        let busy = before(&mut watch, Phase::Draining, |context| {
            while has_budget_remaining() {
                let _ = pin!(consume_budget()).poll(context);
            }
            Poll::Pending
        });
        let mut busy = pin!(busy);
        assert!(futures_util::poll!(busy.as_mut()).is_pending());
        life.enter(Phase::Serving);
        tokio::task::yield_now().await;
        assert!(futures_util::poll!(busy.as_mut()).is_pending());
        life.enter(Phase::Draining);
        let long = Duration::from_secs(10);
        let over = tokio::time::timeout(long, busy).await;
        assert!(!over.expect("it is noticed"));
    }
}
