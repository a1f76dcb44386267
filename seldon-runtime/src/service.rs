//! A loaded model with what the server must know of it: name, path, style of replies.

use std::any::Any;
use std::sync::Arc;

use crate::artifact::Folder;
use crate::error::Result;
use crate::observe::{Figures, Origin};
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
    /// In one allocation, because each call that leaves its task takes a share.
    loaded: Arc<Loaded<M, S>>,
    settings: Arc<Settings>,
}

#[derive(Debug)]
struct Loaded<M, S> {
    model: M,
    source: S,
    pool: Option<Pool>,
    /// A `Batcher` of the predictor's data, where it batches.
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
    /// Which model it is, where that is known.
    pub(crate) origin: Option<Origin>,
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
            origin: None,
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
        let batcher = P::BATCHING.map(|_| Box::new(Batcher::<P::Data>::new()) as _);
        let pool = P::Run::pool(P::NAME)?;
        Ok(Self::new(
            Loaded {
                model,
                source: (),
                pool,
                batcher,
                figures: Figures::default(),
            },
            settings,
        ))
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
        let pool = R::Run::pool(R::NAME)?;
        Ok(Self::new(
            Loaded {
                model,
                source,
                pool,
                batcher: None,
                figures: Figures::default(),
            },
            settings,
        ))
    }
}

impl<M, S> Service<M, S> {
    fn new(loaded: Loaded<M, S>, settings: Settings) -> Self {
        Self {
            loaded: Arc::new(loaded),
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

    /// The same service, which says that its model is the one of `folder`: the index shows the
    /// model's digest, and the metrics what it took to load, from opening the folder until now.
    #[must_use]
    pub fn loaded_from(mut self, folder: &Folder) -> Self {
        self.settings_mut().origin = Some(folder.origin());
        self
    }

    /// The model.
    pub fn model(&self) -> &M {
        &self.loaded.model
    }

    /// Where its candidates come from.
    pub fn source(&self) -> &S {
        &self.loaded.source
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
        self.loaded.pool.as_ref()
    }

    /// What is counted of it.
    pub(crate) fn figures(&self) -> &Figures {
        &self.loaded.figures
    }

    /// The queue before the predictor's batches, if it batches.
    pub(crate) fn batcher<D: 'static>(&self) -> Option<&Batcher<D>> {
        self.loaded.batcher.as_ref()?.downcast_ref()
    }

    fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

// Not derived: that would ask for `M: Clone`.
impl<M, S> Clone for Service<M, S> {
    fn clone(&self) -> Self {
        Self {
            loaded: Arc::clone(&self.loaded),
            settings: Arc::clone(&self.settings),
        }
    }
}
