//! One connection, from its first bytes to its close.

use std::convert::Infallible;
use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::Either;
use http::{HeaderMap, Request, Response, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, sleep_until, timeout};

use super::activity::{Activity, Milliseconds};
use super::guard::{Guard, is_health};
use super::http1::Http1;
use super::http2::Http2;
use super::life::{Phase, before, until};
use super::limits::Limits;
use super::refusal::not_tls;
use super::routes::{Direct, Routes};
use super::sniff::{Version, sniff};
use super::socket::Socket;
use super::stream::Stream;
use crate::access::{ApiKeys, Caller, Credentials, Tls};
use crate::error::{BoxError, Result};
use crate::known::{AtOnce, Known, Reads, Reply};
use crate::observe::Place;

/// How long a connection without requests is kept once the server drains: for the last frames.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a peer then may pause in taking a reply that is longer than what the system holds.
const LAST_REPLY: Duration = Duration::from_secs(5);

/// For the first bytes on a connection over the limit, of which there can be few.
const CROWDED: Duration = Duration::from_secs(1);

/// Beyond the limit of a head, what is still read to answer with a document, in bytes: hyper
/// answers with an empty one. It is as long as the longest path that hyper takes.
const HEAD_MARGIN: usize = 64 << 10;

/// What every connection of a listener shares.
pub(super) struct Site {
    pub(super) routes: Routes,
    pub(super) guard: Arc<Guard>,
    /// If it is served within TLS.
    pub(super) tls: Option<Tls>,
    /// If it is only for those that have one of these.
    pub(super) keys: Option<ApiKeys>,
    /// Where REST is answered at once, and whose figures count that.
    at_once: Box<[(Direct, Place)]>,
}

/// Serves the connection of `stream` until either side has enough.
///
/// `crowded` is said of a connection over the limit: its first request is turned away.
pub(super) async fn serve(stream: TcpStream, site: Arc<Site>, crowded: bool) {
    // A reply is one write; waiting for more to send along would only delay it.
    let _ = stream.set_nodelay(true);
    let newcomer = site.guard.census().arrival();
    let mut phase = site.guard.life().watch();
    let opened = tokio::select! {
        opened = open(stream, &site, crowded) => opened,
        // Whoever connected before the end may have asked by now; silence is owed nothing.
        () = async {
            until(&mut phase, Phase::Draining).await;
            tokio::time::sleep(FAREWELL).await;
        } => return,
    };
    // A peer that is silent or gone gets no answer: it asked nothing.
    let Some(Opened {
        stream,
        activity,
        version,
        first,
    }) = opened
    else {
        return;
    };
    drop(newcomer);
    match version {
        Version::Http1 => {
            serve_http1(stream, first, site, activity, crowded).await;
        }
        Version::Http2 => {
            activity.speaks_http2();
            let socket = Socket::http2(stream, first, Arc::clone(&activity));
            serve_http2(socket, site, activity, crowded).await;
        }
    }
}

/// A connection of which it is known what the peer speaks.
struct Opened {
    stream: Stream,
    activity: Arc<Activity>,
    version: Version,
    /// What was read to know that.
    first: Bytes,
}

/// Comes to terms with the peer on TLS, if it is to be, and on the protocol.
///
/// Whatever was agreed upon within TLS, the first bytes say what is spoken: clients that know
/// that a server speaks HTTP/2 may come without a word of it there.
async fn open(stream: TcpStream, site: &Site, crowded: bool) -> Option<Opened> {
    let limits = site.guard.limits();
    let head_time = match crowded {
        true => limits.head_time.min(CROWDED),
        false => limits.head_time,
    };
    let mut stream = match &site.tls {
        None => Stream::from(stream),
        Some(tls) => match tls.accept(stream, limits.handshake_time).await {
            Ok(Ok(stream)) => Stream::from(stream),
            Ok(Err(stream)) => {
                site.guard
                    .handshake_failed(&"the peer speaks in plain text");
                tell_of_tls(stream).await;
                return None;
            }
            Err(error) => {
                site.guard.handshake_failed(&error);
                return None;
            }
        },
    };
    // The handshake had a time of its own.
    let activity = Arc::new(Activity::new(Arc::clone(site.guard.census())));
    let sniffed = timeout(head_time, sniff(&mut stream)).await;
    let (version, first) = sniffed.ok()?.ok()?;
    Some(Opened {
        stream,
        activity,
        version,
        first,
    })
}

