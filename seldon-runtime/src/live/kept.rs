//! One model that is kept up to date: what its folder looked like, and how its reloads ended.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::current::{Model, Next, Old};
use super::watch::Watch;
use crate::artifact::Glance;
use crate::error::{Error, Result};
use crate::observe::{Figures, Reload};

/// The most versions that are kept for requests that have not ended. A model that never returns
/// would keep one more with each reload.
const MOST_OLD: usize = 8;

/// What a look at a folder has seen, or why it could see nothing.
type Seen = Result<Glance, String>;

/// One model.
pub(crate) struct Kept {
    name: Arc<str>,
    model: Arc<dyn Model>,
    figures: Figures,
    /// The longest that a load may take.
    limit: Duration,
    watch: Watch<Seen>,
    /// Versions that have been replaced and still answer.
    old: Vec<Box<dyn Old>>,
    /// The load that took too long: there is no way to end it.
    late: Option<JoinHandle<()>>,
    /// What was warned of last, so that it is said once.
    warned: Option<String>,
}

/// How a reload ended.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "result", rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// A new version answers.
    Loaded {
        version: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        seconds: f64,
    },
    /// The folder holds the version that answers.
    Unchanged { version: String },
    /// What the folder holds is not served.
    Refused {
        problem: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
}

impl Kept {
    pub(crate) fn new(
        name: Arc<str>,
        model: Arc<dyn Model>,
        figures: Figures,
        limit: Duration,
        period: Option<Duration>,
    ) -> Self {
        let watch = Watch::new(model.seen().map(Ok), period.unwrap_or_default());
        Self {
            name,
            model,
            figures,
            limit,
            watch,
            old: Vec::new(),
            late: None,
            warned: None,
        }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn has_old(&self) -> bool {
        !self.old.is_empty()
    }

    /// Drops the versions that nobody has any more.
    pub(super) fn let_go(&mut self) {
        self.old.retain(|old| old.is_in_use());
        self.figures.old_versions(self.old.len());
    }

    /// Looks at the folder, and loads what it holds if that has changed.
    pub(super) fn look(&mut self) {
        let seen = self.glance();
        if self.watch.look(&seen, Instant::now()) {
            self.take_in(seen);
        }
    }

    /// Loads what the folder holds.
    pub(super) fn reload(&mut self) -> Outcome {
        let seen = self.glance();
        self.take_in(seen)
    }

    fn glance(&self) -> Seen {
        self.model.glance().map_err(|error| error.to_string())
    }

    fn take_in(&mut self, seen: Seen) -> Outcome {
        let before = self.version();
        let begun = Instant::now();
        let next = match &seen {
            Ok(_) => self.next(),
            // Nothing that cannot be looked at can be loaded.
            Err(problem) => Err(Error::setup(problem.clone())),
        };
        let outcome = match next {
            Ok(Next::Same) => Outcome::Unchanged {
                version: before.unwrap_or_default(),
            },
            Ok(Next::New(take_over)) => {
                self.old.push(take_over());
                Outcome::Loaded {
                    version: self.version().unwrap_or_default(),
                    before,
                    seconds: begun.elapsed().as_secs_f64(),
                }
            }
            Err(error) => self.refuse(&error, before),
        };
        self.note(&outcome);
        let is_good = !matches!(outcome, Outcome::Refused { .. });
        self.watch.settle(seen, is_good, Instant::now());
        outcome
    }

    /// The version that answers.
    fn version(&self) -> Option<String> {
        Some(self.model.mark()?.version().to_owned())
    }

    /// Loads the next version on a thread of its own, which may take no longer than its limit.
    fn next(&mut self) -> Result<Next> {
        if self.late.as_ref().is_some_and(|late| !late.is_finished()) {
            return Err(Error::setup("the load before it has not ended yet"));
        }
        self.late = None;
        if self.old.len() >= MOST_OLD {
            return Err(Error::setup(format!(
                "{MOST_OLD} earlier versions still answer requests"
            )));
        }
        let (done, loaded) = channel();
        let model = Arc::clone(&self.model);
        let load = thread::Builder::new()
            .name("seldon-load".to_owned())
            .spawn(move || {
                // What comes too late is dropped here.
                let _ = done.send(model.next());
            })
            .map_err(|e| Error::setup("cannot start a thread to load it on").with_cause(e))?;
        match loaded.recv_timeout(self.limit) {
            Ok(next) => next,
            Err(RecvTimeoutError::Timeout) => {
                self.late = Some(load);
                Err(Error::setup(format!(
                    "it takes longer to load than the limit `reload_time`, {:?}",
                    self.limit
                )))
            }
            // The panic is in the log.
            Err(RecvTimeoutError::Disconnected) => {
                Err(Error::setup("it panicked while it was loaded"))
            }
        }
    }

    /// Counts an outcome, and says a good one in the log.
    fn note(&mut self, outcome: &Outcome) {
        let service = &*self.name;
        let how = match outcome {
            Outcome::Loaded {
                version, before, ..
            } => {
                tracing::info!(service, version, before, "a new version answers");
                Reload::Loaded
            }
            Outcome::Unchanged { .. } => Reload::Unchanged,
            Outcome::Refused { .. } => Reload::Refused,
        };
        if how != Reload::Refused {
            self.warned = None;
        }
        self.figures.reloaded(how);
    }

    /// Says in the log why a version is refused, unless that was just said.
    fn refuse(&mut self, error: &Error, version: Option<String>) -> Outcome {
        let problem = error.to_string();
        if self.warned.as_ref() != Some(&problem) {
            let service = &*self.name;
            tracing::warn!(
                service,
                version,
                problem,
                "a new version is refused: the one before goes on"
            );
        }
        let in_public = self.model.in_public(&problem);
        self.warned = Some(problem);
        Outcome::Refused {
            problem: in_public,
            version,
        }
    }
}
