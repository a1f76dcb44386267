//! More than the server bears: what is too much is turned away at once, what is taken is
//! answered, and nobody else notices.

use std::time::{Duration, Instant};

use seldon_runtime::Server;
use tokio::task::JoinSet;

use crate::common::*;
use crate::process::{LIVE, Process, READY, Role};

/// One place and one that waits, for as long as it takes.
fn narrow() -> seldon_runtime::Limits {
    let mut limits = long();
    limits.blocking_in_flight = 1;
    limits.queue_per_place = 1;
    limits.queue_time = Duration::from_secs(3600);
    limits.deadline = Duration::from_secs(3600);
    limits
}

#[tokio::test]
async fn ten_times_the_capacity_is_shed_at_once_with_a_hint() {
    let server = Running::slow(narrow()).await;
    let hold = Hold::new();
    let mut answers = JoinSet::new();
    for _ in 0..20 {
        let (mut peer, request) = (server.connect().await, get(&hold.values()));
        answers.spawn(async move { (peer.ask(request).await, peer) });
    }
    // At once: those that were taken are in the model as long as this test has the latch.
    for _ in 0..18 {
        let (answer, mut peer) = patient(answers.join_next())
            .await
            .expect("18 are shed")
            .expect("no panic");
        assert_eq!((answer.status, &*answer.code()), (503, "OVERLOADED"));
        assert_eq!(answer.header("retry-after"), Some("1"));
        // It was told in good order, and may ask again.
        assert_eq!(peer.ask(LIVE).await.status, 200);
    }
    assert_eq!(server.connect().await.ask(READY).await.status, 200);
    drop(hold);
    while let Some(answered) = patient(answers.join_next()).await {
        assert_eq!(answered.expect("no panic").0.status, 200);
    }
}

#[tokio::test]
async fn over_grpc_it_is_resource_exhausted_with_a_hint() {
    use tonic_types::StatusExt;
    let mut limits = narrow();
    limits.queue_per_place = 0;
    let server = Running::slow(limits).await;
    let channel = Channel::to(server.address).await;
    let hold = Hold::new();
    let values = hold.values();
    let first = channel.classify(&[], &values);
    let second = async {
        hold.begun().await;
        let refused = channel.classify(&[], &[ANSWER]).await;
        drop(hold);
        refused
    };
    let (first, refused) = tokio::join!(first, second);
    assert_eq!(first.expect("a reply").status(), 0);
    let refused = refused.expect("an answer");
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
    let hold = Hold::new();
    let mut first = server.connect().await;
    first.send(get(&hold.values())).await;
    hold.begun().await;
    let waited = server.connect().await.ask(get(&[ANSWER])).await;
    assert_eq!(waited.status, 503);
    drop(hold);
    assert_eq!(first.answer().await.status, 200);
}

#[tokio::test]
async fn what_is_taken_at_ten_times_the_capacity_is_answered() {
    const CLIENTS: usize = 40;
    let mut limits = long();
    limits.blocking_in_flight = 2;
    limits.queue_per_place = 1;
    let server = Running::slow(limits).await;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let mut peer = server.connect().await;
        clients.spawn(async move {
            let (mut taken, mut shed) = (Vec::new(), Vec::new());
            for _ in 0..50 {
                let begun = Instant::now();
                let answer = peer.ask(get(&[SLEEP, 5.0])).await;
                match answer.status {
                    200 => taken.push(begun.elapsed()),
                    503 => shed.push(begun.elapsed()),
                    _ => panic!("{answer:?}"),
                }
            }
            (taken, shed)
        });
    }
    let mut probe = server.connect().await;
    let mut probes = Vec::new();
    let (mut taken, mut shed) = (Vec::new(), Vec::new());
    while !clients.is_empty() {
        let begun = Instant::now();
        assert_eq!(probe.ask(READY).await.status, 200);
        probes.push(begun.elapsed());
        while let Some(done) = clients.try_join_next() {
            let (mut these, mut those) = done.expect("no panic");
            taken.append(&mut these);
            shed.append(&mut those);
        }
    }
    assert_eq!(taken.len() + shed.len(), CLIENTS * 50);
    assert!(!taken.is_empty() && !shed.is_empty());
    for (name, mut times) in [("taken", taken), ("shed", shed), ("probes", probes)] {
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let (count, median, late) = (times.len(), at(0.5), at(0.99));
        println!("{count} {name}: half within {median:?}, 99 % within {late:?}");
    }
}

