//! HTTP/2 by another's client: whatever is asked over HTTP/1 can be asked over it, many at a time
//! and of any length.

use std::collections::VecDeque;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get as get_by, post as post_by};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{StreamExt, iter, repeat};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use seldon_runtime::Server;
use tokio::sync::mpsc;

use crate::common::*;

/// A client of REST over HTTP/2.
struct Client {
    send: h2::client::SendRequest<Bytes>,
    _connection: tokio::task::JoinHandle<Result<(), h2::Error>>,
}

/// An answer, as far as HTTP/1 has the same.
#[derive(Debug, PartialEq)]
struct Answered {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Client {
    async fn to(server: &Running) -> Self {
        Self::with(server, &mut h2::client::Builder::new()).await
    }

    async fn with(server: &Running, settings: &mut h2::client::Builder) -> Self {
        let stream = tokio::net::TcpStream::connect(server.address).await;
        let stream = stream.expect("it listens");
        let (send, connection) = settings.handshake(stream).await.expect("it speaks HTTP/2");
        Self {
            send,
            _connection: tokio::spawn(connection),
        }
    }

    /// Sends `request` with a body in these pieces, and trailers if there are any.
    async fn ask(
        &self,
        request: http::request::Builder,
        pieces: Vec<Bytes>,
        trailers: Option<HeaderMap>,
    ) -> Result<Response<h2::RecvStream>, h2::Error> {
        let mut send = self.send.clone().ready().await?;
        let request = request.body(()).expect("a request");
        let none = pieces.is_empty() && trailers.is_none();
        let (response, mut stream) = send.send_request(request, none)?;
        let mut pieces = VecDeque::from(pieces);
        while let Some(piece) = pieces.pop_front() {
            // The server may have answered before it read all.
            let _ = stream.send_data(piece, pieces.is_empty() && trailers.is_none());
        }
        if let Some(trailers) = trailers {
            stream.send_trailers(trailers)?;
        }
        response.await
    }

    async fn whole(
        &self,
        request: http::request::Builder,
        pieces: Vec<Bytes>,
    ) -> Result<Answered, h2::Error> {
        let answer = self.ask(request, pieces, None);
        let (head, body) = answer.await?.into_parts();
        let (body, _) = read(body).await?;
        let lasting = (head.headers.iter()).filter(|(name, _)| *name != "date");
        let mut headers: Vec<_> = lasting
            .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
            .collect();
        headers.sort_unstable();
        Ok(Answered {
            status: head.status.as_u16(),
            headers,
            body,
        })
    }
}

async fn read(mut body: h2::RecvStream) -> Result<(Bytes, Option<HeaderMap>), h2::Error> {
    let mut whole = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        whole.extend_from_slice(&data);
        body.flow_control().release_capacity(data.len())?;
    }
    Ok((whole.into(), body.trailers().await?))
}

fn to(method: &str, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("http://test{path}"))
}

