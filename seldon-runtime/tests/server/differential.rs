//! What is answered without the router is answered as the router does: the same random requests go
//! to a server, and to one that has the first's whole router among its own routes.

use std::net::SocketAddr;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use prost::Message;
use seldon_runtime::proto::{ClassificationRequest, ClassificationRequestMeta};
use seldon_runtime::{
    AllItems, Any, ApiKeys, Artifact, Candidates, DefaultCustomPredictRequest, Folder, InMemory,
    Limits, Query, Recommend, Recommendation, Result, Server, Service,
};

use crate::common::*;
use crate::keys::file_of_keys;

/// Recommends the same to everybody.
#[seldon_macros::recommender(crate = ::seldon_runtime)]
#[derive(Default)]
struct Everything {}

/// The same, from lists.
#[seldon_macros::recommender(crate = ::seldon_runtime, path = "/among", candidates = InMemory)]
#[derive(Default)]
struct Among {}

fn all() -> Result<Vec<Recommendation>> {
    let of = |item: i64| Recommendation {
        item,
        score: 1.0 / item as f64,
    };
    Ok((1..=20).map(of).collect())
}

impl Recommend for Everything {
    fn recommend(&self, _: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        all()
    }
}

impl Recommend for Among {
    fn recommend(&self, _: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        all()
    }
}

fn limits() -> Limits {
    let mut limits = long();
    limits.body = 600;
    limits.message = 600;
    limits
}

fn services() -> Server {
    let lists = InMemory::from_iter([("a", vec![3, 1, 2]), ("b", vec![])]);
    let everything = Service::recommender(Everything {}, AllItems).expect("it warms up");
    let among = Service::recommender(Among {}, lists).expect("it warms up");
    let quick = Service::predictor(Quick {}).expect("it warms up");
    Server::new()
        .limits(limits())
        .mount_service(quick.loaded_from(&saved(Quick {})))
        .recommender_service(everything.loaded_from(&saved(Everything {})))
        .recommender_service(among.loaded_from(&saved(Among {})))
}

/// The folder of `model`, so that replies name a version.
fn saved(model: impl Artifact) -> Folder {
    let folder = tempfile::tempdir().expect("a folder");
    model.save(folder.path()).expect("it can be saved");
    Folder::open(folder.path()).expect("it can be opened")
}

/// Both servers.
struct Both {
    _keys: tempfile::NamedTempFile,
    direct: Running,
    routed: Running,
}

impl Both {
    /// Both of them with keys, if those are `needed`, or without.
    async fn start(needed: bool) -> Self {
        let router = services().router().expect("a router");
        let outer = Server::new().limits(limits()).routes(router);
        let file = file_of_keys();
        let keys = ApiKeys::from_file(&file).expect("it is good");
        let keys = keys.with_oauth_token();
        let start = async |server: Server| match needed {
            true => Running::start(server.api_keys(keys.clone())).await,
            false => Running::start(server).await,
        };
        Self {
            direct: start(services()).await,
            routed: start(outer).await,
            _keys: file,
        }
    }

    fn addresses(&self) -> [SocketAddr; 2] {
        [self.direct.address, self.routed.address]
    }
}

/// Runs `test` on many `cases`, on a runtime of its own.
fn on_many<S>(cases: S, test: impl AsyncFn([SocketAddr; 2], S::Value) -> Result<(), TestCaseError>)
where
    S: Strategy,
{
    on_many_with(false, cases, test);
}

/// The same, where keys are `needed` or not.
fn on_many_with<S>(
    needed: bool,
    cases: S,
    test: impl AsyncFn([SocketAddr; 2], S::Value) -> Result<(), TestCaseError>,
) where
    S: Strategy,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let both = runtime.block_on(Both::start(needed));
    let config = Config {
        cases: 400,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&cases, |case| {
            runtime.block_on(test(both.addresses(), case))
        })
        .unwrap_or_else(|found| panic!("{found}"));
}

