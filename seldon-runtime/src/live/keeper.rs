//! The thread that takes new versions of models in: when their folders change, or when it is asked.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::kept::{Kept, Outcome};
use crate::error::{Error, Result};

/// Between two looks whether old versions are let go, while there are some.
const LET_GO: Duration = Duration::from_millis(50);

/// Takes new versions in as long as it lives, one after the other: two models that are loaded
/// side by side would need the memory of both.
pub(crate) struct Keeper {
    names: Vec<Arc<str>>,
    desk: Arc<Desk>,
}

/// Who asks for what.
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    asked: VecDeque<Asked>,
    closed: bool,
}

/// That a model be loaded anew.
struct Asked {
    /// Its place among the models.
    model: usize,
    told: oneshot::Sender<Outcome>,
}

/// How a reload will have ended.
pub(crate) type Told = oneshot::Receiver<Outcome>;

impl Keeper {
    /// Looks after `models`: each `period` if there is one, and when it is asked.
    ///
    /// # Errors
    ///
    /// If the system has no thread left.
    pub(crate) fn start(models: Vec<Kept>, period: Option<Duration>) -> Result<Self> {
        let desk = Arc::new(Desk {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let names = models.iter().map(|kept| Arc::clone(kept.name())).collect();
        let work = Work {
            models,
            desk: Arc::clone(&desk),
            next: period.map(|period| Instant::now() + period),
            period,
        };
        thread::Builder::new()
            .name("seldon-reload".to_owned())
            .spawn(move || work.run())
            .map_err(|e| {
                Error::setup("cannot start the thread that reloads models").with_cause(e)
            })?;
        Ok(Self { names, desk })
    }

    /// Asks for the model of `service`, or for all, to be loaded anew. Whoever asks while one is
    /// being loaded is told of a load that begins after that: the folder may have changed since.
    pub(crate) fn reload(&self, service: Option<&str>) -> Vec<(Arc<str>, Told)> {
        let wanted = |name: &str| service.is_none_or(|service| service == name);
        let mut state = self.desk.state();
        let mut told = Vec::new();
        for (model, name) in self.names.iter().enumerate() {
            if wanted(name) {
                let (sender, receiver) = oneshot::channel();
                let told_to = Asked {
                    model,
                    told: sender,
                };
                state.asked.push_back(told_to);
                told.push((Arc::clone(name), receiver));
            }
        }
        self.desk.changed.notify_one();
        told
    }
}

/// Ends the thread, after what it is at.
impl Drop for Keeper {
    fn drop(&mut self) {
        self.desk.state().closed = true;
        self.desk.changed.notify_one();
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keeper").field(&self.names).finish()
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `time` or until somebody asks, whose wishes for one model it gives; `None` once
    /// there is nobody any more.
    fn wait(&self, time: Option<Instant>) -> Option<Vec<Asked>> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            let left = time.map(|time| time.saturating_duration_since(Instant::now()));
            if let Some(first) = state.asked.pop_front() {
                let (same, others) = std::mem::take(&mut state.asked)
                    .into_iter()
                    // Who has left is told nothing, and loads nothing.
                    .filter(|asked| !asked.told.is_closed())
                    .partition::<VecDeque<_>, _>(|asked| asked.model == first.model);
                state.asked = others;
                let mut wishes = vec![first];
                wishes.extend(same);
                wishes.retain(|asked| !asked.told.is_closed());
                if wishes.is_empty() {
                    continue;
                }
                return Some(wishes);
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Some(Vec::new());
            }
            state = match left {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

/// What the thread works with.
struct Work {
    models: Vec<Kept>,
    desk: Arc<Desk>,
    period: Option<Duration>,
    /// When it looks at the folders.
    next: Option<Instant>,
}

impl Work {
    fn run(mut self) {
        while let Some(asked) = self.desk.wait(self.wakes_at()) {
            self.let_go();
            if let Some(first) = asked.first() {
                let outcome = self.models[first.model].reload();
                for one in asked {
                    // Who has asked may have left.
                    let _ = one.told.send(outcome.clone());
                }
            }
            if self.next.is_some_and(|next| next <= Instant::now()) {
                for kept in &mut self.models {
                    kept.look();
                }
                self.next = self.period.map(|period| Instant::now() + period);
            }
            self.let_go();
        }
    }

    fn wakes_at(&self) -> Option<Instant> {
        let old = self.models.iter().any(Kept::has_old);
        let let_go = old.then(|| Instant::now() + LET_GO);
        // `None` is no time at all.
        self.next.into_iter().chain(let_go).min()
    }

    /// Drops the versions whose last request has ended: here, since a large one takes its time.
    fn let_go(&mut self) {
        for kept in &mut self.models {
            kept.let_go();
        }
    }
}
