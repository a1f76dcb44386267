//! Bodies on an HTTP/2 stream: as they come in, and as they go out.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::timeout;

use super::date::date;
use crate::known::{Reply, call_went_well};

/// A request's body.
pub(super) struct Incoming {
    stream: RecvStream,
    /// What was read already.
    first: Option<Bytes>,
    /// What is still to come, where the head says so.
    length: Option<u64>,
    /// All data came; trailers may be left.
    complete: bool,
}

impl Incoming {
    /// The body of a request with this head.
    pub(super) fn new(stream: RecvStream, headers: &HeaderMap) -> Self {
        let length = headers.get(header::CONTENT_LENGTH);
        Self {
            stream,
            first: None,
            // One that does not hold is an error of the stream.
            length: length.and_then(|length| length.to_str().ok()?.parse().ok()),
            complete: false,
        }
    }

    /// All of the body, if it is here in one piece of at most `most` bytes; it stays to be read
    /// otherwise.
    pub(super) fn whole(&mut self, context: &mut Context<'_>, most: usize) -> Option<Bytes> {
        if self.stream.is_end_stream() {
            return self.first.is_none().then(Bytes::new);
        }
        if self.first.is_none()
            && let Poll::Ready(Some(Ok(data))) = self.stream.poll_data(context)
        {
            let _ = self.stream.flow_control().release_capacity(data.len());
            self.first = Some(data);
        }
        let whole =
            (self.first.as_ref()).filter(|data| data.len() <= most && self.stream.is_end_stream());
        whole.cloned()
    }
}

impl HttpBody for Incoming {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        if let Some(data) = self.first.take() {
            self.length = (self.length).map(|left| left.saturating_sub(data.len() as u64));
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if !self.complete {
            if let Some(data) = ready!(self.stream.poll_data(context)) {
                let data = data?;
                // Room for as much again: what was read is the reader's to bound.
                let _ = self.stream.flow_control().release_capacity(data.len());
                self.length = (self.length).map(|left| left.saturating_sub(data.len() as u64));
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            self.complete = true;
        }
        let trailers = ready!(self.stream.poll_trailers(context))?;
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

/// A body that is sent as the peer takes it.
pub(super) struct Rest {
    body: Body,
    stream: SendStream<Bytes>,
}

/// Sends a response, and its body if that is here; else returns what is left to send.
///
/// # Errors
///
/// If the stream, or the connection, has ended.
pub(super) fn send(
    response: Response<Reply>,
    mut respond: SendResponse<Bytes>,
) -> Result<Option<Rest>, h2::Error> {
    let (mut head, reply) = response.into_parts();
    let headers = &mut head.headers;
    headers.entry(header::DATE).or_insert_with(date);
    match reply {
        Reply::Whole(bytes) if bytes.is_empty() => {
            respond.send_response(Response::from_parts(head, ()), true)?;
        }
        Reply::Whole(bytes) => {
            length(headers, bytes.len() as u64);
            let mut stream = respond.send_response(Response::from_parts(head, ()), false)?;
            stream.send_data(bytes, true)?;
        }
        Reply::Message(bytes) => {
            let mut stream = respond.send_response(Response::from_parts(head, ()), false)?;
            stream.send_data(bytes, false)?;
            stream.send_trailers(call_went_well())?;
        }
        Reply::Stream(body) => {
            without_connection(headers);
            let ends = body.is_end_stream();
            if let Some(exact) = body.size_hint().exact().filter(|_| !ends) {
                length(headers, exact);
            }
            let stream = respond.send_response(Response::from_parts(head, ()), ends)?;
            return Ok((!ends).then_some(Rest { body, stream }));
        }
    }
    Ok(None)
}

fn length(headers: &mut HeaderMap, length: u64) {
    (headers.entry(header::CONTENT_LENGTH)).or_insert_with(|| HeaderValue::from(length));
}

/// Takes off what is said of an HTTP/1 connection, and is malformed here.
fn without_connection(headers: &mut HeaderMap) {
    for name in [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ] {
        headers.remove(name);
    }
    for name in ["keep-alive", "proxy-connection"] {
        headers.remove(name);
    }
}

/// Sends the rest of a response, of which the peer takes some within each `idle`.
///
/// # Errors
///
/// If the stream, or the connection, ends.
pub(super) async fn send_rest(rest: Rest, idle: Duration) -> Result<(), h2::Error> {
    let Rest { body, mut stream } = rest;
    let mut body = pin!(body);
    loop {
        let next = poll_fn(|context| {
            if let Poll::Ready(frame) = body.as_mut().poll_frame(context) {
                return Poll::Ready(Ok(frame));
            }
            let reason = ready!(stream.poll_reset(context));
            Poll::Ready(Err(reason.map_or_else(|gone| gone, h2::Error::from)))
        });
        let Some(frame) = next.await? else {
            return stream.send_data(Bytes::new(), true);
        };
        let Ok(frame) = frame else {
            stream.send_reset(Reason::INTERNAL_ERROR);
            return Ok(());
        };
        match frame.into_data() {
            Ok(data) => {
                if !data.is_empty() {
                    match timeout(idle, room(&mut stream)).await {
                        Ok(room) => room?,
                        Err(_) => {
                            stream.send_reset(Reason::CANCEL);
                            return Ok(());
                        }
                    }
                }
                let last = body.is_end_stream();
                stream.send_data(data, last)?;
                if last {
                    return Ok(());
                }
            }
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    stream.reserve_capacity(0);
                    return stream.send_trailers(trailers);
                }
            }
        }
    }
}

/// Waits until the peer takes some more.
async fn room(stream: &mut SendStream<Bytes>) -> Result<(), h2::Error> {
    stream.reserve_capacity(1);
    while stream.capacity() == 0 {
        match poll_fn(|context| stream.poll_capacity(context)).await {
            Some(more) => more.map(drop)?,
            None => return Err(Reason::CANCEL.into()),
        }
    }
    Ok(())
}
