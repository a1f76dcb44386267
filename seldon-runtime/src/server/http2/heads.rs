//! Header blocks: heads of requests, which open streams, and trailers.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::Request;
use http::request::Parts;

use super::control::Leaving;
use super::flow::{Intake, Window};
use super::frame::{self, Header, Reason};
use super::request::{Fields, Head, length};
use super::session::{Fault, Service, Session, WINDOW, What, Work};
use super::slot::Slot;
use super::streams::{How, Opening, Stage, Stream};

/// What a header block may have on top of the decoded limit, which is what it is to stay under.
const BLOCK: usize = 64 << 10;

/// A header block whose end has not come.
pub(super) struct Block {
    pub(super) stream: u32,
    pub(super) last: bool,
    pub(super) bytes: Vec<u8>,
}

/// The head that came last. Clients send the same again and again, in the same few bytes.
pub(super) struct Repeated<K> {
    pub(super) block: Box<[u8]>,
    /// That of the table by which it was read, and which it left as it was.
    pub(super) version: u64,
    pub(super) opening: Arc<Opening<K>>,
}

impl<S: Service> Session<S> {
    pub(super) fn headers(
        &mut self,
        service: &S,
        header: Header,
        payload: &[u8],
    ) -> Result<(), Fault> {
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

    pub(super) fn continuation(
        &mut self,
        service: &S,
        header: Header,
        payload: &[u8],
    ) -> Result<(), Fault> {
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
}