#[tokio::test]
async fn a_slow_model_is_not_noticed_beside_a_quick_one() {
    let server = Server::new()
        .limits(narrow())
        .mount(Quick {})
        .recommender(Picks {}, seldon_runtime::AllItems);
    let server = Running::start(server).await;
    let hold = Hold::new();
    let [what, which] = hold.values();
    let pick = format!(
        "GET /recommend?user_id=1&limit=1&recent_interactions={what},{which} HTTP/1.1\r\nhost: test\r\n\r\n"
    );
    // One in the model, one in its queue, and eight too many.
    let mut answers = JoinSet::new();
    for _ in 0..10 {
        let (mut peer, pick) = (server.connect().await, pick.clone());
        answers.spawn(async move { peer.ask(pick).await.status });
    }
    for _ in 0..8 {
        let shed = patient(answers.join_next()).await.expect("eight are shed");
        assert_eq!(shed.expect("no panic"), 503);
    }
    let mut peer = server.connect().await;
    let channel = Channel::to(server.address).await;
    for _ in 0..100 {
        assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
        assert_eq!(peer.ask(READY).await.status, 200);
        let called = channel.classify(&[], &[ANSWER]).await;
        assert_eq!(called.expect("a reply").status(), 0);
    }
    drop(hold);
    while let Some(answered) = patient(answers.join_next()).await {
        assert_eq!(answered.expect("no panic"), 200);
    }
}

#[tokio::test]
async fn who_left_is_not_computed_and_holds_no_place() {
    let server = Running::slow(narrow()).await;
    let hold = Hold::new();
    let mut running = server.connect().await;
    running.send(get(&hold.values())).await;
    hold.begun().await;
    // A hundred callers come and go while the only place is taken. What they ask for would take
    // longer than this test has.
    for _ in 0..100 {
        let mut peer = server.connect().await;
        peer.send(get(&[SLEEP, 60_000.0])).await;
        server.served(&mut server.connect().await).await;
        drop(peer);
    }
    server.served_by_all().await;
    drop(hold);
    assert_eq!(running.answer().await.status, 200);
    let mut last = server.connect().await;
    patient(async { while last.ask(get(&[ANSWER])).await.status == 503 {} }).await;
}

#[tokio::test]
async fn a_call_that_is_cancelled_in_the_queue_is_not_computed() {
    let server = Running::slow(narrow()).await;
    let channel = Channel::to(server.address).await;
    let hold = Hold::new();
    let values = hold.values();
    let mut running = std::pin::pin!(channel.classify(&[], &values));
    assert!(futures_util::poll!(running.as_mut()).is_pending());
    hold.begun().await;
    for _ in 0..20 {
        let asked = &[SLEEP, 60_000.0];
        let mut call = Box::pin(channel.classify(&[], asked));
        assert!(futures_util::poll!(call.as_mut()).is_pending());
        // It has reached the server before this is answered.
        nothing(&channel).await;
        drop(call);
    }
    // The last one's end has reached it by the first answer, and was acted upon by the second.
    nothing(&channel).await;
    nothing(&channel).await;
    drop(hold);
    assert_eq!(running.await.expect("a reply").status(), 0);
    patient(async {
        while channel
            .classify(&[], &[ANSWER])
            .await
            .expect("an answer")
            .status()
            != 0
        {}
    })
    .await;
}