/// Bytes that differ from place to place.
fn pattern(length: usize) -> Bytes {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

/// Routes that take and give bodies of any kind.
fn routes() -> Router {
    let pieces =
        || Body::from_stream(iter(0..300).map(|n: usize| Ok::<_, std::io::Error>(pattern(n))));
    Router::new()
        .route(
            "/echo",
            post_by(async |body: Bytes| body).layer(DefaultBodyLimit::disable()),
        )
        .route("/long", get_by(async || pattern(3 << 20)))
        .route("/pieces", get_by(async move || pieces()))
        .route("/through", post_by(async |body: Body| body))
        .route("/nothing", get_by(async || http::StatusCode::NO_CONTENT))
        .route("/first", post_by(async |_: Body| "I have seen enough"))
}

async fn server(body: usize) -> Running {
    let mut limits = long();
    limits.body = body;
    Running::start(
        Server::new()
            .limits(limits)
            .mount(Quick {})
            .routes(routes()),
    )
    .await
}

#[tokio::test]
async fn long_bodies_go_both_ways_through_any_window() {
    let server = server(16 << 20).await;
    for window in [1000, 65_535, 1 << 20] {
        let mut settings = h2::client::Builder::new();
        settings.initial_window_size(window);
        let client = Client::with(&server, &mut settings).await;
        let length = if window < 65_535 { 300_000 } else { 5 << 20 };
        let body = pattern(length);
        for path in ["/echo", "/through"] {
            let pieces = body.chunks(100_000).map(Bytes::copy_from_slice).collect();
            let answer = patient(client.whole(to("POST", path), pieces))
                .await
                .expect("an answer");
            assert_eq!(answer.status, 200);
            assert!(answer.body == body, "{path} with a window of {window}");
        }
    }
}

#[tokio::test]
async fn many_long_bodies_share_a_connection() {
    let server = server(16 << 20).await;
    let client = Client::to(&server).await;
    let asked = (0..20).map(|n| {
        let body = pattern(400_000 + n);
        let pieces = body.chunks(16_000).map(Bytes::copy_from_slice).collect();
        let answer = client.whole(to("POST", "/through"), pieces);
        async move { answer.await.expect("an answer").body == body }
    });
    assert!(patient(join_all(asked)).await.into_iter().all(|same| same));
}

#[tokio::test]
async fn trailers_go_both_ways() {
    let with_trailers = async |body: Body| {
        let said = body.collect().await.expect("a body").trailers().cloned();
        let trailers = async move { said.map(Ok) };
        Body::new(http_body_util::Full::new(Bytes::from("seen")).with_trailers(trailers))
    };
    let routes = Router::new().route("/", post_by(with_trailers));
    let server = Running::start(Server::new().limits(long()).routes(routes)).await;
    let client = Client::to(&server).await;
    let mut trailers = HeaderMap::new();
    trailers.insert("checksum", "abc".parse().expect("a value"));
    let answer = client.ask(to("POST", "/"), vec!["x".into()], Some(trailers.clone()));
    let (_, body) = patient(answer).await.expect("an answer").into_parts();
    let read = patient(read(body)).await.expect("a body");
    assert_eq!(read, ("seen".into(), Some(trailers)));
}

#[tokio::test]
async fn headers_over_the_limit_are_431_with_a_document() {
    let server = server(1 << 20).await;
    let client = Client::to(&server).await;
    let long = "x".repeat(20_000);
    let answer = patient(client.whole(to("GET", "/nothing").header("long", &long), vec![]));
    let answer = answer.await.expect("an answer");
    let document: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(
        (answer.status, &document["code"]),
        (431, &"HEADERS_TOO_LARGE".into())
    );
    assert_eq!(
        document["detail"],
        "the header list is over the limit of 16384 bytes"
    );
    // The connection is as good as before.
    let answer = patient(client.whole(to("GET", "/nothing"), vec![])).await;
    assert_eq!(answer.expect("an answer").status, 204);
}

#[tokio::test]
async fn an_answer_does_not_wait_for_a_body_that_nobody_reads() {
    let server = server(1000).await;
    let client = Client::to(&server).await;
    let answer = client.ask(to("POST", "/first"), vec![Bytes::new()], None);
    assert_eq!(patient(answer).await.expect("an answer").status(), 200);
    // A body that is too long is refused as soon as that is clear.
    let request = to("POST", "/predict").body(()).expect("a request");
    let mut send = client.send.clone().ready().await.expect("it is ready");
    let (response, mut stream) = send.send_request(request, false).expect("it is sent");
    stream.send_data(pattern(2000), false).expect("it is sent");
    let (head, body) = patient(response).await.expect("an answer").into_parts();
    assert_eq!(head.status, 413);
    let (document, _) = patient(read(body)).await.expect("a document");
    assert!(String::from_utf8_lossy(&document).contains("TOO_LARGE"));
    let reason = patient(std::future::poll_fn(|context| stream.poll_reset(context))).await;
    assert_eq!(reason.ok(), Some(h2::Reason::NO_ERROR));
}

#[tokio::test]
async fn work_ends_with_its_stream_and_with_its_connection() {
    struct Gone(mpsc::UnboundedSender<()>);
    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (tell, mut told) = mpsc::unbounded_channel();
    let begun = tell.clone();
    let waits = move || {
        let (begun, gone) = (begun.clone(), Gone(begun.clone()));
        async move {
            let _ = begun.send(());
            std::future::pending::<()>().await;
            drop(gone);
        }
    };
    let endless = move || {
        let gone = Gone(tell.clone());
        let pieces = repeat(Ok::<_, std::convert::Infallible>(pattern(1000))).map(move |piece| {
            let _ = &gone;
            piece
        });
        async { Body::from_stream(pieces) }
    };
    let routes = Router::new()
        .route("/waits", get_by(waits))
        .route("/endless", get_by(endless));
    let server = Running::start(Server::new().limits(long()).routes(routes)).await;
    for reset in [true, false] {
        let client = Client::to(&server).await;
        let mut send = client.send.clone().ready().await.expect("it is ready");
        let request = to("GET", "/waits").body(()).expect("a request");
        let (response, mut stream) = send.send_request(request, true).expect("it is sent");
        patient(told.recv()).await.expect("it has begun");
        let answer = client.ask(to("GET", "/endless"), vec![], None);
        let body = patient(answer).await.expect("an answer").into_body();
        if reset {
            stream.send_reset(h2::Reason::CANCEL);
            drop(response);
            patient(told.recv()).await.expect("it is dropped");
            drop(body);
            patient(told.recv()).await.expect("so is the other");
        } else {
            client._connection.abort();
            patient(told.recv()).await.expect("one is dropped");
            patient(told.recv()).await.expect("so is the other");
        }
    }
}

/// A client that counts what small frames cost it (h2 since 0.4.16) ends a connection on which too
/// many of them wait to be read.
#[tokio::test]
async fn pieces_that_are_there_together_are_sent_together() {
    let server = server(100_000).await;
    let client = Client::to(&server).await;
    let asked = [(); 2].map(|()| client.ask(to("GET", "/pieces"), vec![], None));
    let answers = patient(join_all(asked)).await.into_iter();
    let mut bodies: Vec<_> = answers
        .map(|answer| answer.expect("an answer").into_body())
        .collect();
    // All that the connection's window lets through, unread.
    let waiting = |body: &mut h2::RecvStream| body.flow_control().used_capacity();
    while bodies.iter_mut().map(waiting).sum::<usize>() < 65_535 {
        let other = patient(client.whole(to("GET", "/nothing"), vec![])).await;
        assert_eq!(other.expect("the connection goes on").status, 204);
    }
    for body in patient(join_all(bodies.into_iter().map(read))).await {
        let (body, _) = body.expect("all of it");
        assert_eq!(body, (0..300).flat_map(pattern).collect::<Bytes>());
    }
}

/// One of many requests at a time.
#[derive(Debug, Clone)]
struct Asked {
    method: &'static str,
    path: String,
    pieces: Vec<Bytes>,
    headers: Vec<(&'static str, &'static str)>,
}

fn requests() -> impl Strategy<Value = Vec<Asked>> {
    let queries = prop::sample::select(vec![
        "json=[0,0.5]",
        "json=[1e-7,3]&puid=p",
        "json=[2]",
        "json=[3]",
        "json=nonsense",
        "json=%ff",
        "json=%7B%22valuess%22:[1]%7D",
        "",
    ]);
    let paths = prop_oneof![
        4 => queries.prop_map(|query| format!("/predict?{query}")),
        4 => prop::sample::select(vec![
            "/echo", "/through", "/first", "/pieces", "/nothing", "/nowhere", "/health/live",
        ])
        .prop_map(str::to_owned),
    ];
    let lengths = prop_oneof![Just(0usize), 1usize..200, 10_000usize..60_000];
    let pieces = prop::collection::vec(lengths.prop_map(pattern), 0..4);
    let json = Just(vec![Bytes::from("[0,"), Bytes::from("0.5]")]);
    let headers = prop::sample::select(vec![
        ("x-request-timeout-ms", "0"),
        ("x-request-timeout-ms", "5000"),
        ("content-type", "application/json"),
        ("user-agent", "it/1"),
    ]);
    let methods = prop::sample::select(vec!["GET", "POST", "POST", "PUT", "HEAD", "OPTIONS"]);
    let parts = (
        methods,
        paths,
        prop_oneof![3 => pieces, 1 => json],
        prop::collection::vec(headers, 0..3),
    );
    let one = parts.prop_map(|(method, path, pieces, headers)| Asked {
        method,
        path,
        pieces: if method == "HEAD" { vec![] } else { pieces },
        headers,
    });
    prop::collection::vec(one, 1..20)
}

/// Over HTTP/1, on a connection of its own.
async fn over_http1(server: &Running, asked: &Asked) -> Answered {
    let body = asked.pieces.concat();
    let length = if body.is_empty() && asked.pieces.is_empty() {
        String::new()
    } else {
        format!("content-length: {}\r\n", body.len())
    };
    let headers: String = (asked.headers.iter())
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let head = format!(
        "{} {} HTTP/1.1\r\nhost: test\r\nx-request-id: same\r\nconnection: close\r\n{headers}{length}\r\n",
        asked.method, asked.path
    );
    let mut peer = server.connect().await;
    let (mut reader, mut writer) = peer.stream.split();
    let whole = async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut answer = Vec::new();
        let send = async {
            let _ = writer.write_all(head.as_bytes()).await;
            let _ = writer.write_all(&body).await;
        };
        let read = async {
            let _ = reader.read_to_end(&mut answer).await;
        };
        tokio::join!(send, read);
        answer
    };
    parse(&patient(whole).await, asked.method == "HEAD").await
}

