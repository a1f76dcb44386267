//! A conversation with a peer that sends anything, for the fuzz target `http2`.

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, Response};

use super::super::limits::Limits;
use super::frame::{HEADER, Header, Reason};
use super::session::{FULL, Service, Session};
use super::slot::End;
use crate::known::Reply;

/// Answers short paths at once, with what it was sent.
struct Echo;

impl Service for Echo {
    type Known = ();

    fn known(&self, head: &Parts) -> Option<()> {
        (head.uri.path().len() < 5).then_some(())
    }

    fn answer(&self, (): &(), _: &Parts, body: Bytes) -> Option<Response<Reply>> {
        Some(Response::new(Reply::Message(body)))
    }
}

/// Hears `bytes` after a peer's settings, in pieces whose length the first byte says. What goes out
/// is whole frames, and nothing grows beyond its bounds.
pub fn http2(bytes: &[u8]) {
    let Some((length, bytes)) = bytes.split_first() else {
        return;
    };
    let limits = Limits {
        streams: 10,
        ..Limits::default()
    };
    let mut session: Session<Echo> = Session::begin(&limits);
    let mut input = BytesMut::from(&[0, 0, 0, 4, 0, 0, 0, 0, 0][..]);
    for piece in bytes.chunks(1 + usize::from(*length)) {
        input.extend_from_slice(piece);
        let received = session.receive(&Echo, &mut input);
        if let Err(reason) = received {
            session.fail(reason);
        } else if length.is_multiple_of(2) {
            session.settle();
        }
        for (n, work) in std::mem::take(&mut session.work).into_iter().enumerate() {
            match n % 3 {
                0 => {
                    work.slot.put_head(Response::new(()).into_parts().0, false);
                    let end = End::Trailers(HeaderMap::new());
                    work.slot.put(vec![0; 20_000].into(), Some(end));
                }
                1 => work.slot.reset(Reason::CANCEL),
                _ => {}
            }
        }
        session.collect();
        session.pump();
        assert!(session.streams.len() <= 10 && session.out.len() < 2 * FULL);
        let out = std::mem::take(&mut session.out);
        let mut rest = &out[..];
        while let Some(header) = Header::read(rest) {
            rest = &rest[HEADER + header.length..];
        }
        assert!(rest.is_empty());
        if received.is_err() {
            return;
        }
    }
}