/// A call of something that is not there.
async fn nothing(channel: &Channel) {
    let called = channel.call("/a.B/C", &[], bytes::Bytes::new()).await;
    assert_eq!(called.expect("an answer").status(), 12);
}

#[tokio::test]
async fn a_stalled_body_holds_a_place_no_longer_than_its_deadline() {
    let mut limits = long();
    limits.in_flight = 1;
    limits.queue_per_place = 0;
    limits.deadline = Duration::from_millis(500);
    let server = Running::quick(limits).await;
    let mut stalled = server.connect().await;
    stalled.send(STALLED).await;
    stalled.expect(CONTINUE).await;
    assert_eq!(stalled.answer().await.status, 504);
    let mut peer = server.connect().await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
}

#[tokio::test]
async fn a_caller_that_leaves_frees_its_place() {
    let mut limits = long();
    limits.in_flight = 1;
    limits.queue_per_place = 0;
    limits.deadline = Duration::from_secs(3600);
    let server = Running::quick(limits).await;
    let mut peer = server.connect().await;
    let mut worst = Duration::ZERO;
    for _ in 0..20 {
        let mut stalled = server.connect().await;
        stalled.send(STALLED).await;
        stalled.expect(CONTINUE).await;
        assert_eq!(peer.ask(get(&[ANSWER])).await.status, 503);
        drop(stalled);
        let begun = Instant::now();
        patient(async { while peer.ask(get(&[ANSWER])).await.status == 503 {} }).await;
        worst = worst.max(begun.elapsed());
    }
    println!("free again within {worst:?}");
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
async fn a_probe_is_answered_though_no_connection_is_left() {
    let mut limits = long();
    limits.connections = 1;
    let server = Running::quick(limits).await;
    let mut first = server.connect().await;
    assert_eq!(first.ask(get(&[ANSWER])).await.status, 200);
    for probe in [LIVE, READY] {
        assert_eq!(server.connect().await.ask(probe).await.status, 200);
    }
    assert_eq!(server.connect().await.ask(get(&[ANSWER])).await.status, 503);
}

#[tokio::test]
async fn more_peers_are_served_than_a_process_has_descriptors_at_first() {
    let role = Role {
        blocking: false,
        logs: false,
        descriptors: Some(64),
        limits: long(),
    };
    let process = Process::start(&role, std::process::Stdio::null()).await;
    let mut peers = Vec::new();
    for _ in 0..200 {
        let mut peer = Peer::to(process.address).await;
        assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
        peers.push(peer);
    }
}

#[tokio::test]
async fn a_thousand_panics_among_ten_thousand_requests_cost_nobody_anything() {
    expect_panics();
    const CONNECTIONS: usize = 10;
    let mut limits = long();
    // A place that is not given back is missed.
    limits.in_flight = CONNECTIONS;
    limits.blocking_in_flight = CONNECTIONS;
    limits.queue_per_place = 0;
    for server in [
        Running::quick(limits.clone()).await,
        Running::slow(limits).await,
    ] {
        let mut clients = JoinSet::new();
        for client in 0..CONNECTIONS {
            let (mut peer, channel) = (server.connect().await, Channel::to(server.address).await);
            clients.spawn(async move {
                for n in 0..500 {
                    let panics = n % 10 == client;
                    let values = if panics { [PANIC] } else { [ANSWER] };
                    if n % 2 == 0 {
                        let answer = peer.ask(get(&values)).await;
                        assert_eq!(answer.status, if panics { 500 } else { 200 });
                        assert!(!answer.body.contains("secret"));
                        assert!(!panics || answer.code() == "MODEL_PANICKED");
                    } else {
                        // No connection is cut, so that no call is an error of the connection.
                        let called = channel.classify(&[], &values).await.expect("an answer");
                        assert_eq!(called.status(), if panics { 13 } else { 0 });
                        assert!(!panics || called.reason() == "MODEL_PANICKED");
                    }
                }
            });
        }
        while let Some(done) = clients.join_next().await {
            done.expect("each was answered");
        }
    }
}
