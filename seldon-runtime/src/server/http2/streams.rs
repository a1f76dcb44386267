//! The streams of a connection that are open, and what is remembered of those that were.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use tokio::task::AbortHandle;

use super::flow::{Intake, Window};
use super::slot::{End, Slot};

/// The head of a request, and what answers it at once, if anything does.
#[derive(Debug)]
pub(super) struct Opening<K> {
    pub(super) parts: Parts,
    pub(super) known: Option<K>,
    /// The length that the body is said to have.
    pub(super) length: Option<u64>,
}

/// An open stream.
#[derive(Debug)]
pub(super) struct Stream<K> {
    /// What may be sent.
    pub(super) window: Window,
    pub(super) intake: Intake,
    /// All of the request is here.
    pub(super) ended: bool,
    /// What its body lacks of the length that it is said to have.
    pub(super) missing: Option<u64>,
    pub(super) stage: Stage<K>,
    /// A piece of the reply, and how the reply ends if it is the last.
    pub(super) data: Bytes,
    pub(super) end: Option<End>,
    /// It is among those that have something to send.
    pub(super) queued: bool,
}

/// How far a request is.
#[derive(Debug)]
pub(super) enum Stage<K> {
    /// It is not all here, and may be in a moment.
    Fresh(Arc<Opening<K>>, BytesMut),
    /// A task has it.
    Working(Arc<Slot>, Option<Task>),
    /// It is answered.
    Answered,
}

/// A task that ends with its stream.
#[derive(Debug)]
pub(super) struct Task(pub(super) AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Streams by their numbers, which count up: to multiply spreads them well enough, and a peer that
/// chooses them badly has as many as it may have open.
pub(super) type Streams<K> = HashMap<u32, Stream<K>, BuildHasherDefault<Spread>>;

#[derive(Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// The least and the most streams of which it is remembered that they were closed: each is looked
/// through for a frame that comes late.
const REMEMBERED: (usize, usize) = (128, 1024);

/// The streams that were closed last.
#[derive(Debug)]
pub(super) struct Closed {
    last: VecDeque<(u32, How)>,
    most: usize,
}

/// How a stream was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Both sides had said all.
    Well,
    /// By a reset: frames may be on their way that nobody waits for.
    Reset,
}

impl Closed {
    /// Of a connection that has at most so many streams open.
    pub(super) fn of(streams: usize) -> Self {
        let (least, most) = REMEMBERED;
        Self {
            last: VecDeque::new(),
            most: streams.clamp(least, most),
        }
    }

    pub(super) fn push(&mut self, stream: u32, how: How) {
        if self.last.len() == self.most {
            self.last.pop_front();
        }
        self.last.push_back((stream, how));
    }

    /// How `stream` was closed, if that is not too long ago.
    pub(super) fn get(&self, stream: u32) -> Option<How> {
        let found = self.last.iter().rev().find(|(closed, _)| *closed == stream);
        found.map(|(_, how)| *how)
    }
}
