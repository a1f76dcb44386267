//! How a server ends.

use std::time::{Duration, Instant};

use seldon_runtime::{DefaultCustomPredictRequest, Error, Predict, Prediction, Result, Server};

use crate::common::*;

#[tokio::test]
async fn silent_peers_do_not_keep_it() {
    let mut limits = long();
    limits.drain = Duration::from_secs(60);
    let server = Running::quick(limits).await;
    let _silent = silent_peers(server.address).await;
    server.end().await;
}

#[tokio::test]
async fn the_drain_limit_holds_whatever_is_in_flight() {
    let mut limits = long();
    limits.drain = Duration::from_millis(100);
    limits.deadline = Duration::from_secs(60);
    let server = Running::quick(limits).await;
    let mut peer = server.connect().await;
    peer.send(
        "POST /predict HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n",
    )
    .await;
    // The request is in flight once it is asked to go on.
    peer.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    server.end().await;
    assert!(peer.closed().await.is_empty());
}

#[tokio::test]
async fn a_request_in_flight_is_answered() {
    let mut server = Running::slow(long()).await;
    let mut peer = server.connect().await;
    let channel = Channel::to(server.address).await;
    peer.send(
        "POST /predict HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n",
    )
    .await;
    peer.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    let call = tokio::spawn(async move {
        let called = channel.classify(&[], &[SLEEP, 200.0]).await;
        (called.expect("a reply").status(), channel)
    });
    server.served(&mut server.connect().await).await;
    server.stop();
    // Nothing is accepted any more; that is how the end is seen to have begun.
    while tokio::net::TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let answer = peer.ask("[1]").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(peer.closed().await.is_empty());
    let (status, channel) = patient(call).await.expect("no panic");
    assert_eq!(status, 0);
    let _ = patient(channel.connection).await;
    server.end().await;
}

#[tokio::test]
async fn a_lame_duck_serves_and_sends_away() {
    let mut limits = long();
    limits.lame_duck = Duration::from_secs(3600);
    let mut server = Running::quick(limits).await;
    let mut before = server.connect().await;
    assert_eq!(before.ask(get(&[ANSWER])).await.header("connection"), None);
    let channel = Channel::to(server.address).await;
    channel.classify(&[], &[ANSWER]).await.expect("a reply");
    server.stop();
    // The connection from before is told to go elsewhere, in good order.
    patient(channel.connection)
        .await
        .expect("no panic")
        .expect("closed in good order");
    let answer = before.ask(get(&[ANSWER])).await;
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    assert!(before.closed().await.is_empty());
    // One that comes now is served.
    let mut after = server.connect().await;
    let answer = after.ask(get(&[ANSWER])).await;
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    let channel = Channel::to(server.address).await;
    let called = channel.classify(&[], &[ANSWER]).await.expect("a reply");
    assert_eq!(called.status(), 0);
    server.ended.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_it_ends_under_load() {
    let mut limits = long();
    limits.lame_duck = Duration::from_millis(200);
    let mut server = Running::quick(limits).await;
    let address = server.address;
    let client = |_| {
        tokio::spawn(async move {
            let mut answered = 0;
            // A client as there are many: it keeps its connection until it is told not to, and
            // asks again until nobody listens any more.
            while let Ok(stream) = tokio::net::TcpStream::connect(address).await {
                let mut peer = Peer::of(stream);
                loop {
                    let answer = peer.ask(get(&[ANSWER])).await;
                    assert_eq!(answer.status, 200);
                    answered += 1;
                    if answer.header("connection") == Some("close") {
                        break;
                    }
                }
                assert!(peer.closed().await.is_empty());
                // A client that was sent away looks elsewhere.
                if answered > 100 {
                    break;
                }
            }
            answered
        })
    };
    let clients: Vec<_> = (0..16).map(client).collect();
    server.served(&mut server.connect().await).await;
    let begun = Instant::now();
    server.stop();
    for client in clients {
        assert!(patient(client).await.expect("no request failed") > 0);
    }
    server.end().await;
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let server = Running::quick(long()).await;
    let taken = Server::new().bind(server.address).await;
    let error = taken.err().expect("it is taken");
    assert_eq!(
        error.detail(),
        format!("cannot listen on {}", server.address)
    );
    assert!(error.cause().is_some());
}

#[tokio::test]
async fn all_is_bound_before_anything_is_served() {
    let taken = Running::quick(long()).await;
    let server = || Server::new().limits(long()).mount(Quick {});
    // An address of its own, so that nobody else is given the port.
    let free = std::net::TcpListener::bind("127.83.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port");
    let apart = server().bind_apart(free, taken.address).await;
    let bound = server()
        .bind(free)
        .await
        .expect("the failure has left it free");
    let admin = bound.administered(taken.address).await;
    for refused in [apart.err(), admin.err()] {
        let error = refused.expect("one of its addresses is taken");
        assert_eq!(
            error.detail(),
            format!("cannot listen on {}", taken.address)
        );
        let reached = tokio::net::TcpStream::connect(free).await;
        assert!(reached.is_err(), "something was left listening");
    }
}

/// A model that needs a file to be warm.
#[seldon_macros::predictor(crate = ::seldon_runtime)]
#[derive(Default)]
struct Cold {
    #[seldon(skip)]
    warm: std::sync::atomic::AtomicBool,
    #[seldon(skip)]
    fails: bool,
}

impl Predict for Cold {
    fn warm_up(&self) -> Result<()> {
        if self.fails {
            return Err(Error::failed("the table is empty"));
        }
        self.warm.store(true, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    fn predict(&self, _: &DefaultCustomPredictRequest) -> Result<Prediction> {
        let warm = self.warm.load(std::sync::atomic::Ordering::Relaxed);
        Ok(Prediction::scores([f64::from(u8::from(warm))]))
    }
}

#[tokio::test]
async fn a_model_is_warm_before_it_is_asked() {
    let server = Running::start(Server::new().limits(long()).mount(Cold::default())).await;
    let answer = server.connect().await.ask(get(&[ANSWER])).await;
    assert!(answer.body.contains(r#""score":1.0"#), "{answer:?}");
}

#[tokio::test]
async fn a_model_that_does_not_warm_up_is_not_served() {
    let cold = Cold {
        fails: true,
        ..Cold::default()
    };
    let refused = Server::new().mount(cold).bind("127.0.0.1:0").await;
    let error = refused.err().expect("it fails to warm up");
    assert!(error.to_string().contains("the table is empty"), "{error}");
}
