//! One connection's conversation, without its socket: frames come in, and frames are to go out.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response};

use super::super::flood::Meter;
use super::super::limits::Limits;
use super::control::Leaving;
use super::flow::{self, Intake, Window};
use super::frame::{self, Header, Reason};
use super::heads::{Block, Repeated};
use super::hpack::Decoder;
use super::reply::Style;
use super::slot::{Incoming, Mailbox, Slot};
use super::streams::{Closed, How, Stage, Stream, Streams, Task};
use crate::known::Reply;

/// How much of a request's body a stream, and all of a connection's, may send ahead.
pub(super) const WINDOW: u32 = 1 << 20;

/// The most that waits for the peer to take it before nothing more is read of it.
pub(super) const FULL: usize = 256 << 10;

/// What answers requests where they are read.
pub(super) trait Service {
    /// What answers requests of one kind.
    type Known;

    /// What answers requests with this head as soon as they are all here.
    fn known(&self, head: &Parts) -> Option<Self::Known>;

    /// Its answer, unless it has to wait.
    fn answer(&self, known: &Self::Known, head: &Parts, body: Bytes) -> Option<Response<Reply>>;
}

/// What is left to be done by a task.
pub(super) struct Work {
    pub(super) stream: u32,
    pub(super) slot: Arc<Slot>,
    pub(super) what: What,
}

pub(super) enum What {
    Answer(Request<Incoming>),
    /// A request whose headers are over the limit.
    Refuse(Request<()>),
    /// The answer to a request by this method.
    Send(Method, Response<Reply>),
}

/// Why a frame is not taken.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    Stream(u32, Reason),
    Connection(Reason),
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self::Connection(reason)
    }
}

/// A conversation with one peer.
pub(super) struct Session<S: Service> {
    pub(super) streams: Streams<S::Known>,
    pub(super) closed: Closed,
    /// The last stream that was opened.
    pub(super) last: u32,
    /// What may be sent on the connection.
    pub(super) window: Window,
    pub(super) intake: Intake,
    /// What windows of new streams begin with.
    pub(super) initial: u32,
    pub(super) style: Style,
    pub(super) decoder: Decoder,
    /// A header block whose end has not come.
    pub(super) block: Option<Block>,
    pub(super) repeated: Option<Repeated<S::Known>>,
    pub(super) meter: Meter,
    /// The peer's settings have come.
    pub(super) begun: bool,
    pub(super) most_streams: usize,
    pub(super) header_list: usize,
    pub(super) leaving: Leaving,
    /// Streams that were opened since it was last settled what becomes of them.
    pub(super) fresh: Vec<u32>,
    /// Streams that have something to send.
    pub(super) ready: VecDeque<u32>,
    pub(super) work: Vec<Work>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) out: Vec<u8>,
    pub(super) date: HeaderValue,
    /// Requests that were answered where they were read.
    pub(super) answered: u64,
}

impl<S: Service> Session<S> {
    /// A conversation that begins with the settings that these `limits` ask for. The peer's
    /// preface has come.
    pub(super) fn begin(limits: &Limits) -> Self {
        let mut out = Vec::new();
        frame::settings(
            &mut out,
            &[
                (frame::MAX_CONCURRENT_STREAMS, limits.streams),
                (frame::INITIAL_WINDOW_SIZE, WINDOW),
                (frame::MAX_HEADER_LIST_SIZE, limits.header_list),
            ],
        );
        frame::window_update(&mut out, 0, WINDOW - flow::INITIAL);
        Self {
            streams: Streams::default(),
            closed: Closed::of(limits.streams as usize),
            last: 0,
            window: Window::new(flow::INITIAL),
            intake: Intake::new(WINDOW),
            initial: flow::INITIAL,
            style: Style {
                longest: frame::LONGEST,
                resized: false,
            },
            decoder: Decoder::new(),
            block: None,
            repeated: None,
            meter: Meter::new(),
            begun: false,
            most_streams: limits.streams as usize,
            header_list: limits.header_list as usize,
            leaving: Leaving::Not,
            fresh: Vec::new(),
            ready: VecDeque::new(),
            work: Vec::new(),
            mailbox: Arc::default(),
            out,
            date: HeaderValue::from_static(""),
            answered: 0,
        }
    }

