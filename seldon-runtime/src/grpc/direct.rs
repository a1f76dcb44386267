//! `Classify` without tonic's codec and its streams, for calls that are not compressed.
//!
//! A unary call is one message each way: the request is decoded from where it was read to, and
//! the reply is written into one buffer of its exact size.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, Version, header};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use prost::Message as _;

use super::frame::HEADER;
use super::route::{
    Choice, first, is_grpc, model_named, no_single_message, over_limit, undecodable,
};
use super::{Message, Versioned};
use crate::error::{BoxError, Result};
use crate::known::{self, Answering, Known, Reads};
use crate::live::MODEL_VERSION;

const ENCODING: &str = "grpc-encoding";

/// The method over `choice`, for messages of at most `limit` bytes each way.
pub(super) struct Direct<C> {
    pub(super) choice: Arc<C>,
    pub(super) limit: usize,
}

impl<C: Choice> Known for Direct<C> {
    fn is_at_once(&self) -> bool {
        self.choice.is_at_once()
    }

    fn reads(&self, head: &Parts) -> Option<Reads> {
        let usual = head.version == Version::HTTP_2
            && head.method == Method::POST
            && is_grpc(&head.headers)
            && !is_compressed(&head.headers);
        usual.then_some(Reads::Message)
    }

    fn answer(&self, head: &Parts, body: Bytes) -> Answering {
        let message = match decode(body, self.limit) {
            Ok(message) => message,
            Err(error) => return Answering::Now(Err(error)),
        };
        let limit = self.limit;
        if self.choice.is_at_once() {
            return Answering::now(async move {
                let model = model_named(&head.headers);
                respond(self.choice.answer_framed(model, message, limit).await)
            });
        }
        let (choice, model) = (
            Arc::clone(&self.choice),
            model_named(&head.headers).map(str::to_owned),
        );
        Answering::Later(Box::pin(async move {
            respond((choice.answer_framed(model.as_deref(), message, limit)).await)
        }))
    }
}

/// Whether a call's messages are, or may be, compressed.
pub(super) fn is_compressed(headers: &HeaderMap) -> bool {
    first(headers, ENCODING).is_some_and(|encoding| encoding.as_bytes() != b"identity")
}

/// Reads all of a call's body, unless its message is said to be longer than `limit`.
///
/// # Errors
///
/// If it is, or the body ends too early.
pub(crate) async fn read<B>(body: B, limit: usize) -> Result<Bytes>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut body = std::pin::pin!(body);
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while !body.is_end_stream()
        && let Some(frame) = body.frame().await
    {
        let frame = frame.map_err(|error| no_single_message().with_cause(error))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        // Almost always there is no second one, and nothing is copied.
        if first.is_empty() && whole.is_empty() {
            first = data;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
        let have = if whole.is_empty() { &first } else { &whole[..] };
        declared(have, limit)?;
        if have.len() > HEADER + limit {
            return Err(over_limit(limit));
        }
    }
    Ok(match whole.is_empty() {
        true => first,
        false => whole.freeze(),
    })
}

/// The length of the message that `bytes` begin with, if its header is all there.
fn declared(bytes: &[u8], limit: usize) -> Result<Option<usize>> {
    let Some([flag, length @ ..]) = bytes.first_chunk::<HEADER>() else {
        return Ok(None);
    };
    // What is not compressed by its headers cannot be so by its flag.
    if *flag != 0 {
        return Err(no_single_message());
    }
    match usize::try_from(u32::from_be_bytes(*length)) {
        Ok(length) if length <= limit => Ok(Some(length)),
        _ => Err(over_limit(limit)),
    }
}

/// The message of a body. Those that follow it are none of a unary call, and must be whole.
fn decode(mut body: Bytes, limit: usize) -> Result<Message> {
    let mut message = None;
    while body.has_remaining() {
        let length = declared(&body, limit)?.ok_or_else(no_single_message)?;
        if body.len() < HEADER + length {
            return Err(no_single_message());
        }
        body.advance(HEADER);
        let decoded = Message::decode(body.split_to(length));
        let decoded = decoded.map_err(|error| undecodable(&error.to_string()))?;
        message.get_or_insert(decoded);
    }
    message.ok_or_else(no_single_message)
}

fn respond(framed: Result<Versioned<Bytes>>) -> Result<Response<known::Reply>> {
    let Versioned { reply, version } = framed?;
    let mut response = Response::new(known::Reply::Message(reply));
    let headers = response.headers_mut();
    let grpc = HeaderValue::from_static("application/grpc");
    headers.insert(header::CONTENT_TYPE, grpc);
    if let Some(version) = version {
        headers.insert(MODEL_VERSION, version);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
        let mut frame = vec![flag];
        frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
        frame.extend_from_slice(message);
        frame
    }

    fn code(body: Vec<u8>, limit: usize) -> Option<&'static str> {
        let decoded = decode(body.into(), limit);
        decoded.err().map(|error| error.code().as_str())
    }

    #[test]
    fn a_message_is_whole_and_within_its_limit() {
        assert_eq!(code(framed(0, b""), 0), None);
        assert_eq!(code(framed(0, &[10, 0]), 2), None);
        assert_eq!(code(framed(0, &[10, 0]), 1), Some("TOO_LARGE"));
        assert_eq!(code(framed(1, &[10, 0]), 2), Some("MALFORMED_MESSAGE"));
        // Within a field it is the caller's who wrote that.
        assert_eq!(code(framed(0, &[10]), 2), Some("INVALID_MESSAGE"));
        assert_eq!(code(Vec::new(), 2), Some("MALFORMED_MESSAGE"));
        assert_eq!(code(vec![0, 0, 0, 0], 2), Some("MALFORMED_MESSAGE"));
        assert_eq!(code(vec![0, 0, 0, 0, 2, 10], 2), Some("MALFORMED_MESSAGE"));
        let twice = [framed(0, &[10, 0]), framed(0, &[10])].concat();
        assert_eq!(code(twice, 2), Some("INVALID_MESSAGE"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(body in prop::collection::vec(any::<u8>(), 0..64), limit in 0usize..64) {
            let _ = decode(body.into(), limit);
        }
    }
}
