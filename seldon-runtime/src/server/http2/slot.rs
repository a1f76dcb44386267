//! What a request's task and its connection share: the body that comes in, the reply that goes out.
//!
//! Of either there is no more than the windows allow and one piece.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, response};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::frame::Reason;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The streams of a connection whose tasks have something for it.
#[derive(Debug, Default)]
pub(super) struct Mailbox(Mutex<Inbox>);

#[derive(Debug, Default)]
struct Inbox {
    posted: Vec<u32>,
    waker: Option<Waker>,
    asleep: bool,
}

impl Mailbox {
    fn post(&self, stream: u32) {
        let mut inbox = lock(&self.0);
        inbox.posted.push(stream);
        if std::mem::take(&mut inbox.asleep)
            && let Some(waker) = &inbox.waker
        {
            waker.wake_by_ref();
        }
    }

    /// What was posted.
    pub(super) fn collect(&self) -> Vec<u32> {
        std::mem::take(&mut lock(&self.0).posted)
    }

    /// The connection looks at it by itself from here on.
    pub(super) fn awake(&self) {
        lock(&self.0).asleep = false;
    }

    /// Has the connection woken at the next post, unless there is one already.
    pub(super) fn sleep(&self, context: &Context<'_>) -> bool {
        let mut inbox = lock(&self.0);
        inbox.asleep = inbox.posted.is_empty();
        if inbox.asleep {
            match &mut inbox.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
        }
        inbox.asleep
    }
}

/// How a reply's body ends.
#[derive(Debug)]
pub(super) enum End {
    Data,
    Trailers(HeaderMap),
    /// With the trailers of a call that has gone well.
    WentWell,
}

/// One request's, between its task and its connection.
#[derive(Debug)]
pub(super) struct Slot {
    stream: u32,
    mailbox: Arc<Mailbox>,
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    body: BytesMut,
    trailers: Option<HeaderMap>,
    ended: bool,
    reader: Option<Waker>,
    /// Bytes that were read since the connection last looked.
    read: usize,
    /// Nobody reads what still comes.
    unwanted: bool,

    reply: Posted,
    /// Bytes of the reply that are not on their way yet.
    untaken: usize,
    /// How often some of them went.
    taken: u64,
    writer: Option<Waker>,

    posted: bool,
    /// The stream is over.
    closed: bool,
}

/// What a task has for its connection.
#[derive(Debug, Default)]
pub(super) struct Posted {
    pub(super) read: usize,
    /// The head, and whether it is all of the reply.
    pub(super) head: Option<(Box<response::Parts>, bool)>,
    pub(super) data: Bytes,
    pub(super) end: Option<End>,
    pub(super) reset: Option<Reason>,
}

/// The stream, or its connection, is over.
#[derive(Debug)]
pub(super) struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the stream is closed")
    }
}

impl std::error::Error for Gone {}

/// The connection's side.
impl Slot {
    /// A slot for a request of whose body this has come.
    pub(super) fn new(stream: u32, mailbox: &Arc<Mailbox>, body: BytesMut, ended: bool) -> Self {
        let shared = Shared {
            body,
            ended,
            ..Shared::default()
        };
        Self {
            stream,
            mailbox: Arc::clone(mailbox),
            shared: Mutex::new(shared),
        }
    }

    /// Takes in what comes of the body. Returns how much of it nobody will read.
    pub(super) fn receive(&self, data: &[u8]) -> usize {
        let mut shared = lock(&self.shared);
        if shared.unwanted {
            return data.len();
        }
        shared.body.extend_from_slice(data);
        wake(&mut shared.reader);
        0
    }

    /// Nothing more will come but these.
    pub(super) fn end(&self, trailers: Option<HeaderMap>) {
        let mut shared = lock(&self.shared);
        shared.ended = true;
        shared.trailers = trailers;
        wake(&mut shared.reader);
    }

