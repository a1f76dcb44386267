//! The version that answers now.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::version::{Mark, Version};
use crate::observe::{Figures, Origin};
use crate::service::Service;

/// The version of a model that answers now, and whichever comes after it.
pub(crate) struct Current<M> {
    version: ArcSwap<Version<M>>,
}

impl<M> Current<M> {
    /// `model`, of which nothing more is known.
    pub(crate) fn new(model: M, figures: Figures) -> Self {
        Self {
            version: ArcSwap::from_pointee(Version::new(model, figures)),
        }
    }

    /// Says that the version that answers now is of `origin`.
    pub(crate) fn is_of(&self, origin: Origin) {
        self.version.load().mark_as(Mark::of(origin));
    }

    /// The version that answers now, for as long as its holder wants.
    pub(crate) fn hold(&self) -> Arc<Version<M>> {
        self.version.load_full()
    }
}

/// A model of any type.
pub(crate) trait Model: fmt::Debug + Send + Sync + 'static {
    /// Which version answers now, where that is known.
    fn mark(&self) -> Option<Mark>;
}

impl<M: Send + Sync + 'static> Model for Current<M> {
    fn mark(&self) -> Option<Mark> {
        self.version.load().mark().cloned()
    }
}

/// Which version it is, and nothing of the model.
impl<M> fmt::Debug for Current<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.load();
        f.debug_tuple("Current").field(&version.mark()).finish()
    }
}

/// A service, and the version that one request has of its model from its beginning to its end.
pub(crate) struct Pinned<'a, M, S = ()> {
    service: &'a Service<M, S>,
    version: Guard<Arc<Version<M>>>,
}

impl<'a, M, S> Pinned<'a, M, S> {
    /// Pins the version that answers now. A request that `waits` takes a share in it; one that is
    /// answered at once borrows it, which costs less, and of which a thread has but a few.
    pub(crate) fn new(service: &'a Service<M, S>, current: &Current<M>, waits: bool) -> Self {
        let version = match waits {
            false => current.version.load(),
            true => Guard::from_inner(current.hold()),
        };
        Self { service, version }
    }

    pub(crate) fn version(&self) -> &Arc<Version<M>> {
        &self.version
    }
}

/// What is the same for all versions.
impl<M, S> Deref for Pinned<'_, M, S> {
    type Target = Service<M, S>;

    fn deref(&self) -> &Service<M, S> {
        self.service
    }
}
