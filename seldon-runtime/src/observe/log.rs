//! One line for each request.

use std::time::Duration;

use http::StatusCode;

use crate::error::Error;

/// Logs how a request ended: at debug, and where the service failed, at warn with the cause.
///
/// `caller` is the name of the API key that it came with. What a request was refused for is not logged: the sentence may hold a part of its features.
pub(crate) fn log(
    id: &str,
    service: &str,
    caller: Option<&str>,
    status: StatusCode,
    error: Option<&Error>,
    took: Duration,
) {
    let milliseconds = took.as_secs_f64() * 1e3;
    match error {
        Some(error) if error.code().status().is_server_error() => tracing::warn!(
            request_id = id,
            service,
            caller,
            code = error.code().as_str(),
            milliseconds,
            %error,
            "failed"
        ),
        Some(error) => tracing::debug!(
            request_id = id,
            service,
            caller,
            code = error.code().as_str(),
            milliseconds,
            "refused"
        ),
        None => tracing::debug!(
            request_id = id,
            service,
            caller,
            status = status.as_u16(),
            milliseconds,
            "answered"
        ),
    }
}
