//! The HTTP face: problem documents (RFC 9457).

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;

use super::{Code, Error, Violation};
use crate::access::CHALLENGE;
use crate::live::MODEL_VERSION;

/// What a handler leaves in the response's extensions for the guard above it, which knows the
/// request's id and so writes the document.
#[derive(Clone)]
pub(crate) struct Problem(pub(crate) Arc<Error>);

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    /// The detail again: clients of the Open Inference Protocol and of TensorFlow Serving read it.
    error: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Violation],
    request_id: &'a str,
}

impl Serialize for Violation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("Violation", 2)?;
        out.serialize_field("parameter", &self.parameter)?;
        out.serialize_field("detail", &self.detail)?;
        out.end()
    }
}

impl Error {
    /// The problem document, naming the request.
    pub(crate) fn to_document(&self, request_id: &str) -> Vec<u8> {
        let face = self.code().face();
        let document = Document {
            r#type: "about:blank",
            title: face.title,
            status: face.status.as_u16(),
            detail: self.public_detail(),
            error: self.public_detail(),
            code: face.name,
            errors: self.violations(),
            request_id,
        };
        // Strings and numbers only: there is nothing in it that JSON cannot hold.
        serde_json::to_vec(&document).unwrap_or_default()
    }

    /// The response with that document.
    pub(crate) fn to_response(&self, request_id: &str) -> Response {
        self.to_reply(request_id).map(Body::from)
    }

    /// The same, with the document as it is.
    pub(crate) fn to_reply(&self, request_id: &str) -> Response<Vec<u8>> {
        let mut response = Response::new(self.to_document(request_id));
        *response.status_mut() = self.code().status();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(version) = &self.0.version {
            headers.insert(MODEL_VERSION, version.clone());
        }
        if self.code() == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// Status and extension only: the guard writes the document, because it knows the request's id.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.code().status();
        response.extensions_mut().insert(Problem(Arc::new(self)));
        response
    }
}
