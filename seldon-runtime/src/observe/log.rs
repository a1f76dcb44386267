//! One line for each request.

use std::time::Duration;

use http::StatusCode;

use super::requests::Kind;
use super::trace::TraceParent;
use crate::error::Error;

/// A request, as its line names it.
pub(crate) struct Line<'a> {
    /// Its id, made text only if it is said.
    pub(crate) id: &'a dyn AsRef<str>,
    pub(crate) service: &'a str,
    pub(crate) kind: Kind,
    pub(crate) parent: Option<&'a TraceParent>,
    /// The name of the API key that it came with.
    pub(crate) caller: Option<&'a str>,
}

impl Line<'_> {
    /// Logs how the request ended: at debug, and where the service failed, at warn with the cause.
    ///
    /// What a request was refused for is not logged: the sentence may hold a part of its features.
    pub(crate) fn log(&self, status: StatusCode, error: Option<&Error>, took: Duration) {
        let milliseconds = took.as_secs_f64() * 1e3;
        macro_rules! line {
            ($level:ident, $message:literal, $($said:tt)+) => {
                tracing::$level!(
                    request_id = self.id.as_ref(),
                    trace_id = self.parent.map(TraceParent::trace_id),
                    service = self.service,
                    transport = self.kind.transport().name(),
                    method = self.kind.method(),
                    caller = self.caller,
                    milliseconds,
                    $($said)+,
                    $message
                )
            };
        }
        match error {
            Some(error) if error.code().status().is_server_error() => {
                line!(warn, "failed", code = error.code().as_str(), %error);
            }
            Some(error) => line!(debug, "refused", code = error.code().as_str()),
            None => line!(debug, "answered", status = status.as_u16()),
        }
    }
}
