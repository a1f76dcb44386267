//! Where a panic came from, and never what it said: that may be a request's features.

use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Panics since they are noted.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// How many there were.
pub(super) fn count() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Logs each panic of the process from here on: its place and its thread, without its message.
pub(crate) fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if cfg!(panic = "abort") {
            tracing::warn!(
                "built with panic = \"abort\": a panic in one request ends the whole process"
            );
        }
        panic::set_hook(Box::new(|panicked| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            let location = panicked.location().map(ToString::to_string);
            let thread = thread::current();
            tracing::error!(
                location = location.as_deref().unwrap_or("unknown"),
                thread = thread.name().unwrap_or("unnamed"),
                "panicked"
            );
        }));
    });
}
