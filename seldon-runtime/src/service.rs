//! A loaded model with what the server must know of it: name, path, style of replies.

use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;

use crate::artifact::Folder;
use crate::error::Result;
use crate::live::{Current, Kind, Pinned, Version, asked_alike};
use crate::observe::Figures;
use crate::predict::{Batcher, Executor, Pool, Predictor, Reply};
use crate::recommend::{Recommender, Scores};

/// A model as it is served: the model, what it takes its candidates from (`S`; predictors have
/// nothing of the kind), and the settings that a program or its configuration may override.
///
/// ```ignore
/// Server::new().mount_service(Service::predictor(iris)?.named("iris-b").variation("b"))
/// ```
#[derive(Debug)]
pub struct Service<M, S = ()> {
    current: Arc<Current<M>>,
    permanent: Arc<Permanent<S>>,
    settings: Arc<Settings>,
}

/// What all versions of the model have in common.
#[derive(Debug)]
struct Permanent<S> {
    source: S,
    pool: Option<Pool>,
    /// A `Batcher` of the predictor, where it batches.
    batcher: Option<Box<dyn Any + Send + Sync>>,
    figures: Figures,
}

/// What configuration may override of what the attribute says.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) variation: String,
    pub(crate) path: String,
    pub(crate) reply: Reply,
    pub(crate) scores: Scores,
    /// The most recommendations that one reply holds; a greater `limit` is cut to it.
    pub(crate) max_limit: u32,
}

impl Settings {
    /// The original's name for a service that is no variation of another.
    const VARIATION: &str = "default";
    const MAX_LIMIT: u32 = 1000;

    fn new(name: &str, path: &str, reply: Reply, scores: Scores) -> Self {
        Self {
            name: name.to_owned(),
            variation: Self::VARIATION.to_owned(),
            path: path.to_owned(),
            reply,
            scores,
            max_limit: Self::MAX_LIMIT,
        }
    }
}

impl<P: Predictor> Service<P> {
    /// `model` as its attribute describes it.
    ///
    /// # Errors
    ///
    /// If the model fails to warm up, or the threads that it runs on cannot be started.
    pub fn predictor(model: P) -> Result<Self> {
        model.warm_up()?;
        let name = model.facts().name.into_owned();
        let settings = Settings::new(&name, P::PATH, P::REPLY, Scores::Unit);
        let permanent = Permanent {
            source: (),
            pool: P::Run::pool(P::NAME)?,
            batcher: P::BATCHING.map(|_| Box::new(Batcher::<P>::new()) as _),
            figures: Figures::default(),
        };
        let kind = Kind {
            warm_up: P::warm_up,
            fits: asked_alike,
        };
        Ok(Self::new(model, kind, permanent, settings))
    }

    /// The queue before the predictor's batches, if it batches.
    pub(crate) fn batcher(&self) -> Option<&Batcher<P>> {
        self.permanent.batcher.as_ref()?.downcast_ref()
    }
}

impl<R: Recommender> Service<R, R::Source> {
    /// `model` as its attribute describes it, with its candidates from `source`.
    ///
    /// # Errors
    ///
    /// If the model fails to warm up, or the threads that it runs on cannot be started.
    pub fn recommender(model: R, source: R::Source) -> Result<Self> {
        model.warm_up()?;
        let settings = Settings::new(R::NAME, R::PATH, Reply::Documented, R::SCORES);
        let permanent = Permanent {
            source,
            pool: R::Run::pool(R::NAME)?,
            batcher: None,
            figures: Figures::default(),
        };
        let kind = Kind {
            warm_up: R::warm_up,
            // What a recommender is asked is the same for all.
            fits: |_, _| Ok(()),
        };
        Ok(Self::new(model, kind, permanent, settings))
    }
}

impl<M, S> Service<M, S> {
    fn new(model: M, kind: Kind<M>, permanent: Permanent<S>, settings: Settings) -> Self {
        Self {
            current: Arc::new(Current::new(model, permanent.figures.clone(), kind)),
            permanent: Arc::new(permanent),
            settings: Arc::new(settings),
        }
    }

    /// The same service under another name: `modelName` in replies, `seldon-model` in requests.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.settings_mut().name = name.into();
        self
    }

    /// The same service at another path, `/mean` for example.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.settings_mut().path = path.into();
        self
    }

    /// The same service as a named variation, which its replies carry; `default` otherwise.
    #[must_use]
    pub fn variation(mut self, variation: impl Into<String>) -> Self {
        self.settings_mut().variation = variation.into();
        self
    }

    /// The same service with its REST replies in another style.
    #[must_use]
    pub fn replying(mut self, reply: Reply) -> Self {
        self.settings_mut().reply = reply;
        self
    }

    /// The same service, with at most `limit` recommendations in a reply (1,000 by default).
    #[must_use]
    pub fn max_limit(mut self, limit: u32) -> Self {
        self.settings_mut().max_limit = limit.max(1);
        self
    }

    /// The same service, which says that its model is the one of `folder`.
    ///
    /// Replies and the index name its version, and the metrics show what it took to load, from
    /// opening the folder until now. A new version that comes to the same place is taken in when
    /// the server [watches](crate::Server::watch) or is told to by `POST /reload`.
    #[must_use]
    pub fn loaded_from(self, folder: &Folder) -> Self {
        self.current.is_from(folder);
        self
    }

    /// The model that answers now.
    pub fn model(&self) -> impl Deref<Target = M> {
        Held(self.current.hold())
    }

    /// The service with the version of its model that one request has. A request that `waits` for
    /// anything says so.
    pub(crate) fn pin(&self, waits: bool) -> Pinned<'_, M, S> {
        Pinned::new(self, &self.current, waits)
    }

    /// The model's versions.
    pub(crate) fn current(&self) -> &Arc<Current<M>> {
        &self.current
    }

    /// Where its candidates come from.
    pub fn source(&self) -> &S {
        &self.permanent.source
    }

    /// The service's name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The path that REST answers at.
    pub fn path(&self) -> &str {
        &self.settings.path
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn shared_settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings)
    }

    pub(crate) fn pool(&self) -> Option<&Pool> {
        self.permanent.pool.as_ref()
    }

    /// What is counted of it.
    pub(crate) fn figures(&self) -> &Figures {
        &self.permanent.figures
    }

    fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

// Not derived: that would ask for `M: Clone`.
impl<M, S> Clone for Service<M, S> {
    fn clone(&self) -> Self {
        Self {
            current: Arc::clone(&self.current),
            permanent: Arc::clone(&self.permanent),
            settings: Arc::clone(&self.settings),
        }
    }
}

/// A version of the model, as the model.
struct Held<M>(Arc<Version<M>>);

impl<M> Deref for Held<M> {
    type Target = M;

    fn deref(&self) -> &M {
        self.0.model()
    }
}
