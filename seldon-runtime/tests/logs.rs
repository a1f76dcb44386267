//! What a program logs, in which words it does not, and the trace that a request continues: read
//! from a real program's standard error.

#[allow(dead_code, reason = "another test uses the rest of it")]
#[path = "server/common.rs"]
mod common;
#[path = "support/program.rs"]
mod program;

use common::{ANSWER, Channel, FAIL, NAN, PANIC, Peer, get, post};
use program::Program;
use seldon_runtime::{DefaultCustomPredictRequest, Predict, Prediction, Result, Server};
use serde_json::Value;

/// A number that no line may hold.
const FEATURE: f32 = 271_828.25;

/// Says in the log that it was asked.
#[seldon_macros::predictor(crate = ::seldon_runtime)]
#[derive(Default)]
struct Talker {}

/// The same on threads of its own, and for another path.
#[seldon_macros::predictor(crate = ::seldon_runtime, run = blocking, path = "/slow")]
#[derive(Default)]
struct SlowTalker {}

fn talk(data: &DefaultCustomPredictRequest) -> Result<Prediction> {
    tracing::info!("the model was asked");
    match data.values[..] {
        [PANIC, ..] => panic!("features {:?}", data.values),
        [NAN, ..] => Ok(Prediction::scores([f64::NAN])),
        [FAIL, ..] => Err(seldon_runtime::Error::failed("a file is gone")),
        _ => Ok(Prediction::scores([0.5])),
    }
}

impl Predict for Talker {
    fn predict(&self, data: &DefaultCustomPredictRequest) -> Result<Prediction> {
        talk(data)
    }
}

impl Predict for SlowTalker {
    fn predict(&self, data: &DefaultCustomPredictRequest) -> Result<Prediction> {
        talk(data)
    }
}

/// Not a test: what the tests start.
#[test]
#[ignore = "the program that the tests start"]
fn program() {
    program::serve(|| {
        Ok(match std::env::var_os("SLOW") {
            None => Server::new().mount(Talker {}),
            Some(_) => Server::new().mount(SlowTalker {}),
        })
    });
}

fn start(level: &str) -> Program {
    Program::start(&[("SELDON_LOG", level)])
}

/// The lines with this message.
fn said<'a>(lines: &'a [Value], message: &str) -> Vec<&'a Value> {
    (lines.iter())
        .filter(|line| line["message"] == message)
        .collect()
}

