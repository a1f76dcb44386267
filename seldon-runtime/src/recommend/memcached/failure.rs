//! Why a key's list cannot be had, for all who wait for it.

use std::borrow::Cow;
use std::time::Duration;

use crate::error::{Code, Error, echo};

/// What an [`Error`] is made from: one failure is told to each request that waits for the key.
#[derive(Debug)]
pub(super) struct Failure {
    /// The sentence for the caller.
    detail: Cow<'static, str>,
    /// For the log alone, as it may name servers and hold what they said.
    cause: String,
    /// The server cannot be reached in time; otherwise it is the value that is wrong.
    pub(super) unreachable: bool,
}

impl Failure {
    /// When a caller may try again: a server that is back is used again after this time at most.
    const RETRY: Duration = Duration::from_secs(1);

    pub(super) fn unreachable(cause: String) -> Self {
        Self {
            detail: Cow::Borrowed("the candidate lists cannot be had: memcached does not answer"),
            cause,
            unreachable: true,
        }
    }

    /// What is under `key` is no candidate list: `what` is the end of that sentence.
    pub(super) fn value(key: &str, what: &str, cause: impl ToString) -> Self {
        let key = echo(key);
        Self {
            detail: Cow::Owned(format!("the candidate list under `{key}` {what}")),
            cause: echo(&cause.to_string()),
            unreachable: false,
        }
    }

    pub(super) fn error(&self) -> Error {
        let error = Error::new(Code::CandidatesUnavailable, self.detail.clone())
            .with_cause(self.cause.clone());
        if self.unreachable {
            error.with_retry_after(Self::RETRY)
        } else {
            error
        }
    }
}
