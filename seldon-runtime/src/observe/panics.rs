//! Where a panic came from, and never what it said: that may be a request's features.

use std::panic;
use std::sync::Once;
use std::thread;

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