/// A request with headers of its own.
fn with(headers: &str, request: &str) -> String {
    request.replacen("host: test\r\n", &format!("host: test\r\n{headers}\r\n"), 1)
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn each_request_is_one_line_at_debug_and_a_failure_one_at_warn() {
    let program = start("debug");
    let mut peer = Peer::to(program.address).await;
    peer.ask(with("x-request-id: good", &get(&[ANSWER]))).await;
    peer.ask(with("x-request-id: bad", &get(&[FAIL]))).await;
    peer.ask("GET /predict?json=no HTTP/1.1\r\nhost: test\r\nx-request-id: wrong\r\n\r\n")
        .await;
    let channel = Channel::to(program.address).await;
    let id = [("x-request-id", "call")];
    channel.classify(&id, &[ANSWER]).await.expect("a reply");
    let lines = program.end();
    for (id, level, message, transport, method, code) in [
        ("good", "DEBUG", "answered", "rest", "GET", Value::Null),
        (
            "bad",
            "WARN",
            "failed",
            "rest",
            "GET",
            "MODEL_FAILED".into(),
        ),
        (
            "wrong",
            "DEBUG",
            "refused",
            "rest",
            "GET",
            "MALFORMED_JSON".into(),
        ),
        ("call", "DEBUG", "answered", "grpc", "Classify", Value::Null),
    ] {
        let of: Vec<_> = lines.iter().filter(|l| l["request_id"] == id).collect();
        let [line] = of[..] else {
            panic!("{id}: {of:?}");
        };
        assert_eq!(line["level"], level, "{line}");
        assert_eq!(line["message"], message, "{line}");
        assert_eq!(line["service"], "talker", "{line}");
        assert_eq!(line["transport"], transport, "{line}");
        assert_eq!(line["method"], method, "{line}");
        assert_eq!(line["code"], code, "{line}");
        assert!(line["milliseconds"].as_f64() > Some(0.0), "{line}");
    }
    assert_eq!(
        said(&lines, "failed")[0]["error"],
        "the model failed to answer: a file is gone"
    );
    // The model's own lines say for which request they are.
    let ids: Vec<_> = (said(&lines, "the model was asked").iter())
        .map(|line| line["span"]["request_id"].as_str())
        .collect();
    assert_eq!(ids, [Some("good"), Some("bad"), Some("call")]);
}

#[tokio::test]
async fn at_info_a_good_request_is_no_line() {
    let program = start("info");
    let mut peer = Peer::to(program.address).await;
    for what in [ANSWER, NAN, ANSWER] {
        peer.ask(get(&[what])).await;
    }
    let lines = program.end();
    let of_requests: Vec<_> = (lines.iter())
        .filter(|line| line.get("request_id").is_some())
        .map(|line| (&line["level"], &line["code"]))
        .collect();
    assert_eq!(of_requests, [(&"WARN".into(), &"INVALID_ANSWER".into())]);
    let limits = said(&lines, "serving within these limits");
    assert_eq!(limits.len(), 1);
    assert_eq!(limits[0]["deadline"], "10s");
    assert_eq!(limits[0]["in_flight"], 512);
}

#[tokio::test]
async fn a_trace_goes_on_in_the_line_and_in_the_models_own() {
    for slow in [false, true] {
        let slow_one: &[_] = &[("SLOW", "1")];
        let program = Program::start(if slow { slow_one } else { &[] });
        let mut peer = Peer::to(program.address).await;
        let traced = format!("traceparent: {PARENT}");
        let asked = |values| match slow {
            false => get(values),
            true => get(values).replace("/predict", "/slow"),
        };
        peer.ask(with(&traced, &asked(&[FAIL]))).await;
        let channel = Channel::to(program.address).await;
        let traced = [("traceparent", PARENT)];
        channel.classify(&traced, &[FAIL]).await.expect("an answer");
        let lines = program.end();
        let (failed, asked) = (said(&lines, "failed"), said(&lines, "the model was asked"));
        assert_eq!((failed.len(), asked.len()), (2, 2), "{lines:?}");
        for line in failed {
            assert_eq!(line["trace_id"], TRACE, "{line}");
        }
        for line in asked {
            assert_eq!(line["span"]["trace_id"], TRACE, "{line}");
            assert_eq!(line["span"]["parent_id"], "00f067aa0ba902b7", "{line}");
        }
    }
}

#[tokio::test]
async fn a_malformed_parent_is_no_trace() {
    let program = start("info");
    let mut peer = Peer::to(program.address).await;
    let upper = PARENT.to_uppercase();
    for headers in [
        format!("traceparent: {upper}"),
        format!("traceparent: {PARENT}-more"),
        format!("traceparent: {PARENT}\r\ntraceparent: {PARENT}"),
    ] {
        let answer = peer.ask(with(&headers, &get(&[FAIL]))).await;
        assert_eq!(answer.status, 500);
    }
    let lines = program.end();
    let failed = said(&lines, "failed");
    assert_eq!(failed.len(), 3);
    for line in failed {
        assert_eq!(line.get("trace_id"), None, "{line}");
    }
}

#[tokio::test]
async fn no_feature_and_no_body_is_logged() {
    let program = start("debug");
    let mut peer = Peer::to(program.address).await;
    for what in [ANSWER, PANIC, NAN, FAIL] {
        peer.ask(get(&[what, FEATURE])).await;
        peer.ask(post(&[what, FEATURE])).await;
    }
    for text in ["{\"x\":271828.25", "[\"271828.25\"]"] {
        let length = text.len();
        let request = format!(
            "POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n{text}"
        );
        assert_eq!(peer.ask(request).await.status, 400);
    }
    let channel = Channel::to(program.address).await;
    for what in [ANSWER, PANIC, NAN, FAIL] {
        let _ = channel.classify(&[], &[what, FEATURE]).await;
    }
    let lines = program.end();
    assert_eq!(said(&lines, "the model was asked").len(), 12);
    for line in &lines {
        assert!(!line.to_string().contains("271828"), "{line}");
    }
}

#[tokio::test]
async fn a_panic_is_its_place_and_a_number() {
    let program = start("info");
    let mut peer = Peer::to(program.address).await;
    peer.ask(get(&[PANIC, FEATURE])).await;
    let mut admin = Peer::to(program.admin).await;
    let figures = admin
        .ask("GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    assert!(figures.body.contains("\nseldon_panics_total 1\n"));
    let lines = program.end();
    let panicked = said(&lines, "panicked");
    assert_eq!(panicked.len(), 1);
    let location = panicked[0]["location"].as_str().expect("a place");
    assert!(location.contains("tests/logs.rs:"), "{location}");
    assert!(
        !panicked[0].to_string().contains("features"),
        "{panicked:?}"
    );
}
