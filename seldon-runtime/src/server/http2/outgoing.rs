//! Replies on their way out, as the peer's windows let them.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http::{Method, Response};

use super::frame::{self, Reason};
use super::reply;
use super::session::{Service, Session, What, Work};
use super::slot::{End, Slot};
use super::streams::{How, Stage, Stream};
use crate::known::Reply;

/// What is written for a connection beyond which its streams wait.
const ENOUGH: usize = 64 << 10;

/// How much of a stream goes before the next has its turn.
const TURN: usize = frame::LONGEST;

impl<K> Stream<K> {
    /// Whether there is something to send.
    pub(super) fn has_more(&self) -> bool {
        !self.data.is_empty() || self.end.is_some()
    }
}

/// What holds a stream back.
enum Held {
    /// All of the reply is out.
    Done,
    /// There is no more of it yet.
    Dry,
    /// Its own window.
    Window,
    /// The connection's, or what is written already.
    Connection,
    /// Others have their turn.
    Turn,
}

impl<S: Service> Session<S> {
    /// Writes a reply, as far as it may be; the rest goes when it may.
    pub(super) fn respond(
        &mut self,
        id: u32,
        mut stream: Stream<S::Known>,
        method: &Method,
        response: Response<Reply>,
    ) {
        let (head, reply) = response.into_parts();
        match reply {
            Reply::Whole(data) => {
                stream.end = (!data.is_empty()).then_some(End::Data);
                stream.data = data;
            }
            Reply::Message(data) => {
                stream.data = data;
                stream.end = Some(End::WentWell);
            }
            Reply::Stream(_) => {
                let slot = Slot::new(id, &self.mailbox, BytesMut::new(), stream.ended);
                let slot = Arc::new(slot);
                stream.stage = Stage::Working(Arc::clone(&slot), None);
                self.streams.insert(id, stream);
                self.work.push(Work {
                    stream: id,
                    slot,
                    what: What::Send(method.clone(), Response::from_parts(head, reply)),
                });
                return;
            }
        }
        let length = matches!(stream.end, Some(End::Data)).then(|| stream.data.len());
        if *method == Method::HEAD {
            (stream.data, stream.end) = (Bytes::new(), None);
        }
        let last = !stream.has_more();
        let extra = reply::Extra {
            date: &self.date,
            length,
        };
        let head = (head.status, &head.headers);
        reply::head(&mut self.out, &mut self.style, id, head, &extra, last);
        if last {
            self.finish(id, stream);
            return;
        }
        match self.pour(id, &mut stream) {
            Held::Done => self.finish(id, stream),
            held => {
                let queued = !matches!(held, Held::Window);
                stream.queued = queued;
                if queued {
                    self.ready.push_back(id);
                }
                self.streams.insert(id, stream);
            }
        }
    }

    /// A reply is all out: that is the end of its stream.
    fn finish(&mut self, id: u32, stream: Stream<S::Known>) {
        let how = match stream.ended {
            true => How::Well,
            false => {
                // Nobody will read what is still to come.
                frame::reset(&mut self.out, id, Reason::NO_ERROR);
                How::Reset
            }
        };
        self.forget(id, stream, how);
    }

    /// Takes over what tasks have for the connection.
    pub(super) fn collect(&mut self) {
        for id in self.mailbox.collect() {
            let Some(mut stream) = self.streams.remove(&id) else {
                continue;
            };
            let Stage::Working(slot, _) = &stream.stage else {
                self.streams.insert(id, stream);
                continue;
            };
            let posted = slot.collect(!stream.has_more());
            if posted.read > 0 {
                self.read(posted.read);
                let more = stream.intake.read(posted.read);
                if let Some(more) = more.filter(|_| !stream.ended) {
                    frame::window_update(&mut self.out, id, more);
                }
            }
            if let Some((head, last)) = posted.head {
                let extra = reply::Extra {
                    date: &self.date,
                    length: None,
                };
                let head = (head.status, &head.headers);
                reply::head(&mut self.out, &mut self.style, id, head, &extra, last);
                if last {
                    self.finish(id, stream);
                    continue;
                }
            }
            if let Some(reason) = posted.reset {
                frame::reset(&mut self.out, id, reason);
                self.forget(id, stream, How::Reset);
                continue;
            }
            if !stream.has_more() {
                stream.data = posted.data;
                stream.end = posted.end;
            }
            if stream.has_more() && !stream.queued {
                stream.queued = true;
                self.ready.push_back(id);
            }
            self.streams.insert(id, stream);
        }
    }

    /// Writes of replies what may be sent now, in turns.
    pub(super) fn pump(&mut self) {
        while self.out.len() < ENOUGH
            && let Some(id) = self.ready.pop_front()
        {
            let Some(mut stream) = self.streams.remove(&id) else {
                continue;
            };
            stream.queued = false;
            match self.pour(id, &mut stream) {
                Held::Done => {
                    self.finish(id, stream);
                    continue;
                }
                Held::Turn => {
                    stream.queued = true;
                    self.ready.push_back(id);
                }
                Held::Connection => {
                    stream.queued = true;
                    self.ready.push_front(id);
                    self.streams.insert(id, stream);
                    return;
                }
                Held::Dry | Held::Window => {}
            }
            self.streams.insert(id, stream);
        }
    }

    /// Whether more could be written.
    pub(super) fn can_pump(&self) -> bool {
        !self.ready.is_empty() && self.window.left() > 0
    }

    /// Writes what may be of a stream's reply.
    fn pour(&mut self, id: u32, stream: &mut Stream<S::Known>) -> Held {
        let mut turn = TURN;
        loop {
            if stream.data.is_empty() {
                match stream.end.take() {
                    None => return Held::Dry,
                    Some(End::Data) => frame::data(&mut self.out, id, &[], true),
                    Some(End::WentWell) => {
                        reply::went_well(&mut self.out, &mut self.style, id);
                    }
                    Some(End::Trailers(trailers)) => {
                        reply::trailers(&mut self.out, &mut self.style, id, &trailers);
                    }
                }
                return Held::Done;
            }
            let room = ENOUGH
                .saturating_sub(self.out.len())
                .min(self.window.left());
            let may = room.min(stream.window.left()).min(turn);
            if may == 0 {
                return match (room, turn) {
                    (0, _) => Held::Connection,
                    (_, 0) => Held::Turn,
                    _ => Held::Window,
                };
            }
            let length = may.min(stream.data.len()).min(self.style.longest);
            let last = length == stream.data.len() && matches!(stream.end, Some(End::Data));
            frame::data(&mut self.out, id, &stream.data[..length], last);
            match length == stream.data.len() {
                true => stream.data = Bytes::new(),
                false => stream.data.advance(length),
            }
            self.window.sent(length);
            stream.window.sent(length);
            turn -= length;
            if let Stage::Working(slot, _) = &stream.stage {
                slot.took(length);
            }
            if last {
                return Held::Done;
            }
        }
    }
}
