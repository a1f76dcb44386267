//! `/recommend`, by extractors and typed JSON.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

/// The items that most people like, best first.
pub(crate) struct Popular {
    items: Vec<i64>,
}

impl Popular {
    pub(crate) fn new() -> Self {
        Self {
            items: (1..=1000).map(|n| n * 31).collect(),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Parameters {
    #[allow(
        dead_code,
        reason = "part of the request, and not needed for the answer"
    )]
    client: Option<String>,
    #[allow(
        dead_code,
        reason = "part of the request, and not needed for the answer"
    )]
    user_id: i64,
    #[serde(default)]
    recent_interactions: String,
    #[serde(default)]
    exclusion_items: String,
    limit: usize,
}

#[derive(Serialize)]
pub(crate) struct Reply {
    recommended: Vec<Recommendation>,
}

#[derive(Serialize)]
struct Recommendation {
    item: i64,
    score: f64,
}

fn ids(list: &str) -> Result<Vec<i64>, (StatusCode, String)> {
    (list.split(','))
        .filter(|id| !id.is_empty())
        .map(|id| {
            id.parse()
                .map_err(|_| (StatusCode::BAD_REQUEST, format!("`{id}` is no id")))
        })
        .collect()
}

pub(crate) async fn recommend(
    State(popular): State<Arc<Popular>>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Reply>, (StatusCode, String)> {
    let recent = ids(&parameters.recent_interactions)?;
    let excluded = ids(&parameters.exclusion_items)?;
    let recommended = (popular.items.iter().enumerate())
        .filter(|(_, item)| !recent.contains(item) && !excluded.contains(item))
        .take(parameters.limit)
        .map(|(rank, item)| Recommendation {
            item: *item,
            score: 1.0 / (rank + 1) as f64,
        })
        .collect();
    Ok(Json(Reply { recommended }))
}