/// Tells a peer that speaks HTTP in plain text why it gets no answer.
async fn tell_of_tls(stream: TcpStream) {
    let activity = Arc::new(Activity::new(Arc::default()));
    let mut socket = Socket::http1(stream.into(), Bytes::new(), activity);
    // It fits into any socket's buffer; a peer that is gone has missed nothing.
    if socket.write_all(&not_tls()).await.is_ok() {
        let _ = socket.shutdown().await;
    }
}

async fn serve_http1(
    stream: Stream,
    first: Bytes,
    site: Arc<Site>,
    activity: Arc<Activity>,
    crowded: bool,
) {
    let limits = site.guard.limits();
    let begin = |socket| {
        let (site, activity) = (&site, &activity);
        http1::Builder::new()
            .timer(TokioTimer::new())
            // Ours tells a head from an idle connection.
            .header_read_timeout(None)
            .max_header_size(limits.head + HEAD_MARGIN)
            .max_buf_size(limits.head + HEAD_MARGIN + (64 << 10))
            .serve_connection(
                TokioIo::new(socket),
                service_fn(move |request| respond(site, activity, request, crowded)),
            )
    };
    let connection = Http1::new(stream, first, &site, &activity, crowded, begin);
    let mut peer = Peer::new(connection, &activity, limits);
    let mut phase = site.guard.life().watch();
    // Through the lame-duck time the guard closes each connection with its next reply: to close
    // an idle one now is to race with a request that is on its way.
    if before(&mut phase, Phase::Draining, |context| {
        peer.poll_gone(context)
    })
    .await
    {
        return;
    }
    peer.farewell(&mut phase).await;
}

async fn serve_http2(socket: Socket, site: Arc<Site>, activity: Arc<Activity>, crowded: bool) {
    let limits = site.guard.limits();
    let mut connection = Http2::begin(socket, Arc::clone(&site), Arc::clone(&activity), crowded);
    if crowded {
        connection.graceful_shutdown();
    }
    let mut peer = Peer::new(connection, &activity, limits);
    let mut phase = site.guard.life().watch();
    if before(&mut phase, Phase::LameDuck, |context| {
        peer.poll_gone(context)
    })
    .await
    {
        peer.farewell(&mut phase).await;
        return;
    }
    // A connection that was opened only now is for a request: it is not sent away before that.
    if activity.requests() > 0 {
        peer.connection.graceful_shutdown();
    }
    before(&mut phase, Phase::Draining, |context| {
        peer.poll_gone(context)
    })
    .await;
    peer.farewell(&mut phase).await;
}

/// Answers one request over HTTP/1, and keeps count of it.
///
/// Most are answered here and now; the future of the others has a box of its own, so that hyper
/// does not carry its size about for all.
fn respond<'a>(
    site: &'a Site,
    activity: &Arc<Activity>,
    request: Request<Incoming>,
    crowded: bool,
) -> impl Future<Output = Result<Response<Counted>, Infallible>> + use<'a> {
    let in_flight = InFlight::new(activity);
    let here = match activity.is_ambiguous() {
        true => Ok(site.guard.refuse_ambiguous(request)),
        false => site.answer_now(request, crowded),
    };
    match here {
        Ok(response) => {
            let response = response.map(|body| Counted { body, in_flight });
            Either::Left(ready(Ok(response)))
        }
        Err(request) => Either::Right(Box::pin(async move {
            let response = site.answer(request, crowded).await;
            Ok(response.map(|body| Counted { body, in_flight }))
        })),
    }
}

