//! An HTTP/2 connection: requests are answered where they are read, and the answers to those that
//! came together go out together.
//!
//! `session` is the conversation without its socket: `heads`, `bodies` and `control` take frames in,
//! `outgoing` sends replies, with `frame`, `flow` and `streams` below them. `hpack`, with `table`, `field` and `huffman`, reads header blocks, of which `request`
//! makes requests; `reply` writes them. A request that has to wait has a `task`, and between that
//! and the connection there is a `slot`.

mod bodies;
mod control;
mod field;
mod flow;
mod frame;
#[cfg(fuzzing)]
pub(super) mod fuzz;
mod heads;
mod hpack;
mod huffman;
mod outgoing;
mod pieces;
mod ping;
mod reply;
mod request;
mod session;
mod slot;
mod streams;
mod table;
mod task;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::Response;
use http::request::Parts;
use tokio::io::{AsyncReadExt, AsyncWrite};

use super::activity::Activity;
use super::connection::{Conversation, InFlight, Site};
use super::date::date;
use super::socket::Socket;
use crate::access::{Caller, Credentials};
use crate::known::{Known, Reads, Reply};
use ping::Pings;
use session::{FULL, Service, Session, What, Work};
use streams::Task;
use task::{Unanswered, send};

/// How much is asked for in one read.
const READ: usize = 16 << 10;

/// How much of replies waits for those to the requests that have come as well.
const ROUND: usize = 16 << 10;

/// A connection that speaks HTTP/2.
pub(super) struct Http2 {
    socket: Socket,
    /// What was read and is no whole frame yet.
    input: BytesMut,
    /// How much of what is to go out has gone.
    gone: usize,
    session: Session<Direct>,
    direct: Direct,
    activity: Arc<Activity>,
    pings: Pings,
    /// Nothing more is read: what is to go out goes, and that is all.
    ending: bool,
}

/// What answers requests where they are read.
struct Direct {
    site: Arc<Site>,
    crowded: bool,
}

impl Service for Direct {
    type Known = (Arc<dyn Known>, Reads, Option<Caller>);

    fn known(&self, head: &Parts) -> Option<Self::Known> {
        let known = self.site.at_once(&head.uri, &head.headers, self.crowded);
        let (known, caller) = known?;
        Some((Arc::clone(known), known.reads(head)?, caller))
    }

    fn answer(
        &self,
        (known, reads, caller): &Self::Known,
        head: &Parts,
        body: Bytes,
    ) -> Option<Response<Reply>> {
        let limits = self.site.guard.limits();
        let most = match reads {
            // What is not read is not to be longer than it may be, either.
            Reads::Nothing => 0,
            Reads::Body => limits.body,
            Reads::Message => limits.message,
        };
        if body.len() > most {
            return None;
        }
        // The same head may come again and again.
        let credentials = || Credentials::of(&head.uri, &head.headers);
        let caller = self.site.caller_again(caller.as_ref(), credentials);
        (self.site.guard).answer_now(head, body, &**known, caller.ok()?)
    }
}

thread_local! {
    /// What a connection reads into, and writes to, while it has its turn: one that waits has
    /// neither, unless it waits in the middle of a frame.
    static DESK: Cell<Option<(BytesMut, Vec<u8>)>> = const { Cell::new(None) };
}

impl Http2 {
    /// Begins to speak HTTP/2 on `socket`, of which the preface was not read again yet.
    pub(super) fn begin(
        socket: Socket,
        site: Arc<Site>,
        activity: Arc<Activity>,
        crowded: bool,
    ) -> Self {
        let limits = site.guard.limits();
        Self {
            socket,
            input: BytesMut::new(),
            gone: 0,
            session: Session::begin(limits),
            pings: Pings::new(limits),
            direct: Direct { site, crowded },
            activity,
            ending: false,
        }
    }

    fn take_desk(&mut self) {
        let (mut input, mut out) = DESK.take().unwrap_or_default();
        input.clear();
        // What is left from the last turn is less than a frame.
        input.extend_from_slice(&self.input);
        self.input = input;
        // Of what is to go out there may be more.
        if self.session.out.is_empty() {
            std::mem::swap(&mut self.session.out, &mut out);
        }
    }

