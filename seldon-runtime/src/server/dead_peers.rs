//! Peers that have stopped, or never began, at the limits that a server has unless told otherwise:
//! the clock is the test's.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::stream::repeat;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, pause, sleep, timeout};

use super::Server;
use super::connection::{Site, serve};
use super::life::{Life, Phase};
use super::limits::Limits;
use super::sniff::PREFACE;

/// An empty SETTINGS frame.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// What a peer may take beyond its limit: the last frames, and the reading of its last answer.
const FAREWELLS: Duration = Duration::from_secs(5);

/// More than a system keeps for a peer.
const LONG: usize = 64 << 20;

/// One connection: the peer's end, and the task that serves it.
struct Connection {
    peer: TcpStream,
    life: Life,
    served: JoinHandle<()>,
}

impl Connection {
    async fn open(limits: Limits) -> Self {
        let endless = || Body::from_stream(repeat(Ok::<_, Infallible>(vec![b'a'; 64 << 10])));
        let routes = Router::new()
            .route("/", get(async || "here"))
            .route("/long", get(async || vec![b'a'; LONG]))
            .route("/endless", get(async move || endless()))
            .route("/", post(async |body: Bytes| body));
        let ready = Server::new().limits(limits).routes(routes).ready();
        let ready = ready.expect("nothing is wrong with it");
        ready.guard.life().enter(Phase::Serving);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it has an address");
        let peer = TcpStream::connect(address).await.expect("it listens");
        let (stream, _) = listener.accept().await.expect("a peer has come");
        let site = Arc::new(Site::new(ready.routes(), &ready.guard, None, None));
        let life = ready.guard.life().clone();
        let served = tokio::spawn(serve(stream, site, false));
        Self { peer, life, served }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = self.peer.write_all(bytes.as_ref()).await;
        sent.expect("it can be sent");
    }

    /// Reads until `text` has come.
    async fn read_to(&mut self, text: &str) {
        let mut read = Vec::new();
        while !read.ends_with(text.as_bytes()) {
            let byte = self.peer.read_u8().await;
            read.push(byte.unwrap_or_else(|_| panic!("closed before {text:?}")));
        }
    }

    /// Stops the clock, which from here on jumps to whatever is waited for, and says after how
    /// long the server had enough.
    async fn closed(self) -> Duration {
        self.closed_though(None).await
    }

    /// The same, of a peer that sends one of these each second.
    async fn closed_though(mut self, trickle: impl IntoIterator<Item = u8>) -> Duration {
        pause();
        let begun = Instant::now();
        let trickle = async {
            for byte in trickle {
                sleep(Duration::from_secs(1)).await;
                if self.peer.write_all(&[byte]).await.is_err() {
                    break;
                }
            }
            // The peer itself never closes.
            std::future::pending().await
        };
        tokio::select! {
            served = timeout(Duration::from_secs(24 * 60 * 60), self.served) => {
                served.expect("it is closed within a day").expect("no panic");
            }
            () = trickle => {}
        }
        begun.elapsed()
    }
}

#[track_caller]
fn assert_limit(closed: Duration, limit: Duration) {
    // A little of its time had passed when the clock was stopped.
    let early = limit - limit.min(Duration::from_secs(5));
    assert!(
        (early..=limit + FAREWELLS).contains(&closed),
        "closed after {closed:?}, not after {limit:?}"
    );
}

