//! The version that answers now, and how the next is had.

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, Guard};

use super::version::{Mark, Version};
use crate::artifact::{Artifact, Folder, Glance, Location, Storage};
use crate::error::{Error, Result};
use crate::observe::Figures;
use crate::service::Service;

/// The version of a model that answers now, and whichever comes after it.
pub(crate) struct Current<M> {
    version: ArcSwap<Version<M>>,
    figures: Figures,
    kind: Kind<M>,
    /// Where the next version is to be had, if anywhere.
    home: OnceLock<Home>,
}

/// What has to be known of a model's type to take in another of it.
#[derive(Clone, Copy)]
pub(crate) struct Kind<M> {
    /// Makes it ready to answer.
    pub(crate) warm_up: fn(&M) -> Result<()>,
    /// Whether the first may take over from the second.
    pub(crate) fits: fn(&M, &M) -> Result<()>,
}

/// Where a model is from, and where the next version of it will be.
struct Home {
    location: Location,
    storage: Storage,
    /// What was there when it was loaded.
    seen: Glance,
}

impl<M> Current<M> {
    /// `model`, of which nothing more is known.
    pub(crate) fn new(model: M, figures: Figures, kind: Kind<M>) -> Self {
        Self {
            version: ArcSwap::from_pointee(Version::new(model, figures.clone())),
            figures,
            kind,
            home: OnceLock::new(),
        }
    }

    /// Says that the version that answers now is the one of `folder`, where the next will be.
    pub(crate) fn is_from(&self, folder: &Folder) {
        self.version.load().mark_as(Mark::of(folder.origin()));
        // Whoever says it again speaks of the same model.
        let _ = self.home.set(Home {
            location: folder.location().clone(),
            storage: folder.storage().clone(),
            seen: folder.seen(),
        });
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

    /// What the folder looked like from which it was loaded; `None` if it comes from none.
    fn seen(&self) -> Option<Glance>;

    /// What the folder looks like now.
    ///
    /// # Errors
    ///
    /// If it cannot be looked at.
    fn glance(&self) -> Result<Glance>;

    /// `problem` without the place of the folder on this machine, to be said over a wire.
    fn in_public(&self, problem: &str) -> String;

    /// Loads what the folder holds, and makes it ready to answer.
    ///
    /// # Errors
    ///
    /// In one sentence: what is wrong with it.
    fn next(self: Arc<Self>) -> Result<Next>;
}

/// What a folder holds.
pub(crate) enum Next {
    /// The version that answers.
    Same,
    /// Another, which takes over when this is called; the one before is given back.
    New(Box<dyn FnOnce() -> Box<dyn Old> + Send>),
}

/// A version that has been replaced.
pub(crate) trait Old: Send {
    /// Whether a request still has it.
    fn is_in_use(&self) -> bool;
}

impl<M: Send + Sync> Old for Arc<Version<M>> {
    fn is_in_use(&self) -> bool {
        // Nobody can come by another share.
        Arc::strong_count(self) > 1
    }
}

impl<M: Artifact + Send + Sync + 'static> Model for Current<M> {
    fn mark(&self) -> Option<Mark> {
        self.version.load().mark().cloned()
    }

    fn seen(&self) -> Option<Glance> {
        Some(self.home.get()?.seen.clone())
    }

    fn glance(&self) -> Result<Glance> {
        let home = self.home()?;
        home.location.glance(&home.storage)
    }

    fn in_public(&self, problem: &str) -> String {
        let path = self.home.get().and_then(|home| home.location.as_path());
        let path = path.and_then(|path| std::path::absolute(path).ok());
        match path.as_deref().and_then(Path::parent) {
            Some(above) => problem.replace(&format!("{}/", above.display()), ""),
            None => problem.to_owned(),
        }
    }

    fn next(self: Arc<Self>) -> Result<Next> {
        let home = self.home()?;
        let folder = Folder::open_for::<M>(&home.location, &home.storage)?;
        let now = self.hold();
        if now
            .mark()
            .is_some_and(|mark| *mark.origin.digest == *folder.digest())
        {
            return Ok(Next::Same);
        }
        let model = M::load(&folder)?;
        (self.kind.warm_up)(&model)?;
        (self.kind.fits)(&model, now.model())?;
        drop(now);
        let version = Arc::new(Version::new(model, self.figures.clone()));
        let origin = folder.origin();
        Ok(Next::New(Box::new(move || {
            version.mark_as(Mark::of(origin));
            Box::new(self.version.swap(version))
        })))
    }
}

impl<M> Current<M> {
    fn home(&self) -> Result<&Home> {
        let nowhere = || Error::setup("the model was not loaded from a folder");
        self.home.get().ok_or_else(nowhere)
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
