//! The operations of a predictor.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::answers::success;
use super::example::example;
use super::features::{Message, reference};
use super::{Described, fixed, text_parameter};
use crate::predict::{Facts, Predictor, Reply};
use crate::service::Settings;

/// `GET` and `POST` of a predictor's path.
pub(crate) fn predictor<P: Predictor>(model: &P, settings: &Settings) -> Described {
    let features = Message::of::<P::Data>();
    describe(model.message(), model.facts(), features, settings)
}

/// The same, whatever the predictor's type; `features` are described where the `facts` do not.
fn describe(message: &str, facts: Facts<'_>, features: Message, settings: &Settings) -> Described {
    let name = &settings.name;
    let mut schemas = Map::new();
    let row = match facts.schema {
        None => features.schema(&mut schemas),
        Some(schema) => {
            schemas.insert(message.to_owned(), schema);
            reference(message)
        }
    };
    let features = schema_name(name, "Features");
    schemas.insert(features.clone(), shapes(&row, facts.takes_values, &schemas));
    let reply = schema_name(name, "Reply");
    schemas.insert(reply.clone(), replies(settings.reply, &facts.classes, name));

    let values = example(&row, &schemas);
    let answers = json!({"200": success("The classes and their scores.", reference(&reply))});
    let client = text_parameter(
        "client",
        "The business whose features these are.",
        Some("test1"),
    );
    let puid = text_parameter(
        "puid",
        match settings.reply {
            Reply::Documented => "The prediction's id.",
            Reply::Classic => "The prediction's id, which comes back; a new one if there is none.",
        },
        None,
    );
    let json = json!({
        "name": "json",
        "in": "query",
        "required": true,
        "description": "The features.",
        "content": {"application/json": {"schema": reference(&features), "example": values}},
    });
    let form = json!({
        "type": "object",
        "required": ["json"],
        "properties": {"json": reference(&features)},
    });
    let item = json!({
        "get": {
            "operationId": format!("{name}_get"),
            "tags": [name],
            "summary": "Score features in the query string",
            "parameters": [json, client, puid],
            "responses": answers,
        },
        "post": {
            "operationId": format!("{name}_post"),
            "tags": [name],
            "summary": "Score features in the body",
            "description": "What the body is, is told by its bytes. A form may hold `client` and `puid` as well, and the query string `json`; each is given once.",
            "parameters": [client, puid],
            "requestBody": {
                "required": true,
                "content": {
                    "application/json": {"schema": reference(&features), "example": values},
                    "application/x-www-form-urlencoded": {
                        "schema": form,
                        "encoding": {"json": {"contentType": "application/json"}},
                        "example": {"json": values},
                    },
                },
            },
            "responses": answers,
        },
    });
    let over_grpc = format!("Over gRPC it takes a `{message}`.");
    Described {
        tag: json!({
            "name": name,
            "description": about(&facts.about, "A predictor.", &over_grpc),
        }),
        path: settings.path.clone(),
        item,
        schemas,
    }
}

/// What a service is, in its author's words if there are some.
pub(super) fn about(said: &str, else_said: &str, more: &str) -> String {
    let said = if said.is_empty() { else_said } else { said };
    format!("{said} {more}").trim_end().to_owned()
}

/// The name of one of a service's own schemas.
pub(super) fn schema_name(service: &str, what: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "._-".contains(c) => c,
        _ => '_',
    };
    let service: String = service.chars().map(plain).collect();
    format!("{service}.{what}")
}

/// The shapes that a row, or several, may come in.
fn shapes(row: &Value, has_numbers: bool, schemas: &Map<String, Value>) -> Value {
    let numbers = json!({
        "type": "array",
        "items": {"type": "number", "format": "float", "minimum": -f64::from(f32::MAX), "maximum": f32::MAX},
    });
    let element = match has_numbers {
        true => json!({"anyOf": [row, numbers]}),
        false => row.clone(),
    };
    let batch = json!({
        "title": "batch",
        "description": "Several rows, for which the reply has as many arrays of classes.",
        "type": "array",
        "items": element,
        "minItems": 1,
    });
    let mut bare = vec![row.clone(), batch];
    if has_numbers {
        let mut one = numbers;
        one["title"] = json!("numbers");
        one["description"] = json!("The features in the order in which the model takes them.");
        one["minItems"] = json!(1);
        bare.push(one);
    }
    // A message with a feature of that name is never wrapped.
    let named = row["$ref"].as_str().and_then(|r| r.rsplit('/').next());
    let properties = named.and_then(|name| schemas.get(name)?.get("properties"));
    if properties.is_some_and(|fields| fields.get("data").is_none()) {
        let wrapped = json!({
            "title": "data",
            "description": "The same under `data`; other members count for nothing.",
            "type": "object",
            "required": ["data"],
            "properties": {"data": {"anyOf": bare}},
        });
        bare.push(wrapped);
    }
    json!({"anyOf": bare})
}

fn replies(style: Reply, classes: &[Cow<'_, str>], model: &str) -> Value {
    let (score, class) = match style {
        Reply::Documented => ("score", "classId"),
        Reply::Classic => ("prediction", "predictedClass"),
    };
    let mut names = json!({"type": "string"});
    if !classes.is_empty() {
        names["examples"] = json!(classes);
    }
    let one = json!({
        "type": "object",
        "required": [score, class, "confidence"],
        "additionalProperties": false,
        "properties": {
            score: {"type": "number", "format": "double"},
            class: names,
            "confidence": {"type": "number", "format": "double", "description": "How sure the model is of the score."},
        },
    });
    let row = json!({"type": "array", "items": one});
    let predictions = json!({
        "description": "The classes of the row; of a batch, the classes of each row.",
        "anyOf": [row, {"type": "array", "items": row}],
    });
    let mut reply = fixed(match style {
        Reply::Documented => {
            r#"{
                "type": "object",
                "required": ["predictions"],
                "additionalProperties": false,
                "properties": {"predictions": null}
            }"#
        }
        Reply::Classic => {
            r#"{
                "type": "object",
                "required": ["meta", "predictions", "custom"],
                "additionalProperties": false,
                "properties": {
                    "meta": {
                        "type": "object",
                        "required": ["puid", "modelName", "variation"],
                        "additionalProperties": false,
                        "properties": {
                            "puid": {"type": "string", "description": "The prediction's id."},
                            "modelName": {"const": null},
                            "variation": {"type": "string"}
                        }
                    },
                    "predictions": null,
                    "custom": {
                        "description": "A message of the predictor's own, if it has something to say.",
                        "anyOf": [
                            {"type": "null"},
                            {
                                "type": "object",
                                "required": ["@type"],
                                "properties": {"@type": {"type": "string"}}
                            }
                        ]
                    }
                }
            }"#
        }
    });
    let properties = &mut reply["properties"];
    properties["predictions"] = predictions;
    if style == Reply::Classic {
        properties["meta"]["properties"]["modelName"]["const"] = model.into();
    }
    reply
}
