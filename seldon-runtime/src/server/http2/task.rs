//! The task of a request that has to wait, or whose reply has to.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Response, header};
use http_body::Body as HttpBody;
use tokio::time::timeout;

use super::frame::Reason;
use super::pieces::{self, Then};
use super::slot::{End, Gone, Slot};
use crate::known::Reply;

/// Sends the reply to a request by `method`, of which the peer takes some within each `idle`.
pub(super) async fn send(
    slot: Arc<Slot>,
    method: Method,
    response: Response<Reply>,
    idle: Duration,
) {
    let only_head = method == Method::HEAD;
    let sender = Sender {
        slot,
        idle,
        only_head,
    };
    // The peer has left, and there is nobody to tell.
    let _ = sender.send(response).await;
}

/// Resets the stream if it is dropped.
pub(super) struct Unanswered(Option<Arc<Slot>>);

impl Unanswered {
    pub(super) fn new(slot: Arc<Slot>) -> Self {
        Self(Some(slot))
    }

    /// It is answered now.
    pub(super) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.reset(Reason::INTERNAL_ERROR);
        }
    }
}

struct Sender {
    slot: Arc<Slot>,
    idle: Duration,
    /// The body is not asked for.
    only_head: bool,
}

impl Sender {
    async fn send(&self, response: Response<Reply>) -> Result<(), Gone> {
        let (mut head, reply) = response.into_parts();
        let (data, end) = match reply {
            Reply::Whole(bytes) => (bytes, End::Data),
            Reply::Message(bytes) => (bytes, End::WentWell),
            Reply::Stream(body) => {
                without_connection(&mut head.headers);
                if let Some(exact) = body.size_hint().exact().filter(|_| !body.is_end_stream()) {
                    let length = head.headers.entry(header::CONTENT_LENGTH);
                    length.or_insert_with(|| exact.into());
                }
                let last = self.only_head || body.is_end_stream();
                self.slot.put_head(head, last);
                return match last {
                    true => Ok(()),
                    false => self.send_body(body).await,
                };
            }
        };
        let empty = self.only_head || data.is_empty() && matches!(end, End::Data);
        if !data.is_empty() && matches!(end, End::Data) {
            let length = head.headers.entry(header::CONTENT_LENGTH);
            length.or_insert_with(|| data.len().into());
        }
        self.slot.put_head(head, empty);
        match empty {
            true => Ok(()),
            false => self.put(data, Some(end)).await,
        }
    }

    async fn send_body(&self, body: Body) -> Result<(), Gone> {
        let unanswered = Unanswered::new(Arc::clone(&self.slot));
        let mut body = pin!(body);
        loop {
            let (data, then) = poll_fn(|context| pieces::poll(body.as_mut(), context)).await;
            match then {
                Then::More => self.put(data, None).await?,
                Then::End(end) => {
                    self.put(data, Some(end)).await?;
                    unanswered.answered();
                    return Ok(());
                }
                Then::Failed => {
                    if !data.is_empty() {
                        self.put(data, None).await?;
                    }
                    // The stream is reset.
                    return Err(Gone);
                }
            }
        }
    }

    /// Hands over a piece, and waits until it went.
    async fn put(&self, data: Bytes, end: Option<End>) -> Result<(), Gone> {
        self.slot.put(data, end);
        loop {
            let taken = self.slot.taken();
            let went = poll_fn(|context| self.slot.poll_taken(context, taken));
            match timeout(self.idle, went).await {
                Ok(went) => {
                    if went? {
                        return Ok(());
                    }
                }
                Err(_) => {
                    self.slot.reset(Reason::CANCEL);
                    return Err(Gone);
                }
            }
        }
    }
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
