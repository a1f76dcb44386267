//! What a server says of itself: whether it lives and is ready, and what it serves.

use std::time::Duration;

use prost::Message;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use crate::common::*;

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

fn page(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")
}

fn of(service: &str) -> bytes::Bytes {
    let service = service.to_owned();
    framed(0, &HealthCheckRequest { service }.encode_to_vec())
}

#[tokio::test]
async fn a_lame_duck_lives_and_is_not_ready() {
    let mut limits = long();
    limits.lame_duck = Duration::from_secs(3600);
    let mut server = Running::quick(limits).await;
    let mut peer = server.connect().await;
    for path in ["/health/live", "/health/ready", "/health/ready/quick"] {
        assert_eq!(peer.ask(page(path)).await.status, 200, "{path}");
    }
    let answer = peer.ask(page("/health/ready/other")).await;
    assert_eq!((answer.status, &*answer.code()), (404, "MODEL_NOT_FOUND"));
    server.stop();
    // Each answer closes its connection once the end has begun.
    while server
        .connect()
        .await
        .ask(page("/health/ready"))
        .await
        .status
        == 200
    {
        tokio::task::yield_now().await;
    }
    for path in ["/health/ready", "/health/ready/quick"] {
        let answer = server.connect().await.ask(page(path)).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (503, "UNAVAILABLE"),
            "{path}"
        );
    }
    assert_eq!(
        server
            .connect()
            .await
            .ask(page("/health/live"))
            .await
            .status,
        200
    );
    server.ended.abort();
}

#[tokio::test]
async fn health_is_answered_while_all_places_are_taken() {
    let mut limits = long();
    limits.in_flight = 1;
    limits.queue_per_place = 0;
    let server = Running::quick(limits).await;
    let mut stalled = server.connect().await;
    stalled
        .send("POST /predict HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n")
        .await;
    stalled.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    let mut peer = server.connect().await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 503);
    assert_eq!(peer.ask(page("/health/ready")).await.status, 200);
    let channel = Channel::to(server.address).await;
    let called = channel
        .call("/grpc.health.v1.Health/Check", &[], of(""))
        .await;
    assert_eq!(called.expect("a reply").status(), 0);
}

#[tokio::test]
async fn grpc_health_knows_each_service() {
    let server = Running::quick(long()).await;
    let channel = Channel::to(server.address).await;
    for service in ["", "quick", "io.seldon.api.rpc.Seldon"] {
        let called = channel
            .call("/grpc.health.v1.Health/Check", &[], of(service))
            .await;
        let called = called.expect("a reply");
        let health = HealthCheckResponse::decode(&called.body[5..]).expect("a reply");
        assert_eq!(health.status, SERVING, "{service}");
    }
    let called = channel
        .call("/grpc.health.v1.Health/Check", &[], of("other"))
        .await;
    assert_eq!(called.expect("an answer").status(), 5);
    let called = channel
        .call("/grpc.health.v1.Health/Other", &[], of(""))
        .await;
    assert_eq!(called.expect("an answer").status(), 12);
}

#[tokio::test]
async fn a_watch_sees_the_end_and_does_not_delay_it() {
    let mut limits = long();
    limits.lame_duck = Duration::from_millis(50);
    let mut server = Running::quick(limits).await;
    let channel = Channel::to(server.address).await;
    // The reply is complete once the server has ended the watch.
    let watch = channel.call("/grpc.health.v1.Health/Watch", &[], of("quick"));
    let end = async {
        server.served(&mut server.connect().await).await;
        server.stop();
    };
    let (called, ()) = tokio::join!(watch, end);
    let mut messages = &*called.expect("a reply").body;
    let mut seen = Vec::new();
    while !messages.is_empty() {
        let length = u32::from_be_bytes([messages[1], messages[2], messages[3], messages[4]]);
        let (message, rest) = messages[5..].split_at(length as usize);
        seen.push(
            HealthCheckResponse::decode(message)
                .expect("a reply")
                .status,
        );
        messages = rest;
    }
    // It may have been sent after the end had begun.
    assert_eq!(seen.last(), Some(&NOT_SERVING), "{seen:?}");
    server.end().await;
}

#[tokio::test]
async fn the_index_says_what_is_served() {
    let server = Running::quick(long()).await;
    let answer = server.connect().await.ask(page("/")).await;
    let index: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    let expected = serde_json::json!({
        "services": [{
            "name": "quick",
            "kind": "predictor",
            "variation": "default",
            "path": "/predict",
            "grpc": {
                "method": "io.seldon.api.rpc.Seldon/Classify",
                "message": "io.seldon.api.rpc.DefaultCustomPredictRequest",
            },
        }],
        "health": { "live": "/health/live", "ready": "/health/ready" },
    });
    assert_eq!(index, expected);
}

#[tokio::test]
async fn a_page_of_the_users_own_is_not_hidden() {
    let own = axum::routing::get(async || "mine");
    let own = axum::Router::new()
        .route("/", own.clone())
        .route("/health/live", own);
    let server = seldon_runtime::Server::new()
        .limits(long())
        .mount(Quick {})
        .routes(own);
    let server = Running::start(server).await;
    for path in ["/", "/health/live"] {
        assert_eq!(server.connect().await.ask(page(path)).await.body, "mine");
    }
}

async fn reflect(version: &str, ask: MessageRequest) -> MessageResponse {
    let server = Running::quick(long()).await;
    let channel = Channel::to(server.address).await;
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(ask),
    };
    let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
    let called = channel
        .call(&path, &[], framed(0, &request.encode_to_vec()))
        .await
        .expect("a reply");
    assert_eq!(called.status(), 0);
    let reply = ServerReflectionResponse::decode(&called.body[5..]).expect("a reply");
    reply.message_response.expect("it says something")
}

#[tokio::test]
async fn reflection_lists_the_services_in_both_versions() {
    for version in ["v1", "v1alpha"] {
        let listed = reflect(version, MessageRequest::ListServices(String::new())).await;
        let MessageResponse::ListServicesResponse(listed) = listed else {
            panic!("{listed:?}");
        };
        let names: Vec<_> = listed
            .service
            .iter()
            .map(|service| &*service.name)
            .collect();
        for name in ["io.seldon.api.rpc.Seldon", "grpc.health.v1.Health"] {
            assert!(names.contains(&name), "{version}: {names:?}");
        }
    }
}

#[tokio::test]
async fn reflection_shows_the_messages() {
    for symbol in [
        "io.seldon.api.rpc.DefaultCustomPredictRequest",
        "google.protobuf.Any",
    ] {
        let shown = reflect(
            "v1",
            MessageRequest::FileContainingSymbol(symbol.to_owned()),
        )
        .await;
        assert!(
            matches!(shown, MessageResponse::FileDescriptorResponse(_)),
            "{symbol}: {shown:?}"
        );
    }
}
