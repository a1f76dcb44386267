//! What a listener answers: the services' own paths directly, all else by the router.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use tower::Service;

use crate::known::Known;

/// The routes of a listener.
pub(super) struct Routes {
    router: Router,
    /// A handful at the most: comparing is quicker than hashing.
    known: Box<[Direct]>,
}

/// A path, and what answers there.
pub(super) type Direct = (Box<str>, Arc<dyn Known>);

impl Routes {
    /// `router`, before which `known` is asked: its paths are the router's, too.
    pub(super) fn new(router: Router, known: impl IntoIterator<Item = Direct>) -> Self {
        let known = known.into_iter().collect();
        Self { router, known }
    }

    /// What answers at `path` without the router.
    pub(super) fn known(&self, path: &str) -> Option<&Arc<dyn Known>> {
        let found = self.known.iter().find(|(known, _)| **known == *path);
        found.map(|(_, known)| known)
    }

    /// All that answers without the router.
    pub(super) fn all(&self) -> &[Direct] {
        &self.known
    }

    /// The router's answer.
    pub(super) fn call(
        &self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response, Infallible>> + use<> {
        self.router.clone().call(request)
    }
}
