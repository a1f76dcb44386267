//! `POST /reload`: the models are loaded anew from where they came from.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{StatusCode, header};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use super::guard::Guard;
use super::named::Named;
use crate::error::{Code, Error, Result, Violation, echo};
use crate::live::{Outcome, Told};

/// Where all models are loaded anew, and below it one.
pub(super) const RELOAD: &str = "/reload";

/// `POST /reload` and `POST /reload/NAME`.
pub(super) fn routes(guard: &Arc<Guard>) -> Router {
    let (all, each) = (Arc::clone(guard), Arc::clone(guard));
    Router::new()
        .route(RELOAD, post(async move || reload(&all, None).await))
        .route(
            "/reload/{name}",
            post(async move |Named(name): Named| reload(&each, Some(&name)).await),
        )
}

/// What has come of it.
#[derive(Serialize)]
struct Report<'a> {
    models: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    #[serde(flatten)]
    outcome: Option<&'a Outcome>,
    /// Instead of an outcome.
    #[serde(rename = "result", skip_serializing_if = "Option::is_none")]
    loading: Option<&'static str>,
}

/// Loads the model of the service `name` anew, or all.
///
/// A load may take longer than an answer: who asks is told then that it goes on.
async fn reload(guard: &Guard, name: Option<&str>) -> Result<Response> {
    let asked = guard.keeper().map(|keeper| keeper.reload(name));
    let asked = asked.unwrap_or_default();
    if asked.is_empty() {
        let detail = match name {
            Some(name) => format!("no service `{}` here has a folder to reload", echo(name)),
            None => "no model here was loaded from a folder".to_owned(),
        };
        return Err(Error::new(Code::ModelNotFound, detail));
    }
    let until = Instant::now() + guard.limits().deadline / 2;
    let mut ended = Vec::with_capacity(asked.len());
    for (name, told) in asked {
        ended.push((name, wait(told, until).await));
    }
    let refused: Vec<Violation> = (ended.iter())
        .filter_map(|(name, outcome)| match outcome {
            Some(Outcome::Refused { problem, version }) => {
                let goes_on = version.as_deref().unwrap_or("before it");
                let detail = format!("is refused, and the version {goes_on} goes on: {problem}");
                Some(Violation::new(name.to_string(), detail))
            }
            _ => None,
        })
        .collect();
    if let Some(error) = Error::from_violations(Code::ReloadRefused, refused) {
        return Err(error);
    }
    let entries = ended.iter().map(|(name, outcome)| Entry {
        name,
        outcome: outcome.as_ref(),
        loading: outcome.is_none().then_some("loading"),
    });
    let report = Report {
        models: entries.collect(),
    };
    let status = match ended.iter().all(|(_, outcome)| outcome.is_some()) {
        true => StatusCode::OK,
        false => StatusCode::ACCEPTED,
    };
    let text = serde_json::to_vec(&report)?;
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((status, json, text).into_response())
}

/// How a reload has ended, if it has by `until`.
async fn wait(told: Told, until: Instant) -> Option<Outcome> {
    timeout_at(until, told).await.ok()?.ok()
}