impl Site {
    pub(super) fn new(
        routes: Routes,
        guard: &Arc<Guard>,
        tls: Option<Tls>,
        keys: Option<ApiKeys>,
    ) -> Self {
        let at_once = (routes.all().iter())
            .filter(|(_, known)| known.at_once().is_some())
            .map(|direct| (direct.clone(), guard.place(&direct.0)));
        Self {
            at_once: at_once.collect(),
            guard: Arc::clone(guard),
            routes,
            tls,
            keys,
        }
    }

    /// Whether any REST is answered at once.
    pub(super) fn answers_at_once(&self) -> bool {
        !self.at_once.is_empty()
    }

    /// What answers requests for `path` at once over REST, and its place among the figures.
    pub(super) fn answering_at_once(&self, path: &str) -> Option<(&dyn AtOnce, Place)> {
        let mut all = self.at_once.iter();
        let ((_, known), place) = all.find(|((known, _), _)| **known == *path)?;
        Some((known.at_once()?, *place))
    }

    /// What answers a request with such a head at once, and to whom; nothing does where it is to
    /// be refused.
    pub(super) fn at_once(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        crowded: bool,
    ) -> Option<(&Arc<dyn Known>, Option<Caller>)> {
        let known = (!crowded).then(|| self.routes.known(uri.path()))?;
        let known = known.filter(|known| known.is_at_once())?;
        let caller = self.caller(|| Credentials::of(uri, headers));
        Some((known, caller.ok()?))
    }

    /// Who asks with these credentials, if that is to be known.
    ///
    /// # Errors
    ///
    /// A refusal, where there are keys and none of them is among the credentials.
    pub(super) fn caller<'a>(
        &self,
        credentials: impl FnOnce() -> Credentials<'a>,
    ) -> Result<Option<Caller>> {
        let keys = self.keys.as_ref();
        keys.map(|keys| keys.admit(&credentials())).transpose()
    }

    /// Who asks with the credentials that `before` came with: they are looked up again where the
    /// keys have changed since.
    pub(super) fn caller_again<'a>(
        &self,
        before: Option<&Caller>,
        credentials: impl FnOnce() -> Credentials<'a>,
    ) -> Result<Option<Caller>> {
        match (&self.keys, before) {
            (Some(keys), Some(before)) if keys.are_those_of(before) => Ok(Some(before.clone())),
            _ => self.caller(credentials),
        }
    }

    /// Answers a request without a body, if that waits for nothing; gives it back if not.
    #[expect(
        clippy::result_large_err,
        reason = "it is no error, and a box would cost"
    )]
    fn answer_now<B: HttpBody>(
        &self,
        request: Request<B>,
        crowded: bool,
    ) -> Result<Response<Reply>, Request<B>> {
        let whole = request.body().is_end_stream();
        let known = whole.then(|| self.at_once(request.uri(), request.headers(), crowded));
        let Some((known, caller)) = known.flatten() else {
            return Err(request);
        };
        let (head, body) = request.into_parts();
        let answered = (known.reads(&head))
            .filter(|reads| *reads != Reads::Message)
            .and_then(|_| (self.guard).answer_now(&head, Bytes::new(), &**known, caller));
        answered.ok_or_else(|| Request::from_parts(head, body))
    }

    /// Answers `request`, or turns it away if its connection is one too many.
    pub(super) async fn answer<B>(&self, request: Request<B>, crowded: bool) -> Response<Reply>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        // A probe that found no place would have a server ended that is only busy.
        if crowded && !is_health(request.uri()) {
            return self.guard.turn_away(request);
        }
        let known = (self.routes.known(request.uri().path())).map(|known| &**known);
        let keys = self.keys.as_ref();
        let next = |request| self.routes.call(request);
        self.guard.answer(request, keys, known, next).await
    }
}

/// A connection as either protocol has it.
pub(super) trait Conversation {
    /// Goes on with it; ready once it has ended.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()>;

    /// Takes no new requests, and ends when those in flight are answered.
    fn graceful_shutdown(&mut self);
}

impl<C: GracefulConnection> Conversation for Pin<Box<C>> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Future::poll(self.as_mut(), context).map(drop)
    }

    fn graceful_shutdown(&mut self) {
        GracefulConnection::graceful_shutdown(self.as_mut());
    }
}

