//! More than the server bears: what is too much is turned away at once, what is taken is quick.

use std::time::{Duration, Instant};

use crate::common::*;

/// One place and one that waits, for as long as it takes.
fn narrow() -> seldon_runtime::Limits {
    let mut limits = long();
    limits.blocking_in_flight = 1;
    limits.queue_per_place = 1;
    limits.queue_time = Duration::from_secs(60);
    limits
}

#[tokio::test]
async fn ten_times_the_capacity_is_shed_with_a_hint() {
    let server = Running::slow(narrow()).await;
    let mut peers = Vec::new();
    for _ in 0..20 {
        let mut peer = server.connect().await;
        peer.send(get(&[SLEEP, 500.0])).await;
        peers.push(peer);
    }
    let begun = Instant::now();
    let mut shed = 0;
    for peer in &mut peers {
        let answer = peer.answer().await;
        if answer.status == 503 {
            shed += 1;
            assert_eq!(answer.code(), "OVERLOADED");
            assert_eq!(answer.header("retry-after"), Some("1"));
        } else {
            assert_eq!(answer.status, 200);
        }
    }
    assert_eq!(shed, 18);
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test]
async fn over_grpc_it_is_resource_exhausted_with_a_hint() {
    use tonic_types::StatusExt;
    let mut limits = narrow();
    limits.queue_per_place = 0;
    let server = Running::slow(limits).await;
    let channel = Channel::to(server.address).await;
    let first = channel.classify(&[], &[SLEEP, 300.0]);
    let second = channel.classify(&[], &[SLEEP, 300.0]);
    let (first, second) = tokio::join!(first, second);
    let (first, second) = (first.expect("an answer"), second.expect("an answer"));
    let refused = if first.status() == 0 { second } else { first };
    assert_eq!(refused.status(), 8);
    assert_eq!(refused.reason(), "OVERLOADED");
    let status = tonic::Status::from_header_map(&refused.headers).expect("a status");
    assert!(status.get_details_retry_info().is_some());
}

#[tokio::test]
async fn a_wait_in_the_queue_ends_at_its_limit() {
    let mut limits = narrow();
    limits.queue_time = Duration::from_millis(50);
    let server = Running::slow(limits).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    first.send(get(&[SLEEP, 1000.0])).await;
    let begun = Instant::now();
    // Whichever is first in, the other one waits in vain.
    second.send(get(&[SLEEP, 1000.0])).await;
    let (first, second) = tokio::join!(first.answer(), second.answer());
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 503]);
    assert!(
        begun.elapsed() < Duration::from_millis(1900),
        "one waited for the other"
    );
}

#[tokio::test]
async fn who_left_is_not_computed_and_holds_no_place() {
    let server = Running::slow(narrow()).await;
    let mut running = server.connect().await;
    running.send(get(&[SLEEP, 300.0])).await;
    // A hundred callers come and go while the only place is taken.
    for _ in 0..100 {
        let mut peer = server.connect().await;
        peer.send(get(&[SLEEP, 1000.0])).await;
        server.served(&mut server.connect().await).await;
        drop(peer);
    }
    // Had one of them been computed, or were it still queued, this would take a second or fail.
    let begun = Instant::now();
    assert_eq!(running.answer().await.status, 200);
    let mut last = server.connect().await;
    while last.ask(get(&[ANSWER])).await.status == 503 {
        tokio::task::yield_now().await;
    }
    assert!(begun.elapsed() < Duration::from_millis(900));
}

#[tokio::test]
async fn a_stalled_body_holds_a_place_no_longer_than_its_deadline() {
    let mut limits = long();
    limits.in_flight = 1;
    limits.queue_per_place = 0;
    limits.deadline = Duration::from_millis(100);
    let server = Running::quick(limits).await;
    let mut stalled = server.connect().await;
    stalled
        .send("POST /predict HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n")
        .await;
    stalled.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    let mut peer = server.connect().await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 503);
    assert_eq!(stalled.answer().await.status, 504);
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
}

#[tokio::test]
async fn a_caller_that_leaves_frees_its_place() {
    let mut limits = long();
    limits.in_flight = 1;
    limits.queue_per_place = 0;
    let server = Running::quick(limits).await;
    let mut stalled = server.connect().await;
    stalled
        .send("POST /predict HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n")
        .await;
    stalled.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    drop(stalled);
    let begun = Instant::now();
    let mut peer = server.connect().await;
    while peer.ask(get(&[ANSWER])).await.status == 503 {
        tokio::task::yield_now().await;
    }
    assert!(begun.elapsed() < Duration::from_millis(100));
}

#[tokio::test]
async fn a_connection_too_many_is_told_so() {
    let mut limits = long();
    limits.connections = 1;
    let server = Running::quick(limits).await;
    let mut first = server.connect().await;
    assert_eq!(first.ask(get(&[ANSWER])).await.status, 200);
    let mut second = server.connect().await;
    let answer = second.ask(get(&[ANSWER])).await;
    assert_eq!((answer.status, &*answer.code()), (503, "OVERLOADED"));
    assert!(second.closed().await.is_empty());
    let channel = Channel::to(server.address).await;
    if let Ok(called) = channel.classify(&[], &[ANSWER]).await {
        assert_eq!(called.status(), 8);
    }
    assert_eq!(first.ask(get(&[ANSWER])).await.status, 200);
}

#[tokio::test]
async fn a_thousand_panics_cost_nobody_anything() {
    let server = Running::quick(long()).await;
    let mut peer = server.connect().await;
    let channel = Channel::to(server.address).await;
    std::panic::set_hook(Box::new(|_| {}));
    for n in 0..1000 {
        if n % 2 == 0 {
            let answer = peer.ask(get(&[PANIC])).await;
            assert_eq!((answer.status, &*answer.code()), (500, "MODEL_PANICKED"));
            assert!(!answer.body.contains("secret"));
        } else {
            let called = channel.classify(&[], &[PANIC]).await.expect("an answer");
            assert_eq!((called.status(), &*called.reason()), (13, "MODEL_PANICKED"));
        }
        assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
    }
    drop(std::panic::take_hook());
}
