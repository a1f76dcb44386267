//! Bodies of requests, and what becomes of a request once its body is here, or is not.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, Request};

use super::frame::{self, Header, Reason};
use super::session::{Fault, Service, Session, What, Work};
use super::slot::{Incoming, Slot};
use super::streams::{How, Opening, Stage, Stream};

impl<S: Service> Session<S> {
    pub(super) fn data(
        &mut self,
        service: &S,
        header: Header,
        mut data: BytesMut,
    ) -> Result<(), Fault> {
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

    /// Answers a request that is all here, or leaves it to a task.
    pub(super) fn complete(
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
}
