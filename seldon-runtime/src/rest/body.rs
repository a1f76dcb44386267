//! Reads a request's body, within its limit, and tells what it is by its bytes.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};

use crate::error::{Code, Error, Result};

/// The most that a REST body may hold, in bytes.
pub(super) const LIMIT: usize = 1 << 20;

/// A body, by what its bytes are: clients name its type wrongly or not at all.
pub(super) enum Content {
    Empty,
    /// It begins as a JSON document does.
    Json(Bytes),
    /// Everything else: `application/x-www-form-urlencoded`.
    Form(Bytes),
}

/// Reads `body`.
pub(super) async fn read(body: Body) -> Result<Content> {
    let bytes = match Limited::new(body, LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            let detail = format!("the body is over the limit of {LIMIT} bytes");
            return Err(Error::new(Code::TooLarge, detail));
        }
        Err(error) => {
            let detail = "the body ended before it was complete";
            return Err(Error::new(Code::InvalidParameter, detail).with_cause(error));
        }
    };
    const BYTE_ORDER_MARK: u8 = 0xef;
    let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
    Ok(match first {
        None => Content::Empty,
        Some(b'{' | b'[' | &BYTE_ORDER_MARK) => Content::Json(bytes),
        Some(_) => Content::Form(bytes),
    })
}
