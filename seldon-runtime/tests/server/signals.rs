//! A process that is told to end.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::common::*;
use crate::process::*;

/// Limits with this time as a lame duck.
fn lame_duck(time: Duration) -> seldon_runtime::Limits {
    let mut limits = long();
    limits.lame_duck = time;
    limits
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn either_signal_ends_it_well_with_silent_peers_connected() {
    for signal in ["TERM", "INT"] {
        let mut process = Process::quick(lame_duck(Duration::ZERO)).await;
        let _silent = Peer::to(process.address).await;
        process.signal(signal).await;
        assert_eq!(process.code().await, Some(0), "{signal}");
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut process = Process::quick(lame_duck(HOUR)).await;
    process.signal("TERM").await;
    // The end has begun when it is not ready any more.
    patient(async { while Peer::to(process.address).await.ask(READY).await.status == 200 {} })
        .await;
    process.signal("TERM").await;
    assert_eq!(process.code().await, Some(1));
}

#[tokio::test]
async fn an_interrupt_from_a_terminal_skips_the_lame_duck() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("it is ours");
    unlockpt(&terminal).expect("it is ours");
    let name = ptsname(&terminal, Vec::new()).expect("it has a name");
    let name = name.into_string().expect("it is text");
    let stdin = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(name);
    let role = Role {
        blocking: false,
        logs: false,
        descriptors: None,
        limits: lame_duck(HOUR),
    };
    let mut process = Process::start(&role, stdin.expect("it can be opened").into()).await;
    process.signal("INT").await;
    assert_eq!(process.code().await, Some(0));
}

#[tokio::test]
async fn a_model_that_never_returns_does_not_keep_it() {
    for blocking in [false, true] {
        let mut limits = lame_duck(Duration::ZERO);
        limits.drain = Duration::from_millis(100);
        let logs = false;
        let role = Role {
            blocking,
            logs,
            descriptors: None,
            limits,
        };
        let mut process = Process::start(&role, Stdio::null()).await;
        let mut peer = Peer::to(process.address).await;
        let cpu = process.cpu();
        peer.send(get(&[SPIN, 3_600_000.0])).await;
        // It is in the model once it computes: nothing else there takes so long.
        patient(async {
            while process.cpu() - cpu < Duration::from_millis(50) {
                tokio::task::yield_now().await
            }
        })
        .await;
        process.signal("TERM").await;
        assert_eq!(process.code().await, Some(0));
    }
}

/// Twenty runs, each with clients that keep asking and a hundred peers that say nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_in_twenty_ends_under_load() {
    let mut answered = 0;
    let mut longest = Duration::ZERO;
    for _ in 0..5 {
        let mut runs = JoinSet::new();
        for _ in 0..4 {
            runs.spawn(end_under_load());
        }
        while let Some(run) = runs.join_next().await {
            let (count, took) = run.expect("no request failed");
            answered += count;
            longest = longest.max(took);
        }
    }
    println!("20 ends, {answered} requests answered, 0 failed, the longest end took {longest:?}");
}

/// How many requests were answered, and how long the end took.
async fn end_under_load() -> (usize, Duration) {
    let mut process = Process::quick(lame_duck(Duration::from_secs(1))).await;
    let address = process.address;
    let _silent = silent_peers(address).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        clients.spawn(rest_client(address, Arc::clone(&answered)));
        clients.spawn(grpc_client(address, Arc::clone(&answered)));
    }
    let count = || answered.load(Ordering::Relaxed);
    patient(async {
        while count() < 200 {
            tokio::task::yield_now().await
        }
    })
    .await;
    let begun = Instant::now();
    process.signal("TERM").await;
    while let Some(client) = clients.join_next().await {
        client.expect("no request failed");
    }
    assert_eq!(process.code().await, Some(0));
    (count(), begun.elapsed())
}

/// Asks on one connection until it is sent away, then looks whether it may come again.
async fn rest_client(address: SocketAddr, answered: Arc<AtomicUsize>) {
    while may_come(address).await {
        let Ok(stream) = TcpStream::connect(address).await else {
            break;
        };
        let mut peer = Peer::of(stream);
        loop {
            let answer = peer.ask(get(&[ANSWER])).await;
            assert_eq!(answer.status, 200);
            answered.fetch_add(1, Ordering::Relaxed);
            if answer.header("connection") == Some("close") {
                break;
            }
        }
        assert!(peer.closed().await.is_empty());
    }
}

/// The same over gRPC.
async fn grpc_client(address: SocketAddr, answered: Arc<AtomicUsize>) {
    while may_come(address).await {
        let Ok(stream) = TcpStream::connect(address).await else {
            break;
        };
        let channel = Channel::over(stream).await;
        loop {
            match channel.classify(&[], &[ANSWER]).await {
                Ok(called) => {
                    assert_eq!(called.status(), 0);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                // What was not taken any more: a client sends it elsewhere.
                Err(error) => {
                    assert!(
                        error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR),
                        "{error}"
                    );
                    break;
                }
            }
        }
    }
}

/// What a balancer does before it sends anybody.
async fn may_come(address: SocketAddr) -> bool {
    match TcpStream::connect(address).await {
        Ok(stream) => Peer::of(stream).ask(READY).await.status == 200,
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_caller_that_leaves_is_no_failure_in_the_log() {
    let mut limits = lame_duck(Duration::ZERO);
    limits.drain = Duration::from_millis(100);
    // Nothing to warn of, however few descriptors there are.
    limits.connections = 100;
    let role = Role {
        blocking: true,
        logs: true,
        descriptors: None,
        limits,
    };
    let mut process = Process::start(&role, Stdio::null()).await;
    let channel = Channel::to(process.address).await;
    for _ in 0..10 {
        let mut peer = Peer::to(process.address).await;
        peer.send(get(&[SLEEP, 20.0])).await;
        drop(peer);
        let mut call = Box::pin(channel.classify(&[], &[SLEEP, 20.0]));
        assert!(futures_util::poll!(call.as_mut()).is_pending());
    }
    let mut peer = Peer::to(process.address).await;
    patient(async { while peer.ask(get(&[ANSWER])).await.status != 200 {} }).await;
    assert_eq!(peer.ask(get(&[FAIL])).await.status, 500);
    process.signal("TERM").await;
    assert_eq!(process.code().await, Some(0));
    let log = process.log().await;
    let failures: Vec<&str> = (log.lines())
        .filter(|line| line.contains("\"WARN\"") || line.contains("\"ERROR\""))
        .filter(|line| !line.contains("the drain limit has passed"))
        .collect();
    // The one that is a failure shows that failures would be seen.
    assert_eq!(failures.len(), 1, "{failures:#?}");
    assert!(failures[0].contains("MODEL_FAILED"), "{failures:#?}");
}