/// A connection and the time that its peer has.
struct Peer<'a, C> {
    connection: C,
    timer: Pin<Box<tokio::time::Sleep>>,
    /// When the timer fires, as the activity counts time.
    fires: Milliseconds,
    /// The timer knows whom to wake.
    armed: bool,
    activity: &'a Activity,
    limits: &'a Limits,
    open: bool,
}

impl<'a, C: Conversation> Peer<'a, C> {
    fn new(connection: C, activity: &'a Activity, limits: &'a Limits) -> Self {
        let fires = activity.now() + Milliseconds::of(limits.head_time);
        Self {
            connection,
            timer: Box::pin(sleep_until(activity.time(fires))),
            fires,
            armed: false,
            activity,
            limits,
            open: true,
        }
    }

    /// Ready once the connection has closed or the peer's time is over.
    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.open || self.connection.poll(context).is_ready() {
            self.open = false;
            return Poll::Ready(());
        }
        // The timer is not set anew at each request: it fires early now and then, and is set to
        // what is due by then. Only where something is due before it fires it is brought forward.
        let due = self.activity.due(self.limits);
        if let Some(due) = due
            && due < self.fires
        {
            self.set(due);
        }
        // It is this task's timer, so that it need not be told again whom to wake.
        if self.armed && !self.timer.is_elapsed() {
            return Poll::Pending;
        }
        loop {
            // At the end of a turn nothing is noted of whom to wake, and this task has another one.
            let noted = has_budget_remaining();
            if self.timer.as_mut().poll(context).is_pending() {
                self.armed = noted;
                return Poll::Pending;
            }
            let now = self.activity.now();
            if due.is_some_and(|due| due <= now) {
                return Poll::Ready(());
            }
            self.set(due.unwrap_or_else(|| now + Milliseconds::of(self.limits.idle)));
        }
    }

    fn set(&mut self, fires: Milliseconds) {
        self.fires = fires;
        self.armed = false;
        self.timer.as_mut().reset(self.activity.time(fires));
    }

    /// Lets the connection finish what is in flight, until the server ends.
    async fn farewell(&mut self, phase: &mut tokio::sync::watch::Receiver<Phase>) {
        if !self.open {
            return;
        }
        self.connection.graceful_shutdown();
        let (mut from, mut taken) = (Instant::now(), self.activity.taken());
        let over = poll_fn(|context| {
            if self.connection.poll(context).is_ready() {
                return Poll::Ready(());
            }
            loop {
                let quiet = self.activity.is_quiet();
                let due = if quiet {
                    let patience = match self.activity.is_full() {
                        true => LAST_REPLY,
                        false => FAREWELL,
                    };
                    self.activity.since().max(from) + patience
                } else {
                    // Looked at again then: the last reply need not wake this task.
                    Instant::now() + FAREWELL
                };
                self.timer.as_mut().reset(due);
                task::ready!(self.timer.as_mut().poll(context));
                // A long reply is over when the peer has it, or takes no more of it.
                let before = std::mem::replace(&mut taken, self.activity.taken());
                if taken != before {
                    from = Instant::now();
                } else if quiet {
                    return Poll::Ready(());
                }
            }
        });
        tokio::select! {
            biased;
            () = over => {}
            () = until(phase, Phase::Ended) => {}
        }
    }
}

/// One request more in flight, until it is dropped.
pub(super) struct InFlight(Arc<Activity>);

impl InFlight {
    pub(super) fn new(activity: &Arc<Activity>) -> Self {
        activity.request();
        Self(Arc::clone(activity))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.reply();
    }
}

pin_project_lite::pin_project! {
    /// A reply's body, which ends the request when it ends.
    struct Counted {
        #[pin]
        body: Reply,
        in_flight: InFlight,
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        // Whole ones are in hyper's buffer then, and their request is over.
        if !matches!(*this.body, Reply::Stream(_)) {
            return this.body.poll_frame(context);
        }
        let activity = &this.in_flight.0;
        activity.hand_over(false);
        let frame = task::ready!(this.body.poll_frame(context));
        activity.hand_over(true);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