    /// Takes in the frames that `input` begins with, as long as what is to go out is not too much.
    ///
    /// # Errors
    ///
    /// If the connection is over.
    pub(super) fn receive(&mut self, service: &S, input: &mut BytesMut) -> Result<(), Reason> {
        while self.out.len() < FULL
            && let Some(header) = Header::read(input)
        {
            if header.length > frame::LONGEST {
                return Err(Reason::FRAME_SIZE_ERROR);
            }
            if input.len() < frame::HEADER + header.length {
                break;
            }
            self.meter(header)?;
            self.expect(header)?;
            input.advance(frame::HEADER);
            let taken = match header.kind {
                frame::DATA => self.data(service, header, input.split_to(header.length)),
                _ => {
                    let taken = self.frame(service, header, &input[..header.length]);
                    input.advance(header.length);
                    taken
                }
            };
            match taken {
                Ok(()) => {}
                Err(Fault::Connection(reason)) => return Err(reason),
                Err(Fault::Stream(stream, reason)) => self.refuse(stream, reason)?,
            }
        }
        Ok(())
    }

    fn meter(&mut self, header: Header) -> Result<(), Reason> {
        match self.meter.frame(header.kind, header.flags, header.length) {
            true => Ok(()),
            false => Err(Reason::ENHANCE_YOUR_CALM),
        }
    }

    /// Whether a frame of that kind may come now at all.
    fn expect(&self, header: Header) -> Result<(), Reason> {
        let fits = match &self.block {
            Some(block) => header.kind == frame::CONTINUATION && header.stream == block.stream,
            None => header.kind != frame::CONTINUATION,
        };
        let first = header.kind == frame::SETTINGS && !header.is(frame::ACK);
        match fits && (self.begun || first) {
            true => Ok(()),
            false => Err(Reason::PROTOCOL_ERROR),
        }
    }

    /// Any frame but DATA.
    fn frame(&mut self, service: &S, header: Header, payload: &[u8]) -> Result<(), Fault> {
        match header.kind {
            frame::HEADERS => self.headers(service, header, payload),
            frame::CONTINUATION => self.continuation(service, header, payload),
            frame::PRIORITY => self.priority(header, payload),
            frame::RST_STREAM => self.reset(header, payload),
            frame::SETTINGS => self.settings(header, payload),
            frame::PING => self.ping(header, payload),
            frame::GOAWAY if header.stream != 0 => Err(Reason::PROTOCOL_ERROR.into()),
            frame::GOAWAY if payload.len() < 8 => Err(Reason::FRAME_SIZE_ERROR.into()),
            frame::WINDOW_UPDATE => self.window_update(header, payload),
            frame::PUSH_PROMISE => Err(Reason::PROTOCOL_ERROR.into()),
            // A peer that leaves closes when it has its replies. What is not known is passed over.
            _ => Ok(()),
        }
    }

    /// Resets a stream for what its peer did.
    fn refuse(&mut self, stream: u32, reason: Reason) -> Result<(), Reason> {
        frame::reset(&mut self.out, stream, reason);
        self.close(stream, How::Reset);
        match self.meter.refused(reason == Reason::REFUSED_STREAM) {
            true => Ok(()),
            false => Err(Reason::ENHANCE_YOUR_CALM),
        }
    }

    /// Closes a stream, and ends what works for it.
    pub(super) fn close(&mut self, id: u32, how: How) {
        if let Some(stream) = self.streams.remove(&id) {
            self.forget(id, stream, how);
        } else if how == How::Reset && self.closed.get(id).is_none() {
            self.closed.push(id, how);
        }
    }

    /// The same for one that is not among the open any more.
    pub(super) fn forget(&mut self, id: u32, stream: Stream<S::Known>, how: How) {
        self.closed.push(id, how);
        let left = match &stream.stage {
            Stage::Fresh(_, body) => body.len(),
            Stage::Working(slot, _) => slot.close(),
            Stage::Answered => 0,
        };
        if left > 0 {
            self.read(left);
        }
    }

    /// Has a task end with its stream, if that is not over yet.
    pub(super) fn attach(&mut self, id: u32, task: Task) {
        if let Some(stream) = self.streams.get_mut(&id)
            && let Stage::Working(_, of) = &mut stream.stage
        {
            *of = Some(task);
        }
    }

    /// Ends it for what the peer did.
    pub(super) fn fail(&mut self, reason: Reason) {
        let last = match self.leaving {
            Leaving::Last(last) => last,
            _ => self.last,
        };
        frame::go_away(&mut self.out, last, reason);
        self.abandon();
    }

    /// Drops whatever was being done.
    pub(super) fn abandon(&mut self) {
        self.work.clear();
        self.ready.clear();
        for (_, stream) in self.streams.drain() {
            if let Stage::Working(slot, _) = &stream.stage {
                slot.close();
            }
        }
    }

    #[cfg(test)]
    pub(super) fn forgive(&mut self) {
        self.meter = Meter::new();
    }
}
