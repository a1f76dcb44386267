//! `/predict`, by extractors and typed JSON.

use axum::Json;
use axum::extract::Query;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::iris::{CLASSES, probabilities};

#[derive(Deserialize)]
pub(crate) struct Parameters {
    #[allow(
        dead_code,
        reason = "part of the request, and not needed for the answer"
    )]
    client: Option<String>,
    json: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flower {
    f1: f32,
    f2: f32,
    f3: f32,
    f4: f32,
}

#[derive(Serialize)]
pub(crate) struct Reply {
    predictions: Vec<Class>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Class {
    score: f64,
    class_id: &'static str,
    confidence: f64,
}

pub(crate) async fn predict(
    Query(parameters): Query<Parameters>,
) -> Result<Json<Reply>, (StatusCode, String)> {
    let flower: Flower = serde_json::from_str(&parameters.json)
        .map_err(|e| (StatusCode::BAD_REQUEST, e.to_string()))?;
    let scores = probabilities([flower.f1, flower.f2, flower.f3, flower.f4]);
    let class = |(class_id, score)| Class {
        score,
        class_id,
        confidence: score,
    };
    Ok(Json(Reply {
        predictions: CLASSES.into_iter().zip(scores).map(class).collect(),
    }))
}
