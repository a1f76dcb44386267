//! HTTP/1 as it comes over the wire: in pieces, many at once, and of several kinds.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::common::*;

const NOWHERE: &str = "GET /nowhere HTTP/1.1\r\nhost: test\r\n\r\n";

#[tokio::test]
async fn requests_are_read_wherever_they_are_cut() {
    let server = Running::quick(long()).await;
    let all = get(&[ANSWER, 1.0]) + &post(&[ANSWER, 2.0]) + NOWHERE + &post(&[ANSWER, 3.0]);
    for cut in 1..all.len() {
        let mut peer = server.connect().await;
        peer.send(&all[..cut]).await;
        // Somebody is answered meanwhile, so that the pieces are mostly read apart.
        server.served(&mut server.connect().await).await;
        peer.send(&all[cut..]).await;
        for expected in [Some(1.0), Some(2.0), None, Some(3.0)] {
            let answer = peer.answer().await;
            let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
            let score = body["predictions"][1]["score"].as_f64();
            assert_eq!(score, expected, "cut at {cut}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn requests_that_come_byte_by_byte_are_answered() {
    let server = Running::quick(long()).await;
    let mut peer = server.connect().await;
    let all = post(&[ANSWER, 1.0]) + &get(&[ANSWER, 2.0]);
    for byte in all.bytes() {
        peer.send([byte]).await;
    }
    for _ in 0..2 {
        assert_eq!(peer.answer().await.status, 200);
    }
}

#[tokio::test]
async fn thousands_that_come_together_are_answered_in_order() {
    let server = Running::quick(long()).await;
    let peer = server.connect().await;
    let (read, mut write) = peer.stream.into_split();
    let all: String = (0..3000).map(|n| get(&[ANSWER, n as f32])).collect();
    let sent = tokio::spawn(async move {
        write.write_all(all.as_bytes()).await.expect("it is taken");
        write
    });
    let mut peer = Peer::over(tokio::io::join(read, tokio::io::sink()));
    for n in 0..3000 {
        let answer = peer.answer().await;
        let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(body["predictions"][1]["score"], f64::from(n));
    }
    drop(patient(sent).await.expect("all was taken"));
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_504_and_the_last() {
    let mut limits = long();
    limits.deadline = Duration::from_millis(200);
    let server = Running::quick(limits).await;
    let whole = post(&[ANSWER, 1.0]);
    let (part, rest) = whole.split_at(whole.len() - 3);
    let mut peer = server.connect().await;
    // Behind another, and with a part of the body.
    peer.send(get(&[ANSWER]) + part).await;
    assert_eq!(peer.answer().await.status, 200);
    let answer = peer.answer().await;
    let code = (answer.status, &*answer.code());
    assert_eq!(code, (504, "DEADLINE_EXCEEDED"));
    assert_eq!(answer.header("connection"), Some("close"));
    peer.send(rest).await;
    assert!(peer.closed().await.is_empty());
    // The caller's own patience counts as well.
    let part = part.replace("host: test", "host: test\r\nx-request-timeout-ms: 1");
    let answer = server.connect().await.ask(part).await;
    assert_eq!(answer.status, 504);
}

#[tokio::test]
async fn a_body_that_ends_early_is_400() {
    let server = Running::quick(long()).await;
    let whole = post(&[ANSWER, 1.0]);
    let mut peer = server.connect().await;
    peer.send(&whole[..whole.len() - 3]).await;
    server.served(&mut server.connect().await).await;
    peer.stream.shutdown().await.expect("it can be shut down");
    let answer = peer.answer().await;
    assert_eq!((answer.status, &*answer.code()), (400, "INVALID_PARAMETER"));
    assert!(peer.closed().await.is_empty());
}

#[tokio::test]
async fn a_head_that_stops_is_closed_at_its_limit() {
    let mut limits = long();
    limits.head_time = Duration::from_millis(200);
    let server = Running::quick(limits).await;
    let mut peer = server.connect().await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
    peer.send("GET /predict?json=").await;
    assert!(peer.closed().await.is_empty());
}

#[tokio::test]
async fn a_head_that_is_too_long_behind_another_request_is_431() {
    let server = Running::quick(long()).await;
    let mut peer = server.connect().await;
    let long = "x".repeat(66_000);
    let head = format!("GET /predict?json=[0] HTTP/1.1\r\nhost: test\r\na: {long}\r\n\r\n");
    peer.send(get(&[ANSWER]) + &head).await;
    assert_eq!(peer.answer().await.status, 200);
    let answer = peer.answer().await;
    assert_eq!((answer.status, &*answer.code()), (431, "HEADERS_TOO_LARGE"));
}

#[tokio::test]
async fn a_reply_that_is_taken_slowly_comes_whole() {
    let server = Running::quick(long()).await;
    let mut peer = server.connect().await;
    // More than the sockets hold, several times, and a request behind them.
    for _ in 0..4 {
        peer.send(get(&[HUGE, 100_000.0])).await;
    }
    peer.send(get(&[ANSWER, 7.0])).await;
    server.served(&mut server.connect().await).await;
    for _ in 0..4 {
        let answer = peer.answer().await;
        let body: serde_json::Value = serde_json::from_str(&answer.body).expect("it is whole");
        assert_eq!(body["predictions"].as_array().map(Vec::len), Some(100_000));
    }
    assert_eq!(peer.answer().await.status, 200);
}

#[tokio::test]
async fn a_connection_of_both_kinds_ends_with_the_server() {
    let mut server = Running::quick(long()).await;
    let mut quiet = server.connect().await;
    assert_eq!(quiet.ask(get(&[ANSWER])).await.status, 200);
    let mut other = server.connect().await;
    assert_eq!(other.ask(get(&[ANSWER])).await.status, 200);
    assert_eq!(other.ask(NOWHERE).await.status, 404);
    let mut begun = server.connect().await;
    let whole = post(&[ANSWER]);
    assert_eq!(begun.ask(get(&[ANSWER])).await.status, 200);
    begun.send(&whole[..whole.len() - 3]).await;
    server.served_by_all().await;
    server.stop();
    assert!(quiet.closed().await.is_empty());
    assert!(other.closed().await.is_empty());
    // What had begun is answered, and says that it is the last.
    let answer = begun.ask(&whole[whole.len() - 3..]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(begun.closed().await.is_empty());
    server.end().await;
}