async fn parse(answer: &[u8], no_body: bool) -> Answered {
    let at = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let head = std::str::from_utf8(&answer[..at]).expect("a head is text");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line[9..12].parse().ok());
    let mut headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
    headers.retain(|(name, _)| !["date", "connection", "transfer-encoding"].contains(&&**name));
    headers.sort_unstable();
    let body = match chunked && !no_body {
        true => dechunked(&answer[at + 4..]),
        false => Bytes::copy_from_slice(&answer[at + 4..]),
    };
    Answered {
        status: status.expect("a status"),
        headers,
        body,
    }
}

fn dechunked(mut chunks: &[u8]) -> Bytes {
    let mut whole = Vec::new();
    while let Some(end) = chunks.windows(2).position(|two| two == b"\r\n") {
        let line = std::str::from_utf8(&chunks[..end]).expect("a length");
        let length = usize::from_str_radix(line, 16).expect("a length");
        whole.extend_from_slice(&chunks[end + 2..][..length]);
        chunks = &chunks[(end + length + 4).min(chunks.len())..];
    }
    whole.into()
}

#[test]
fn many_at_a_time_are_answered_as_each_over_http1() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let server = runtime.block_on(server(100_000));
    let config = Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    };
    let test = async |all: Vec<Asked>| {
        let client = Client::to(&server).await;
        let answers = join_all(all.iter().map(|asked| {
            let mut request = to(asked.method, &asked.path).header("x-request-id", "same");
            for (name, value) in &asked.headers {
                request = request.header(*name, *value);
            }
            if !asked.pieces.is_empty() {
                let length: usize = asked.pieces.iter().map(Bytes::len).sum();
                request = request.header("content-length", length);
            }
            client.whole(request, asked.pieces.clone())
        }));
        for (asked, answer) in all.iter().zip(patient(answers).await) {
            let answer =
                answer.map_err(|error| TestCaseError::fail(format!("{asked:?}: {error}")))?;
            let mut expected = over_http1(&server, asked).await;
            // A prediction without an id of its own, and a body of unknown length, differ.
            prop_assert_eq!(answer.status, expected.status, "{:?}", asked);
            prop_assert_eq!(&answer.body, &expected.body, "{:?}", asked);
            let mut headers = answer.headers;
            for headers in [&mut headers, &mut expected.headers] {
                headers.retain(|(name, _)| name != "content-length");
            }
            prop_assert_eq!(headers, expected.headers, "{:?}", asked);
        }
        Ok(())
    };
    TestRunner::new(config)
        .run(&requests(), |all| runtime.block_on(test(all)))
        .unwrap_or_else(|found| panic!("{found}"));
}
