//! Conversations without a socket: what peers may and may not do, in any order and cut anywhere.

use std::pin::Pin;
use std::task::{Context, Waker};

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, Response};
use http_body::Body as _;
use proptest::prelude::*;

use super::super::limits::Limits;
use super::frame::*;
use super::session::{FULL, Service, Session, WINDOW, What};
use super::slot::End;
use crate::known::Reply;

/// Answers `/now` and `/call` with what it was sent, and leaves the rest to tasks.
struct Echo;

impl Service for Echo {
    type Known = bool;

    fn known(&self, head: &Parts) -> Option<bool> {
        match head.uri.path() {
            "/now" => Some(false),
            "/call" => Some(true),
            _ => None,
        }
    }

    fn answer(&self, known: &bool, _: &Parts, body: Bytes) -> Option<Response<Reply>> {
        let reply = match known {
            true => Reply::Message(body),
            false => Reply::Whole(body),
        };
        Some(Response::new(reply))
    }
}

/// A frame that was sent, with its payload.
type Sent = (Header, Vec<u8>);

/// A session, and what it has said.
struct Talk {
    session: Session<Echo>,
    input: BytesMut,
    said: Vec<Sent>,
    over: Option<Reason>,
}

const STREAMS: u32 = 8;

impl Talk {
    /// Before the peer's settings.
    fn new() -> Self {
        let limits = Limits {
            streams: STREAMS,
            header_list: 4096,
            ..Limits::default()
        };
        Self {
            session: Session::begin(&limits),
            input: BytesMut::new(),
            said: Vec::new(),
            over: None,
        }
    }

    /// After them.
    fn begun() -> Self {
        let mut talk = Self::new();
        talk.hear(&settings_of(&[]));
        talk.said.clear();
        talk
    }

    /// Takes in `bytes`, and reads what goes out.
    fn hear(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        if self.over.is_none() {
            if let Err(reason) = self.session.receive(&Echo, &mut self.input) {
                self.session.fail(reason);
                self.over = Some(reason);
            }
            self.session.settle();
        }
        self.go_on();
    }

    fn go_on(&mut self) {
        loop {
            self.session.collect();
            self.session.pump();
            let out = std::mem::take(&mut self.session.out);
            let mut rest = &out[..];
            while let Some(header) = Header::read(rest) {
                let payload = &rest[HEADER..][..header.length];
                self.said.push((header, payload.to_vec()));
                rest = &rest[HEADER + header.length..];
            }
            assert!(rest.is_empty(), "whole frames go out");
            if out.is_empty() {
                return;
            }
        }
    }

    /// The kinds of what was said of `stream`.
    fn kinds(&self, stream: u32) -> Vec<u8> {
        let of = self
            .said
            .iter()
            .filter(|(header, _)| header.stream == stream);
        of.map(|(header, _)| header.kind).collect()
    }

    /// The data that `stream` was sent, and whether it is all.
    fn body(&self, stream: u32) -> (Vec<u8>, bool) {
        let mut whole = (Vec::new(), false);
        for (header, payload) in self
            .said
            .iter()
            .filter(|(header, _)| header.stream == stream)
        {
            // But that no more of the request is wanted.
            let reset = header.kind == RST_STREAM;
            assert!(!whole.1 || reset, "nothing comes after the end");
            if header.kind == DATA {
                whole.0.extend_from_slice(payload);
            }
            whole.1 |= matches!(header.kind, DATA | HEADERS) && header.is(END_STREAM);
        }
        whole
    }

    /// The code of the last reset of `stream`, or of the GOAWAY where that is 0.
    fn code(&self, stream: u32) -> Option<u32> {
        let kind = if stream == 0 { GOAWAY } else { RST_STREAM };
        let of = |(header, _): &&Sent| header.kind == kind && header.stream == stream;
        let (_, payload) = self.said.iter().rev().find(of)?;
        let code = payload.last_chunk::<4>().expect("a code has four bytes");
        Some(u32::from_be_bytes(*code))
    }
}

fn raw(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    begin(&mut out, payload.len(), kind, flags, stream);
    out.extend_from_slice(payload);
    out
}

