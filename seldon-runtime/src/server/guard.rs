//! What stands above every request: its id, its deadline, its place among the others, its panic,
//! its error's document.

mod at_once;

use std::convert::Infallible;
use std::future::Future;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, Version, header};
use http_body::Body as HttpBody;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span};

use super::accept::Connections;
use super::admin::METRICS;
use super::capped::Capped;
use super::census::Census;
use super::deadline::Patience;
use super::head::Head;
use super::life::{Life, Phase};
use super::limits::Limits;
use super::request_id::REQUEST_ID;
use crate::access::{ApiKeys, Caller, Credentials};
use crate::error::{BoxError, Code, Error, Problem, Result};
use crate::gate::{Gate, Permit};
use crate::grpc;
use crate::known::{Answering, Known, Reads, Reply};
use crate::live::Keeper;
use crate::observe::{Format, Kind, Line, Metrics, Now, Place, noting, trace};
use crate::predict::Pool;
use crate::rest::{self, OverLimit};

pub(super) use at_once::{Answered, Whole};

/// The guard of a server, over all its listeners.
#[derive(Debug)]
pub(super) struct Guard {
    limits: Limits,
    life: Life,
    gate: Gate,
    metrics: Metrics,
    pools: Vec<Pool>,
    /// Of the models that come from somewhere. It lives as long as anything is answered.
    keeper: Option<Keeper>,
    census: Arc<Census>,
}

