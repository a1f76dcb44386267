//! Peers that have stopped, or never began: each is closed at its limit.

use std::time::Duration;

use crate::common::*;

/// Limits of which only those that `set` shortens can be met: what closes is what is tested.
async fn server(set: impl FnOnce(&mut seldon_runtime::Limits)) -> Running {
    let mut limits = long();
    set(&mut limits);
    Running::quick(limits).await
}

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_silent_peer_is_closed() {
    let server = server(|limits| limits.head_time = SHORT).await;
    assert!(server.connect().await.closed().await.is_empty());
}

#[tokio::test]
async fn half_a_preface_is_closed() {
    let server = server(|limits| limits.head_time = SHORT).await;
    let mut peer = server.connect().await;
    peer.send("PRI * HTTP/2.0\r\n").await;
    assert!(peer.closed().await.is_empty());
}

#[tokio::test]
async fn half_a_request_line_is_closed() {
    let server = server(|limits| limits.head_time = SHORT).await;
    let mut peer = server.connect().await;
    peer.send("GET /pred").await;
    assert!(peer.closed().await.is_empty());
}

#[tokio::test]
async fn half_a_head_is_closed() {
    let server = server(|limits| limits.head_time = SHORT).await;
    let mut peer = server.connect().await;
    peer.send("GET /predict HTTP/1.1\r\nhost: te").await;
    assert!(peer.closed().await.is_empty());
}

#[tokio::test]
async fn half_a_head_after_a_request_is_closed() {
    let server = server(|limits| limits.head_time = SHORT).await;
    let mut peer = server.connect().await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
    peer.send("GET /predict HTTP/1.1\r\nhost: te").await;
    assert!(peer.closed().await.is_empty());
}

#[tokio::test]
async fn a_head_that_trickles_in_is_closed() {
    let server = server(|limits| limits.head_time = SHORT).await;
    let mut peer = server.connect().await;
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    // The head would take five seconds; each byte of it comes well within the limit.
    let trickle = async {
        for byte in get(&[ANSWER]).repeat(10).as_bytes().chunks(1) {
            pace.tick().await;
            use tokio::io::AsyncWriteExt;
            if peer.stream.write_all(byte).await.is_err() {
                return true;
            }
            let mut unread = [0];
            match peer.stream.try_read(&mut unread) {
                Ok(0) => return true,
                Ok(_) => return false,
                Err(_) => {}
            }
        }
        false
    };
    // Bare heads are short: one that is answered in time is none that trickles.
    assert!(patient(trickle).await, "the head was answered");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = server(|limits| limits.idle = SHORT).await;
    let mut peer = server.connect().await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
    assert!(peer.closed().await.is_empty());
}

#[tokio::test]
async fn an_idle_connection_outlives_the_time_of_a_head() {
    let server = server(|limits| limits.head_time = SHORT).await;
    let mut peer = server.connect().await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
    // The pause is what is tested: three times what a head may take.
    tokio::time::sleep(3 * SHORT).await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
}

#[tokio::test]
async fn an_idle_http2_connection_gets_a_goaway() {
    let server = server(|limits| limits.idle = SHORT).await;
    let channel = Channel::to(server.address).await;
    let called = channel.classify(&[], &[ANSWER]).await.expect("a reply");
    assert_eq!(called.status(), 0);
    patient(channel.connection)
        .await
        .expect("no panic")
        .expect("it is closed in good order");
}

#[tokio::test]
async fn an_http2_peer_that_answers_no_ping_is_closed() {
    let server = server(|limits| {
        limits.ping_every = SHORT;
        limits.ping_answer = SHORT;
    })
    .await;
    let mut peer = server.connect().await;
    peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    // An empty SETTINGS frame: from here on the peer is one of HTTP/2.
    peer.send([0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    assert!(!peer.closed().await.is_empty());
}

#[tokio::test]
async fn half_an_http2_frame_is_closed() {
    let server = server(|limits| {
        limits.ping_every = SHORT;
        limits.ping_answer = SHORT;
    })
    .await;
    let mut peer = server.connect().await;
    peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    peer.send([0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]).await;
    peer.closed().await;
}

#[tokio::test]
async fn a_slow_body_is_answered_at_the_deadline() {
    let server = server(|limits| limits.deadline = SHORT).await;
    let mut peer = server.connect().await;
    peer.send("POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\n[1")
        .await;
    let answer = peer.answer().await;
    assert_eq!((answer.status, &*answer.code()), (504, "DEADLINE_EXCEEDED"));
    assert!(peer.closed().await.is_empty());
}

#[tokio::test]
async fn a_slow_message_is_answered_at_the_deadline() {
    let server = server(|limits| limits.deadline = SHORT).await;
    let channel = Channel::to(server.address).await;
    let called = channel
        .stall(&packed(&[ANSWER])[..4])
        .await
        .expect("an answer");
    assert_eq!(
        (called.status(), &*called.reason()),
        (4, "DEADLINE_EXCEEDED")
    );
}