fn settings_of(all: &[(u16, u32)]) -> Vec<u8> {
    let mut out = Vec::new();
    settings(&mut out, all);
    out
}

/// `POST` to `path`, without entries in the table.
fn block(path: &str) -> Vec<u8> {
    let mut block = vec![0x83, 0x86, 0x04, path.len() as u8];
    block.extend_from_slice(path.as_bytes());
    block
}

fn open(stream: u32, path: &str) -> Vec<u8> {
    raw(HEADERS, END_HEADERS, stream, &block(path))
}

fn ask(stream: u32, path: &str, body: &[u8]) -> Vec<u8> {
    [open(stream, path), raw(DATA, END_STREAM, stream, body)].concat()
}

fn grant(stream: u32, more: u32) -> Vec<u8> {
    raw(WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

#[test]
fn it_begins_with_its_settings_and_acknowledges_the_peers() {
    let mut talk = Talk::new();
    talk.hear(&settings_of(&[(MAX_FRAME_SIZE, 1 << 20)]));
    let kinds: Vec<_> = talk
        .said
        .iter()
        .map(|(header, _)| (header.kind, header.flags))
        .collect();
    assert_eq!(kinds, [(SETTINGS, 0), (WINDOW_UPDATE, 0), (SETTINGS, ACK)]);
}

#[test]
fn a_request_that_is_all_here_is_answered_at_once() {
    let mut talk = Talk::begun();
    talk.hear(&[ask(1, "/now", b"one"), ask(3, "/call", b"three")].concat());
    assert_eq!(talk.kinds(1), [HEADERS, DATA]);
    assert_eq!(talk.kinds(3), [HEADERS, DATA, HEADERS]);
    assert_eq!(talk.body(1), (b"one".to_vec(), true));
    assert_eq!(talk.body(3), (b"three".to_vec(), true));
    assert!(talk.session.streams.is_empty() && talk.session.work.is_empty());
    assert_eq!(talk.session.answered, 2);
}

#[test]
fn padding_priorities_and_trailers_are_read() {
    let mut talk = Talk::begun();
    let block = block("/now");
    let padded = [&[3, 0, 0, 0, 9, 15], &block[..], &[0, 0, 0]].concat();
    talk.hear(&raw(
        HEADERS,
        END_HEADERS | PADDED | HAS_PRIORITY,
        1,
        &padded,
    ));
    talk.hear(&[]);
    let mut talk = Talk::begun();
    let whole = [
        raw(HEADERS, END_HEADERS | PADDED | HAS_PRIORITY, 1, &padded),
        raw(DATA, PADDED, 1, &[2, b'a', b'b', 0, 0]),
        raw(DATA, 0, 1, b"c"),
        raw(HEADERS, END_HEADERS | END_STREAM, 1, &[0, 1, b'x', 1, b'y']),
    ];
    talk.hear(&whole.concat());
    assert_eq!(talk.body(1), (b"abc".to_vec(), true));
}

#[test]
fn a_head_in_pieces_is_read() {
    let mut talk = Talk::begun();
    let block = block("/now");
    let pieces = [
        raw(HEADERS, END_STREAM, 1, &block[..2]),
        raw(CONTINUATION, 0, 1, &block[2..5]),
        raw(CONTINUATION, END_HEADERS, 1, &block[5..]),
    ];
    talk.hear(&pieces.concat());
    assert_eq!(talk.kinds(1), [HEADERS]);
    assert_eq!(talk.body(1), (Vec::new(), true));
}

#[test]
fn a_head_that_is_the_same_again_is_one_of_its_table() {
    let mut talk = Talk::begun();
    // `x: 1` into the table, and then the newest entry; `x: 2` comes in between.
    let path = block("/other");
    let with = |field: &[u8]| [&path[..], field].concat();
    let ask = |stream, block: &[u8]| raw(HEADERS, END_HEADERS | END_STREAM, stream, block);
    talk.hear(&ask(1, &with(&[0x40, 1, b'x', 1, b'1'])));
    talk.hear(&[ask(3, &with(&[0xbe])), ask(5, &with(&[0xbe]))].concat());
    talk.hear(&ask(7, &with(&[0x40, 1, b'x', 1, b'2'])));
    talk.hear(&ask(9, &with(&[0xbe])));
    let values = talk.session.work.iter().map(|work| match &work.what {
        What::Answer(request) => request.headers()["x"].to_str().expect("text").to_owned(),
        _ => panic!("it is to be answered"),
    });
    assert_eq!(values.collect::<Vec<_>>(), ["1", "1", "1", "2", "2"]);
}

/// What a peer must not do, and the code that it gets for it: of the connection, or of a stream.
#[test]
fn each_fault_has_its_code() {
    const PROTOCOL: u32 = 1;
    const FLOW: u32 = 3;
    const CLOSED: u32 = 5;
    const SIZE: u32 = 6;
    const REFUSED: u32 = 7;
    const COMPRESSION: u32 = 9;
    let many: Vec<u8> = (0..=STREAMS)
        .flat_map(|n| open(2 * n + 1, "/other"))
        .collect();
    let twice = [open(1, "/other"), ask(3, "/now", b"")].concat();
    let faults = [
        ("DATA on the connection", raw(DATA, 0, 0, b""), 0, PROTOCOL),
        (
            "DATA on a stream that is idle",
            raw(DATA, 0, 1, b""),
            0,
            PROTOCOL,
        ),
        ("HEADERS on the connection", open(0, "/"), 0, PROTOCOL),
        ("HEADERS on an even stream", open(2, "/"), 0, PROTOCOL),
        (
            "HEADERS on a stream below",
            [open(5, "/"), open(3, "/")].concat(),
            0,
            PROTOCOL,
        ),
        (
            "HEADERS on a closed stream",
            [ask(1, "/now", b""), open(1, "/")].concat(),
            0,
            CLOSED,
        ),
        (
            "RST_STREAM on a stream that is idle",
            raw(RST_STREAM, 0, 1, &[0; 4]),
            0,
            PROTOCOL,
        ),
        (
            "RST_STREAM on the connection",
            raw(RST_STREAM, 0, 0, &[0; 4]),
            0,
            PROTOCOL,
        ),
        (
            "a short RST_STREAM",
            raw(RST_STREAM, 0, 1, &[0; 3]),
            0,
            SIZE,
        ),
        (
            "SETTINGS on a stream",
            raw(SETTINGS, 0, 1, b""),
            0,
            PROTOCOL,
        ),
        (
            "SETTINGS that are cut off",
            raw(SETTINGS, 0, 0, &[0; 5]),
            0,
            SIZE,
        ),
        (
            "an ACK that says more",
            raw(SETTINGS, ACK, 0, &[0; 6]),
            0,
            SIZE,
        ),
        (
            "ENABLE_PUSH of 2",
            settings_of(&[(ENABLE_PUSH, 2)]),
            0,
            PROTOCOL,
        ),
        (
            "a window of 2^31",
            settings_of(&[(INITIAL_WINDOW_SIZE, 1 << 31)]),
            0,
            FLOW,
        ),
        (
            "frames of 2^14 - 1",
            settings_of(&[(MAX_FRAME_SIZE, (1 << 14) - 1)]),
            0,
            PROTOCOL,
        ),
        (
            "frames of 2^24",
            settings_of(&[(MAX_FRAME_SIZE, 1 << 24)]),
            0,
            PROTOCOL,
        ),
        (
            "PUSH_PROMISE",
            raw(PUSH_PROMISE, END_HEADERS, 1, &[0; 4]),
            0,
            PROTOCOL,
        ),
        ("PING on a stream", raw(PING, 0, 1, &[0; 8]), 0, PROTOCOL),
        ("a short PING", raw(PING, 0, 0, &[0; 7]), 0, SIZE),
        (
            "GOAWAY on a stream",
            raw(GOAWAY, 0, 1, &[0; 8]),
            0,
            PROTOCOL,
        ),
        ("a short GOAWAY", raw(GOAWAY, 0, 0, &[0; 7]), 0, SIZE),
        (
            "PRIORITY on the connection",
            raw(PRIORITY, 0, 0, &[0; 5]),
            0,
            PROTOCOL,
        ),
        (
            "a short PRIORITY",
            [open(1, "/"), raw(PRIORITY, 0, 1, &[0; 4])].concat(),
            1,
            SIZE,
        ),
        (
            "a short WINDOW_UPDATE",
            raw(WINDOW_UPDATE, 0, 0, &[0; 3]),
            0,
            SIZE,
        ),
        ("a grant of nothing", grant(0, 0), 0, PROTOCOL),
        (
            "a grant of nothing to a stream",
            [open(1, "/"), grant(1, 0)].concat(),
            1,
            PROTOCOL,
        ),
        ("a grant to a stream that is idle", grant(1, 1), 0, PROTOCOL),
        ("a window beyond 2^31", grant(0, i32::MAX as u32), 0, FLOW),
        (
            "one of a stream",
            [open(1, "/"), grant(1, i32::MAX as u32)].concat(),
            1,
            FLOW,
        ),
        (
            "CONTINUATION of nothing",
            raw(CONTINUATION, END_HEADERS, 1, b""),
            0,
            PROTOCOL,
        ),
        (
            "something between HEADERS and CONTINUATION",
            [raw(HEADERS, 0, 1, &[0x83]), raw(PING, 0, 0, &[0; 8])].concat(),
            0,
            PROTOCOL,
        ),
        (
            "CONTINUATION of another stream",
            [raw(HEADERS, 0, 1, &[0x83]), raw(CONTINUATION, 0, 3, b"")].concat(),
            0,
            PROTOCOL,
        ),
        (
            "a frame over 2^14",
            raw(DATA, 0, 1, &[0; (1 << 14) + 1]),
            0,
            SIZE,
        ),
        (
            "padding beyond the frame",
            [open(1, "/"), raw(DATA, PADDED, 1, &[1])].concat(),
            0,
            PROTOCOL,
        ),
        (
            "that of a head",
            raw(HEADERS, END_HEADERS | PADDED, 1, &[9, 0x83]),
            0,
            PROTOCOL,
        ),
        (
            "a padded frame of nothing",
            [open(1, "/"), raw(DATA, PADDED, 1, b"")].concat(),
            0,
            SIZE,
        ),
        (
            "a head that is no block",
            raw(HEADERS, END_HEADERS, 1, &[0x80]),
            0,
            COMPRESSION,
        ),
        (
            "DATA after the end",
            [twice.clone(), raw(DATA, 0, 3, b"x")].concat(),
            3,
            CLOSED,
        ),
        (
            "a head without a path",
            raw(HEADERS, END_HEADERS, 1, &[0x83, 0x86]),
            1,
            PROTOCOL,
        ),
        (
            "trailers that do not end",
            [
                open(1, "/"),
                raw(HEADERS, END_HEADERS, 1, &[0, 1, b'x', 1, b'y']),
            ]
            .concat(),
            1,
            PROTOCOL,
        ),
        (
            "trailers with a path",
            [
                open(1, "/"),
                raw(HEADERS, END_HEADERS | END_STREAM, 1, &[0x84]),
            ]
            .concat(),
            1,
            PROTOCOL,
        ),
        ("one stream too many", many, 2 * STREAMS + 1, REFUSED),
    ];
    for (what, bytes, stream, code) in faults {
        let mut talk = Talk::begun();
        talk.hear(&bytes);
        assert_eq!(talk.code(stream), Some(code), "{what}");
        assert_eq!(talk.over.is_some(), stream == 0, "{what}");
        // A stream's fault is nobody else's.
        if stream > 0 {
            talk.session.streams.clear();
            talk.hear(&ask(101, "/now", b"x"));
            assert_eq!(talk.body(101), (b"x".to_vec(), true), "{what}");
        }
    }
}

#[test]
fn the_first_frame_is_the_peers_settings() {
    for first in [
        raw(PING, 0, 0, &[0; 8]),
        raw(SETTINGS, ACK, 0, b""),
        open(1, "/"),
    ] {
        let mut talk = Talk::new();
        talk.hear(&first);
        assert_eq!(talk.over, Some(Reason::PROTOCOL_ERROR));
    }
}

#[test]
fn a_body_is_as_long_as_it_is_said_to_be() {
    let said = |length: &str| {
        let mut block = block("/now");
        // Entry 28, not indexed.
        block.extend_from_slice(&[0x0f, 13, length.len() as u8]);
        block.extend_from_slice(length.as_bytes());
        block
    };
    for (length, body, good) in [
        ("2", &b"ab"[..], true),
        ("1", b"ab", false),
        ("3", b"ab", false),
        ("x", b"ab", false),
        ("0", b"", true),
    ] {
        let mut talk = Talk::begun();
        talk.hear(&raw(HEADERS, END_HEADERS, 1, &said(length)));
        talk.hear(&[]);
        let mut talk = Talk::begun();
        let head = raw(HEADERS, END_HEADERS, 1, &said(length));
        talk.hear(&[head, raw(DATA, END_STREAM, 1, body)].concat());
        assert_eq!(talk.code(1), (!good).then_some(1), "{length}");
    }
    let mut talk = Talk::begun();
    talk.hear(&raw(HEADERS, END_HEADERS | END_STREAM, 1, &said("1")));
    assert_eq!(talk.code(1), Some(1));
}

#[test]
fn what_is_unknown_is_passed_over() {
    let mut talk = Talk::begun();
    talk.hear(&settings_of(&[(99, 1), (MAX_HEADER_LIST_SIZE, 1)]));
    talk.hear(&[raw(99, 0xff, 7, b"whatever"), raw(PRIORITY, 0, 9, &[0; 5])].concat());
    talk.hear(&raw(GOAWAY, 0, 0, &[0; 8]));
    assert_eq!(talk.over, None);
}

#[test]
fn frames_for_a_stream_that_was_reset_are_passed_over() {
    let mut talk = Talk::begun();
    talk.hear(&[open(1, "/other"), raw(RST_STREAM, 0, 1, &[0; 4])].concat());
    talk.hear(&[raw(DATA, 0, 1, b"late"), grant(1, 1)].concat());
    talk.hear(&raw(
        HEADERS,
        END_HEADERS | END_STREAM,
        1,
        &[0, 1, b'x', 1, b'y'],
    ));
    assert_eq!((talk.over, talk.code(1)), (None, None));
    assert!(talk.session.streams.is_empty());
}

#[test]
fn what_is_read_is_granted_anew() {
    let mut talk = Talk::begun();
    let (mut sent, mut granted) = (0usize, 0);
    for n in 0..200 {
        talk.hear(
            &[
                open(2 * n + 1, "/now"),
                raw(DATA, 0, 2 * n + 1, &[0; 1 << 14]),
            ]
            .concat(),
        );
        talk.hear(&raw(RST_STREAM, 0, 2 * n + 1, &[0; 4]));
        sent += 1 << 14;
        talk.session.work.clear();
        let grants = talk
            .said
            .drain(..)
            .filter(|(header, _)| header.kind == WINDOW_UPDATE);
        for (_, payload) in grants {
            granted += u32::from_be_bytes(payload.try_into().expect("four bytes")) as usize;
        }
        assert_eq!(talk.over, None);
        assert!(granted <= sent && sent - granted < WINDOW as usize);
        // Resets are not what is tested.
        talk.session.forgive();
    }
}

#[test]
fn nothing_is_granted_twice() {
    let mut talk = Talk::begun();
    let (mut sent, mut granted) = (0, 0);
    for n in 0..1000u32 {
        let id = 2 * n + 1;
        let path = ["/now", "/other"][n as usize % 2];
        let body = vec![0; 5000];
        let frames = match n % 7 {
            0..3 => ask(id, path, &body),
            3 => [
                open(id, path),
                raw(DATA, 0, id, &body),
                raw(DATA, END_STREAM, id, &[]),
            ]
            .concat(),
            4 => {
                let trailers = raw(
                    HEADERS,
                    END_HEADERS | END_STREAM,
                    id,
                    &[0, 1, b'x', 1, b'y'],
                );
                [open(id, path), raw(DATA, 0, id, &body), trailers].concat()
            }
            5 => [open(id, path), raw(DATA, 0, id, &body)].concat(),
            _ => [
                open(id, path),
                raw(DATA, PADDED, id, &[&[9], &body[10..], &[0; 9]].concat()),
            ]
            .concat(),
        };
        talk.hear(&frames);
        sent += body.len();
        for work in std::mem::take(&mut talk.session.work) {
            if let What::Answer(mut request) = work.what {
                // Some are read, and others dropped unread.
                if n % 3 > 0 {
                    let mut context = Context::from_waker(Waker::noop());
                    let _ = Pin::new(request.body_mut()).poll_frame(&mut context);
                }
            }
            work.slot.reset(Reason::CANCEL);
        }
        talk.hear(&grant(0, 5000));
        talk.hear(&raw(RST_STREAM, 0, id, &[0; 4]));
        let grants = (talk.said.drain(..))
            .filter(|(header, _)| (header.kind, header.stream) == (WINDOW_UPDATE, 0));
        for (_, payload) in grants {
            granted += u32::from_be_bytes(payload.try_into().expect("four bytes")) as usize;
        }
        assert_eq!(talk.over, None);
        assert!(granted <= sent, "request {n}");
        // Resets are not what is tested.
        talk.session.forgive();
    }
    assert!(sent - granted < WINDOW as usize);
}

#[test]
fn a_peer_keeps_to_its_windows() {
    let mut talk = Talk::begun();
    talk.hear(&open(1, "/other"));
    for _ in 0..WINDOW as usize / LONGEST {
        talk.hear(&raw(DATA, 0, 1, &[0; LONGEST]));
        assert_eq!(talk.over, None);
    }
    talk.hear(&raw(DATA, 0, 1, &[0]));
    assert_eq!(talk.over, Some(Reason::FLOW_CONTROL_ERROR));
}

#[test]
fn a_reply_waits_for_the_peers_windows() {
    let mut talk = Talk::begun();
    talk.hear(&settings_of(&[(INITIAL_WINDOW_SIZE, 2)]));
    talk.hear(&ask(1, "/call", b"abcdef"));
    assert_eq!(talk.body(1), (b"ab".to_vec(), false));
    // Less than nothing, and what makes it good.
    talk.hear(&settings_of(&[(INITIAL_WINDOW_SIZE, 0)]));
    talk.hear(&grant(1, 2));
    assert_eq!(talk.body(1), (b"ab".to_vec(), false));
    talk.hear(&grant(1, 1));
    assert_eq!(talk.body(1), (b"abc".to_vec(), false));
    talk.hear(&settings_of(&[(INITIAL_WINDOW_SIZE, 3)]));
    assert_eq!(talk.body(1), (b"abcdef".to_vec(), true));
    assert_eq!(talk.kinds(1).last(), Some(&HEADERS));
    assert!(talk.session.streams.is_empty());
}

#[test]
fn long_replies_take_turns() {
    let mut talk = Talk::begun();
    talk.hear(&settings_of(&[(INITIAL_WINDOW_SIZE, 1 << 20)]));
    talk.hear(&[grant(0, 1 << 20), open(1, "/other"), open(3, "/other")].concat());
    for work in std::mem::take(&mut talk.session.work) {
        let (head, ()) = Response::new(()).into_parts();
        work.slot.put_head(head, false);
        work.slot.put(vec![0; 100_000].into(), Some(End::Data));
    }
    talk.go_on();
    let data = talk.said.iter().filter(|(header, _)| header.kind == DATA);
    let order: Vec<_> = data.map(|(header, _)| header.stream).collect();
    assert_eq!(order[..4], [1, 3, 1, 3]);
    for stream in [1, 3] {
        assert_eq!(talk.body(stream), (vec![0; 100_000], true));
        // The request had not ended: nobody waits for the rest.
        assert_eq!(talk.code(stream), Some(0));
    }
}

#[test]
fn a_leaving_connection_names_its_last_stream_when_the_peer_knows() {
    let mut talk = Talk::begun();
    talk.hear(&open(1, "/other"));
    talk.session.leave_gently();
    talk.hear(&ask(3, "/now", b"x"));
    assert_eq!(talk.body(3), (b"x".to_vec(), true));
    let ping = talk
        .said
        .iter()
        .find(|(header, _)| header.kind == PING)
        .cloned();
    let (_, opaque) = ping.expect("it asks for a sign");
    talk.hear(&raw(PING, ACK, 0, &opaque));
    // This one is the next server's.
    talk.hear(&ask(5, "/now", b"x"));
    assert!(talk.kinds(5).is_empty() && talk.over.is_none());
    let lasts = talk.said.iter().filter(|(header, _)| header.kind == GOAWAY);
    let lasts: Vec<_> = lasts.map(|(_, payload)| payload[..4].to_vec()).collect();
    assert_eq!(lasts, [vec![0x7f, 0xff, 0xff, 0xff], vec![0, 0, 0, 3]]);
    assert!(!talk.session.is_over());
    talk.hear(&raw(RST_STREAM, 0, 1, &[0; 4]));
    assert!(talk.session.is_over());
}

#[test]
fn a_peer_that_takes_nothing_is_not_read_on() {
    let mut talk = Talk::begun();
    let mut input = BytesMut::new();
    for n in 0..100_000 {
        input.extend_from_slice(&ask(2 * n + 1, "/now", b""));
    }
    let received = talk.session.receive(&Echo, &mut input);
    assert_eq!(received, Ok(()));
    assert!(!input.is_empty() && talk.session.out.len() < FULL + 1000);
}

#[test]
fn headers_over_the_limit_are_for_a_document() {
    let mut talk = Talk::begun();
    let mut block = block("/now");
    for _ in 0..50 {
        block.extend_from_slice(&[0, 1, b'x', 100]);
        block.extend_from_slice(&[b'y'; 100]);
    }
    talk.hear(&raw(HEADERS, END_HEADERS | END_STREAM, 1, &block));
    let work = talk.session.work.pop().expect("it is to be answered");
    assert!(matches!(work.what, What::Refuse(request) if request.uri().path() == "/now"));
    // The table is what it would be otherwise.
    talk.hear(&ask(3, "/now", b"x"));
    assert_eq!(talk.body(3), (b"x".to_vec(), true));
}

#[test]
fn a_block_without_an_end_is_cut_off() {
    let mut talk = Talk::begun();
    talk.hear(&raw(HEADERS, 0, 1, &[0; 1000]));
    for _ in 0..100 {
        talk.hear(&raw(CONTINUATION, 0, 1, &[0; 4000]));
    }
    assert_eq!(talk.over, Some(Reason::ENHANCE_YOUR_CALM));
}

/// Frames as peers send them, and others.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let stream = || prop_oneof![8 => (0u32..12).prop_map(|n| 2 * n + 1), 1 => 0u32..20];
    let path = prop::sample::select(vec!["/now", "/call", "/other", "/"]);
    let bytes = |most| prop::collection::vec(any::<u8>(), 0..most);
    let setting = (0u16..8, prop_oneof![0u32..200_000, Just(1 << 14), Just(1)]);
    prop_oneof![
        6 => (stream(), path.clone(), bytes(50)).prop_map(|(n, path, body)| ask(n, path, &body)),
        3 => (stream(), path).prop_map(|(n, path)| open(n, path)),
        3 => (any::<u8>(), stream(), bytes(50)).prop_map(|(flags, n, data)| raw(DATA, flags & 9, n, &data)),
        1 => (any::<u8>(), stream(), bytes(50)).prop_map(|(flags, n, data)| raw(HEADERS, flags, n, &data)),
        1 => (stream(), bytes(9)).prop_map(|(n, data)| raw(CONTINUATION, END_HEADERS, n, &data)),
        2 => stream().prop_map(|n| raw(RST_STREAM, 0, n, &[0; 4])),
        2 => (stream(), 0u32..100_000).prop_map(|(n, more)| grant(n, more)),
        1 => (0u32..100_000).prop_map(|more| grant(0, more)),
        1 => prop::collection::vec(setting, 0..4).prop_map(|all| settings_of(&all)),
        1 => any::<u8>().prop_map(|flags| raw(PING, flags, 0, &[0; 8])),
        1 => (any::<u8>(), any::<u8>(), stream(), bytes(20)).prop_map(|(kind, flags, n, data)| raw(kind, flags, n, &data)),
    ]
}

fn conversation() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(frames(), 0..60)
}

