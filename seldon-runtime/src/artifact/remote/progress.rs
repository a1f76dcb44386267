//! How far a fetch is, on a terminal; in the log, that it was done.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// The bytes of a model that have come.
pub(super) struct Progress {
    name: String,
    done: u64,
    total: u64,
    began: Instant,
    /// When it was shown last, if it is.
    shown: Option<Instant>,
    /// Something stands on the terminal's line.
    is_on_line: bool,
}

impl Progress {
    const EVERY: Duration = Duration::from_millis(100);

    pub(super) fn new(name: String) -> Self {
        let now = Instant::now();
        Self {
            name,
            done: 0,
            total: 0,
            began: now,
            shown: io::stderr().is_terminal().then_some(now),
            is_on_line: false,
        }
    }

    /// Begins with a model of `total` bytes.
    pub(super) fn begin(&mut self, total: u64) {
        (self.done, self.total) = (0, total);
    }

    pub(super) fn add(&mut self, bytes: u64) {
        self.done += bytes;
        if self
            .shown
            .is_some_and(|shown| shown.elapsed() >= Self::EVERY)
        {
            self.shown = Some(Instant::now());
            self.show(&self.line());
            self.is_on_line = true;
        }
    }

    pub(super) fn take_back(&mut self, bytes: u64) {
        self.done = self.done.saturating_sub(bytes);
    }

    /// All is there.
    pub(super) fn end(mut self, files: usize) {
        self.clear();
        tracing::info!(
            location = self.name,
            files,
            bytes = self.done,
            seconds = self.began.elapsed().as_secs_f64(),
            "the model was fetched"
        );
    }

    fn line(&self) -> String {
        let percent = (self.done * 100).checked_div(self.total).unwrap_or(100);
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        format!(
            "fetching {}: {:.1} of {:.1} MB, {percent} %",
            self.name,
            megabytes(self.done),
            megabytes(self.total)
        )
    }

    /// Writes over what stands on the line.
    fn show(&self, line: &str) {
        // Nobody may read it, which is no error.
        let _ = write!(io::stderr(), "\r\x1b[K{line}");
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_on_line) {
            self.show("");
        }
    }
}

/// Leaves the line to the error's sentence.
impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
