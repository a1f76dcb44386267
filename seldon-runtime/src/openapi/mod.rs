//! What the server answers over REST, as an OpenAPI document: made from what is mounted.

mod answers;
mod comments;
mod example;
mod features;
mod give;
mod predict;
mod probe;
mod recommend;

use serde_json::{Map, Value, json};

use crate::server::Limits;

pub(crate) use predict::predictor;
pub(crate) use recommend::recommender;

use answers::{complete, reference_to, success};

/// The operations of one service.
pub(crate) struct Described {
    tag: Value,
    path: String,
    /// The methods of the path.
    item: Value,
    schemas: Map<String, Value>,
}

/// What is to be known of the server that its services do not know.
pub(crate) struct About<'a> {
    /// Where it answers, `http://127.0.0.1:5000`.
    pub(crate) url: &'a str,
    pub(crate) limits: &'a Limits,
    /// Whether all but health asks for a key.
    pub(crate) has_keys: bool,
}

/// The document.
pub(crate) fn document(services: Vec<Described>, about: &About<'_>) -> Value {
    let mut tags = Vec::new();
    let mut paths = Map::new();
    let mut schemas = Map::new();
    let names: Vec<String> = (services.iter())
        .filter_map(|service| service.tag["name"].as_str().map(str::to_owned))
        .collect();
    for service in services {
        tags.push(service.tag);
        paths.insert(service.path, service.item);
        schemas.extend(service.schemas);
    }
    tags.push(json!({"name": "server", "description": "What is served, and whether it can be."}));
    // What a service or the user answers there comes first.
    for (path, item) in health(&names)
        .into_iter()
        .chain([("/".to_owned(), index())])
    {
        paths.entry(path).or_insert(item);
    }
    schemas.insert("Problem".to_owned(), answers::problem());
    for (path, item) in &mut paths {
        let is_closed = about.has_keys && !path.starts_with("/health/");
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            complete(operation, is_closed);
            if is_closed {
                operation["security"] = fixed(r#"[{"bearer": []}, {"header": []}]"#);
            }
        }
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "info": {
            "title": names.join(", "),
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Made by the server from what it serves. Every answer that is no success is a problem document (RFC 9457), an unknown path's 404 as well. Each answer has an `x-request-id`. A caller that waits no longer than some milliseconds says so in `x-request-timeout-ms`.",
        },
        "servers": [{"url": about.url}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": answers::responses(about.limits),
            "headers": answers::headers(),
        },
    });
    if about.has_keys {
        document["components"]["securitySchemes"] = fixed(
            r#"{
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"}
            }"#,
        );
    }
    document
}

/// `GET /`.
fn index() -> Value {
    let schema = fixed(
        r#"{
            "type": "object",
            "required": ["services", "health"],
            "properties": {
                "services": {"type": "array", "items": {
                    "type": "object",
                    "required": ["name", "kind", "variation", "path"],
                    "properties": {
                        "name": {"type": "string"},
                        "kind": {"enum": ["predictor", "recommender"]},
                        "variation": {"type": "string"},
                        "version": {"type": "string", "description": "The first digits of the model's digest."},
                        "path": {"type": "string"},
                        "grpc": {
                            "type": "object",
                            "required": ["method", "message"],
                            "properties": {"method": {"type": "string"}, "message": {"type": "string"}}
                        }
                    }
                }},
                "health": {
                    "type": "object",
                    "required": ["live", "ready"],
                    "properties": {"live": {"type": "string"}, "ready": {"type": "string"}}
                },
                "admin": {
                    "type": "object",
                    "description": "What the listener for administration answers, if there is one.",
                    "required": ["address", "metrics", "documentation", "openapi"],
                    "properties": {
                        "address": {"type": "string"},
                        "metrics": {"type": "string"},
                        "documentation": {"type": "string"},
                        "openapi": {"type": "string"}
                    }
                }
            }
        }"#,
    );
    get(
        "index",
        "What is served here",
        success("The services.", schema),
    )
}

/// The probes.
fn health(names: &[String]) -> Vec<(String, Value)> {
    let says = |status: &str| {
        json!({
            "type": "object",
            "required": ["status"],
            "additionalProperties": false,
            "properties": {"status": {"const": status}},
        })
    };
    let live = success("The process answers.", says("live"));
    let ready = || success("Requests are answered.", says("ready"));
    let mut one = get("ready_one", "Whether a service is ready", ready());
    one["get"]["responses"]["404"] = reference_to("NotFound");
    one["get"]["parameters"] = json!([{
        "name": "name",
        "in": "path",
        "required": true,
        "description": "A service's name.",
        "schema": {"type": "string", "enum": names},
    }]);
    vec![
        (
            "/health/live".to_owned(),
            get("live", "Whether the process lives", live),
        ),
        (
            "/health/ready".to_owned(),
            get("ready", "Whether all services are ready", ready()),
        ),
        ("/health/ready/{name}".to_owned(), one),
    ]
}

/// JSON that is the same in every document. As a text it is a small part of the code that `json!`
/// would have the compiler write.
fn fixed(json: &str) -> Value {
    serde_json::from_str(json).expect("every document has it, and the tests read documents")
}

/// A path that answers `GET` alone.
fn get(id: &str, summary: &str, answer: Value) -> Value {
    json!({"get": {
        "operationId": id,
        "tags": ["server"],
        "summary": summary,
        "responses": {"200": answer},
    }})
}

/// An optional text in the query string.
fn text_parameter(name: &str, description: &str, example: Option<&str>) -> Value {
    let mut parameter = json!({
        "name": name,
        "in": "query",
        "description": description,
        // No zero byte.
        "schema": {"type": "string", "pattern": r"^[^\u0000]*$"},
    });
    if let Some(example) = example {
        parameter["example"] = example.into();
    }
    parameter
}