fn parameters() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "json=[0,0.5]",
        "json=[0.25]",
        "json=%7B%22values%22:[1e-7,3]%7D",
        "json=%7B%22data%22:[1,2]%7D",
        "json=%7B%22data%22:[[0,2],[0,3]]%7D",
        "json=%7B%22valuess%22:[1]%7D",
        "json=[2]",
        "json=[3]",
        "json=[4]",
        "json=nonsense",
        "json=",
        "json=[1e999]",
        "json=%ff",
        "json=%zz",
        "client=test1",
        "puid=p-1",
        "user_id=1",
        "user_id=-7",
        "user_id=x",
        "limit=5",
        "limit=0",
        "limit=100000",
        "recent_interactions=1,,2",
        "recent_interactions=1,x",
        "exclusion_items=1,2,3",
        "exclusion_items=",
        "data_key=a",
        "data_key=a,b",
        "data_key=none",
        "data_key=%0d%0a",
        "item_id=3",
        "dimensions=1,2",
        "unknown=%00",
        "&",
    ]);
    prop::collection::vec(known, 0..6).prop_map(|pairs| pairs.join("&"))
}

fn paths() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "/predict",
        "/predict",
        "/recommend",
        "/among",
        "/predict/",
        "/nowhere",
    ])
}

fn rest() -> impl Strategy<Value = String> {
    let methods = prop::sample::select(vec!["GET", "GET", "POST", "POST", "PUT", "DELETE"]);
    let bodies = prop_oneof![
        Just(String::new()),
        parameters(),
        Just("[0,0.5]".to_owned()),
        Just("{\"values\":[1,2]}".to_owned()),
        Just("{\"values\":[1,2]".to_owned()),
        Just(" ".repeat(601)),
        Just("x".repeat(600)),
    ];
    let headers = prop::sample::select(vec![
        "",
        "content-type: application/json\r\n",
        "content-type: application/grpc\r\n",
        "x-request-timeout-ms: 0\r\n",
        "x-request-timeout-ms: 5000\r\n",
        "x-request-timeout-ms: soon\r\n",
        "Connection: Close\r\n",
        "connection: keep-alive\r\nconnection: close\r\n",
    ]);
    let parts = (
        methods,
        paths(),
        parameters(),
        headers,
        bodies,
        any::<bool>(),
    );
    parts.prop_map(|(method, path, query, headers, body, chunked)| {
        let body = match chunked {
            false => format!("content-length: {}\r\n\r\n{body}", body.len()),
            true if body.is_empty() => "transfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            true => format!(
                "transfer-encoding: chunked\r\n\r\n1\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                &body[..1],
                body.len() - 1,
                &body[1..]
            )
            .replace("0\r\n\r\n0\r\n\r\n", "0\r\n\r\n"),
        };
        format!("{method} {path}?{query} HTTP/1.1\r\nhost: test\r\nx-request-id: same\r\n{headers}{body}")
    })
}

