//! Progress of a fit, for a person at a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `steps` on standard error; nothing where that is no terminal.
pub(crate) fn bar(steps: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64).with_message(what);
    match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
