//! A request's body, with an end to how much of it is read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::error::BoxError;
use crate::rest::OverLimit;

pin_project_lite::pin_project! {
    /// A body that fails with [`OverLimit`] once it has given more than its limit.
    pub(super) struct Capped<B> {
        #[pin]
        body: B,
        limit: usize,
        left: usize,
    }
}

impl<B> Capped<B> {
    /// `body`, of which at most `limit` bytes are taken.
    pub(super) fn new(body: B, limit: usize) -> Self {
        Self {
            body,
            limit,
            left: limit,
        }
    }
}

impl<B> Body for Capped<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let frame = match ready!(this.body.poll_frame(context)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => return Poll::Ready(None),
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        Poll::Ready(Some(match this.left.checked_sub(length) {
            Some(left) => {
                *this.left = left;
                Ok(frame)
            }
            None => {
                *this.left = 0;
                Err(OverLimit(*this.limit).into())
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