    /// What the task has. Data and end stay where they are if there is no `room`.
    pub(super) fn collect(&self, room: bool) -> Posted {
        let mut shared = lock(&self.shared);
        shared.posted = false;
        let read = std::mem::take(&mut shared.read);
        let reply = &mut shared.reply;
        let (head, reset) = (reply.head.take(), reply.reset.take());
        let (data, end) = match room {
            true => (std::mem::take(&mut reply.data), reply.end.take()),
            false => (Bytes::new(), None),
        };
        Posted {
            read,
            head,
            data,
            end,
            reset,
        }
    }

    /// Notes that so much of the reply is on its way.
    pub(super) fn took(&self, bytes: usize) {
        let mut shared = lock(&self.shared);
        shared.untaken = shared.untaken.saturating_sub(bytes);
        shared.taken += 1;
        wake(&mut shared.writer);
    }

    /// The stream is over. Returns how much of the body was not looked at.
    pub(super) fn close(&self) -> usize {
        let mut shared = lock(&self.shared);
        shared.closed = true;
        wake(&mut shared.reader);
        wake(&mut shared.writer);
        let left = std::mem::take(&mut shared.body);
        std::mem::take(&mut shared.read) + left.len()
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// The task's side.
impl Slot {
    fn post(&self, shared: &mut Shared) {
        if !shared.posted && !shared.closed {
            shared.posted = true;
            self.mailbox.post(self.stream);
        }
    }

    /// Hands over the head of the reply.
    pub(super) fn put_head(&self, head: response::Parts, last: bool) {
        let mut shared = lock(&self.shared);
        shared.reply.head = Some((Box::new(head), last));
        self.post(&mut shared);
    }

    /// Hands over some of its body, and its end.
    pub(super) fn put(&self, data: Bytes, end: Option<End>) {
        let mut shared = lock(&self.shared);
        debug_assert!(shared.reply.data.is_empty(), "the piece before went");
        shared.untaken += data.len();
        shared.reply.data = data;
        shared.reply.end = end;
        self.post(&mut shared);
    }

    /// Gives up on the reply.
    pub(super) fn reset(&self, reason: Reason) {
        let mut shared = lock(&self.shared);
        shared.reply.reset = Some(reason);
        self.post(&mut shared);
    }

    /// How often some of the reply went.
    pub(super) fn taken(&self) -> u64 {
        lock(&self.shared).taken
    }

    /// Waits until more went than when there was this `taken`. Returns whether all has.
    pub(super) fn poll_taken(
        &self,
        context: &mut Context<'_>,
        taken: u64,
    ) -> Poll<Result<bool, Gone>> {
        let mut shared = lock(&self.shared);
        if shared.untaken == 0 {
            return Poll::Ready(Ok(true));
        }
        if shared.closed {
            return Poll::Ready(Err(Gone));
        }
        if shared.taken != taken {
            return Poll::Ready(Ok(false));
        }
        shared.writer = Some(context.waker().clone());
        Poll::Pending
    }
}

/// A request's body.
#[derive(Debug)]
pub(super) struct Incoming {
    slot: Arc<Slot>,
    /// What is still to come, where the head says so.
    length: Option<u64>,
}

impl Incoming {
    /// The body of a request that says that it is of this `length`.
    pub(super) fn new(slot: Arc<Slot>, length: Option<u64>) -> Self {
        Self { slot, length }
    }
}

impl HttpBody for Incoming {
    type Data = Bytes;
    type Error = Gone;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Gone>>> {
        let this = &mut *self;
        let mut shared = lock(&this.slot.shared);
        if !shared.body.is_empty() {
            let data = shared.body.split().freeze();
            shared.read += data.len();
            this.slot.post(&mut shared);
            this.length = this
                .length
                .map(|left| left.saturating_sub(data.len() as u64));
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if shared.closed && !shared.ended {
            return Poll::Ready(Some(Err(Gone)));
        }
        if !shared.ended {
            shared.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let trailers = shared.trailers.take();
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        let shared = lock(&self.slot.shared);
        shared.ended && shared.body.is_empty() && shared.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let mut shared = lock(&self.slot.shared);
        shared.unwanted = true;
        let left = std::mem::take(&mut shared.body).len();
        if left > 0 && !shared.closed {
            shared.read += left;
            self.slot.post(&mut shared);
        }
    }
}