impl Guard {
    pub(super) fn new(
        limits: Limits,
        life: Life,
        metrics: Metrics,
        pools: Vec<Pool>,
        keeper: Option<Keeper>,
    ) -> Self {
        let gate = Gate::new(limits.in_flight, limits.queue_per_place, limits.queue_time);
        Self {
            limits,
            life,
            gate,
            metrics,
            pools,
            keeper,
            census: Arc::default(),
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn life(&self) -> &Life {
        &self.life
    }

    /// What takes new versions of models in, if any model comes from somewhere.
    pub(super) fn keeper(&self) -> Option<&Keeper> {
        self.keeper.as_ref()
    }

    /// Notes a connection whose TLS handshake failed: with a peer, and so no more than that.
    pub(super) fn handshake_failed(&self, error: &dyn std::fmt::Display) {
        self.metrics.handshake_failed();
        tracing::debug!(%error, "the TLS handshake failed");
    }

    /// Whose figures count requests for `path`.
    pub(super) fn place(&self, path: &str) -> Place {
        self.metrics.place(path)
    }

    /// The states of the connections.
    pub(super) fn census(&self) -> &Arc<Census> {
        &self.census
    }

    /// Answers `request`: by `known` if there is one and it takes it, by `next` otherwise, or with
    /// an error. Where there are `keys`, it needs one.
    pub(super) async fn answer<B, F>(
        &self,
        request: Request<B>,
        keys: Option<&ApiKeys>,
        known: Option<&dyn Known>,
        next: impl FnOnce(Request) -> F,
    ) -> Response<Reply>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
        F: Future<Output = Result<Response, Infallible>>,
    {
        let (head, body) = request.into_parts();
        let mut asked = self.ask(&head);
        let span = self.span(&asked);
        let request = Request::from_parts(head, body);
        let shared = self.metrics.is_shared(asked.place);
        let admitted = self.admit(request, &mut asked, keys, known, next);
        let admitted = admitted.instrument(span.clone());
        let answered = match shared {
            false => admitted.await,
            true => {
                let (answered, chosen) = noting(admitted).await;
                let place = chosen.and_then(|name| self.metrics.place_of(&name));
                asked.place = place.unwrap_or(asked.place);
                answered
            }
        };
        self.conclude(answered, asked, &span)
    }

    /// The same for a request of a `caller` who may come in, of which `body` is all that `known`
    /// reads, which answers at once; `None` where it has to wait for a place.
    pub(super) fn answer_now(
        &self,
        head: &Parts,
        body: Bytes,
        known: &dyn Known,
        caller: Option<Caller>,
    ) -> Option<Response<Reply>> {
        let place = self.gate.try_pass()?;
        let mut asked = self.ask(head);
        asked.caller = caller;
        let span = self.span(&asked);
        let answer = || match catch_unwind(AssertUnwindSafe(|| known.answer(head, body))) {
            Ok(Answering::Now(answer)) => answer,
            Ok(Answering::Later(_)) | Err(_) => Err(failed()),
        };
        let answered = (self.check(&asked))
            .and_then(|()| self.time(&mut asked))
            .and_then(|_| span.in_scope(answer));
        drop(place);
        Some(self.conclude(answered, asked, &span))
    }

    /// What is left to do with an answer, which may have come too late.
    fn conclude(
        &self,
        answered: Result<Response<Reply>>,
        asked: Asked,
        span: &Span,
    ) -> Response<Reply> {
        let now = Instant::now();
        let response = match asked.in_time(answered, now) {
            Ok(response) => response,
            Err(error) => error.into_response().map(Reply::Stream),
        };
        self.finish(response, asked, span, now)
    }

    /// Refuses what is wrong with a head.
    fn check(&self, asked: &Asked) -> Result<()> {
        match asked.head.version < Version::HTTP_2 {
            true => asked.head.check(self.limits.head),
            false => Ok(()),
        }
    }

    /// By when a request must be answered.
    fn time(&self, asked: &mut Asked) -> Result<Instant> {
        let time = match asked.head.patience {
            Patience::For(time) => time.min(self.limits.deadline),
            Patience::Unsaid => self.limits.deadline,
            Patience::Malformed => {
                self.metrics.malformed_timeout();
                self.limits.deadline
            }
        };
        let deadline = asked.at + time;
        asked.deadline = Some(deadline);
        match time.is_zero() {
            true => Err(asked.late()),
            false => Ok(deadline),
        }
    }

    /// Turns a request away whose connection is one too many.
    pub(super) fn turn_away<B>(&self, request: Request<B>) -> Response<Reply> {
        self.metrics.turned_away();
        let error = Error::new(Code::Overloaded, "too many connections are open")
            .with_retry_after(Duration::from_secs(1));
        self.refuse(request, error)
    }

    /// Refuses a request whose HTTP/2 headers are over the limit.
    pub(super) fn refuse_headers<B>(&self, request: Request<B>) -> Response<Reply> {
        let most = self.limits.header_list;
        let detail = format!("the header list is over the limit of {most} bytes");
        self.refuse(request, Error::new(Code::HeadersTooLarge, detail))
    }

    /// Refuses a request whose body may be another request.
    pub(super) fn refuse_ambiguous<B>(&self, request: Request<B>) -> Response<Reply> {
        let detail = "`content-length` beside `transfer-encoding`: the body's length is said twice";
        self.refuse(request, Error::new(Code::InvalidParameter, detail))
    }

    /// Answers a request with `error`, and nothing more on its connection.
    fn refuse<B>(&self, request: Request<B>, error: Error) -> Response<Reply> {
        let asked = self.ask(&request.into_parts().0);
        let version = asked.head.version;
        let response = error.into_response().map(Reply::Stream);
        let span = self.span(&asked);
        let mut response = self.finish(response, asked, &span, Instant::now());
        if version < Version::HTTP_2 {
            close(response.headers_mut());
        }
        response
    }

    async fn admit<B, F>(
        &self,
        request: Request<B>,
        asked: &mut Asked,
        keys: Option<&ApiKeys>,
        known: Option<&dyn Known>,
        next: impl FnOnce(Request) -> F,
    ) -> Result<Response<Reply>>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
        F: Future<Output = Result<Response, Infallible>>,
    {
        self.check(asked)?;
        if let Some(keys) = keys.filter(|_| !is_probe(request.uri())) {
            let credentials = Credentials::of(request.uri(), request.headers());
            asked.caller = Some(keys.admit(&credentials)?);
        }
        let deadline = self.time(asked)?;
        // Of gRPC the limit is each message's, after decompression: tonic holds it, or `known`.
        let most = match asked.head.grpc {
            true => None,
            false => Some(self.limits.body),
        };
        if let Some(most) = most
            && request.body().size_hint().lower() > most as u64
        {
            return Err(OverLimit(most).into_error());
        }
        let work = async {
            let _place = match is_health(request.uri()) {
                true => None,
                false => Some(self.enter(asked).await?),
            };
            let (head, body) = request.into_parts();
            if let Some((known, reads)) = known.and_then(|k| Some((k, k.reads(&head)?))) {
                let body = match (reads, most) {
                    (Reads::Nothing, _) => Bytes::new(),
                    (Reads::Message, _) => grpc::read(body, self.limits.message).await?,
                    (Reads::Body, None) => rest::read(body).await?,
                    (Reads::Body, Some(most)) => rest::read(Capped::new(body, most)).await?,
                };
                let answering = catch_unwind(AssertUnwindSafe(|| known.answer(&head, body)));
                return match answering.map_err(|_| failed())? {
                    Answering::Now(answer) => answer,
                    Answering::Later(answer) => {
                        let answer = AssertUnwindSafe(answer).catch_unwind();
                        answer.await.map_err(|_| failed())?
                    }
                };
            }
            let body = match most {
                None => Body::new(body),
                Some(most) => Body::new(Capped::new(body, most)),
            };
            let answered = AssertUnwindSafe(next(Request::from_parts(head, body)))
                .catch_unwind()
                .await
                .map_err(|_| failed())?;
            let Ok(response) = answered;
            Ok(response.map(Reply::Stream))
        };
        let mut work = pin!(work);
        // What is answered at once needs no timer.
        match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
            Poll::Ready(answered) => answered,
            Poll::Pending => match timeout_at(deadline, work).await {
                Ok(answered) => answered,
                Err(_) => Err(asked.late()),
            },
        }
    }

    /// A place among the requests in flight.
    async fn enter(&self, asked: &Asked) -> Result<Permit> {
        if let Some(place) = self.gate.try_enter() {
            return Ok(place);
        }
        let begun = Instant::now();
        let place = self.gate.enter().await;
        let time = begun.elapsed();
        self.metrics.waited(asked.place, asked.kind, time);
        place
    }

    /// Gives the answer its id, and an error its face; counts and logs it.
    fn finish(
        &self,
        mut response: Response<Reply>,
        asked: Asked,
        span: &Span,
        now: Instant,
    ) -> Response<Reply> {
        let id = asked.head.id.as_str();
        let error = match response.extensions_mut().remove::<Problem>() {
            Some(Problem(error)) => {
                // What the answer says besides: `allow`, the compressions known.
                let mut said = std::mem::take(response.headers_mut());
                // Axum's, of the empty body.
                said.remove(header::CONTENT_LENGTH);
                response = if asked.head.grpc {
                    error.to_status().into_http()
                } else {
                    error.to_response(id).map(Reply::Stream)
                };
                response.headers_mut().extend(said);
                Some(error)
            }
            None if asked.head.grpc => Error::of_response(&response),
            None => None,
        };
        self.note(&asked, span, response.status(), error.as_deref(), now);
        let mut id = asked.head.id.into_value();
        // HTTP/2 would remember each id, and forget for it what comes again.
        id.set_sensitive(asked.head.version >= Version::HTTP_2);
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, id);
        if asked.head.version < Version::HTTP_2 && self.life.has_come(Phase::LameDuck) {
            close(headers);
        }
        response
    }
}