/// The lines of a head, in an order of their own, without the time.
fn head(answer: &Answer) -> Vec<&str> {
    let mut lines: Vec<_> = (answer.head.lines())
        .filter(|line| !line.starts_with("date: "))
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn rest_is_answered_as_the_router_does() {
    on_many(rest(), async |[direct, routed], request| {
        let direct = Peer::to(direct).await.ask(&request).await;
        let routed = Peer::to(routed).await.ask(&request).await;
        prop_assert_eq!(head(&direct), head(&routed));
        prop_assert_eq!(direct.body, routed.body);
        Ok(())
    });
}

/// Lines of a head that may carry a key, and a parameter.
fn credentials() -> impl Strategy<Value = (String, &'static str)> {
    let line = prop::sample::select(vec![
        "authorization: Bearer seldon_alice\r\n",
        "AUTHORIZATION: bearer  seldon_bob \r\n",
        "authorization: Bearer seldon_carol\r\n",
        "authorization: Basic eDp5\r\n",
        "x-api-key: seldon_bob\r\n",
        "x-api-key: seldon_bob\r\n",
        "X-Api-Key: seldon_carol\r\n",
        "x-api-key:\r\n",
        "oauth_token: seldon_alice\r\n",
        "oauth_token: seldon_carol\r\n",
        "connection: close\r\n",
    ]);
    let parameter = prop::sample::select(vec![
        "",
        "oauth_token=seldon_alice&",
        "oauth_token=seldon%5Fbob&",
        "oauth_token=%ff&",
        "oauth_token=&oauth_token=seldon_bob&",
    ]);
    let lines = prop::collection::vec(line, 0..3);
    (lines.prop_map(|lines| lines.concat()), parameter)
}

#[test]
fn who_needs_a_key_is_answered_as_the_router_does() {
    let body = prop::sample::select(vec!["", "[0,0.5]", "user_id=1&limit=2", "{"]);
    let one = (paths(), credentials(), parameters(), body);
    let request = one.prop_map(|(path, (lines, parameter), query, body)| {
        let (method, length) = match body.len() {
            0 => ("GET", String::new()),
            length => ("POST", format!("content-length: {length}\r\n")),
        };
        format!("{method} {path}?{parameter}{query} HTTP/1.1\r\nhost: test\r\nx-request-id: same\r\n{lines}{length}\r\n{body}")
    });
    on_many_with(true, request, async |[direct, routed], request| {
        let direct = Peer::to(direct).await.ask(&request).await;
        let routed = Peer::to(routed).await.ask(&request).await;
        prop_assert_eq!(head(&direct), head(&routed));
        prop_assert_eq!(direct.body, routed.body);
        Ok(())
    });
}

/// A request of which no answer leaves a body unread: what becomes of that is a matter of time.
fn read_to_its_end() -> impl Strategy<Value = String> {
    let body = prop::sample::select(vec!["", "[0,0.5]", "json=[0.25]", "user_id=1&limit=2", "{"]);
    let posts = (paths(), parameters(), body).prop_map(|(path, query, body)| {
        let path = match path {
            "/nowhere" | "/predict/" => "/predict",
            known => known,
        };
        let length = body.len();
        format!("POST {path}?{query} HTTP/1.1\r\nhost: test\r\nx-request-id: same\r\ncontent-length: {length}\r\n\r\n{body}")
    });
    let methods = prop::sample::select(vec!["GET", "GET", "HEAD", "DELETE"]);
    let others = (methods, paths(), parameters()).prop_map(|(method, path, query)| {
        format!("{method} {path}?{query} HTTP/1.1\r\nhost: test\r\nx-request-id: same\r\n\r\n")
    });
    prop_oneof![posts, others]
}

/// A request after which there is no other.
const LAST: &str = "GET /predict?json=[0] HTTP/1.1\r\nhost: test\r\nx-request-id: last\r\nconnection: close\r\n\r\n";

/// The lines of `bytes`, each head's in an order of its own, without the time.
fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut heads: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines().filter(|line| !line.starts_with("date: ")) {
        if let (true, Some(head)) = (line.is_empty(), heads.last_mut()) {
            head.sort_unstable();
            heads.push(Vec::new());
        } else if let Some(head) = heads.last_mut() {
            head.push(line);
        }
    }
    heads.into_iter().flatten().map(String::from).collect()
}

#[test]
fn many_on_one_connection_are_answered_as_the_router_does() {
    let cuts = prop::collection::vec(0..2000_usize, 0..3);
    let requests = prop::collection::vec(read_to_its_end(), 1..40);
    on_many(
        (requests, cuts),
        async |[direct, routed], (requests, cuts)| {
            let all = requests.concat() + LAST;
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(all.len())).collect();
            cuts.sort_unstable();
            let ask = async |address| {
                let mut peer = Peer::to(address).await;
                let mut from = 0;
                for cut in cuts.iter().copied().chain([all.len()]) {
                    peer.send(&all[from..cut]).await;
                    from = cut;
                }
                peer.closed().await
            };
            let (direct, routed) = (ask(direct).await, ask(routed).await);
            prop_assert_eq!(lines(&direct), lines(&routed));
            Ok(())
        },
    );
}

