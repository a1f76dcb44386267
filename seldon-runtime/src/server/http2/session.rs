//! One connection's conversation, without its socket: frames come in, and frames are to go out.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response};

use super::super::flood::Meter;
use super::super::limits::Limits;
use super::flow::{self, Intake, Window};
use super::frame::{self, Header, Reason};
use super::hpack::Decoder;
use super::reply::Style;
use super::request::{Fields, Head, length};
use super::slot::{Incoming, Mailbox, Slot};
use super::streams::{Closed, How, Opening, Stage, Stream, Streams, Task};
use crate::known::Reply;

/// How much of a request's body a stream, and all of a connection's, may send ahead.
pub(super) const WINDOW: u32 = 1 << 20;

/// The most that waits for the peer to take it before nothing more is read of it.
pub(super) const FULL: usize = 256 << 10;

/// What a header block may have on top of the decoded limit, which is what it is to stay under.
const BLOCK: usize = 64 << 10;

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
    last: u32,
    /// What may be sent on the connection.
    pub(super) window: Window,
    pub(super) intake: Intake,
    /// What windows of new streams begin with.
    initial: u32,
    pub(super) style: Style,
    decoder: Decoder,
    /// A header block whose end has not come.
    block: Option<Block>,
    repeated: Option<Repeated<S::Known>>,
    meter: Meter,
    /// The peer's settings have come.
    begun: bool,
    most_streams: usize,
    header_list: usize,
    leaving: Leaving,
    /// Streams that were opened since it was last settled what becomes of them.
    fresh: Vec<u32>,
    /// Streams that have something to send.
    pub(super) ready: VecDeque<u32>,
    pub(super) work: Vec<Work>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) out: Vec<u8>,
    pub(super) date: HeaderValue,
    /// Requests that were answered where they were read.
    pub(super) answered: u64,
}

/// A header block whose end has not come.
struct Block {
    stream: u32,
    last: bool,
    bytes: Vec<u8>,
}

/// The head that came last. Clients send the same again and again, in the same few bytes.
struct Repeated<K> {
    block: Box<[u8]>,
    /// That of the table by which it was read, and which it left as it was.
    version: u64,
    opening: Arc<Opening<K>>,
}

/// How far the connection is on its way to its end, RFC 9113 §6.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    Not,
    /// The peer was told, and asked for a sign that it knows.
    Told,
    /// It knows: what it opens above this is not looked at.
    Last(u32),
}

