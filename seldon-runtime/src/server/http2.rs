//! An HTTP/2 connection: requests are answered where they are read, and the answers to those that
//! came together go out together.
//!
//! Hyper gives each stream a task. Most requests here are answered without waiting for anything,
//! and to them a task is a good part of their cost; one that has to wait gets one.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Ping, PingPong, RecvStream};
use http::request::Parts;
use http::{Request, Response};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::activity::Activity;
use super::connection::{Conversation, InFlight, Site};
use super::http2_body::{Incoming, send, send_rest};
use super::limits::Limits;
use super::socket::Socket;
use crate::known::{Reads, Reply};

/// How much of a request's body a stream, and all of a connection's, may send ahead.
const WINDOW: u32 = 1 << 20;

/// How much of a reply waits for the peer to take it before more is asked for.
const SEND_BUFFER: usize = 400 << 10;

/// The most answers that are held back for one another.
const TOGETHER: usize = 32;

/// A connection, after its settings were exchanged.
pub(super) struct Http2 {
    connection: Connection<Socket, Bytes>,
    site: Arc<Site>,
    activity: Arc<Activity>,
    crowded: bool,
    pings: Option<Pings>,
}

impl Http2 {
    /// Begins to speak HTTP/2 on `socket`.
    ///
    /// # Errors
    ///
    /// If the peer does not, or takes too long.
    pub(super) async fn begin(
        socket: Socket,
        site: Arc<Site>,
        activity: Arc<Activity>,
        crowded: bool,
    ) -> io::Result<Self> {
        let limits = site.guard.limits();
        let mut settings = Builder::new();
        settings
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_send_buffer_size(SEND_BUFFER)
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(limits.header_list)
            // A client may give up on all that it has asked in one breath.
            .max_pending_accept_reset_streams(limits.streams as usize)
            .max_local_error_reset_streams(Some(100));
        let mut connection = timeout(limits.head_time, settings.handshake(socket))
            .await?
            .map_err(io::Error::other)?;
        let pings = connection
            .ping_pong()
            .map(|pings| Pings::new(pings, limits));
        Ok(Self {
            connection,
            site,
            activity,
            crowded,
            pings,
        })
    }

    /// Begins to answer a request.
    fn answer(
        &self,
        context: &mut Context<'_>,
        request: Request<RecvStream>,
        respond: SendResponse<Bytes>,
    ) {
        let in_flight = InFlight::new(&self.activity);
        let (head, stream) = request.into_parts();
        let mut body = Incoming::new(stream, &head.headers);
        if let Some(response) = self.answer_now(context, &head, &mut body) {
            // An error is the end of the stream, and there is nobody to tell.
            if let Ok(Some(rest)) = send(response, respond) {
                let idle = self.site.guard.limits().idle;
                tokio::spawn(async move {
                    let _ = send_rest(rest, idle).await;
                    drop(in_flight);
                });
            }
            return;
        }
        let request = Request::from_parts(head, body);
        let site = Arc::clone(&self.site);
        let mut answer = Box::pin(answer(site, in_flight, self.crowded, request, respond));
        if answer.as_mut().poll(context).is_pending() {
            tokio::spawn(answer);
        }
    }

    /// The answer to a request that is all here, if it waits for nothing.
    fn answer_now(
        &self,
        context: &mut Context<'_>,
        head: &Parts,
        body: &mut Incoming,
    ) -> Option<Response<Reply>> {
        let known = self.site.at_once(&head.uri, self.crowded)?;
        let limits = self.site.guard.limits();
        let whole = match known.reads(head)? {
            // What is not read is not to be longer than it may be, either.
            Reads::Nothing => body.whole(context, 0)?,
            Reads::Body => body.whole(context, limits.body)?,
            Reads::Message => body.whole(context, limits.message)?,
        };
        self.site.guard.answer_now(head, whole, known)
    }
}

impl Conversation for Http2 {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(pings) = &mut self.pings
            && pings.poll(context, &self.activity).is_ready()
        {
            return Poll::Ready(());
        }
        let mut held = 0;
        loop {
            match self.connection.poll_accept(context) {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    self.answer(context, request, respond);
                    // As many as are held at the most go out in the course of the next look, too.
                    held = (held + 1) % TOGETHER;
                    self.activity.hold_writes(held > 0);
                }
                Poll::Ready(_) => {
                    self.activity.hold_writes(false);
                    return Poll::Ready(());
                }
                Poll::Pending if held == 0 => return Poll::Pending,
                // Now they go out, in the course of the next look for requests.
                Poll::Pending => {
                    held = 0;
                    self.activity.hold_writes(false);
                }
            }
        }
    }

    fn graceful_shutdown(&mut self) {
        self.connection.graceful_shutdown();
    }
}

async fn answer(
    site: Arc<Site>,
    in_flight: InFlight,
    crowded: bool,
    request: Request<Incoming>,
    mut respond: SendResponse<Bytes>,
) {
    let idle = site.guard.limits().idle;
    let mut answering = pin!(site.answer(request, crowded));
    let answered = poll_fn(|context| {
        if let Poll::Ready(response) = answering.as_mut().poll(context) {
            return Poll::Ready(Some(response));
        }
        // The caller has left, or the connection is gone: so is the work.
        ready!(respond.poll_reset(context)).ok();
        Poll::Ready(None)
    });
    let Some(response) = answered.await else {
        return;
    };
    if let Ok(Some(rest)) = send(response, respond) {
        let _ = send_rest(rest, idle).await;
    }
    drop(in_flight);
}

/// Asks a peer that is silent whether it is still there.
struct Pings {
    pings: PingPong,
    timer: Pin<Box<Sleep>>,
    every: Duration,
    answer: Duration,
    asked: bool,
}

impl Pings {
    fn new(pings: PingPong, limits: &Limits) -> Self {
        Self {
            pings,
            timer: Box::pin(sleep(limits.ping_every)),
            every: limits.ping_every,
            answer: limits.ping_answer,
            asked: false,
        }
    }

    /// Ready once it has not answered.
    fn poll(&mut self, context: &mut Context<'_>, activity: &Activity) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            // Whatever it sent says as much as an answer.
            let wait = if activity.was_heard() {
                self.asked = false;
                self.every
            } else if self.asked {
                return Poll::Ready(());
            } else {
                // The answer to the one before is put away first.
                let _ = self.pings.poll_pong(context);
                let _ = self.pings.send_ping(Ping::opaque());
                self.asked = true;
                self.answer
            };
            self.timer.as_mut().reset(Instant::now() + wait);
        }
    }
}
