//! What both sides say of the connection itself: settings, windows, signs of life, and that it ends.

use super::frame::{self, Header, Reason};
use super::session::{Fault, Service, Session};
use super::streams::How;

/// How far the connection is on its way to its end, RFC 9113 §6.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    Not,
    /// The peer was told, and asked for a sign that it knows.
    Told,
    /// It knows: what it opens above this is not looked at.
    Last(u32),
}

/// What that sign is.
const FAREWELL: [u8; 8] = *b"farewell";

impl<S: Service> Session<S> {
    pub(super) fn priority(&mut self, header: Header, payload: &[u8]) -> Result<(), Fault> {
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

    pub(super) fn reset(&mut self, header: Header, payload: &[u8]) -> Result<(), Fault> {
        if payload.len() != 4 {
            return Err(Reason::FRAME_SIZE_ERROR.into());
        }
        if header.stream == 0 || header.stream > self.last {
            return Err(Reason::PROTOCOL_ERROR.into());
        }
        self.close(header.stream, How::Reset);
        Ok(())
    }

    pub(super) fn settings(&mut self, header: Header, payload: &[u8]) -> Result<(), Fault> {
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

    pub(super) fn ping(&mut self, header: Header, payload: &[u8]) -> Result<(), Fault> {
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

    pub(super) fn window_update(&mut self, header: Header, payload: &[u8]) -> Result<(), Fault> {
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

    /// Asks the peer for a sign of life.
    pub(super) fn ask(&mut self) {
        frame::ping(&mut self.out, 0, *b"are you?");
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
}