#[tokio::test]
async fn half_an_opening_is_borne_for_the_time_of_a_head() {
    let limit = Limits::default().head_time;
    for opening in [
        "",
        "PRI * HTTP/2.0\r\n",
        "GET / HT",
        "GET / HTTP/1.1\r\nhost: test\r\na: b",
    ] {
        let mut connection = Connection::open(Limits::default()).await;
        connection.send(opening).await;
        assert_limit(connection.closed().await, limit);
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_byte_a_second_is_borne_for_the_time_of_a_head() {
    let connection = Connection::open(Limits::default()).await;
    let endless = "GET / HTTP/1.1\r\na: "
        .bytes()
        .chain(std::iter::repeat(b'b'));
    let closed = connection.closed_though(endless).await;
    assert_limit(closed, Limits::default().head_time);
}

#[tokio::test]
async fn a_byte_a_second_of_a_preface_is_borne_for_the_time_of_a_head() {
    let connection = Connection::open(Limits::default()).await;
    let closed = connection.closed_though(PREFACE.iter().copied()).await;
    assert_limit(closed, Limits::default().head_time);
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_its_time() {
    let mut connection = Connection::open(Limits::default()).await;
    connection
        .send("GET / HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    connection.read_to("here").await;
    assert_limit(connection.closed().await, Limits::default().idle);
}

#[tokio::test]
async fn an_idle_http2_connection_is_kept_for_its_time() {
    let mut limits = Limits::default();
    // It answers none; that is the next test's.
    limits.ping_every = 2 * limits.idle;
    let mut connection = Connection::open(limits).await;
    connection.send([PREFACE, SETTINGS].concat()).await;
    let begun = connection.peer.read_u8().await;
    begun.expect("it answers with its settings");
    assert_limit(connection.closed().await, Limits::default().idle);
}

#[tokio::test]
async fn a_ping_is_to_be_answered_in_its_time() {
    let limits = Limits::default();
    let limit = limits.ping_every + limits.ping_answer;
    let mut connection = Connection::open(limits).await;
    connection.send([PREFACE, SETTINGS].concat()).await;
    let begun = connection.peer.read_u8().await;
    begun.expect("it answers with its settings");
    assert_limit(connection.closed().await, limit);
}

#[tokio::test]
async fn a_slow_body_is_awaited_until_the_deadline() {
    let mut connection = Connection::open(Limits::default()).await;
    connection
        .send(
            "POST / HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n",
        )
        .await;
    connection.read_to("100 Continue\r\n\r\n").await;
    let closed = connection.closed_though([b'a'; 100]).await;
    assert_limit(closed, Limits::default().deadline);
}

#[tokio::test]
async fn a_reply_that_is_not_taken_is_kept_for_the_time_of_an_idle_connection() {
    let mut connection = Connection::open(Limits::default()).await;
    connection
        .send("GET /endless HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    // Once this is so no more can be written, and the time counts.
    while connection
        .peer
        .peek(&mut [0; 32 << 10])
        .await
        .expect("the reply begins")
        < 32 << 10
    {}
    let limits = Limits::default();
    // What the system still took was taken by the peer.
    let closed = connection.closed().await;
    assert!(
        (limits.idle..2 * limits.idle).contains(&closed),
        "{closed:?}"
    );
}

#[tokio::test]
async fn a_reply_that_an_http2_peer_leaves_no_room_for_is_kept_as_long() {
    let mut limits = Limits::default();
    // As if it answered them.
    limits.ping_every = 10 * limits.idle;
    let mut connection = Connection::open(limits).await;
    // SETTINGS with an initial window of nothing, and `GET /` in the static table's terms.
    let no_window = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
    let get = [0, 0, 3, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x86];
    connection.send([PREFACE, &no_window, &get].concat()).await;
    let begun = connection.peer.read_u8().await;
    begun.expect("it answers with its settings");
    // Then the stream is reset, and the connection is idle.
    assert_limit(connection.closed().await, 2 * Limits::default().idle);
}

#[tokio::test]
async fn a_long_reply_is_taken_to_its_end_though_the_server_drains() {
    let mut connection = Connection::open(Limits::default()).await;
    connection
        .send("GET /long HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    connection.read_to("\r\n\r\n").await;
    connection.life.enter(Phase::Draining);
    // The pause is what is tested: longer than a connection without a request is kept then.
    sleep(Duration::from_secs(2)).await;
    let mut rest = Vec::new();
    let read = connection.peer.read_to_end(&mut rest).await;
    assert_eq!((read.ok(), rest.len()), (Some(LONG), LONG));
    connection.served.await.expect("no panic");
}
