//! What every operation may answer besides: the problems, by status, and the headers.

use http::StatusCode;
use serde_json::{Value, json};

use super::features::reference;
use super::fixed;
use crate::error::{Code, Violation};
use crate::server::Limits;

/// A problem that an operation may answer with: its status, its name in the document.
struct Answer {
    status: StatusCode,
    name: &'static str,
    when: fn(&Limits) -> String,
}

/// Those that the server may answer with.
const ANSWERS: [Answer; 11] = [
    Answer {
        status: StatusCode::BAD_REQUEST,
        name: "Invalid",
        when: |_| "Something is wrong with the request: `errors` names all of it.".to_owned(),
    },
    Answer {
        status: StatusCode::UNAUTHORIZED,
        name: "Unauthenticated",
        when: |_| "There is no key in the request, or a wrong one.".to_owned(),
    },
    Answer {
        status: StatusCode::NOT_FOUND,
        name: "NotFound",
        when: |_| "There is no such path, or no such service.".to_owned(),
    },
    Answer {
        status: StatusCode::METHOD_NOT_ALLOWED,
        name: "MethodNotAllowed",
        when: |_| "The path is there, and not with this method.".to_owned(),
    },
    Answer {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        name: "TooLarge",
        when: |limits| format!("The body is over {} bytes.", limits.body),
    },
    Answer {
        status: StatusCode::URI_TOO_LONG,
        name: "UriTooLong",
        when: |limits| {
            // Hyper's own limit.
            let most = limits.head.min(65_534);
            format!("The path and query are over {most} bytes.")
        },
    },
    Answer {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        name: "Encoded",
        when: |_| "The body has a `content-encoding`.".to_owned(),
    },
    Answer {
        status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        name: "HeadersTooLarge",
        when: |limits| {
            let (head, list) = (limits.head, limits.header_list);
            format!("The headers are over {head} bytes (HTTP/2: {list}), or over 100 lines.")
        },
    },
    Answer {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        name: "Failed",
        when: |_| "The service failed: nothing is known to be wrong with the request.".to_owned(),
    },
    Answer {
        status: StatusCode::SERVICE_UNAVAILABLE,
        name: "Unavailable",
        when: |_| {
            "Too much to do, not ready, or candidates out of reach: try again later.".to_owned()
        },
    },
    Answer {
        status: StatusCode::GATEWAY_TIMEOUT,
        name: "DeadlineExceeded",
        when: |limits| {
            format!(
                "No answer within {:?}, or within the header `x-request-timeout-ms` if it gives less.",
                limits.deadline
            )
        },
    },
];

/// Adds to the answers of an operation the problems that it may meet.
pub(super) fn complete(operation: &mut Value, is_closed: bool) {
    let has_body = operation.get("requestBody").is_some();
    let Some(answers) = operation["responses"].as_object_mut() else {
        return;
    };
    for answer in &ANSWERS {
        let occurs = match answer.status {
            StatusCode::UNAUTHORIZED => is_closed,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => has_body,
            // What has a path has no other: where it has, it says so.
            StatusCode::NOT_FOUND => false,
            _ => true,
        };
        if occurs {
            answers.insert(answer.status.as_str().to_owned(), reference_to(answer.name));
        }
    }
}

/// A reference to the response `name`.
pub(super) fn reference_to(name: &str) -> Value {
    json!({"$ref": format!("#/components/responses/{name}")})
}

/// An answer in JSON with the headers that it always has.
pub(super) fn success(description: &str, schema: Value) -> Value {
    json!({
        "description": description,
        "headers": {"x-request-id": request_id(), "modelversion": model_version()},
        "content": {"application/json": {"schema": schema}},
    })
}

/// The responses that operations refer to.
pub(super) fn responses(limits: &Limits) -> Value {
    let all = ANSWERS.iter().map(|answer| {
        let status = answer.status.as_u16();
        let codes: Vec<&str> = (Code::ALL.iter())
            .filter(|code| code.status() == answer.status)
            .map(|code| code.as_str())
            .collect();
        let mut headers = json!({"x-request-id": request_id()});
        match answer.status {
            // What a model may have had a part in.
            StatusCode::BAD_REQUEST | StatusCode::INTERNAL_SERVER_ERROR => {
                headers["modelversion"] = model_version();
            }
            StatusCode::UNAUTHORIZED => {
                headers["www-authenticate"] = fixed(
                    r#"{
                        "description": "How to come in.",
                        "required": true,
                        "schema": {"const": "Bearer"}
                    }"#,
                );
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                headers["accept-encoding"] = fixed(
                    r#"{
                        "description": "What is read instead.",
                        "required": true,
                        "schema": {"const": "identity"}
                    }"#,
                );
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers["allow"] = fixed(
                    r#"{
                        "description": "The methods that the path answers.",
                        "required": true,
                        "schema": {"type": "string"}
                    }"#,
                );
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers["modelversion"] = model_version();
                headers["retry-after"] = fixed(
                    r#"{
                        "description": "In how many seconds to try again, where that is known.",
                        "schema": {"type": "integer", "minimum": 1}
                    }"#,
                );
            }
            _ => {}
        }
        let response = json!({
            "description": (answer.when)(limits),
            "headers": headers,
            "content": {"application/problem+json": {"schema": {
                "allOf": [reference("Problem")],
                "properties": {"status": {"const": status}, "code": {"enum": codes}},
            }}},
        });
        (answer.name.to_owned(), response)
    });
    Value::Object(all.collect())
}

/// The headers that answers refer to.
pub(super) fn headers() -> Value {
    fixed(
        r#"{
            "RequestId": {
                "description": "The request's id in the log: the caller's own `x-request-id`, if that is up to 128 letters, digits, `.`, `_` and `-`; else a new one.",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"}
            },
            "ModelVersion": {
                "description": "The version of the model that has answered: the first digits of its folder's digest. A model from no folder has none.",
                "schema": {"type": "string", "pattern": "^[0-9a-f]{12}$"}
            }
        }"#,
    )
}

fn request_id() -> Value {
    json!({"$ref": "#/components/headers/RequestId"})
}

fn model_version() -> Value {
    json!({"$ref": "#/components/headers/ModelVersion"})
}

/// The schema of a problem.
pub(super) fn problem() -> Value {
    let mut problem = fixed(
        r#"{
            "type": "object",
            "description": "What went wrong (RFC 9457).",
            "required": ["type", "title", "status", "detail", "error", "code", "request_id"],
            "additionalProperties": false,
            "properties": {
                "type": {"const": "about:blank"},
                "title": {"type": "string"},
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "detail": {"type": "string", "description": "What is wrong, in a sentence."},
                "error": {"type": "string", "description": "The detail again."},
                "code": {"type": "string", "description": "The kind of problem."},
                "errors": {
                    "type": "array",
                    "description": "All that is wrong with the request.",
                    "minItems": 1,
                    "maxItems": null,
                    "items": {
                        "type": "object",
                        "required": ["parameter", "detail"],
                        "additionalProperties": false,
                        "properties": {
                            "parameter": {"type": "string", "description": "A parameter's name, or a JSON pointer into the features."},
                            "detail": {"type": "string"}
                        }
                    }
                },
                "request_id": {"type": "string"}
            }
        }"#,
    );
    problem["properties"]["errors"]["maxItems"] = Violation::MOST.into();
    problem
}