fn odd_heads() -> impl Strategy<Value = String> {
    let first = prop::sample::select(vec![
        "GET /predict?json=[0] HTTP/1.1\r\n",
        "GET /predict?json=[0] HTTP/1.1\r\n",
        "POST /predict HTTP/1.1\r\n",
        "POST /predict HTTP/1.1\r\n",
        "\r\nGET /predict?json=[0] HTTP/1.1\r\n",
        "GET /predict?json=[0] HTTP/1.1\n",
        "GET /predict?json=[0] HTTP/1.0\r\n",
        "GET /predict?json=[0] HTTP/2.0\r\n",
        "GET  /predict?json=[0] HTTP/1.1\r\n",
        "GET /predict?json=[0]#there HTTP/1.1\r\n",
        "GET /predict?json=[0]&a=<b> HTTP/1.1\r\n",
        "GET /predict?json=[0]&a=\"b\" HTTP/1.1\r\n",
        "GET /predict?json=[0]&a=\u{e9} HTTP/1.1\r\n",
        "GET /predict?json=[0]&a=\0 HTTP/1.1\r\n",
        "GET http://test/predict?json=[0] HTTP/1.1\r\n",
        "GET //predict?json=[0] HTTP/1.1\r\n",
        "GET /%70redict?json=[0] HTTP/1.1\r\n",
        "GET * HTTP/1.1\r\n",
        "get /predict?json=[0] HTTP/1.1\r\n",
        "GET /predict?json=[0]\r\n",
    ]);
    let line = prop::sample::select(vec![
        "host: test\r\n",
        "Host:test\r\n",
        "host : test\r\n",
        "host: a b\r\n",
        "host: test\n",
        "host:\r\n",
        "content-length: 3\r\n",
        "Content-Length: 3\r\n",
        "content-length: 0\r\n",
        "content-length: +3\r\n",
        "content-length: 3, 3\r\n",
        "content-length: 0003\r\n",
        "content-length: 99999999999999999999\r\n",
        "content-length:\r\n",
        "transfer-encoding: chunked\r\n",
        "transfer-encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "connection: close\r\n",
        "connection: Keep-Alive\r\n",
        "connection: keep-alive, upgrade\r\n",
        "upgrade: websocket\r\n",
        "expect: 100-continue\r\n",
        "expect: 200-ok\r\n",
        "content-type: application/grpc\r\n",
        "content-type: application/json\r\n",
        "content-encoding: identity\r\n",
        "content-encoding: gzip\r\n",
        "x-request-id: a b\r\n",
        "x-request-id: other\r\n",
        "a: \tb \r\n",
        "a: b\r\n c\r\n",
        "a: b\rc\r\n",
        "a: \u{e9}\r\n",
        "a: \0\r\n",
        "a b: c\r\n",
        ": c\r\n",
        "\u{e9}: c\r\n",
        "a\r\n",
    ]);
    let usual = prop::sample::select(vec!["host: test\r\n", ""]);
    let lines = prop::collection::vec(line, 0..4);
    (first, usual, lines).prop_map(|(first, usual, lines)| {
        format!(
            "{first}x-request-id: same\r\n{usual}{}\r\n[0]",
            lines.concat()
        )
    })
}

