//! Reads a request's body, and tells what it is by its bytes.

use std::fmt;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;

use crate::error::{BoxError, Code, Error, Result};

/// A body, by what its bytes are: clients name its type wrongly or not at all.
pub(super) enum Content<'a> {
    Empty,
    /// It begins as a JSON document does, or is no form.
    Json(&'a [u8]),
    /// Everything else: `application/x-www-form-urlencoded`.
    Form(&'a [u8]),
}

impl<'a> Content<'a> {
    /// A whole body, as what it is.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        const BYTE_ORDER_MARK: u8 = 0xef;
        let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
        match first {
            None => Self::Empty,
            Some(b'{' | b'[' | &BYTE_ORDER_MARK) => Self::Json(bytes),
            // Every form says something to be something.
            Some(_) if !bytes.contains(&b'=') => Self::Json(bytes),
            Some(_) => Self::Form(bytes),
        }
    }
}

/// Whether a body comes as it is meant.
pub(super) fn is_plain(headers: &HeaderMap) -> bool {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else {
        return true;
    };
    encoding.as_bytes().eq_ignore_ascii_case(b"identity")
}

/// What a body that is compressed is refused with.
pub(super) fn compressed() -> Response {
    let detail = "a body with a `content-encoding` is not read here: send it as it is";
    let mut response = Error::new(Code::UnsupportedEncoding, detail).into_response();
    // RFC 9110 §12.5.3.
    let headers = response.headers_mut();
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    response
}

/// Reads all of `body`, which the server has given its limit.
///
/// # Errors
///
/// If it goes over that, or ends too early.
pub(crate) async fn read<B>(body: B) -> Result<Bytes>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    match body.collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) => Err(unread(error.into())),
    }
}

fn unread(mut error: BoxError) -> Error {
    // One for each router that the body came through.
    let error = loop {
        match error.downcast::<axum::Error>() {
            Ok(axum) => error = axum.into_inner(),
            Err(other) => break other,
        }
    };
    match error.downcast::<OverLimit>() {
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
