//! What an operator sees: figures, a line for each request, and where a panic came from.

mod chosen;
mod exposition;
mod figures;
mod histogram;
mod log;
mod metrics;
mod now;
#[cfg(feature = "otel")]
mod otel;
mod panics;
mod process;
mod reloads;
mod requests;
mod services;
mod stages;
mod subscriber;
pub(crate) mod trace;

pub(crate) use chosen::{choose, noting};
pub(crate) use exposition::Format;
pub(crate) use figures::{Fetch, Figures, Reload};
pub(crate) use log::Line;
pub(crate) use metrics::{Metrics, Place};
pub(crate) use now::Now;
pub(crate) use panics::note_panics;
pub(crate) use reloads::Reloads;
pub(crate) use requests::Kind;
pub(crate) use services::{Observed, Origin, Source};
pub(crate) use stages::{Stage, Stopwatch, Transport};
pub(crate) use subscriber::{Logging, subscribe};
pub(crate) use trace::TraceParent;
