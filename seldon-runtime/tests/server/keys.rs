//! API keys on every transport: who is let in, who is not, and what changes while it runs.

use std::fs;
use std::net::SocketAddr;

use bytes::Bytes;
use seldon_runtime::{ApiKeys, Server};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::common::*;
use crate::metrics::{figure, reloaded};

const ALICE: &str = "seldon_alice";
const BOB: &str = "seldon_bob";

/// A file of the digests of both.
pub(crate) fn file_of_keys() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let (alice, bob) = (line("alice", ALICE), line("bob", BOB));
    fs::write(&file, format!("# who may call\n\n{alice}{bob}")).expect("written");
    file
}

/// The line of a key.
fn line(name: &str, key: &str) -> String {
    let digest = Sha256::digest(key);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name} {hex}\n")
}

/// A server for those that have a key, and the file of the digests.
struct Closed {
    server: Running,
    admin: SocketAddr,
    file: tempfile::NamedTempFile,
}

impl Closed {
    async fn start() -> Self {
        Self::start_with(|keys| keys).await
    }

    async fn start_with(with: impl FnOnce(ApiKeys) -> ApiKeys) -> Self {
        let file = file_of_keys();
        let keys = with(ApiKeys::from_file(&file).expect("it is good"));
        let server = Server::new().limits(long()).api_keys(keys).mount(Quick {});
        let bound = server.bind("127.0.0.1:0").await.expect("it can be bound");
        let bound = bound.administered("127.0.0.1:0").await;
        let bound = bound.expect("it can be bound");
        Self {
            admin: bound.admin_addr().expect("there is one"),
            server: Running::of(bound),
            file,
        }
    }

    /// The answer to `GET target` with these lines of the head.
    async fn ask(&self, target: &str, headers: &[&str]) -> Answer {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!("GET {target} HTTP/1.1\r\nhost: test\r\n{headers}\r\n");
        self.server.connect().await.ask(request).await
    }

    async fn predict(&self, headers: &[&str]) -> Answer {
        self.ask(PREDICT, headers).await
    }

    async fn classify(&self, headers: &[(&str, &str)]) -> Called {
        let channel = Channel::to(self.server.address).await;
        channel
            .classify(headers, &[ANSWER])
            .await
            .expect("an answer")
    }

    /// The status of a call with `key`.
    async fn call(channel: &Channel, key: &str) -> i32 {
        let called = channel.classify(&[("x-api-key", key)], &[ANSWER]).await;
        called.expect("an answer").status()
    }

    /// Waits until the file was read anew for the first time, for better or worse.
    async fn reloaded(&self, outcome: &str) {
        reloaded(self.admin, "api_keys", outcome).await;
    }
}

const PREDICT: &str = "/predict?json=[0]";
const UNAUTHENTICATED: i32 = 16;

#[tokio::test]
async fn a_key_is_taken_as_a_bearers_and_by_its_own_header() {
    let closed = Closed::start().await;
    for header in [
        format!("authorization: Bearer {ALICE}"),
        format!("Authorization: bearer   {BOB}"),
        format!("x-api-key: {ALICE}"),
        format!("X-Api-Key: {BOB}"),
    ] {
        assert_eq!(closed.predict(&[&header]).await.status, 200, "{header}");
    }
    let bearer = format!("Bearer {ALICE}");
    for header in [("authorization", &*bearer), ("x-api-key", BOB)] {
        assert_eq!(closed.classify(&[header]).await.status(), 0, "{header:?}");
    }
}

