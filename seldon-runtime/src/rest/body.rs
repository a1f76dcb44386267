//! Reads a request's body, and tells what it is by its bytes.

use std::fmt;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;

use crate::error::{Code, Error, Result};

/// A body, by what its bytes are: clients name its type wrongly or not at all.
pub(super) enum Content {
    Empty,
    /// It begins as a JSON document does.
    Json(Bytes),
    /// Everything else: `application/x-www-form-urlencoded`.
    Form(Bytes),
}

/// Reads `body`, which the server has given its limit.
pub(super) async fn read(body: Body) -> Result<Content> {
    let bytes = body.collect().await.map_err(unread)?.to_bytes();
    const BYTE_ORDER_MARK: u8 = 0xef;
    let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
    Ok(match first {
        None => Content::Empty,
        Some(b'{' | b'[' | &BYTE_ORDER_MARK) => Content::Json(bytes),
        Some(_) => Content::Form(bytes),
    })
}

fn unread(error: axum::Error) -> Error {
    match error.into_inner().downcast::<OverLimit>() {
        Ok(over) => over.into_error(),
        Err(error) => Error::new(
            Code::InvalidParameter,
            "the body ended before it was complete",
        )
        .with_cause(error),
    }
}

/// A body went over its limit, in bytes.
#[derive(Debug)]
pub(crate) struct OverLimit(pub(crate) usize);

impl OverLimit {
    /// What the caller is told.
    pub(crate) fn into_error(self) -> Error {
        Error::new(Code::TooLarge, self.to_string())
    }
}

impl fmt::Display for OverLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the body is over the limit of {} bytes", self.0)
    }
}

impl std::error::Error for OverLimit {}