impl Guard {
    /// Counts and logs what a request was answered with.
    fn note(
        &self,
        asked: &Asked,
        span: &Span,
        status: StatusCode,
        error: Option<&Error>,
        now: Instant,
    ) {
        let took = now.duration_since(asked.at);
        let code = error.map(Error::code);
        self.metrics.answered(asked.place, asked.kind, code, took);
        trace::end(span, code);
        self.line(asked).log(status, error, took);
    }
}

/// What of a request is needed once it is gone.
struct Asked {
    at: Instant,
    /// By when it must be answered, once that is known.
    deadline: Option<Instant>,
    head: Head,
    place: Place,
    kind: Kind,
    /// Who asks, where that has to be known.
    caller: Option<Caller>,
}

impl Asked {
    /// Without a pause an answer that comes late is still late: its caller has given up.
    fn in_time<T>(&self, answered: Result<T>, now: Instant) -> Result<T> {
        match self.deadline.is_some_and(|deadline| deadline <= now) {
            true => Err(self.late()),
            false => answered,
        }
    }

    fn late(&self) -> Error {
        let time = self
            .deadline
            .map_or(Duration::ZERO, |deadline| deadline - self.at);
        let detail = format!("the request was not answered within its {time:?}");
        Error::new(Code::DeadlineExceeded, detail)
    }
}

