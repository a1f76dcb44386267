//! `GET` and `POST /recommend`.

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
use super::json::Json;
use super::parameters::{Parameters, query};
use crate::error::{Code, Error, Result, Violation};
use crate::known::{Answering, AtOnce, Known, Reads, Said, now};
use crate::live::Version;
use crate::observe::{Fetch, Stage, Transport};
use crate::predict::{Executor, run_timed};
use crate::recommend::{
    CandidateSource, Candidates, LONGEST_KEY, Query, Recommendation, Recommender, Scores, is_key,
    rank,
};
use crate::service::{Service, Settings};

/// The most keys of candidate lists in one request.
pub(crate) const MOST_KEYS: usize = 64;

/// The routes of a recommender.
pub fn recommend_routes<R: Recommender>(service: Service<R, R::Source>) -> Router {
    let path = service.path().to_owned();
    // No state: a router is compiled again for each type of it.
    let answer = async move |request| recommend(&service, request).await;
    Router::new().route(&path, get(answer.clone()).post(answer))
}

/// The same, for what the server answers without the router.
pub(crate) fn recommend_known<R: Recommender>(service: Service<R, R::Source>) -> Arc<dyn Known> {
    Arc::new(Direct(service))
}

struct Direct<R: Recommender>(Service<R, R::Source>);

impl<R: Recommender> Known for Direct<R> {
    fn is_at_once(&self) -> bool {
        !R::Run::HOPS && !R::Source::LOOKS_UP
    }

    fn reads(&self, head: &Parts) -> Option<Reads> {
        match head.method {
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
            let answered = respond(&service, query(&uri), &body, begun, room);
            answered.await.map(Said::into_response)
        }))
    }

    fn at_once(&self) -> Option<&dyn AtOnce> {
        self.is_at_once().then_some(self)
    }
}

impl<R: Recommender> AtOnce for Direct<R> {
    fn say(&self, query: &str, body: &[u8], begun: Instant, room: Vec<u8>) -> Result<Said> {
        now(respond(&self.0, query, body, begun, room))
    }
}

/// A query that owns what it says, to go where the model runs.
struct Asked {
    client: String,
    user_id: i64,
    recent_interactions: Vec<i64>,
    exclusion_items: Vec<i64>,
    limit: u32,
    item_id: Option<i64>,
    dimensions: Vec<i32>,
    candidates: Candidates,
    scores: Scores,
}

impl Asked {
    /// Reads a query string and a body, whatever the recommender, and the keys of the lists that it
    /// is to choose from, if there are some: until they are fetched that is all items.
    ///
    /// # Errors
    ///
    /// All that is wrong with the parameters.
    fn read<'a>(
        query: &'a str,
        body: &'a [u8],
        settings: &Settings,
    ) -> Result<(Self, Option<Cow<'a, str>>)> {
        let form: &[u8] = match Content::of(body) {
            Content::Empty => &[],
            Content::Form(form) => form,
            Content::Json(_) => {
                let detail = "must be `application/x-www-form-urlencoded`, got JSON";
                let violation = Violation::new("body", detail);
                let error = Error::from_violations(Code::InvalidParameter, vec![violation]);
                return Err(error.expect("one violation makes an error"));
            }
        };
        let mut parameters = Parameters::parse(query, form);
        let client = parameters.text("client").unwrap_or_default().into_owned();
        let user_id = parameters.required_number("user_id");
        let recent_interactions = parameters.list("recent_interactions");
        let exclusion_items = parameters.list("exclusion_items");
        let limit = parameters.required_number::<u32>("limit");
        if limit == Some(0) {
            parameters.wrong("limit", "must be at least 1, got 0");
        }
        let item_id = parameters.number("item_id");
        let dimensions = parameters.list("dimensions");
        let data_key = parameters.text("data_key");
        if let Some(text) = &data_key {
            check_keys(text, &mut parameters);
        }
        parameters.finish()?;
        let (Some(user_id), Some(limit)) = (user_id, limit) else {
            return Err(Error::new(
                Code::Internal,
                "a required parameter was not checked",
            ));
        };
        let asked = Self {
            client,
            user_id,
            recent_interactions,
            exclusion_items,
            limit: limit.min(settings.max_limit),
            item_id,
            dimensions,
            candidates: Candidates::all(),
            scores: settings.scores,
        };
        Ok((asked, data_key))
    }
}