proptest! {
    #[test]
    fn any_frames_are_borne_within_bounds(frames in conversation()) {
        let mut talk = Talk::begun();
        for (n, frame) in frames.iter().enumerate() {
            talk.hear(frame);
            prop_assert!(talk.session.streams.len() <= STREAMS as usize);
            prop_assert!(talk.session.work.len() <= frames.len());
            // Tasks answer, or give up.
            for (m, work) in std::mem::take(&mut talk.session.work).into_iter().enumerate() {
                match (n + m) % 3 {
                    0 => {
                        let (head, ()) = Response::new(()).into_parts();
                        work.slot.put_head(head, false);
                        work.slot.put(vec![7; 40_000].into(), Some(End::Trailers(HeaderMap::new())));
                    }
                    1 => work.slot.reset(Reason::INTERNAL_ERROR),
                    _ => {}
                }
            }
            talk.go_on();
        }
        for stream in 1..40 {
            talk.body(stream);
        }
    }

    #[test]
    fn where_bytes_are_cut_makes_no_difference(frames in conversation(), cut in 1usize..40) {
        let whole = frames.concat();
        let said = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let mut talk = Talk::begun();
            for piece in pieces {
                talk.input.extend_from_slice(piece);
                if talk.over.is_none()
                    && let Err(reason) = talk.session.receive(&Echo, &mut talk.input)
                {
                    talk.session.fail(reason);
                    talk.over = Some(reason);
                }
            }
            talk.session.settle();
            talk.go_on();
            talk.said
        };
        let together = said(&mut std::iter::once(&whole[..]));
        prop_assert_eq!(&together, &said(&mut whole.chunks(cut)));
        prop_assert_eq!(&together, &said(&mut whole.chunks(1)));
    }

    #[test]
    fn no_more_is_sent_than_was_granted(
        lengths in prop::collection::vec(0usize..100_000, 1..6),
        steps in prop::collection::vec(
            prop_oneof![
                (0usize..6, 1u32..50_000).prop_map(|(n, more)| (Some(n), more)),
                (1u32..100_000).prop_map(|more| (None, more)),
                (0u32..100_000).prop_map(|initial| (Some(99), initial)),
            ],
            0..40,
        ),
    ) {
        let mut talk = Talk::begun();
        let (mut connection, mut initial) = (65_535i64, 65_535i64);
        let mut granted = vec![0i64; lengths.len()];
        for (n, length) in lengths.iter().enumerate() {
            talk.hear(&open(2 * n as u32 + 1, "/other"));
            let work = talk.session.work.pop().expect("it is a task's");
            let (head, ()) = Response::new(()).into_parts();
            work.slot.put_head(head, false);
            work.slot.put(vec![1; *length].into(), Some(End::Data));
        }
        talk.go_on();
        for (which, more) in steps.into_iter().chain([(Some(99), 1 << 20), (None, 1 << 30)]) {
            match which {
                None => {
                    talk.hear(&grant(0, more));
                    connection += i64::from(more);
                }
                Some(99) => {
                    talk.hear(&settings_of(&[(INITIAL_WINDOW_SIZE, more)]));
                    initial = i64::from(more);
                }
                Some(n) if n < lengths.len() => {
                    talk.hear(&grant(2 * n as u32 + 1, more));
                    granted[n] += i64::from(more);
                }
                Some(_) => {}
            }
            let sent = |n: usize| talk.body(2 * n as u32 + 1).0.len() as i64;
            let all: i64 = (0..lengths.len()).map(sent).sum();
            prop_assert!(all <= connection);
            prop_assert_eq!(talk.over, None);
            for (n, length) in lengths.iter().enumerate() {
                // A window that was made smaller takes nothing back.
                let length = *length as i64;
                let may = (granted[n] + initial).min(length);
                prop_assert!(sent(n) >= may.min(connection - all + sent(n)).min(length));
            }
        }
        for (n, length) in lengths.iter().enumerate() {
            prop_assert_eq!(talk.body(2 * n as u32 + 1), (vec![1; *length], true));
        }
    }
}
