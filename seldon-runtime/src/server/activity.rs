//! What a connection's peer is doing, and by when it must have done it.

use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::census::Census;
use super::limits::Limits;

/// The activity of one connection.
///
/// Only the connection's own tasks write it, and mostly one of them: the atomics make it `Sync`,
/// and their order does not matter.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    /// Milliseconds after `opened` since which there has been no request, or since which a head
    /// has been coming in.
    since: AtomicU64,
    /// Between the first byte of an HTTP/1 head and its last.
    in_head: AtomicBool,
    in_flight: AtomicUsize,
    requests: AtomicU64,
    /// Bytes came in since this was last asked.
    heard: AtomicBool,
    /// How often the peer took some of what is written.
    taken: AtomicU64,
    /// It takes no more at present.
    full: AtomicBool,
    /// A part of a reply waits for the peer to take it.
    untaken: AtomicBool,
    /// An HTTP/1 head says in two ways how long its body is.
    ambiguous: AtomicBool,
    census: Arc<Census>,
}

impl Activity {
    /// A connection of which nothing was read yet: its first head is awaited.
    pub(super) fn new(census: Arc<Census>) -> Self {
        Self {
            opened: Instant::now(),
            since: AtomicU64::new(0),
            in_head: AtomicBool::new(true),
            in_flight: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            heard: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            full: AtomicBool::new(false),
            untaken: AtomicBool::new(false),
            ambiguous: AtomicBool::new(false),
            census,
        }
    }

    /// Bytes came in on an HTTP/2 connection.
    pub(super) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Whether they did since this was last asked.
    pub(super) fn was_heard(&self) -> bool {
        self.heard.swap(false, Ordering::Relaxed)
    }

    /// Whether the peer took some of what is written, or takes no more at present.
    pub(super) fn wrote(&self, some: bool) {
        if some {
            add(&self.taken);
        }
        self.full.store(!some, Ordering::Relaxed);
    }

    /// Whether it takes no more at present.
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// How often the peer took some of what is written.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// A part of a reply that is made as it is sent was handed over on an HTTP/1 connection, or
    /// the next is asked for.
    pub(super) fn hand_over(&self, waits: bool) {
        self.untaken.store(waits, Ordering::Relaxed);
        if waits {
            self.touch();
        }
    }

    /// Whether the head that came in says in two ways how long its body is.
    pub(super) fn frame(&self, ambiguous: bool) {
        self.ambiguous.store(ambiguous, Ordering::Relaxed);
    }

    /// Whether it does.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.ambiguous.load(Ordering::Relaxed)
    }

    /// Bytes came in on an HTTP/1 connection. Whether they are a head's first.
    pub(super) fn read(&self) -> bool {
        let begun = self.is_quiet() && !self.in_head.load(Ordering::Relaxed);
        if begun {
            self.in_head.store(true, Ordering::Relaxed);
            self.touch();
        }
        begun
    }

    /// A peer that speaks HTTP/2 has begun: it has no heads of its own time.
    pub(super) fn speaks_http2(&self) {
        self.in_head.store(false, Ordering::Relaxed);
        self.touch();
    }

    /// A request's head is complete.
    pub(super) fn request(&self) {
        self.in_head.store(false, Ordering::Relaxed);
        if self.in_flight.fetch_add(1, Ordering::Relaxed) == 0 {
            self.census.busy();
        }
        add(&self.requests);
    }

    /// A request's reply has been handed over to its last byte, or will never be.
    pub(super) fn reply(&self) {
        self.untaken.store(false, Ordering::Relaxed);
        self.touch();
        if self.in_flight.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.census.quiet();
        }
    }

    /// The same, at a time that is known.
    pub(super) fn reply_at(&self, now: Instant) {
        let now = Milliseconds::of(now.saturating_duration_since(self.opened));
        self.since.store(now.0, Ordering::Relaxed);
        if self.in_flight.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.census.quiet();
        }
    }

    /// So many requests were answered where they were read.
    pub(super) fn answered(&self, requests: u64) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
        self.touch();
    }

    /// Whether no request is in flight.
    pub(super) fn is_quiet(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0
    }

    /// How many requests there were.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// When the peer's time is over; `None` while a request is in flight whose own deadline holds,
    /// or of whose reply we owe the next part.
    pub(super) fn due(&self, limits: &Limits) -> Option<Milliseconds> {
        let time = if !self.is_quiet() {
            self.untaken
                .load(Ordering::Relaxed)
                .then_some(limits.idle)?
        } else if self.in_head.load(Ordering::Relaxed) {
            limits.head_time
        } else {
            limits.idle
        };
        let since = Milliseconds(self.since.load(Ordering::Relaxed));
        Some(since + Milliseconds::of(time))
    }

    /// Since when there has been no request, or nothing taken of its reply.
    pub(super) fn since(&self) -> Instant {
        self.time(Milliseconds(self.since.load(Ordering::Relaxed)))
    }

    /// The time, as it is counted here.
    pub(super) fn now(&self) -> Milliseconds {
        Milliseconds::of(self.opened.elapsed())
    }

    /// A time that is counted here, as others have it.
    pub(super) fn time(&self, at: Milliseconds) -> Instant {
        self.opened + Duration::from_millis(at.0)
    }

    fn touch(&self) {
        self.since.store(self.now().0, Ordering::Relaxed);
    }
}

/// Adds one to what only one thread writes, which takes no lock of the bus.
fn add(count: &AtomicU64) {
    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// A time since a connection was opened, or between two times: what is compared at each request is
/// one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Milliseconds(u64);

impl Milliseconds {
    /// A time in whole ones. Half a billion years of them fit.
    pub(super) fn of(time: Duration) -> Self {
        Self(time.as_secs() * 1000 + u64::from(time.subsec_millis()))
    }
}

impl Add for Milliseconds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