#[tokio::test]
async fn another_scheme_does_not_hide_a_key() {
    let closed = Closed::start().await;
    let key = format!("x-api-key: {ALICE}");
    let answer = closed.predict(&["authorization: Basic eDp5", &key]).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_wrong_key_and_none_are_refused_in_the_same_words() {
    let closed = Closed::start().await;
    let tail = format!("x-api-key: {ALICE}x");
    let mut said = Vec::new();
    for headers in [
        &[][..],
        &["x-api-key: "],
        &["x-api-key: seldon_carol"],
        &[&*tail],
        &["authorization: Bearer seldon_carol"],
        &["authorization: Bearer"],
        &["authorization: Basic eDp5"],
        &["authorization: "],
        // Not asked for here.
        &["oauth_token: seldon_alice"],
    ] {
        let answer = closed.predict(headers).await;
        assert_eq!(answer.status, 401, "{headers:?}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(answer.code(), "UNAUTHENTICATED");
        let mut problem = answer.problem();
        let id = problem["request_id"].take();
        assert!(id.is_string());
        // All but the length of the id's place is in the head.
        said.push((problem.to_string(), answer.head.len()));
    }
    assert!(said.iter().all(|one| *one == said[0]), "{said:?}");
}

#[tokio::test]
async fn a_wrong_key_and_none_are_refused_over_grpc() {
    let closed = Closed::start().await;
    for headers in [
        &[][..],
        &[("x-api-key", "seldon_carol")],
        &[("authorization", "Bearer seldon_carol")],
        &[("oauth_token", ALICE)],
    ] {
        let called = closed.classify(headers).await;
        assert_eq!((called.http, called.status()), (200, UNAUTHENTICATED));
        assert_eq!(called.reason(), "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn health_is_open_and_all_else_is_not() {
    let closed = Closed::start().await;
    for open in ["/health/live", "/health/ready", "/health/ready/quick"] {
        assert_eq!(closed.ask(open, &[]).await.status, 200, "{open}");
    }
    // What is nowhere is closed as well: who has no key does not learn what there is.
    for shut in [
        "/",
        "/predict",
        "/metrics",
        "/nowhere",
        "/health",
        "/health/",
        "/health/ready/quick/x",
        "/health/live/",
        "/health/live/../../predict",
        "//health/live",
    ] {
        assert_eq!(closed.ask(shut, &[]).await.status, 401, "{shut}");
    }
    let channel = Channel::to(closed.server.address).await;
    let call = async |path: &str| {
        let called = channel.call(path, &[], framed(0, &[])).await;
        called.expect("an answer").status()
    };
    assert_eq!(call("/grpc.health.v1.Health/Check").await, 0);
    for shut in [
        "/grpc.health.v1.Health/Other",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/io.seldon.api.rpc.Seldon/Other",
    ] {
        assert_eq!(call(shut).await, UNAUTHENTICATED, "{shut}");
    }
}

#[tokio::test]
async fn a_key_opens_the_rest() {
    let closed = Closed::start().await;
    let key = format!("x-api-key: {ALICE}");
    assert_eq!(closed.ask("/", &[&key]).await.status, 200);
    assert_eq!(closed.ask("/nowhere", &[&key]).await.status, 404);
    let channel = Channel::to(closed.server.address).await;
    let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let called = channel
        .call(path, &[("x-api-key", ALICE)], Bytes::new())
        .await;
    assert_eq!(called.expect("an answer").status(), 0);
}

#[tokio::test]
async fn administration_needs_no_key() {
    let closed = Closed::start().await;
    assert!(figure(closed.admin, "seldon_ready").await.is_some());
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_the_body() {
    let closed = Closed::start().await;
    let mut peer = closed.server.connect().await;
    peer.send("POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\n[1")
        .await;
    assert_eq!(peer.answer().await.status, 401);
}

#[tokio::test]
async fn the_originals_token_is_taken_where_it_is_asked_for() {
    let closed = Closed::start_with(ApiKeys::with_oauth_token).await;
    assert_eq!(closed.classify(&[("oauth_token", ALICE)]).await.status(), 0);
    let called = closed.classify(&[("oauth_token", "seldon_carol")]).await;
    assert_eq!(called.status(), UNAUTHENTICATED);
    let target = |token: &str| format!("{PREDICT}&oauth_token={token}");
    assert_eq!(closed.ask(&target(ALICE), &[]).await.status, 200);
    assert_eq!(closed.ask(&target("seldon%5Falice"), &[]).await.status, 200);
    for wrong in ["", "seldon_carol", "%ff", "%"] {
        let answer = closed.ask(&target(wrong), &[]).await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
    let bearer = format!("authorization: Bearer {BOB}");
    assert_eq!(closed.predict(&[&bearer]).await.status, 200);
}

#[tokio::test]
async fn a_key_that_is_added_is_taken_and_one_that_is_gone_is_not() {
    let closed = Closed::start().await;
    fs::write(&closed.file, line("carol", "seldon_carol")).expect("written");
    closed.reloaded("ok").await;
    let status = async |key: &str| closed.predict(&[&format!("x-api-key: {key}")]).await.status;
    assert_eq!(status("seldon_carol").await, 200);
    assert_eq!(status(ALICE).await, 401);
}

#[tokio::test]
async fn a_connection_outlives_no_key() {
    let closed = Closed::start().await;
    let head = format!("GET {PREDICT} HTTP/1.1\r\nhost: test\r\nx-api-key: {ALICE}\r\n\r\n");
    let mut peer = closed.server.connect().await;
    let channel = Channel::to(closed.server.address).await;
    for _ in 0..4 {
        assert_eq!(peer.ask(&head).await.status, 200);
        assert_eq!(Closed::call(&channel, ALICE).await, 0);
    }
    fs::write(&closed.file, line("bob", BOB)).expect("written");
    closed.reloaded("ok").await;
    assert_eq!(peer.ask(&head).await.status, 401);
    for _ in 0..4 {
        assert_eq!(Closed::call(&channel, ALICE).await, UNAUTHENTICATED);
    }
}

#[tokio::test]
async fn a_connection_is_served_on_when_the_keys_change_and_its_own_does_not() {
    let closed = Closed::start().await;
    let channel = Channel::to(closed.server.address).await;
    for _ in 0..4 {
        assert_eq!(Closed::call(&channel, BOB).await, 0);
    }
    fs::write(&closed.file, line("robert", BOB)).expect("written");
    closed.reloaded("ok").await;
    for _ in 0..4 {
        assert_eq!(Closed::call(&channel, BOB).await, 0);
    }
}

#[tokio::test]
async fn a_damaged_file_changes_nothing() {
    let closed = Closed::start().await;
    fs::write(&closed.file, "alice not-a-digest").expect("written");
    closed.reloaded("failed").await;
    let key = format!("x-api-key: {ALICE}");
    assert_eq!(closed.predict(&[&key]).await.status, 200);
    assert_eq!(closed.predict(&[]).await.status, 401);
}

#[tokio::test]
async fn a_router_elsewhere_has_its_keys() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(&file, line("alice", ALICE)).expect("written");
    let keys = ApiKeys::from_file(&file).expect("it is good");
    let router = Server::new().api_keys(keys).mount(Quick {}).router();
    let router = router.expect("it can be served");
    let status = async |key: &str| {
        let request = http::Request::get(PREDICT).header("host", "test");
        let request = request.header("x-api-key", key);
        let request = request.body(axum::body::Body::empty()).expect("a request");
        let answer = router.clone().oneshot(request).await;
        answer.expect("it does not fail").status().as_u16()
    };
    assert_eq!(status("seldon_carol").await, 401);
    assert_eq!(status(ALICE).await, 200);
}

#[tokio::test]
async fn the_documentation_says_so_and_tries_nothing_without_a_key() {
    let closed = Closed::start().await;
    let ask = async |target: &str, headers: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nhost: test\r\n{headers}\r\n");
        Peer::to(closed.admin).await.ask(request).await
    };
    let document = ask("/openapi.json", "").await.body;
    let document: serde_json::Value = serde_json::from_str(&document).expect("it is JSON");
    let operation = |path: &str| &document["paths"][path]["get"];
    for path in ["/predict", "/"] {
        assert!(operation(path)["security"].is_array(), "{path}");
        assert!(operation(path)["responses"]["401"].is_object(), "{path}");
    }
    let probe = operation("/health/ready/{name}");
    assert!(probe.get("security").is_none() && probe["responses"].get("401").is_none());

    let target = format!("/docs/try{PREDICT}");
    let refused = ask(&target, "").await;
    assert_eq!((refused.status, &*refused.code()), (401, "UNAUTHENTICATED"));
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    let key = format!("x-api-key: {ALICE}\r\n");
    assert_eq!(ask(&target, &key).await.status, 200);
    assert_eq!(ask("/docs/try/health/ready/quick", "").await.status, 200);
}
