//! What each request is answered with, whatever is wrong with it.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::common::*;

async fn ask(request: impl AsRef<[u8]>) -> Answer {
    let server = Running::quick(long()).await;
    server.connect().await.ask(request).await
}

#[tokio::test]
async fn rest_and_grpc_share_a_port() {
    let server = Running::quick(long()).await;
    let mut peer = server.connect().await;
    assert_eq!(peer.ask(get(&[ANSWER, 0.5])).await.status, 200);
    assert_eq!(peer.ask(post(&[ANSWER, 0.5])).await.status, 200);
    let channel = Channel::to(server.address).await;
    let called = channel
        .classify(&[], &[ANSWER, 0.5])
        .await
        .expect("a reply");
    assert_eq!((called.http, called.status()), (200, 0));
    assert_eq!(reply(&called).predictions[1].prediction, 0.5);
    server.end().await;
}

#[tokio::test]
async fn apart_neither_answers_the_other() {
    let server = seldon_runtime::Server::new().limits(long()).mount(Quick {});
    let bound = server.bind_apart("127.0.0.1:0", "127.0.0.1:0").await;
    let server = Running::of(bound.expect("both can be bound"));
    assert_ne!(server.address, server.grpc);
    assert_eq!(server.connect().await.ask(get(&[ANSWER])).await.status, 200);
    let answer = Peer::to(server.grpc).await.ask(get(&[ANSWER])).await;
    assert_eq!((answer.status, &*answer.code()), (404, "NOT_FOUND"));
    let channel = Channel::to(server.grpc).await;
    let called = channel.classify(&[], &[ANSWER]).await.expect("a reply");
    assert_eq!(called.status(), 0);
    let channel = Channel::to(server.address).await;
    let called = channel.classify(&[], &[ANSWER]).await.expect("an answer");
    assert_eq!((called.status(), &*called.reason()), (12, "NOT_FOUND"));
}

