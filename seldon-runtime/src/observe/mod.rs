//! What an operator sees: figures, a line for each request, and where a panic came from.

mod histogram;
mod log;
mod metrics;
mod panics;
mod process;
mod reloads;
mod stages;

pub(crate) use log::log;
pub(crate) use metrics::{Kind, Metrics, Now, Place};
pub(crate) use panics::note_panics;
pub(crate) use reloads::Reloads;
pub(crate) use stages::{Stage, Stages, Stopwatch, Transport};
