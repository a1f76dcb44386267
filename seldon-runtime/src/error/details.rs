//! The messages of `google.rpc` that a status has for its details, as far as they are used: see
//! `google/rpc/status.proto` and `error_details.proto` of googleapis.

use std::time::Duration;

use prost::{Message, Name};
use tonic::{Code, Status};

use super::Violation;
use crate::any::Any;

/// `google.rpc.Status`: a status, with its details.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RichStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

impl RichStatus {
    pub(super) fn new(code: Code, message: &str) -> Self {
        Self {
            code: code.into(),
            message: message.to_owned(),
            details: Vec::new(),
        }
    }

    pub(super) fn add<M: Name>(&mut self, detail: &M) {
        self.details.push(Any::pack(&M::full_name(), detail));
    }

    /// The status of `code`, which has all this in `grpc-status-details-bin`.
    pub(super) fn into_status(self, code: Code) -> Status {
        let details = self.encode_to_vec().into();
        Status::with_details(code, self.message, details)
    }
}

macro_rules! of_google_rpc {
    ($($message:ident),+) => {$(
        impl Name for $message {
            const NAME: &'static str = stringify!($message);
            const PACKAGE: &'static str = "google.rpc";
        }
    )+};
}

of_google_rpc!(BadRequest, ErrorInfo, RetryInfo);

/// Why, for programs.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
}

impl ErrorInfo {
    pub(super) fn new(reason: &str, domain: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            domain: domain.to_owned(),
        }
    }
}

/// When to come again.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}

impl RetryInfo {
    pub(super) fn after(delay: Duration) -> Self {
        Self {
            retry_delay: delay.try_into().ok(),
        }
    }
}

/// What was wrong with the request, and where.
#[derive(Clone, PartialEq, Message)]
pub(super) struct BadRequest {
    #[prost(message, repeated, tag = "1")]
    field_violations: Vec<FieldViolation>,
}

#[derive(Clone, PartialEq, Message)]
struct FieldViolation {
    #[prost(string, tag = "1")]
    field: String,
    #[prost(string, tag = "2")]
    description: String,
}

impl BadRequest {
    pub(super) fn of(violations: &[Violation]) -> Self {
        let field = |violation: &Violation| FieldViolation {
            field: violation.parameter.clone().into(),
            description: violation.detail.clone().into(),
        };
        Self {
            field_violations: violations.iter().map(field).collect(),
        }
    }
}
