//! HTTP/2 peers that cost more than they bring are cut off, and nobody else notices.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::*;
use crate::process::Process;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const GOAWAY: u8 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// `GET /` from the static table, RFC 7541 appendix A.
fn get_headers(stream: u32, flags: u8) -> Vec<u8> {
    frame(1, flags, stream, &[0x82, 0x84, 0x86, 0x41, 1, b't'])
}

/// Sends `chunks` until the server closes, and returns the error code of its GOAWAY.
///
/// Fails if it bears all of them, or computes for longer than a flood is worth.
async fn cut_off(chunks: impl Iterator<Item = Vec<u8>>) -> Option<u32> {
    let server = Process::quick(long()).await;
    let mut bystander = Peer::to(server.address).await;
    assert_eq!(bystander.ask(get(&[ANSWER])).await.status, 200);
    let before = server.cpu();
    let stream = tokio::net::TcpStream::connect(server.address)
        .await
        .expect("it listens");
    let (mut read, mut write) = stream.into_split();
    let received = tokio::spawn(async move {
        let mut received = Vec::new();
        let _ = read.read_to_end(&mut received).await;
        received
    });
    let flood = async {
        if write.write_all(PREFACE).await.is_err()
            || write.write_all(&frame(4, 0, 0, &[])).await.is_err()
        {
            return;
        }
        for chunk in chunks {
            if write.write_all(&chunk).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    patient(flood).await;
    // The writer stays open: only the server can have closed.
    let received = patient(received).await.expect("no panic");
    drop(write);
    assert_eq!(bystander.ask(get(&[ANSWER])).await.status, 200);
    let cost = server.cpu() - before;
    println!("cut off after {cost:?} of computing");
    assert!(cost < Duration::from_millis(100), "it cost {cost:?}");
    go_away(&received)
}

/// The error code of the last GOAWAY in a server's frames.
fn go_away(mut frames: &[u8]) -> Option<u32> {
    let mut code = None;
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = frames {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        if *kind == GOAWAY && rest.len() >= 8 {
            code = Some(u32::from_be_bytes([rest[4], rest[5], rest[6], rest[7]]));
        }
        frames = rest.get(length..).unwrap_or_default();
    }
    code
}

#[tokio::test]
async fn of_pings() {
    let chunk = frame(6, 0, 0, &[0; 8]).repeat(50);
    let code = cut_off(std::iter::repeat_n(chunk, 10_000)).await;
    assert_eq!(code, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn of_settings() {
    let chunk = frame(4, 0, 0, &[]).repeat(50);
    let code = cut_off(std::iter::repeat_n(chunk, 10_000)).await;
    assert_eq!(code, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn of_streams_opened_and_reset() {
    let pairs = (0..100_000).map(|n| {
        let stream = 2 * n + 1;
        [
            get_headers(stream, 4),
            frame(3, 0, stream, &8u32.to_be_bytes()),
        ]
        .concat()
    });
    assert_eq!(cut_off(pairs).await, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn of_streams_opened_and_reset_in_one_write() {
    let pairs = (0..100).map(|chunk: u32| {
        let pair = |n| {
            let stream = 2 * (1000 * chunk + n) + 1;
            [
                get_headers(stream, 4),
                frame(3, 0, stream, &8u32.to_be_bytes()),
            ]
            .concat()
        };
        (0..1000).flat_map(pair).collect()
    });
    assert_eq!(cut_off(pairs).await, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn of_continuations() {
    let head = frame(1, 0, 1, &[0x82, 0x84, 0x86]);
    let chunks = std::iter::once(head).chain(std::iter::repeat_n(frame(9, 0, 1, &[]), 100_000));
    assert_eq!(cut_off(chunks).await, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn of_continuations_with_headers() {
    let head = frame(1, 0, 1, &[0x82, 0x84, 0x86]);
    // A literal header without indexing, `a: ` and 100 bytes.
    let mut literal = vec![0, 1, b'a', 100];
    literal.extend_from_slice(&[b'x'; 100]);
    let chunks = std::iter::once(head).chain(std::iter::repeat_n(
        frame(9, 0, 1, &literal.repeat(50)),
        100_000,
    ));
    assert!(cut_off(chunks).await.is_some());
}

#[tokio::test]
async fn of_empty_data() {
    let head = get_headers(1, 4);
    let chunks =
        std::iter::once(head).chain(std::iter::repeat_n(frame(0, 0, 1, &[]).repeat(50), 10_000));
    assert_eq!(cut_off(chunks).await, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn a_client_that_cancels_what_it_asked_is_no_flood() {
    let server = Running::slow(long()).await;
    let channel = Channel::to(server.address).await;
    for _ in 0..50 {
        let mut call = std::pin::pin!(channel.classify(&[], &[SLEEP, 50.0]));
        assert!(futures_util::poll!(call.as_mut()).is_pending());
    }
    let called = channel.classify(&[], &[ANSWER]).await.expect("a reply");
    assert_eq!(called.status(), 0);
}
