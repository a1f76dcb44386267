//! One version of a model, and what its replies say of it.

use std::sync::OnceLock;
use std::time::SystemTime;

use http::{HeaderName, HeaderValue};

use crate::error::{Error, Result};
use crate::observe::{Figures, Origin};

/// `modelVersion`, which names the version in each reply: a header of HTTP, metadata of gRPC. On
/// the wire neither has capitals.
pub(crate) const MODEL_VERSION: HeaderName = HeaderName::from_static("modelversion");

/// How many digits of a digest are shown: with as many git tells commits apart.
const SHORT: usize = 12;

/// A model that answers, has answered or will.
pub(crate) struct Version<M> {
    model: M,
    /// The service's: what works on a version needs nothing else of it.
    figures: Figures,
    /// Unknown where the model comes from no folder.
    mark: OnceLock<Mark>,
}

/// Which version it is.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) origin: Origin,
    /// Since when it answers.
    pub(crate) since: SystemTime,
    /// What replies say, made once.
    header: HeaderValue,
}

impl Mark {
    /// The mark of a version that answers from now on.
    pub(crate) fn of(origin: Origin) -> Self {
        let header = HeaderValue::from_str(short(&origin.digest));
        Self {
            header: header.expect("a digest is hexadecimal"),
            since: SystemTime::now(),
            origin,
        }
    }

    /// The first digits of the model's digest, as many as tell versions apart.
    pub(crate) fn version(&self) -> &str {
        short(&self.origin.digest)
    }
}

fn short(digest: &str) -> &str {
    digest.get(..SHORT).unwrap_or(digest)
}

impl<M> Version<M> {
    pub(super) fn new(model: M, figures: Figures) -> Self {
        Self {
            model,
            figures,
            mark: OnceLock::new(),
        }
    }

    /// Says once which version it is.
    pub(super) fn mark_as(&self, mark: Mark) {
        // Whoever says it again speaks of the same model.
        let _ = self.mark.set(mark);
    }

    pub(crate) fn model(&self) -> &M {
        &self.model
    }

    pub(crate) fn figures(&self) -> &Figures {
        &self.figures
    }

    pub(crate) fn mark(&self) -> Option<&Mark> {
        self.mark.get()
    }

    /// What its replies say.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.mark().map(|mark| mark.header.clone())
    }

    /// Says in an error which version it is of.
    pub(crate) fn sign(&self, error: Error) -> Error {
        match self.mark() {
            Some(mark) => error.of_version(&mark.header),
            None => error,
        }
    }

    /// Says in a reply, be it an error, which version it is of.
    pub(crate) fn note<T>(&self, answer: Result<T>) -> Result<Versioned<T>> {
        match answer {
            Ok(reply) => Ok(Versioned {
                reply,
                version: self.header(),
            }),
            Err(error) => Err(self.sign(error)),
        }
    }
}

/// A reply, and the version of the model that it is of.
#[derive(Debug)]
pub struct Versioned<T> {
    pub(crate) reply: T,
    pub(crate) version: Option<HeaderValue>,
}
