//! The name of a service, where a path of the server's own ends with one.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use crate::error::{Code, Error, Result};

/// The name in a path, decoded.
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => {
                let detail = "the name of the service is badly percent-encoded";
                Err(Error::new(Code::InvalidParameter, detail))
            }
        }
    }
}