#[tokio::test]
async fn an_unknown_path_is_404_and_unimplemented() {
    let answer = ask("GET /nowhere HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert_eq!((answer.status, &*answer.code()), (404, "NOT_FOUND"));
    assert_eq!(answer.problem()["error"], answer.problem()["detail"]);
    let server = Running::quick(long()).await;
    let channel = Channel::to(server.address).await;
    let called = channel
        .call("/a.B/C", &[], Bytes::new())
        .await
        .expect("an answer");
    assert_eq!((called.status(), &*called.reason()), (12, "NOT_FOUND"));
}

#[tokio::test]
async fn a_wrong_method_is_405_and_says_which_are_right() {
    let answer = ask("DELETE /predict HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert_eq!(
        (answer.status, &*answer.code()),
        (405, "METHOD_NOT_ALLOWED")
    );
    assert_eq!(answer.header("allow"), Some("GET,HEAD,POST"));
}

#[tokio::test]
async fn a_plain_id_comes_back_and_any_other_is_replaced() {
    let answer = ask("GET /x HTTP/1.1\r\nhost: test\r\nx-request-id: a.B_c-1\r\n\r\n").await;
    assert_eq!(answer.header("x-request-id"), Some("a.B_c-1"));
    assert_eq!(answer.problem()["request_id"], "a.B_c-1");
    let answer = ask("GET /x HTTP/1.1\r\nhost: test\r\nx-request-id: <b>\r\n\r\n").await;
    let id = answer.header("x-request-id").expect("there is one");
    assert_eq!(answer.problem()["request_id"], id);
    assert_ne!(id, "<b>");
    let answer = ask(get(&[ANSWER])).await;
    assert!(answer.header("x-request-id").is_some());
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_declared_or_not() {
    let mut limits = long();
    limits.body = 1000;
    let server = Running::quick(limits).await;
    // More than the sockets' buffers hold, so that it is certainly not read before the answer.
    let body = vec![b' '; 200 << 10];
    let head = "POST /predict HTTP/1.1\r\nhost: test\r\n";
    let declared = format!("{head}content-length: {}\r\n\r\n", body.len());
    let chunked = format!(
        "{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n",
        body.len()
    );
    for head in [declared, chunked] {
        let mut peer = server.connect().await;
        peer.send(head).await;
        peer.send(&body).await;
        let answer = peer.answer().await;
        assert_eq!((answer.status, &*answer.code()), (413, "TOO_LARGE"));
        assert!(answer.body.contains("1000 bytes"), "{answer:?}");
        assert!(peer.closed().await.is_empty());
    }
    let mut peer = server.connect().await;
    let answer = peer.ask(post(&[ANSWER])).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_message_over_the_limit_is_resource_exhausted() {
    let mut limits = long();
    limits.message = 1000;
    let server = Running::quick(limits).await;
    let channel = Channel::to(server.address).await;
    let called = channel
        .call(CLASSIFY, &[], framed(0, &[0; 1001]))
        .await
        .expect("an answer");
    assert_eq!((called.status(), &*called.reason()), (8, "TOO_LARGE"));
}

#[tokio::test]
async fn a_message_is_limited_after_it_is_inflated() {
    let mut limits = long();
    limits.message = 100_000;
    let server = Running::quick(limits).await;
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![0; 10 << 20]).expect("it is in memory");
    let bomb = bomb.finish().expect("it is in memory");
    assert!(bomb.len() < 100_000);
    let channel = Channel::to(server.address).await;
    let called = channel
        .call(CLASSIFY, &[("grpc-encoding", "gzip")], framed(1, &bomb))
        .await
        .expect("an answer");
    assert_eq!((called.status(), &*called.reason()), (8, "TOO_LARGE"));
}

#[tokio::test]
async fn an_unknown_compression_is_unimplemented_and_says_what_is_known() {
    let server = Running::quick(long()).await;
    let channel = Channel::to(server.address).await;
    let called = channel
        .call(CLASSIFY, &[("grpc-encoding", "snappy")], framed(1, &[0; 9]))
        .await
        .expect("an answer");
    assert_eq!(called.status(), 12);
    let known = called.headers.get("grpc-accept-encoding").expect("it says");
    assert!(known.to_str().expect("text").contains("gzip"));
    called.reason();
}

#[tokio::test]
async fn a_broken_message_is_an_error_with_details() {
    let server = Running::quick(long()).await;
    let channel = Channel::to(server.address).await;
    for broken in [
        Bytes::from_static(&[0, 0, 0]),
        Bytes::from_static(&[0, 0, 0, 0, 9, 1]),
        framed(7, &[]),
        framed(1, &[]),
        framed(0, &[0xff; 20]),
        Bytes::new(),
    ] {
        let called = channel
            .call(CLASSIFY, &[], broken.clone())
            .await
            .expect("an answer");
        // The contract's status, and not a fault of the service's in its figures and log.
        assert_eq!(
            (called.status(), &*called.reason()),
            (13, "MALFORMED_MESSAGE"),
            "{broken:?}"
        );
    }
}

#[tokio::test]
async fn a_field_that_does_not_decode_is_named_whatever_way_the_message_came() {
    /// A field of a number below 16 that holds `bytes`, of which there are fewer than 128.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
    }
    let server = Running::quick(long()).await;
    let channel = Channel::to(server.address).await;
    let data = field(2, &field(1, b"x/a.B"));
    for (message, says) in [
        (
            field(1, &field(1, b"\xff")),
            "`meta.puid` does not decode: invalid string value",
        ),
        (field(1, b"\xff"), "`meta` does not decode: invalid varint"),
        (
            field(2, b"\xff\xff\xff"),
            "`data` does not decode: invalid varint",
        ),
        // Its type's name is said to be longer than all that comes, and than the `Any` itself.
        (
            field(2, &[10, 9, b'x']),
            "`data.type_url` does not decode: buffer underflow",
        ),
        (
            [field(2, &[10, 3, b'x']), data.clone()].concat(),
            "`data` does not decode: delimited length exceeded",
        ),
        (vec![8, 1], "`meta` does not decode: invalid wire type"),
    ] {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&message).expect("it is in memory");
        let gzip = gzip.finish().expect("it is in memory");
        for (headers, frame) in [
            (&[][..], framed(0, &message)),
            (&[("grpc-encoding", "gzip")], framed(1, &gzip)),
        ] {
            let called = channel.call(CLASSIFY, headers, frame).await;
            let called = called.expect("an answer");
            assert_eq!((called.status(), &*called.reason()), (3, "INVALID_MESSAGE"));
            let status = tonic::Status::from_header_map(&called.headers).expect("a status");
            assert!(status.message().starts_with(says), "{status}");
        }
    }
    // What ends too early is the call's own fault, and no field's.
    let cut = framed(0, &data[..data.len() - 1]);
    let called = channel.call(CLASSIFY, &[], cut).await.expect("an answer");
    assert_eq!(called.status(), 13);
}

#[tokio::test]
async fn what_is_not_grpc_is_415_where_grpc_is_answered() {
    for kind in [
        "application/grpc-web",
        "application/grpcx",
        "application/json",
    ] {
        let head = format!("POST {CLASSIFY} HTTP/1.1\r\nhost: test\r\ncontent-type: {kind}\r\n");
        let answer = ask(format!("{head}content-length: 0\r\n\r\n")).await;
        let code = (answer.status, &*answer.code());
        assert_eq!(code, (415, "UNSUPPORTED_MEDIA_TYPE"), "{kind}");
    }
}

