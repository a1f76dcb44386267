//! `GET` and `POST /predict`.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request};

use super::body::{self, Content};
use super::parameters::{Parameters, query};
use super::predictions;
use crate::error::{Error, Result};
use crate::known::{Answering, AtOnce, Known, Reads, Said, now};
use crate::observe::{Stage, Transport};
use crate::predict::{Arrival, Executor, Predictor, Reply, arriving, score, utf8};
use crate::service::Service;

/// The routes of a predictor.
pub fn predict_routes<P: Predictor>(service: Service<P>) -> Router {
    let path = service.path().to_owned();
    // No state: a router is compiled again for each type of it.
    let answer = async move |request| predict(&service, request).await;
    Router::new().route(&path, get(answer.clone()).post(answer))
}

/// The same, for what the server answers without the router.
pub(crate) fn predict_known<P: Predictor>(service: Service<P>) -> Arc<dyn Known> {
    Arc::new(Direct(service))
}

struct Direct<P>(Service<P>);

impl<P: Predictor> Known for Direct<P> {
    fn is_at_once(&self) -> bool {
        !P::Run::HOPS
    }

    fn reads(&self, head: &Parts) -> Option<Reads> {
        match head.method {
            // A batch waits for requests that have come in, from before their bodies are read.
            _ if P::BATCHING.is_some() => None,
            Method::GET => Some(Reads::Nothing),
            Method::POST if body::is_plain(&head.headers) => Some(Reads::Body),
            _ => None,
        }
    }

    fn answer(&self, head: &Parts, body: Bytes) -> Answering {
        if self.is_at_once() {
            return Answering::Now(
                self.say(query(&head.uri), &body, Instant::now(), Vec::new())
                    .map(Said::into_response),
            );
        }
        let (service, uri) = (self.0.clone(), head.uri.clone());
        Answering::Later(Box::pin(async move {
            let (begun, room) = (Instant::now(), Vec::new());
            let answered = answer(&service, None, query(&uri), &body, begun, room);
            answered.await.map(Said::into_response)
        }))
    }

    fn at_once(&self) -> Option<&dyn AtOnce> {
        (self.is_at_once() && P::BATCHING.is_none()).then_some(self)
    }
}

impl<P: Predictor> AtOnce for Direct<P> {
    fn say(&self, query: &str, body: &[u8], begun: Instant, room: Vec<u8>) -> Result<Said> {
        now(answer(&self.0, None, query, body, begun, room))
    }
}

async fn predict<P: Predictor>(
    service: &Service<P>,
    request: Request<Body>,
) -> Result<axum::response::Response> {
    let arrival = arriving(service);
    let (head, body) = request.into_parts();
    let body = match head.method {
        Method::POST if !body::is_plain(&head.headers) => return Ok(body::compressed()),
        Method::POST => body::read(body).await?,
        _ => Bytes::new(),
    };
    let (begun, room) = (Instant::now(), Vec::new());
    let said = answer(service, arrival, query(&head.uri), &body, begun, room);
    Ok(said.await?.into_response().map(Body::new))
}

/// What a request says, whatever the predictor.
struct Asked<'a> {
    puid: Option<Cow<'a, str>>,
    /// As a text of JSON.
    features: Cow<'a, str>,
}

impl<'a> Asked<'a> {
    /// Reads a query string and a body.
    ///
    /// # Errors
    ///
    /// If a parameter is given twice or badly encoded, or the features are missing or no text.
    fn read(query: &'a str, body: &'a [u8]) -> Result<Self> {
        let (form, json): (&[u8], Option<&[u8]>) = match Content::of(body) {
            Content::Empty => (&[], None),
            Content::Json(body) => (&[], Some(body)),
            Content::Form(form) => (form, None),
        };
        let mut parameters = Parameters::parse(query, form);
        let puid = parameters.text("puid");
        let text = parameters.text("json");
        // Named in the contract; nothing here depends on it, yet given twice it is wrong.
        parameters.text("client");
        match (json, &text) {
            (Some(_), Some(_)) => {
                parameters.wrong("json", "is given twice: as a parameter and as the body");
            }
            (None, None) => parameters.missing("json"),
            _ => {}
        }
        parameters.finish()?;
        let features = match text {
            Some(text) => text,
            None => utf8(json.unwrap_or_default())?.into(),
        };
        Ok(Self { puid, features })
    }
}

async fn answer<P: Predictor>(
    service: &Service<P>,
    arrival: Option<Arrival>,
    query: &str,
    body: &[u8],
    begun: Instant,
    room: Vec<u8>,
) -> Result<Said> {
    let pinned = service.pin(P::Run::HOPS || arrival.is_some());
    let of_version = |error: Error| pinned.version().sign(error);
    let stages = &pinned.figures().stages;
    let mut watch = stages.watch_from(Transport::Rest, begun);
    let Asked { puid, features } = Asked::read(query, body).map_err(of_version)?;
    let features = pinned.version().model().read_features(&features);
    let features = features.map_err(of_version)?;
    watch.lap(Stage::Decode);
    let answers = score(&pinned, &mut watch, arrival, features).await;
    let answers = answers.map_err(of_version)?;
    let puid = match (pinned.settings().reply, puid) {
        (Reply::Documented, _) => String::new(),
        (Reply::Classic, Some(puid)) => puid.into_owned(),
        (Reply::Classic, None) => crate::puid::new(),
    };
    Ok(Said {
        json: predictions::write(room, &pinned, &puid, &answers).map_err(of_version)?,
        degraded: false,
        version: pinned.version().header(),
        at: watch.lap(Stage::Encode),
    })
}
