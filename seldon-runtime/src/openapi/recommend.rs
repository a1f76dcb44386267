//! The operations of a recommender.

use serde_json::{Map, Value, json};

use super::answers::success;
use super::features::reference;
use super::predict::{about, schema_name};
use super::{Described, fixed, text_parameter};
use crate::recommend::{CandidateSource, LONGEST_KEY, Recommender};
use crate::rest::{MOST_ENTRIES, MOST_KEYS};
use crate::service::Settings;

/// `GET` and `POST` of a recommender's path.
pub(crate) fn recommender<R: Recommender>(settings: &Settings) -> Described {
    describe(R::ABOUT, R::Source::LOOKS_UP, settings)
}

/// The same, whatever the recommender's type.
fn describe(said: &str, looks_up: bool, settings: &Settings) -> Described {
    let name = &settings.name;
    let reply = schema_name(name, "Reply");
    let parameters = parameters(looks_up, settings.max_limit);
    let mut answer = success("The recommendations, best first.", reference(&reply));
    if looks_up {
        answer["headers"]["x-degraded"] = json!({
            "description": "Says what the reply was made without: candidates out of reach.",
            "schema": {"const": "candidates"},
        });
    }
    let answers = json!({"200": answer});
    let item = json!({
        "get": {
            "operationId": format!("{name}_get"),
            "tags": [name],
            "summary": "Recommend items, asked in the query string",
            "parameters": parameters,
            "responses": answers,
        },
        "post": {
            "operationId": format!("{name}_post"),
            "tags": [name],
            "summary": "Recommend items, asked in a form",
            "description": "Parameters may be in the query string as well; each is given once.",
            "requestBody": {
                "required": true,
                "content": {"application/x-www-form-urlencoded": form(&parameters)},
            },
            "responses": answers,
        },
    });
    let schemas = Map::from_iter([(reply, replies(settings.max_limit))]);
    Described {
        tag: json!({"name": name, "description": about(said, "A recommender.", "")}),
        path: settings.path.clone(),
        item,
        schemas,
    }
}

fn parameters(looks_up: bool, max_limit: u32) -> Vec<Value> {
    let keys = match looks_up {
        true => {
            "Keys of lists that hold the items to choose from; without one, all items. A key that is not held is an empty list."
        }
        false => "Keys of candidate lists, of which this recommender takes none.",
    };
    let limit =
        format!("The most recommendations to return; this service returns {max_limit} at most.");
    let mut keys = list("data_key", keys, key());
    keys["schema"]["minItems"] = json!(1);
    keys["schema"]["maxItems"] = json!(MOST_KEYS);
    let mut parameters = vec![
        text_parameter(
            "client",
            "The business whose users and items these are.",
            Some("test1"),
        ),
        number("user_id", "The user to recommend for.", whole(64), json!(1)),
        list(
            "recent_interactions",
            "Items that the user touched lately, newest first.",
            whole(64),
        ),
        list(
            "exclusion_items",
            "Items that must not come back.",
            whole(64),
        ),
        keys,
        number(
            "limit",
            &limit,
            json!({"type": "integer", "format": "int64", "minimum": 1, "maximum": u32::MAX}),
            json!(10),
        ),
        number(
            "item_id",
            "The item that is looked at.",
            whole(64),
            Value::Null,
        ),
        list("dimensions", "Item dimensions asked for.", whole(32)),
    ];
    for parameter in &mut parameters {
        if REQUIRED.iter().any(|name| parameter["name"] == *name) {
            parameter["required"] = json!(true);
        }
    }
    parameters
}

const REQUIRED: [&str; 2] = ["user_id", "limit"];

fn number(name: &str, description: &str, schema: Value, example: Value) -> Value {
    let mut parameter =
        json!({"name": name, "in": "query", "description": description, "schema": schema});
    if !example.is_null() {
        parameter["example"] = example;
    }
    parameter
}

/// A comma list.
fn list(name: &str, description: &str, items: Value) -> Value {
    json!({
        "name": name,
        "in": "query",
        "description": description,
        "style": "form",
        "explode": false,
        "schema": {"type": "array", "items": items, "maxItems": MOST_ENTRIES},
    })
}

fn whole(bits: u32) -> Value {
    let (least, greatest) = match bits {
        32 => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    };
    json!({"type": "integer", "format": format!("int{bits}"), "minimum": least, "maximum": greatest})
}

/// A key within a comma list: visible ASCII characters, the comma not among them.
fn key() -> Value {
    json!({"type": "string", "pattern": format!("^[!-+\\--~]{{1,{LONGEST_KEY}}}$")})
}

/// The same parameters as a form.
fn form(parameters: &[Value]) -> Value {
    let mut schema = json!({"type": "object", "required": REQUIRED, "properties": {}});
    let mut encoding = json!({});
    let mut example = json!({});
    for parameter in parameters {
        let Some(name) = parameter["name"].as_str() else {
            continue;
        };
        let mut property = parameter["schema"].clone();
        property["description"] = parameter["description"].clone();
        schema["properties"][name] = property;
        if parameter["explode"] == false {
            encoding[name] = json!({"style": "form", "explode": false});
        }
        if let Some(value) = parameter.get("example") {
            example[name] = value.clone();
        }
    }
    json!({"schema": schema, "encoding": encoding, "example": example})
}

fn replies(max_limit: u32) -> Value {
    let mut reply = fixed(
        r#"{
            "type": "object",
            "required": ["recommended"],
            "additionalProperties": false,
            "properties": {"recommended": {
                "type": "array",
                "maxItems": null,
                "items": {
                    "type": "object",
                    "required": ["item", "score"],
                    "additionalProperties": false,
                    "properties": {
                        "item": {"type": "integer", "format": "int64"},
                        "score": {"type": "number", "format": "double", "minimum": 0, "maximum": 1}
                    }
                }
            }}
        }"#,
    );
    reply["properties"]["recommended"]["maxItems"] = max_limit.into();
    reply
}