impl Guard {
    fn line<'a>(&'a self, asked: &'a Asked) -> Line<'a> {
        Line {
            id: &asked.head.id,
            service: self.metrics.name(asked.place),
            kind: asked.kind,
            parent: asked.head.parent.as_ref(),
            caller: asked.caller.as_ref().map(Caller::name),
        }
    }

    fn span(&self, asked: &Asked) -> Span {
        let line = self.line(asked);
        trace::span(line.id, line.service, line.kind, line.parent)
    }

    fn ask(&self, request: &Parts) -> Asked {
        let head = Head::read(request);
        Asked {
            at: Instant::now(),
            deadline: None,
            place: self.metrics.place(request.uri.path()),
            kind: match head.grpc {
                true => Kind::Grpc,
                false => Kind::rest(&request.method),
            },
            caller: None,
            head,
        }
    }

    /// The figures of the server, as Prometheus reads them.
    pub(super) fn figures(&self, connections: &Connections, format: Format) -> String {
        let (new, active) = self.census.count();
        let idle = connections.open().saturating_sub(new + active);
        let [full, late] = self.gate.shed();
        let pools = self.pools.iter().map(Pool::shed);
        let [pool_full, pool_late] = pools.fold([0, 0], |[a, b], [c, d]| [a + c, b + d]);
        let now = Now {
            ready: self.life.is_ready(),
            in_flight: self.gate.in_flight(),
            in_flight_limit: self.gate.places(),
            waiting: self.gate.waiting(),
            waiting_limit: self.gate.most_waiting(),
            connections: [
                ("new", new),
                ("idle", idle),
                ("active", active),
                ("turned_away", connections.crowd()),
            ],
            connections_limit: connections.most(),
            tasks: self.census.tasks(),
            shed: vec![
                ("queue_full", full),
                ("queue_time", late),
                ("pool_queue_full", pool_full),
                ("pool_queue_time", pool_late),
            ],
        };
        self.metrics.text(now, format)
    }
}

/// Health and figures are asked for when things go badly, and answered then too.
pub(super) fn is_health(uri: &Uri) -> bool {
    uri.path() == METRICS || is_probe(uri)
}

/// Whether health is asked for, which is open to everybody: probes have no keys.
///
/// Just the paths that are the server's own, so that nothing else is open by its place.
pub(super) fn is_probe(uri: &Uri) -> bool {
    let path = uri.path();
    match path.strip_prefix("/health/ready/") {
        Some(name) => !name.contains('/'),
        None => PROBES.contains(&path),
    }
}

const PROBES: [&str; 4] = [
    "/health/live",
    "/health/ready",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
];

/// A panic on the way: the model's own are caught closer to it.
fn failed() -> Error {
    Error::new(Code::Internal, "the service failed to answer")
}

fn close(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
}
