//! A connection's bytes, watched as they come in, and closed so that the last answer is read.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::activity::Activity;
use super::framing::Framing;
use super::refusal::refusal;
use super::sniff::PREFACE;
use super::stream::Stream;

/// The most that is read and dropped after the last answer, in bytes.
const LINGER_BYTES: usize = 256 << 10;

/// How long it is read and dropped.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// A connection of which the first bytes have been read already.
pub(super) struct Socket {
    stream: Stream,
    /// What was read to tell the protocol, to be read again.
    first: Bytes,
    activity: Arc<Activity>,
    protocol: Protocol,
    /// What is written in place of an answer of hyper's own.
    refusal: Option<Bytes>,
    linger: Option<Linger>,
}

enum Protocol {
    Http1 {
        /// The first line of the head that is coming in is not over.
        in_line: bool,
        /// What that head says of its body.
        framing: Framing,
    },
    Http2,
}

/// After our last byte: what the peer still sends.
struct Linger {
    dropped: usize,
    until: Pin<Box<Sleep>>,
}

impl Socket {
    /// `stream`, of which `first` was read, for a connection that speaks HTTP/1.
    pub(super) fn http1(stream: Stream, first: Bytes, activity: Arc<Activity>) -> Self {
        let in_line = !first.contains(&b'\n');
        let framing = Framing::begin(&first);
        activity.frame(framing.is_ambiguous());
        Self::new(
            stream,
            first,
            activity,
            Protocol::Http1 { in_line, framing },
        )
    }

    /// The same for HTTP/2, of which the preface is over.
    pub(super) fn http2(stream: Stream, mut first: Bytes, activity: Arc<Activity>) -> Self {
        first.advance(PREFACE.len().min(first.len()));
        Self::new(stream, first, activity, Protocol::Http2)
    }

    fn new(stream: Stream, first: Bytes, activity: Arc<Activity>, protocol: Protocol) -> Self {
        Self {
            stream,
            first,
            activity,
            protocol,
            refusal: None,
            linger: None,
        }
    }

    /// Writes `refusal`, which stands for `length` bytes of hyper's.
    fn poll_refuse(
        &mut self,
        context: &mut Context<'_>,
        mut refusal: Bytes,
        length: usize,
    ) -> Poll<io::Result<usize>> {
        while refusal.has_remaining() {
            match Pin::new(&mut self.stream).poll_write(context, &refusal) {
                Poll::Ready(written) => refusal.advance(written?),
                Poll::Pending => {
                    // Hyper comes again with the same bytes.
                    self.refusal = Some(refusal);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(length))
    }

    /// Looks at what has just been read.
    fn watch(&mut self, bytes: &[u8]) {
        match &mut self.protocol {
            Protocol::Http1 { in_line, framing } => {
                if bytes.is_empty() {
                    return;
                }
                let begun = self.activity.read();
                if begun || *in_line {
                    *in_line = !bytes.contains(&b'\n');
                }
                match begun {
                    true => *framing = Framing::begin(bytes),
                    false => framing.read(bytes),
                }
                self.activity.frame(framing.is_ambiguous());
            }
            Protocol::Http2 => self.activity.hear(),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.first.has_remaining() {
            let taken = this.first.len().min(buffer.remaining());
            let first = this.first.split_to(taken);
            buffer.put_slice(&first);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        this.watch(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if let Some(refusal) = this.refusal.take() {
            return this.poll_refuse(context, refusal, bytes.len());
        }
        let mut bytes = bytes;
        if let Protocol::Http1 { in_line, .. } = this.protocol
            && let Some((at, refusal)) = refusal(bytes, in_line)
        {
            if at == 0 {
                return this.poll_refuse(context, refusal, bytes.len());
            }
            // First what was answered before.
            bytes = &bytes[..at];
        }
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.activity.wrote(written.is_ready());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // An answer of hyper's own has no body, so that nothing follows its head.
        if let [only] = slices {
            return self.poll_write(context, only);
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.activity.wrote(written.is_ready());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Says that nothing more is coming, then reads on for a while: a socket that is closed with
    /// bytes unread resets the connection, and the peer may lose the answer over it.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        let linger = this.linger.get_or_insert_with(|| Linger {
            dropped: 0,
            until: Box::pin(tokio::time::sleep(LINGER_TIME)),
        });
        let mut scratch = [0; 8 << 10];
        while linger.dropped < LINGER_BYTES {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut this.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    linger.dropped += buffer.filled().len();
                }
                // The peer has closed, in one way or the other.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return linger.until.as_mut().poll(context).map(Ok),
            }
        }
        Poll::Ready(Ok(()))
    }
}