#[test]
fn odd_heads_are_answered_as_the_router_does() {
    on_many(odd_heads(), async |[direct, routed], head| {
        let ask = async |address| {
            let mut peer = Peer::to(address).await;
            // It is the server who closes: who hangs up may not be answered.
            peer.send(&format!("{head}{LAST}")).await;
            let answered = lines(&peer.closed().await);
            // Where hyper gives up on a head there is no id that it came with.
            let known = |line: &String| {
                line.contains("same") || line.contains("other") || line.contains("last")
            };
            let id = |line: &String| line.starts_with("x-request-id") || line.starts_with('{');
            let length = |line: &String| line.starts_with("content-length");
            let lasting = answered
                .iter()
                .filter(|line| known(line) || !id(line) && !length(line));
            (answered.len(), lasting.cloned().collect::<Vec<_>>())
        };
        let (direct, routed) = (ask(direct).await, ask(routed).await);
        prop_assert_eq!(direct, routed);
        Ok(())
    });
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let types = prop::sample::select(vec![
        "io.seldon.api.rpc.DefaultCustomPredictRequest",
        "io.seldon.api.rpc.DefaultCustomPredictRequest",
        "another.Type",
        "",
    ]);
    let values = prop::sample::select(vec![
        vec![0.0, 0.5],
        vec![2.0],
        vec![3.0],
        vec![4.0],
        vec![f32::NAN],
        vec![],
        vec![0.0; 200],
    ]);
    let good = (types, values).prop_map(|(name, values)| {
        let data = DefaultCustomPredictRequest { values };
        ClassificationRequest {
            meta: Some(ClassificationRequestMeta { puid: "p".into() }),
            data: Some(Any::pack(name, &data)),
        }
        .encode_to_vec()
    });
    prop_oneof![
        6 => good,
        1 => Just(Vec::new()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

fn calls() -> impl Strategy<Value = (Vec<(&'static str, &'static str)>, Bytes)> {
    let headers = prop::sample::select(vec![
        ("seldon-model", "quick"),
        ("seldon-model", "another"),
        ("grpc-encoding", "identity"),
        ("grpc-encoding", "gzip"),
        ("grpc-encoding", "br"),
        ("grpc-accept-encoding", "identity,deflate,gzip"),
        ("grpc-timeout", "5S"),
        ("grpc-timeout", "0n"),
        ("grpc-timeout", "soon"),
        ("x-api-key", "seldon_bob"),
        ("x-api-key", "seldon_carol"),
        ("oauth_token", "seldon_alice"),
        ("x", "y"),
    ]);
    let headers = prop::collection::vec(headers, 0..3);
    let flags = prop_oneof![8 => Just(0u8), 1 => Just(1u8), 1 => Just(7u8)];
    let cut = prop_oneof![6 => Just(0usize), 1 => 1usize..8];
    let again =
        prop_oneof![8 => Just(None), 1 => prop::collection::vec(any::<u8>(), 0..4).prop_map(Some)];
    let parts = (headers, flags, message(), cut, again);
    parts.prop_map(|(headers, flag, message, cut, again)| {
        let mut body = framed(flag, &message).to_vec();
        body.truncate(body.len() - cut.min(body.len()));
        // Of a second message that is cut off behind its header, tonic says nothing.
        let again = again.filter(|_| cut == 0);
        body.extend(again.iter().flat_map(|message| framed(0, message)));
        (headers, body.into())
    })
}

/// Without the time, and without the length that one router adds to another's empty body.
fn lasting(mut headers: http::HeaderMap) -> http::HeaderMap {
    headers.remove("date");
    headers.remove("content-length");
    headers
}

#[test]
fn calls_are_answered_as_the_router_does() {
    calls_are_answered_alike(false);
}

#[test]
fn calls_that_need_a_key_are_answered_as_the_router_does() {
    calls_are_answered_alike(true);
}

fn calls_are_answered_alike(keys_needed: bool) {
    on_many_with(keys_needed, calls(), async |[direct, routed], call| {
        let (mut headers, body) = call;
        headers.push(("x-request-id", "same"));
        let ask = async |address| {
            let channel = Channel::to(address).await;
            let called = channel.call(CLASSIFY, &headers, body.clone()).await;
            called.expect("it is answered")
        };
        let (direct, routed) = (ask(direct).await, ask(routed).await);
        prop_assert_eq!(direct.http, routed.http);
        prop_assert_eq!(lasting(direct.headers), lasting(routed.headers));
        prop_assert_eq!(direct.trailers, routed.trailers);
        prop_assert_eq!(direct.body, routed.body);
        Ok(())
    });
}