/// What that sign is.
const FAREWELL: [u8; 8] = *b"farewell";

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

    fn data(&mut self, service: &S, header: Header, mut data: BytesMut) -> Result<(), Fault> {
        if header.stream == 0 || header.stream > self.last {
            return Err(Reason::PROTOCOL_ERROR.into());
        }
        let padding = match header.is(frame::PADDED) {
            true => {
                let padding = usize::from(*data.first().ok_or(Reason::FRAME_SIZE_ERROR)?);
                data.advance(1);
                let left = data.len().checked_sub(padding);
                data.truncate(left.ok_or(Reason::PROTOCOL_ERROR)?);
                padding + 1
            }
            false => 0,
        };
        if !self.intake.take(header.length) {
            return Err(Reason::FLOW_CONTROL_ERROR.into());
        }
        let (id, last) = (header.stream, header.is(frame::END_STREAM));
        let Some(stream) = self.streams.get_mut(&id) else {
            self.read(header.length);
            return match self.closed.get(id) {
                Some(How::Reset) => Ok(()),
                _ => Err(Fault::Stream(id, Reason::STREAM_CLOSED)),
            };
        };
        let missing = stream
            .missing
            .map(|missing| missing.checked_sub(data.len() as u64));
        let wrong = if stream.ended {
            Some(Reason::STREAM_CLOSED)
        } else if !stream.intake.take(header.length) {
            Some(Reason::FLOW_CONTROL_ERROR)
        } else if missing == Some(None) || last && missing.flatten().is_some_and(|left| left > 0) {
            Some(Reason::PROTOCOL_ERROR)
        } else {
            None
        };
        if let Some(reason) = wrong {
            self.read(header.length);
            return Err(Fault::Stream(id, reason));
        }
        stream.missing = missing.flatten();
        stream.ended = last;
        let mut read = padding;
        match &mut stream.stage {
            Stage::Fresh(opening, body) if last => {
                let opening = Arc::clone(opening);
                let whole = match body.is_empty() {
                    // Almost always there is no second piece, and nothing is copied.
                    true => data.freeze(),
                    false => {
                        body.extend_from_slice(&data);
                        body.split().freeze()
                    }
                };
                self.read(padding);
                if let Some(stream) = self.streams.remove(&id) {
                    self.complete(service, id, stream, opening, whole, None);
                }
                return Ok(());
            }
            Stage::Fresh(_, body) => body.extend_from_slice(&data),
            Stage::Working(slot, _) => {
                read += slot.receive(&data);
                if last {
                    slot.end(None);
                }
            }
            Stage::Answered => read += data.len(),
        }
        if read > 0 {
            if let Some(more) = stream.intake.read(read).filter(|_| !last) {
                frame::window_update(&mut self.out, id, more);
            }
            self.read(read);
        }
        Ok(())
    }

    /// Notes that so much of what came is of no more interest to the connection.
    pub(super) fn read(&mut self, bytes: usize) {
        if let Some(more) = self.intake.read(bytes) {
            frame::window_update(&mut self.out, 0, more);
        }
    }

    fn headers(&mut self, service: &S, header: Header, payload: &[u8]) -> Result<(), Fault> {
        let mut block = payload;
        if header.is(frame::PADDED) {
            let (padding, rest) = block.split_first().ok_or(Reason::FRAME_SIZE_ERROR)?;
            let length = rest.len().checked_sub(usize::from(*padding));
            block = &rest[..length.ok_or(Reason::PROTOCOL_ERROR)?];
        }
        if header.is(frame::HAS_PRIORITY) {
            block = block.get(5..).ok_or(Reason::FRAME_SIZE_ERROR)?;
        }
        // Only clients open streams here, and theirs are odd.
        if header.stream.is_multiple_of(2) {
            return Err(Reason::PROTOCOL_ERROR.into());
        }
        let last = header.is(frame::END_STREAM);
        if header.is(frame::END_HEADERS) {
            return self.head(service, header.stream, last, block);
        }
        self.block = Some(Block {
            stream: header.stream,
            last,
            bytes: block.to_vec(),
        });
        Ok(())
    }

    fn continuation(&mut self, service: &S, header: Header, payload: &[u8]) -> Result<(), Fault> {
        let mut block = self.block.take().ok_or(Reason::PROTOCOL_ERROR)?;
        if block.bytes.len() + payload.len() > self.header_list + BLOCK {
            return Err(Reason::ENHANCE_YOUR_CALM.into());
        }
        block.bytes.extend_from_slice(payload);
        if header.is(frame::END_HEADERS) {
            return self.head(service, block.stream, block.last, &block.bytes);
        }
        self.block = Some(block);
        Ok(())
    }

    /// A whole header block.
    fn head(&mut self, service: &S, id: u32, last: bool, block: &[u8]) -> Result<(), Fault> {
        if id <= self.last {
            return self.trailers(service, id, last, block);
        }
        self.last = id;
        let ignored = matches!(self.leaving, Leaving::Last(_));
        if ignored {
            self.closed.push(id, How::Reset);
        }
        let before = self.decoder.version();
        let again = (self.repeated.as_ref())
            .filter(|known| known.version == self.decoder.version() && *known.block == *block);
        let opening = match again {
            Some(known) => Arc::clone(&known.opening),
            None => match self.decode(block)?.request() {
                _ if ignored => return Ok(()),
                Head::Good(parts) => {
                    let opening = self.open(service, id, parts)?;
                    // A block that changes the table is another one the next time.
                    if before == self.decoder.version() {
                        self.repeated = Some(Repeated {
                            block: block.into(),
                            version: before,
                            opening: Arc::clone(&opening),
                        });
                    }
                    opening
                }
                Head::TooLarge(parts) => {
                    self.check_room(id)?;
                    self.too_large(id, last, parts);
                    return Ok(());
                }
                Head::Malformed => return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR)),
            },
        };
        if ignored {
            return Ok(());
        }
        self.check_room(id)?;
        let mut stream = self.stream(Stage::Answered);
        stream.missing = opening.length;
        stream.ended = last;
        if last {
            if opening.length.is_some_and(|length| length > 0) {
                return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR));
            }
            self.complete(service, id, stream, opening, Bytes::new(), None);
        } else {
            stream.stage = Stage::Fresh(opening, BytesMut::new());
            self.streams.insert(id, stream);
            self.fresh.push(id);
        }
        Ok(())
    }

    fn check_room(&self, id: u32) -> Result<(), Fault> {
        match self.streams.len() < self.most_streams {
            true => Ok(()),
            false => Err(Fault::Stream(id, Reason::REFUSED_STREAM)),
        }
    }

    fn decode(&mut self, block: &[u8]) -> Result<Fields, Reason> {
        let (mut fields, most) = (Fields::default(), self.header_list);
        let read = (self.decoder).read(block, |field, size| fields.take(field, size, most));
        match read {
            Ok(()) => Ok(fields),
            Err(_) => Err(Reason::COMPRESSION_ERROR),
        }
    }

    fn open(
        &mut self,
        service: &S,
        id: u32,
        parts: Parts,
    ) -> Result<Arc<Opening<S::Known>>, Fault> {
        let length = length(&parts.headers);
        let length = length.map_err(|()| Fault::Stream(id, Reason::PROTOCOL_ERROR))?;
        Ok(Arc::new(Opening {
            known: service.known(&parts),
            length,
            parts,
        }))
    }

    fn stream(&self, stage: Stage<S::Known>) -> Stream<S::Known> {
        Stream {
            window: Window::new(self.initial),
            intake: Intake::new(WINDOW),
            ended: false,
            missing: None,
            stage,
            data: Bytes::new(),
            end: None,
            queued: false,
        }
    }

    /// Answers a request that is all here, or leaves it to a task.
    fn complete(
        &mut self,
        service: &S,
        id: u32,
        mut stream: Stream<S::Known>,
        opening: Arc<Opening<S::Known>>,
        body: Bytes,
        trailers: Option<HeaderMap>,
    ) {
        // What answers at once has no use for trailers.
        let answer = (opening.known.as_ref())
            .and_then(|known| service.answer(known, &opening.parts, body.clone()));
        match answer {
            Some(response) => {
                self.answered += 1;
                self.read(body.len());
                stream.stage = Stage::Answered;
                self.respond(id, stream, &opening.parts.method, response);
            }
            None => self.leave(id, stream, &opening, BytesMut::from(&body[..]), trailers),
        }
    }

    /// Leaves a request, of whose body this has come, to a task.
    fn leave(
        &mut self,
        id: u32,
        mut stream: Stream<S::Known>,
        opening: &Opening<S::Known>,
        body: BytesMut,
        trailers: Option<HeaderMap>,
    ) {
        let slot = Arc::new(Slot::new(id, &self.mailbox, body, stream.ended));
        if trailers.is_some() {
            slot.end(trailers);
        }
        let body = Incoming::new(Arc::clone(&slot), opening.length);
        let request = Request::from_parts(opening.parts.clone(), body);
        self.work.push(Work {
            stream: id,
            slot: Arc::clone(&slot),
            what: What::Answer(request),
        });
        stream.stage = Stage::Working(slot, None);
        self.streams.insert(id, stream);
    }

    fn too_large(&mut self, id: u32, last: bool, parts: Parts) {
        let slot = Arc::new(Slot::new(id, &self.mailbox, BytesMut::new(), last));
        let mut stream = self.stream(Stage::Working(Arc::clone(&slot), None));
        stream.ended = last;
        self.streams.insert(id, stream);
        self.work.push(Work {
            stream: id,
            slot,
            what: What::Refuse(Request::from_parts(parts, ())),
        });
    }

    /// Leaves the requests to tasks that were opened and are not all here, nor will be soon.
    pub(super) fn settle(&mut self) {
        for id in std::mem::take(&mut self.fresh) {
            let is_fresh = |stream: &Stream<_>| matches!(stream.stage, Stage::Fresh(..));
            if self.streams.get(&id).is_some_and(is_fresh)
                && let Some(mut stream) = self.streams.remove(&id)
                && let Stage::Fresh(opening, body) =
                    std::mem::replace(&mut stream.stage, Stage::Answered)
            {
                self.leave(id, stream, &opening, body, None);
            }
        }
    }

    /// Trailers, which end the request.
    fn trailers(&mut self, service: &S, id: u32, last: bool, block: &[u8]) -> Result<(), Fault> {
        let trailers = self.decode(block)?.trailers();
        let Some(stream) = self.streams.get_mut(&id) else {
            return match self.closed.get(id) {
                Some(How::Reset) => Ok(()),
                Some(How::Well) => Err(Reason::STREAM_CLOSED.into()),
                None => Err(Reason::PROTOCOL_ERROR.into()),
            };
        };
        if stream.ended {
            return Err(Fault::Stream(id, Reason::STREAM_CLOSED));
        }
        let whole = last && stream.missing.is_none_or(|missing| missing == 0);
        let Some(trailers) = trailers.filter(|_| whole) else {
            return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR));
        };
        stream.ended = true;
        match &mut stream.stage {
            Stage::Fresh(opening, body) => {
                let (opening, body) = (Arc::clone(opening), body.split().freeze());
                if let Some(stream) = self.streams.remove(&id) {
                    self.complete(service, id, stream, opening, body, Some(trailers));
                }
            }
            Stage::Working(slot, _) => slot.end(Some(trailers)),
            Stage::Answered => {}
        }
        Ok(())
    }

    fn priority(&mut self, header: Header, payload: &[u8]) -> Result<(), Fault> {
        let stream = header.stream;
        match payload {
            _ if stream == 0 => Err(Reason::PROTOCOL_ERROR.into()),
            // It orders nothing here.
            [_, _, _, _, _] => Ok(()),
            _ if self.streams.contains_key(&stream) => {
                Err(Fault::Stream(stream, Reason::FRAME_SIZE_ERROR))
            }
            _ => Err(Reason::FRAME_SIZE_ERROR.into()),
        }
    }

    fn reset(&mut self, header: Header, payload: &[u8]) -> Result<(), Fault> {
        if payload.len() != 4 {
            return Err(Reason::FRAME_SIZE_ERROR.into());
        }
        if header.stream == 0 || header.stream > self.last {
            return Err(Reason::PROTOCOL_ERROR.into());
        }
        self.close(header.stream, How::Reset);
        Ok(())
    }

    fn settings(&mut self, header: Header, payload: &[u8]) -> Result<(), Fault> {
        if header.stream != 0 {
            return Err(Reason::PROTOCOL_ERROR.into());
        }
        if header.is(frame::ACK) {
            return match payload {
                [] => Ok(()),
                _ => Err(Reason::FRAME_SIZE_ERROR.into()),
            };
        }
        let (settings, []) = payload.as_chunks::<6>() else {
            return Err(Reason::FRAME_SIZE_ERROR.into());
        };
        let before = self.initial;
        for [n, m, value @ ..] in settings {
            self.setting(u16::from_be_bytes([*n, *m]), u32::from_be_bytes(*value))?;
        }
        self.shift_windows(i64::from(self.initial) - i64::from(before))?;
        self.begun = true;
        frame::settings_ack(&mut self.out);
        Ok(())
    }

    fn setting(&mut self, name: u16, value: u32) -> Result<(), Reason> {
        match name {
            // Less than it was taken to be; what is written here needs none.
            frame::HEADER_TABLE_SIZE if value < 4096 => self.style.resized = true,
            frame::ENABLE_PUSH if value > 1 => return Err(Reason::PROTOCOL_ERROR),
            frame::INITIAL_WINDOW_SIZE => {
                if value > i32::MAX as u32 {
                    return Err(Reason::FLOW_CONTROL_ERROR);
                }
                self.initial = value;
            }
            frame::MAX_FRAME_SIZE => {
                if !(1 << 14..1 << 24).contains(&value) {
                    return Err(Reason::PROTOCOL_ERROR);
                }
                // Longer ones would only keep others waiting.
                self.style.longest = (value as usize).min(frame::LONGEST);
            }
            _ => {}
        }
        Ok(())
    }

    /// Moves the windows of open streams, once a frame however often that says a size.
    fn shift_windows(&mut self, by: i64) -> Result<(), Reason> {
        if by == 0 {
            return Ok(());
        }
        for (id, stream) in &mut self.streams {
            (stream.window.shift(by)).map_err(|_| Reason::FLOW_CONTROL_ERROR)?;
            if stream.has_more() && !stream.queued {
                stream.queued = true;
                self.ready.push_back(*id);
            }
        }
        Ok(())
    }

    fn ping(&mut self, header: Header, payload: &[u8]) -> Result<(), Fault> {
        if header.stream != 0 {
            return Err(Reason::PROTOCOL_ERROR.into());
        }
        let opaque = <[u8; 8]>::try_from(payload).map_err(|_| Reason::FRAME_SIZE_ERROR)?;
        if !header.is(frame::ACK) {
            frame::ping(&mut self.out, frame::ACK, opaque);
        } else if opaque == FAREWELL && self.leaving == Leaving::Told {
            self.leaving = Leaving::Last(self.last);
            frame::go_away(&mut self.out, self.last, Reason::NO_ERROR);
        }
        Ok(())
    }

    fn window_update(&mut self, header: Header, payload: &[u8]) -> Result<(), Fault> {
        let more = <[u8; 4]>::try_from(payload).map_err(|_| Reason::FRAME_SIZE_ERROR)?;
        let more = u32::from_be_bytes(more) & 0x7fff_ffff;
        let id = header.stream;
        if id == 0 {
            if more == 0 {
                return Err(Reason::PROTOCOL_ERROR.into());
            }
            let grown = self.window.grow(more);
            return grown.map_err(|_| Reason::FLOW_CONTROL_ERROR.into());
        }
        if id > self.last {
            return Err(Reason::PROTOCOL_ERROR.into());
        }
        let Some(stream) = self.streams.get_mut(&id) else {
            return Ok(());
        };
        if more == 0 {
            return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR));
        }
        let grown = stream.window.grow(more);
        grown.map_err(|_| Fault::Stream(id, Reason::FLOW_CONTROL_ERROR))?;
        if stream.has_more() && !stream.queued {
            stream.queued = true;
            self.ready.push_back(id);
        }
        Ok(())
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

    /// Tells the peer to go elsewhere with what it has not asked yet.
    pub(super) fn leave_gently(&mut self) {
        if self.leaving == Leaving::Not {
            self.leaving = Leaving::Told;
            // What is on its way is answered still: the last is named when the peer knows.
            frame::go_away(&mut self.out, i32::MAX as u32, Reason::NO_ERROR);
            frame::ping(&mut self.out, 0, FAREWELL);
        }
    }

    /// Whether it has told all to a peer that knows that it is leaving.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.leaving, Leaving::Last(_)) && self.streams.is_empty() && self.out.is_empty()
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

    /// Asks the peer for a sign of life.
    pub(super) fn ask(&mut self) {
        frame::ping(&mut self.out, 0, *b"are you?");
    }

    #[cfg(test)]
    pub(super) fn forgive(&mut self) {
        self.meter = Meter::new();
    }
}
