//! The figures on the listener for administration.

use std::net::SocketAddr;
use std::time::Duration;

use seldon_runtime::{Predict, Prediction, Result, Server};

use crate::common::*;

pub(crate) async fn administered(limits: seldon_runtime::Limits) -> (Running, SocketAddr) {
    let bound = Server::new()
        .limits(limits)
        .mount(Quick {})
        .bind("127.0.0.1:0")
        .await;
    let bound = bound.expect("it can be bound").administered("127.0.0.1:0");
    let bound = bound.await.expect("it can be bound");
    let admin = bound.admin_addr().expect("there is one");
    (Running::of(bound), admin)
}

pub(crate) const FIGURES: &str = "GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n";

/// The value of one series.
pub(crate) async fn figure(admin: SocketAddr, series: &str) -> Option<f64> {
    let answer = Peer::to(admin).await.ask(FIGURES).await;
    assert_eq!(answer.status, 200);
    answer.body.lines().find_map(|line| {
        let value = line.strip_prefix(series)?.strip_prefix(' ')?;
        value.parse().ok()
    })
}

/// Waits until `what` was read anew for the first time, for better or worse.
pub(crate) async fn reloaded(admin: SocketAddr, what: &str, outcome: &str) {
    let series = format!("seldon_reloads_total{{what=\"{what}\",outcome=\"{outcome}\"}}");
    patient(async {
        while figure(admin, &series).await != Some(1.0) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn requests(service: &str, transport: &str, method: &str, outcome: &str) -> String {
    format!(
        "seldon_requests_total{{service=\"{service}\",transport=\"{transport}\",method=\"{method}\",outcome=\"{outcome}\"}}"
    )
}

#[tokio::test]
async fn requests_are_counted_by_service_transport_method_and_outcome() {
    let (server, admin) = administered(long()).await;
    let mut peer = server.connect().await;
    peer.ask(get(&[ANSWER])).await;
    peer.ask(post(&[ANSWER])).await;
    peer.ask(get(&[NAN])).await;
    peer.ask("DELETE /predict HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    peer.ask("GET /a/path/of/mine HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    let channel = Channel::to(server.address).await;
    channel.classify(&[], &[ANSWER]).await.expect("a reply");
    channel.classify(&[], &[PANIC]).await.expect("an answer");
    for series in [
        requests("quick", "rest", "GET", "ok"),
        requests("quick", "rest", "POST", "ok"),
        requests("quick", "rest", "GET", "INVALID_ANSWER"),
        requests("quick", "rest", "other", "METHOD_NOT_ALLOWED"),
        requests("other", "rest", "GET", "NOT_FOUND"),
        requests("quick", "grpc", "Classify", "ok"),
        requests("quick", "grpc", "Classify", "MODEL_PANICKED"),
    ] {
        assert_eq!(figure(admin, &series).await, Some(1.0), "{series}");
    }
    let took = "seldon_request_duration_seconds_count{service=\"quick\",transport=\"rest\"}";
    assert_eq!(figure(admin, took).await, Some(4.0));
}

#[tokio::test]
async fn what_is_open_and_in_flight_is_shown_though_no_place_is_free() {
    let mut limits = long();
    limits.in_flight = 1;
    limits.queue_per_place = 0;
    let (server, admin) = administered(limits).await;
    let mut stalled = server.connect().await;
    stalled
        .send("POST /predict HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n")
        .await;
    stalled.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(figure(admin, "seldon_requests_in_flight").await, Some(1.0));
    assert_eq!(figure(admin, "seldon_ready").await, Some(1.0));
    // The one that asks is active as well.
    let active = figure(admin, "seldon_connections{state=\"active\"}").await;
    assert_eq!(active, Some(2.0));
    let memory = figure(admin, "process_resident_memory_bytes").await;
    assert!(memory > Some(1e6), "{memory:?}");
}

#[tokio::test]
async fn a_callers_deadline_that_is_none_is_counted() {
    let (server, admin) = administered(long()).await;
    let channel = Channel::to(server.address).await;
    let called = channel
        .classify(&[("grpc-timeout", "soon")], &[ANSWER])
        .await;
    assert_eq!(called.expect("a reply").status(), 0);
    assert_eq!(
        figure(admin, "seldon_malformed_timeouts_total").await,
        Some(1.0)
    );
}

#[tokio::test]
async fn each_listener_answers_its_own() {
    let (server, admin) = administered(long()).await;
    assert_eq!(server.connect().await.ask(FIGURES).await.status, 404);
    assert_eq!(Peer::to(admin).await.ask(get(&[ANSWER])).await.status, 404);
}

fn stage(service: &str, transport: &str, stage: &str) -> String {
    format!(
        "seldon_stage_duration_seconds_count{{service=\"{service}\",transport=\"{transport}\",stage=\"{stage}\"}}"
    )
}

#[tokio::test]
async fn times_are_split_into_stages() {
    let (server, admin) = administered(long()).await;
    let mut peer = server.connect().await;
    for _ in 0..3 {
        peer.ask(get(&[ANSWER])).await;
    }
    // What cannot be read is not scored, and what failed is not written.
    peer.ask("GET /predict?json=no HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    peer.ask(get(&[FAIL])).await;
    let channel = Channel::to(server.address).await;
    channel.classify(&[], &[ANSWER]).await.expect("a reply");
    for (transport, name, count) in [
        ("rest", "decode", 4.0),
        ("rest", "predict", 4.0),
        ("rest", "encode", 3.0),
        ("grpc", "decode", 1.0),
        ("grpc", "predict", 1.0),
        ("grpc", "encode", 1.0),
    ] {
        let series = stage("quick", transport, name);
        assert_eq!(figure(admin, &series).await, Some(count), "{series}");
    }
    // A model that answers where the request was read does not wait for a thread.
    assert_eq!(figure(admin, &stage("quick", "rest", "queue")).await, None);
}

#[tokio::test]
async fn a_call_waits_for_a_thread_of_the_pool() {
    let bound = Server::new()
        .limits(long())
        .mount(Slow {})
        .bind("127.0.0.1:0")
        .await;
    let bound = bound.expect("it can be bound").administered("127.0.0.1:0");
    let bound = bound.await.expect("it can be bound");
    let admin = bound.admin_addr().expect("there is one");
    let server = Running::of(bound);
    let mut peer = server.connect().await;
    peer.ask(get(&[SLEEP, 30.0])).await;
    assert_eq!(
        figure(admin, &stage("slow", "rest", "queue")).await,
        Some(1.0)
    );
    let predict =
        "seldon_stage_duration_seconds_sum{service=\"slow\",transport=\"rest\",stage=\"predict\"}";
    assert!(figure(admin, predict).await >= Some(0.03));
}

#[tokio::test]
async fn what_a_model_does_wrong_is_counted_by_service() {
    let (server, admin) = administered(long()).await;
    let mut peer = server.connect().await;
    for what in [PANIC, NAN, NAN, FAIL, ANSWER] {
        peer.ask(get(&[what])).await;
    }
    for (figure_of, count) in [("model_panics", 1.0), ("non_finite_answers", 2.0)] {
        let series = format!("seldon_{figure_of}_total{{service=\"quick\"}}");
        assert_eq!(figure(admin, &series).await, Some(count), "{series}");
    }
}

#[tokio::test]
async fn who_is_turned_away_is_counted_by_reason() {
    let mut limits = long();
    limits.in_flight = 1;
    limits.queue_per_place = 1;
    limits.queue_time = Duration::from_millis(20);
    let (server, admin) = administered(limits).await;
    let mut stalled = server.connect().await;
    stalled
        .send("POST /predict HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n")
        .await;
    stalled.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    let mut waiting = server.connect().await;
    assert_eq!(waiting.ask(get(&[ANSWER])).await.status, 503);
    let late = "seldon_requests_shed_total{reason=\"queue_time\"}";
    assert_eq!(figure(admin, late).await, Some(1.0));
    assert_eq!(
        figure(admin, &stage("quick", "rest", "queue")).await,
        Some(1.0)
    );
    for (name, value) in [("requests_in_flight", 1.0), ("queue_depth_limit", 1.0)] {
        assert_eq!(figure(admin, &format!("seldon_{name}")).await, Some(value));
    }
}

#[tokio::test]
async fn connections_are_counted_by_state() {
    let (server, admin) = administered(long()).await;
    let mut idle = server.connect().await;
    idle.ask(get(&[ANSWER])).await;
    let silent = server.connect().await;
    // The silent one was accepted before this one, which is answered.
    idle.ask(get(&[ANSWER])).await;
    // The reply's last byte may be read before the server has noted it, so that this is waited for.
    let states = async || {
        let mut states = Vec::new();
        for state in ["new", "idle", "active", "turned_away"] {
            let series = format!("seldon_connections{{state=\"{state}\"}}");
            states.push(figure(admin, &series).await.expect("a figure"));
        }
        states
    };
    patient(async {
        while states().await != [1.0, 1.0, 1.0, 0.0] {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop((idle, silent));
    patient(async {
        while states().await != [0.0, 0.0, 1.0, 0.0] {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_pool_shows_what_it_does() {
    let bound = Server::new().limits(long()).mount(Slow {});
    let bound = bound.bind("127.0.0.1:0").await.expect("it can be bound");
    let bound = bound
        .administered("127.0.0.1:0")
        .await
        .expect("it can be bound");
    let admin = bound.admin_addr().expect("there is one");
    let server = Running::of(bound);
    let mut peer = server.connect().await;
    peer.send(get(&[SLEEP, 300.0])).await;
    patient(async {
        while figure(admin, "seldon_pool_in_flight{service=\"slow\"}").await != Some(1.0) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(peer.answer().await.status, 200);
    assert_eq!(
        figure(admin, "seldon_pool_in_flight{service=\"slow\"}").await,
        Some(0.0)
    );
}

/// A message of its own, so that two predictors can share the method.
#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
struct Other {}

impl seldon_runtime::Payload for Other {
    const TYPE_NAME: &'static str = "test.Other";
    const CHECKS: &'static [seldon_runtime::predict::Check] = &[];
}

#[seldon_macros::predictor(crate = ::seldon_runtime, data = Other, path = "/second")]
#[derive(Default)]
struct Second {}

impl Predict<Other> for Second {
    fn predict(&self, _: &Other) -> Result<Prediction> {
        Err(seldon_runtime::Error::failed("it always does"))
    }
}

#[tokio::test]
async fn a_call_counts_for_the_service_that_was_chosen() {
    let server = Server::new()
        .limits(long())
        .mount(Quick {})
        .mount(Second {});
    let bound = server.bind("127.0.0.1:0").await.expect("it can be bound");
    let bound = bound.administered("127.0.0.1:0").await;
    let bound = bound.expect("it can be bound");
    let admin = bound.admin_addr().expect("there is one");
    let server = Running::of(bound);
    let channel = Channel::to(server.address).await;
    // By the type of the message, by name, and by neither.
    channel.classify(&[], &[ANSWER]).await.expect("a reply");
    let named = [("seldon-model", "quick")];
    channel.classify(&named, &[ANSWER]).await.expect("a reply");
    let unknown = [("seldon-model", "nobody")];
    channel
        .classify(&unknown, &[ANSWER])
        .await
        .expect("an answer");
    let request = seldon_runtime::proto::ClassificationRequest {
        meta: None,
        data: Some(seldon_runtime::Any::pack("test.Other", &Other {})),
    };
    let request = framed(0, &prost::Message::encode_to_vec(&request));
    channel
        .call(CLASSIFY, &[], request)
        .await
        .expect("an answer");
    for (series, count) in [
        (requests("quick", "grpc", "Classify", "ok"), 2.0),
        (requests("second", "grpc", "Classify", "MODEL_FAILED"), 1.0),
        (
            requests("shared", "grpc", "Classify", "MODEL_NOT_FOUND"),
            1.0,
        ),
    ] {
        assert_eq!(figure(admin, &series).await, Some(count), "{series}");
    }
}
