//! What a connection's peer is doing, and by when it must have done it.

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
            self.taken.fetch_add(1, Ordering::Relaxed);
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
        self.requests.fetch_add(1, Ordering::Relaxed);
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
        let since = now.saturating_duration_since(self.opened);
        self.since
            .store(since.as_millis() as u64, Ordering::Relaxed);
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
    pub(super) fn due(&self, limits: &Limits) -> Option<Instant> {
        if !self.is_quiet() {
            let untaken = self.untaken.load(Ordering::Relaxed);
            return untaken.then(|| self.since() + limits.idle);
        }
        let time = if self.in_head.load(Ordering::Relaxed) {
            limits.head_time
        } else {
            limits.idle
        };
        Some(self.since() + time)
    }

    /// Since when there has been no request, or nothing taken of its reply.
    pub(super) fn since(&self) -> Instant {
        self.opened + Duration::from_millis(self.since.load(Ordering::Relaxed))
    }

    fn touch(&self) {
        // Half a billion years of milliseconds fit.
        let now = self.opened.elapsed().as_millis() as u64;
        self.since.store(now, Ordering::Relaxed);
    }
}
