//! The messages of `google.rpc` that a status has for its details, as far as they are used: see
//! `google/rpc/status.proto` and `error_details.proto` of googleapis.

use std::time::Duration;

use prost::{Message, Name};
use tonic::{Code, Status};

use crate::any::Any;
use crate::error::Violation;

/// `google.rpc.Status`: a status, with its details.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RichStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

impl RichStatus {
    pub(crate) fn new(code: Code, message: &str) -> Self {
        Self {
            code: code.into(),
            message: message.to_owned(),
            details: Vec::new(),
        }
    }

    pub(crate) fn add<M: Name>(&mut self, detail: &M) {
        self.details.push(Any::pack(&M::full_name(), detail));
    }

    /// The status, which has all this in `grpc-status-details-bin`.
    pub(crate) fn into_status(self) -> Status {
        let details = self.encode_to_vec().into();
        Status::with_details(self.code.into(), self.message, details)
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
pub(crate) struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
}

impl ErrorInfo {
    pub(crate) fn new(reason: &str, domain: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            domain: domain.to_owned(),
        }
    }
}

/// When to come again.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}

impl RetryInfo {
    pub(crate) fn after(delay: Duration) -> Self {
        Self {
            retry_delay: delay.try_into().ok(),
        }
    }
}

/// What was wrong with the request, and where.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BadRequest {
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
    pub(crate) fn of(violations: &[Violation]) -> Self {
        let field = |violation: &Violation| FieldViolation {
            field: violation.parameter.clone().into(),
            description: violation.detail.clone().into(),
        };
        Self {
            field_violations: violations.iter().map(field).collect(),
        }
    }
}
