//! The gRPC face: a status with `google.rpc` details.

use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

use super::Error;

/// The `domain` of each `google.rpc.ErrorInfo`.
const DOMAIN: &str = "seldon.io";

impl Error {
    /// The same sentence and code as over HTTP, with BadRequest for the violations, ErrorInfo for
    /// the code, and RetryInfo where a retry helps.
    pub(crate) fn to_status(&self) -> Status {
        let face = self.code().face();
        let mut details = ErrorDetails::new();
        details.set_error_info(face.name, DOMAIN, std::collections::HashMap::new());
        for violation in self.violations() {
            details.add_bad_request_violation(&*violation.parameter, &*violation.detail);
        }
        if let Some(wait) = self.retry_after() {
            details.set_retry_info(Some(wait));
        }
        Status::with_error_details(face.grpc, self.public_detail(), details)
    }
}