    fn leave_desk(&mut self) {
        let left = BytesMut::from(&self.input[..]);
        let input = std::mem::replace(&mut self.input, left);
        let out = match self.session.out.is_empty() {
            true => std::mem::take(&mut self.session.out),
            false => Vec::new(),
        };
        DESK.set(Some((input, out)));
    }

    /// Goes on until there is nothing to be done.
    fn converse(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut blocked = false;
        loop {
            let dry = self.take_in(context, if blocked { FULL } else { ROUND });
            if dry {
                self.session.settle();
                self.begin_work(context);
            }
            self.session.collect();
            self.session.pump();
            match self.write(context) {
                Poll::Ready(Ok(())) => blocked = false,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => blocked = true,
            }
            if self.session.is_over() {
                self.ending = true;
            }
            if self.ending {
                return self.end(context);
            }
            let waits = match blocked {
                true => dry || self.session.out.len() >= FULL,
                false => dry && !self.session.can_pump(),
            };
            if waits && self.session.mailbox.sleep(context) {
                return Poll::Pending;
            }
        }
    }

    /// Reads what has come, until so much is to go out. Returns whether that was all.
    fn take_in(&mut self, context: &mut Context<'_>, most: usize) -> bool {
        loop {
            if let Err(reason) = self.session.receive(&self.direct, &mut self.input) {
                self.session.fail(reason);
                self.ending = true;
                return true;
            }
            self.begin_work(context);
            if self.session.out.len() >= most {
                return false;
            }
            self.input.reserve(READ);
            match pin!(self.socket.read_buf(&mut self.input)).poll(context) {
                Poll::Pending => return true,
                Poll::Ready(Ok(1..)) => {}
                // What it asked before is answered, as far as that is at once.
                Poll::Ready(_) => {
                    self.session.abandon();
                    self.ending = true;
                    return true;
                }
            }
        }
    }

    /// Begins the tasks that are needed. Most end here.
    fn begin_work(&mut self, context: &mut Context<'_>) {
        for Work { stream, slot, what } in std::mem::take(&mut self.session.work) {
            let site = Arc::clone(&self.direct.site);
            let (crowded, in_flight) = (self.direct.crowded, InFlight::new(&self.activity));
            let mut work = Box::pin(async move {
                let idle = site.guard.limits().idle;
                let unanswered = Unanswered::new(Arc::clone(&slot));
                let (method, response) = match what {
                    What::Answer(request) => {
                        let method = request.method().clone();
                        (method, site.answer(request, crowded).await)
                    }
                    What::Refuse(request) => {
                        let method = request.method().clone();
                        (method, site.guard.refuse_headers(request))
                    }
                    What::Send(method, response) => (method, response),
                };
                unanswered.answered();
                send(slot, method, response, idle).await;
                drop(in_flight);
            });
            if work.as_mut().poll(context).is_pending() {
                let task = tokio::spawn(work);
                self.session.attach(stream, Task(task.abort_handle()));
            }
        }
    }

    fn write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let out = &mut self.session.out;
        while self.gone < out.len() {
            let socket = Pin::new(&mut self.socket);
            match ready!(socket.poll_write(context, &out[self.gone..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.gone += written,
            }
        }
        out.clear();
        self.gone = 0;
        Pin::new(&mut self.socket).poll_flush(context)
    }

    /// Writes what is left, and closes.
    fn end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if ready!(self.write(context)).is_ok() {
            let _ = ready!(Pin::new(&mut self.socket).poll_shutdown(context));
        }
        Poll::Ready(())
    }
}

impl Conversation for Http2 {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.session.mailbox.awake();
        self.session.date = date();
        match self.pings.poll(context, &self.activity) {
            Poll::Ready(true) => self.session.ask(),
            Poll::Ready(false) => return Poll::Ready(()),
            Poll::Pending => {}
        }
        self.take_desk();
        let polled = match self.ending {
            true => self.end(context),
            false => self.converse(context),
        };
        self.leave_desk();
        let answered = std::mem::take(&mut self.session.answered);
        if answered > 0 {
            self.activity.answered(answered);
        }
        polled
    }

    fn graceful_shutdown(&mut self) {
        self.session.leave_gently();
    }
}
