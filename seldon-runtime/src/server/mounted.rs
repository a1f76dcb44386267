//! A mounted service: what is known of it whatever its type, and what it cannot stand beside.

use std::borrow::Cow;
use std::sync::Arc;

use crate::artifact::Artifact;
use crate::error::Error;
use crate::observe::Observed;
use crate::openapi::Described;
use crate::service::{Service, Settings};

/// What is known of a mounted service.
pub(super) struct Mounted {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) path: String,
    /// The message that it takes, if it is a predictor.
    pub(super) takes: Option<String>,
    /// What reflection shows of that message.
    pub(super) descriptors: Cow<'static, [u8]>,
    pub(super) observed: Observed,
    settings: Arc<Settings>,
    /// What the documentation says of it.
    describe: Describe,
}

/// Describes a service with these settings.
pub(super) type Describe = Box<dyn Fn(&Settings) -> Described + Send + Sync>;

impl Mounted {
    /// What is known of any `service`.
    pub(super) fn of<M, S>(kind: &'static str, service: &Service<M, S>, describe: Describe) -> Self
    where
        M: Artifact + Send + Sync + 'static,
    {
        Self {
            kind,
            name: service.name().to_owned(),
            path: service.path().to_owned(),
            takes: None,
            descriptors: Cow::Borrowed(&[]),
            observed: Observed {
                name: service.name().into(),
                variation: service.settings().variation.clone(),
                model: Arc::clone(service.current()) as _,
                figures: service.figures().clone(),
                pool: service.pool().cloned(),
                source: None,
            },
            settings: service.shared_settings(),
            describe,
        }
    }

    /// Why it cannot be served, or not beside `others`.
    pub(super) fn clash(&self, others: &[Self]) -> Option<Error> {
        let (name, path) = (&self.name, &self.path);
        if !is_path(path) {
            return Some(Error::setup(format!(
                "`{name}` cannot be served at `{path}`: a path begins with `/`, and holds letters, digits, `/`, `-`, `_`, `.` and `~`"
            )));
        }
        let (other, what) = if let Some(other) = others.iter().find(|m| m.name == *name) {
            (other, "both have that name".to_owned())
        } else if let Some(other) = others.iter().find(|m| m.path == *path) {
            (other, format!("both are at {path}"))
        } else {
            let takes = self.takes.as_ref()?;
            let other = others.iter().find(|m| m.takes.as_ref() == Some(takes))?;
            (other, format!("both take a `{takes}`"))
        };
        let first = &other.name;
        Some(Error::setup(format!(
            "`{name}` and `{first}` cannot be served together: {what}"
        )))
    }

    /// Its operations.
    pub(super) fn describe(&self) -> Described {
        (self.describe)(&self.settings)
    }

    /// What a person reads when the server starts.
    pub(super) fn line(&self) -> String {
        let (kind, name, path) = (self.kind, &self.name, &self.path);
        match &self.takes {
            Some(message) => format!("  {kind} {name} at {path}, over gRPC with a {message}"),
            None => format!("  {kind} {name} at {path}"),
        }
    }
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b))
}