async fn recommend<R: Recommender>(
    service: &Service<R, R::Source>,
    request: Request<Body>,
) -> Result<axum::response::Response> {
    let (head, body) = request.into_parts();
    let body = match head.method {
        Method::POST if !body::is_plain(&head.headers) => return Ok(body::compressed()),
        Method::POST => body::read(body).await?,
        _ => Bytes::new(),
    };
    let (begun, room) = (Instant::now(), Vec::new());
    let said = respond(service, query(&head.uri), &body, begun, room);
    Ok(said.await?.into_response().map(Body::new))
}

async fn respond<R: Recommender>(
    service: &Service<R, R::Source>,
    query: &str,
    body: &[u8],
    begun: Instant,
    room: Vec<u8>,
) -> Result<Said> {
    let pinned = service.pin(R::Run::HOPS || R::Source::LOOKS_UP);
    let of_version = |error: Error| pinned.version().sign(error);
    let stages = &pinned.figures().stages;
    let mut watch = stages.watch_from(Transport::Rest, begun);
    let read = Asked::read(query, body, pinned.settings());
    let (mut asked, data_key) = read.map_err(of_version)?;
    watch.lap(Stage::Decode);
    let mut degraded = false;
    if let Some(data_key) = data_key.filter(|_| R::Source::LOOKS_UP) {
        let keys: Vec<&str> = keys(&data_key).collect();
        let fetched = pinned.source().fetch(&keys).await;
        watch.lap(Stage::Candidates);
        pinned.figures().fetched(match &fetched {
            Ok(fetched) if fetched.degraded => Fetch::Degraded,
            Ok(_) => Fetch::Good,
            Err(_) => Fetch::Failed,
        });
        let fetched = fetched.map_err(of_version)?;
        asked.candidates = Candidates::union(&fetched.lists);
        degraded = fetched.degraded;
    }
    let recommended = run_timed::<R::Run, _, _, _, _>(&pinned, &mut watch, asked, answer).await;
    let recommended = recommended.map_err(of_version)?;
    Ok(Said {
        json: write(room, &recommended),
        degraded,
        version: pinned.version().header(),
        at: watch.lap(Stage::Encode),
    })
}

/// The keys in a `data_key`.
fn keys(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|key| !key.is_empty())
}

/// Notes what is wrong with the keys in a `data_key`: such a key would be a command to memcached.
fn check_keys(text: &str, parameters: &mut Parameters<'_>) {
    let count = keys(text).count();
    if count == 0 {
        parameters.wrong("data_key", "must hold a key, got none");
    } else if count > MOST_KEYS {
        parameters.wrong(
            "data_key",
            format!("must hold at most {MOST_KEYS} keys, got {count}"),
        );
    } else if let Some(key) = keys(text).find(|key| !is_key(key)) {
        let key = crate::error::echo(key);
        parameters.wrong(
            "data_key",
            format!("must hold keys of 1 to {LONGEST_KEY} visible ASCII characters, got `{key}`"),
        );
    }
}

/// Asks the model, and keeps what the wire promises.
fn answer<R: Recommender>(version: &Arc<Version<R>>, asked: Asked) -> Result<Vec<Recommendation>> {
    let query = Query {
        client: &asked.client,
        recent_interactions: &asked.recent_interactions,
        exclusion_items: &asked.exclusion_items,
        item_id: asked.item_id,
        dimensions: &asked.dimensions,
        ..Query::new(asked.user_id, asked.limit as usize)
    };
    if asked.candidates.ids().is_some_and(<[i64]>::is_empty) {
        return Ok(Vec::new());
    }
    let found = version.model().recommend(&query, &asked.candidates)?;
    rank(
        found,
        &asked.candidates,
        query.exclusion_items,
        query.limit,
        asked.scores,
    )
}

fn write(room: Vec<u8>, recommended: &[Recommendation]) -> Vec<u8> {
    // An id of at most 20 characters, a number of at most 24, and two keys.
    let mut json = Json::within(room, 24 + 64 * recommended.len());
    json.raw("{\"recommended\":[");
    for (at, one) in recommended.iter().enumerate() {
        json.raw(if at == 0 {
            "{\"item\":"
        } else {
            "},{\"item\":"
        });
        json.integer(one.item);
        json.raw(",\"score\":");
        json.float(one.score);
    }
    json.raw(if recommended.is_empty() { "]}" } else { "}]}" });
    json.done()
}
