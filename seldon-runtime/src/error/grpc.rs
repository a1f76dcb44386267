//! The gRPC face: a status with `google.rpc` details.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::Error;
use crate::live::MODEL_VERSION;
use crate::proto::google_rpc::{BadRequest, ErrorInfo, RetryInfo, RichStatus};

/// The `domain` of each `google.rpc.ErrorInfo`.
const DOMAIN: &str = "seldon.io";

impl Error {
    /// The same sentence and code as over HTTP, with BadRequest for the violations, ErrorInfo for
    /// the code, and RetryInfo where a retry helps.
    pub(crate) fn to_status(&self) -> Status {
        let face = self.code().face();
        let mut rich = RichStatus::new(face.grpc, self.public_detail());
        if let Some(wait) = self.retry_after() {
            rich.add(&RetryInfo::after(wait));
        }
        rich.add(&ErrorInfo::new(face.name, DOMAIN));
        if !self.violations().is_empty() {
            rich.add(&BadRequest::of(self.violations()));
        }
        let mut status = rich.into_status();
        if let Some(version) = &self.0.version {
            let headers = HeaderMap::from_iter([(MODEL_VERSION, version.clone())]);
            *status.metadata_mut() = MetadataMap::from_headers(headers);
        }
        status
    }

    /// The same, for a status that goes through code that is not ours; [`Error::of_response`]
    /// finds it again.
    pub(crate) fn into_status(self) -> Status {
        let mut status = self.to_status();
        status.set_source(Arc::new(Carried(Arc::new(self))));
        status
    }

    /// The error that a gRPC answer was made of.
    pub(crate) fn of_response<B>(response: &http::Response<B>) -> Option<Arc<Self>> {
        let status = response.extensions().get::<Status>()?;
        let carried = std::error::Error::source(status)?.downcast_ref::<Carried>()?;
        Some(Arc::clone(&carried.0))
    }
}

/// An error as the source of a status: `Error` is none of the standard library's.
#[derive(Debug)]
struct Carried(Arc<Error>);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Carried {}
