//! What a service answers without the router: requests for its own path, in their usual form.
//!
//! The router has the same routes and answers whatever is left to it here; a caller cannot tell
//! which of the two answered.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::error::{Code, Error, Result};
use crate::live::MODEL_VERSION;

/// A service's route.
pub(crate) trait Known: Send + Sync + 'static {
    /// Whether its answers are always [`Now`](Answering::Now).
    fn is_at_once(&self) -> bool;

    /// What the answer needs of the body; `None` where the router is to answer.
    fn reads(&self, head: &Parts) -> Option<Reads>;

    /// Answers a request with what it said it needs of its body.
    fn answer(&self, head: &Parts, body: Bytes) -> Answering;

    /// The same route for REST where nothing waits, below `http`'s types.
    fn at_once(&self) -> Option<&dyn AtOnce> {
        None
    }
}

/// A route of REST that answers each GET and POST at once, from its query and its body.
pub(crate) trait AtOnce: Send + Sync {
    /// Answers a request that is all here since `begun`, with a document that is written in `room`,
    /// which is empty.
    ///
    /// # Errors
    ///
    /// What the request is refused with.
    fn say(&self, query: &str, body: &[u8], begun: Instant, room: Vec<u8>) -> Result<Said>;
}

/// A good reply over REST: a document, and what its head says besides.
pub(crate) struct Said {
    pub(crate) json: Vec<u8>,
    /// It was made without what would have made it better.
    pub(crate) degraded: bool,
    /// The version of the model that it is of, where that is known.
    pub(crate) version: Option<HeaderValue>,
    /// When it was there.
    pub(crate) at: Instant,
}

/// What the head of a reply says that was made without what would have made it better.
pub(crate) const DEGRADED: (&str, &str) = ("x-degraded", "candidates");

impl Said {
    /// As a response.
    pub(crate) fn into_response(self) -> Response<Reply> {
        let mut response = Response::new(Reply::Whole(self.json.into()));
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(version) = self.version {
            headers.insert(MODEL_VERSION, version);
        }
        if self.degraded {
            let (name, value) = DEGRADED;
            let name = HeaderName::from_static(name);
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// What is read of a request's body before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    Nothing,
    /// All of it.
    Body,
    /// All of it, which is a message as gRPC frames it.
    Message,
}

/// An answer, there already or on its way.
pub(crate) enum Answering {
    Now(Result<Response<Reply>>),
    /// The one box of a call that has to wait for something.
    Later(Pin<Box<dyn Future<Output = Result<Response<Reply>>> + Send>>),
}

impl Answering {
    /// The answer of `future`, which waits for nothing.
    pub(crate) fn now(future: impl Future<Output = Result<Response<Reply>>>) -> Self {
        Self::Now(now(future))
    }
}

/// What `future` comes to, which waits for nothing.
///
/// # Errors
///
/// Its own, and if it waits.
// In its place: what a future holds is moved about otherwise.
#[inline(always)]
pub(crate) fn now<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    match future.as_mut().poll(&mut context) {
        Poll::Ready(answer) => answer,
        Poll::Pending => Err(Error::new(Code::Internal, "the service failed to answer")),
    }
}

/// A reply's body.
pub(crate) enum Reply {
    Whole(Bytes),
    /// A message as gRPC frames it, after which the call has gone well.
    Message(Bytes),
    /// The router's.
    Stream(Body),
}

impl Default for Reply {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

/// The trailers of a call that has gone well.
pub(crate) fn call_went_well() -> HeaderMap {
    const STATUS: HeaderName = HeaderName::from_static("grpc-status");
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(STATUS, HeaderValue::from_static("0"));
    trailers
}

impl HttpBody for Reply {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = match &mut *self {
            Self::Stream(body) => return Pin::new(body).poll_frame(context),
            Self::Whole(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Self::Whole(bytes) => Frame::data(std::mem::take(bytes)),
            Self::Message(bytes) if bytes.is_empty() => {
                *self = Self::default();
                Frame::trailers(call_went_well())
            }
            Self::Message(bytes) => Frame::data(std::mem::take(bytes)),
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Message(_) => false,
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Message(_) => SizeHint::new(),
            Self::Stream(body) => body.size_hint(),
        }
    }
}
