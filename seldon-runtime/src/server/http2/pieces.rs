//! A body's pieces, as they come to be sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame};

use super::frame;
use super::slot::End;

/// What follows the pieces of a body.
pub(super) enum Then {
    More,
    End(End),
    Failed,
}

/// The next pieces of a body: all that are there, until they make a frame.
///
/// Small frames cost a peer more than what is in them, and a client by the crate h2 ends a
/// connection on which too many of them wait to be read.
pub(super) fn poll(mut body: Pin<&mut Body>, context: &mut Context<'_>) -> Poll<(Bytes, Then)> {
    let mut pieces = Pieces::default();
    let then = loop {
        let frame = match body.as_mut().poll_frame(context) {
            Poll::Ready(frame) => frame,
            Poll::Pending if pieces.len() > 0 => break Then::More,
            Poll::Pending => return Poll::Pending,
        };
        match frame.map(|frame| frame.map(Frame::into_data)) {
            None => break Then::End(End::Data),
            Some(Err(_)) => break Then::Failed,
            Some(Ok(Ok(data))) => pieces.push(data),
            Some(Ok(Err(frame))) => match frame.into_trailers() {
                Ok(trailers) => break Then::End(End::Trailers(trailers)),
                Err(_) => continue,
            },
        }
        if body.is_end_stream() {
            break Then::End(End::Data);
        }
        if pieces.len() >= frame::LONGEST {
            break Then::More;
        }
    };
    Poll::Ready((pieces.whole(), then))
}

/// Pieces that become one; a single one is not copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    all: BytesMut,
}

impl Pieces {
    fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    fn push(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&piece);
    }

    fn whole(self) -> Bytes {
        match self.all.is_empty() {
            true => self.first,
            false => self.all.freeze(),
        }
    }
}