#[tokio::test]
async fn a_deadline_is_the_callers_if_it_is_shorter() {
    let mut limits = long();
    limits.deadline = std::time::Duration::from_millis(150);
    let server = Running::slow(limits).await;
    let channel = Channel::to(server.address).await;
    let sleep = &[SLEEP, 400.0];
    // One after the other: the pool is as wide as the cores.
    for timeout in ["0n", "1n", "50m", "1H"] {
        let called = channel.classify(&[("grpc-timeout", timeout)], sleep).await;
        let called = called.expect("an answer");
        assert_eq!(
            (called.status(), &*called.reason()),
            (4, "DEADLINE_EXCEEDED"),
            "{timeout}"
        );
    }
    for timeout in ["0", "50", "100000000000"] {
        let request = get(sleep).replace(
            "\r\n\r\n",
            &format!("\r\nx-request-timeout-ms: {timeout}\r\n\r\n"),
        );
        let answer = server.connect().await.ask(request).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (504, "DEADLINE_EXCEEDED"),
            "{timeout}"
        );
    }
}

#[tokio::test]
async fn a_malformed_deadline_is_ignored() {
    let server = Running::quick(long()).await;
    let channel = Channel::to(server.address).await;
    for timeout in ["", "5", "-1S", "1 S", "999999999S"] {
        let called = channel
            .classify(&[("grpc-timeout", timeout)], &[ANSWER])
            .await;
        assert_eq!(called.expect("a reply").status(), 0, "{timeout}");
    }
}

#[tokio::test]
async fn a_late_inline_answer_is_no_answer() {
    let server = Running::quick(long()).await;
    let channel = Channel::to(server.address).await;
    let called = channel
        .classify(&[("grpc-timeout", "20m")], &[SLEEP, 60.0])
        .await;
    assert_eq!(called.expect("an answer").status(), 4);
}

#[tokio::test]
async fn what_the_model_does_wrong_is_500_and_keeps_its_secrets() {
    let server = Running::quick(long()).await;
    let mut peer = server.connect().await;
    for (trick, code) in [(NAN, "INVALID_ANSWER"), (FAIL, "MODEL_FAILED")] {
        let answer = peer.ask(get(&[trick])).await;
        assert_eq!((answer.status, &*answer.code()), (500, code));
        assert!(!answer.body.contains("secret"));
        assert!(!answer.body.contains("NaN"));
    }
}

#[tokio::test]
async fn a_panic_in_a_route_of_the_users_own_is_500() {
    let broken = axum::Router::new().route("/broken", axum::routing::get(broken));
    let server = seldon_runtime::Server::new()
        .limits(long())
        .mount(Quick {})
        .routes(broken);
    let server = Running::start(server).await;
    let mut peer = server.connect().await;
    let answer = peer.ask("GET /broken HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert_eq!((answer.status, &*answer.code()), (500, "INTERNAL"));
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
}

async fn broken() {
    panic!("a secret of the route");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Running::quick(long()).await;
    let mut peer = server.connect().await;
    let requests: String = (0..20).map(|n| get(&[ANSWER, n as f32])).collect();
    peer.send(requests).await;
    for n in 0..20 {
        let answer = peer.answer().await;
        let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(body["predictions"][1]["score"], f64::from(n));
    }
}

#[tokio::test]
async fn heads_that_can_be_read_two_ways_are_refused() {
    for head in [
        "POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n[]",
        "POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: +1\r\n\r\n[]",
        "POST /predict HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked, gzip\r\n\r\n[]",
        "POST /predict HTTP/1.1\r\nhost: test\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        "POST /predict HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /predict HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET /predict HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET /predict HTTP/1.1\r\nhost: a/b\r\n\r\n",
        "GET /predict HTTP/1.1\r\nhost: a@b\r\n\r\n",
        "GET /predict HTTP/1.1\r\n\r\n",
        "GET /predict HTTP/1.1\r\nhost: te\rst\r\n\r\n",
        "GET /pre dict HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET /predict HTTP/1.1\r\nhost : test\r\n\r\n",
    ] {
        let answer = ask(head).await;
        assert_eq!(answer.status, 400, "{head:?}: {answer:?}");
        answer.problem();
    }
}

#[tokio::test]
async fn a_content_length_beside_chunks_is_refused() {
    let server = Running::quick(long()).await;
    let chunked = "5\r\n[0,1]\r\n0\r\n\r\n";
    for both in [
        "content-length: 3\r\ntransfer-encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
    ] {
        let request = format!("POST /predict HTTP/1.1\r\nhost: test\r\n{both}\r\n\r\n{chunked}");
        // On a connection's first request and on another, in one piece and in two.
        let mut peer = server.connect().await;
        let answer = peer.ask(&request).await;
        assert_eq!((answer.status, &*answer.code()), (400, "INVALID_PARAMETER"));
        assert!(peer.closed().await.is_empty());
        let mut peer = server.connect().await;
        assert_eq!(peer.ask(post(&[ANSWER])).await.status, 200);
        peer.send(&request[..70]).await;
        assert_eq!(peer.ask(&request[70..]).await.status, 400);
        assert!(peer.closed().await.is_empty());
    }
}

#[tokio::test]
async fn behind_a_request_of_another_kind_the_chunks_count_and_the_connection_ends() {
    let server = Running::quick(long()).await;
    let both = "POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\n[0,1]\r\n0\r\n\r\n";
    // RFC 9112 §6.3: nothing of this can be taken for a third request.
    let mut peer = server.connect().await;
    peer.send(format!("GET /nowhere HTTP/1.1\r\nhost: test\r\n\r\n{both}"))
        .await;
    assert_eq!(peer.answer().await.status, 404);
    let answer = peer.answer().await;
    let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(body["predictions"][1]["score"], 1.0);
    assert!(peer.closed().await.is_empty());
    // Behind one of the usual kind it is refused, as it is where a connection begins with it.
    let mut peer = server.connect().await;
    peer.send(post(&[ANSWER]) + both).await;
    assert_eq!(peer.answer().await.status, 200);
    assert_eq!(peer.answer().await.status, 400);
    assert!(peer.closed().await.is_empty());
}

#[tokio::test]
async fn a_long_path_is_414_and_a_long_head_is_431() {
    for size in [66_000, 100_000, 300_000] {
        let long = "x".repeat(size);
        let answer = ask(format!("GET /{long} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        assert_eq!((answer.status, &*answer.code()), (414, "URI_TOO_LONG"));
    }
    for size in [66_000, 300_000] {
        let long = "x".repeat(size);
        let answer = ask(format!("GET / HTTP/1.1\r\nhost: test\r\na: {long}\r\n\r\n")).await;
        assert_eq!((answer.status, &*answer.code()), (431, "HEADERS_TOO_LARGE"));
    }
    let long = "X".repeat(66_000);
    let answer = ask(format!("{long} / HTTP/1.1\r\nhost: test\r\n\r\n")).await;
    assert_eq!((answer.status, &*answer.code()), (431, "HEADERS_TOO_LARGE"));
    let many: String = (0..101).map(|n| format!("a{n}: b\r\n")).collect();
    let answer = ask(format!("GET / HTTP/1.1\r\nhost: test\r\n{many}\r\n")).await;
    assert_eq!((answer.status, &*answer.code()), (431, "HEADERS_TOO_LARGE"));
}

#[tokio::test]
async fn a_long_path_is_414_on_a_connection_that_served_before() {
    let server = Running::quick(long()).await;
    let mut peer = server.connect().await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
    let long = "x".repeat(300_000);
    let answer = peer
        .ask(format!("GET /{long} HTTP/1.1\r\nhost: test\r\n\r\n"))
        .await;
    assert_eq!((answer.status, &*answer.code()), (414, "URI_TOO_LONG"));
}

#[tokio::test]
async fn every_host_that_can_be_one_is_taken() {
    for host in [
        "",
        "a",
        "a.b-c:80",
        "127.0.0.1:5000",
        "[::1]:5000",
        "a_b",
        "%61",
    ] {
        let head = get(&[ANSWER]).replace("host: test", &format!("host: {host}"));
        assert_eq!(ask(head).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_compressed_body_is_415_and_an_identical_one_is_read() {
    let with = |encoding| {
        let line = format!("host: test\r\ncontent-encoding: {encoding}");
        post(&[ANSWER]).replace("host: test", &line)
    };
    for encoding in ["gzip", "br", "x"] {
        let answer = ask(with(encoding)).await;
        let code = (answer.status, &*answer.code());
        assert_eq!(code, (415, "UNSUPPORTED_ENCODING"), "{encoding}");
        assert_eq!(answer.header("accept-encoding"), Some("identity"));
    }
    assert_eq!(ask(with("identity")).await.status, 200);
}

#[tokio::test]
async fn a_huge_reply_comes_whole_over_rest_and_not_at_all_over_grpc() {
    let mut limits = long();
    limits.message = 100_000;
    let server = Running::quick(limits).await;
    let mut peer = server.connect().await;
    let answer = peer.ask(get(&[HUGE, 100_000.0])).await;
    let body: serde_json::Value = serde_json::from_str(&answer.body).expect("it is whole");
    assert_eq!(body["predictions"].as_array().map(Vec::len), Some(100_000));
    let channel = Channel::to(server.address).await;
    let called = channel.classify(&[], &[HUGE, 100_000.0]).await;
    assert_eq!(called.expect("an answer").status(), 8);
    let called = channel.classify(&[], &[HUGE, 100.0]).await;
    assert_eq!(called.expect("a reply").status(), 0);
}
