//! A model's call with its time taken: of the wait for a thread apart from the work.

use std::sync::Arc;
use std::time::Instant;

use super::Executor;
use crate::error::Result;
use crate::live::{Pinned, Version};
use crate::observe::{Stage, Stopwatch, Transport};

/// A call on its way to a thread.
struct Call<M, I, T> {
    input: I,
    work: fn(&Arc<Version<M>>, I) -> Result<T>,
    left: (Transport, Instant),
}

/// Runs `work` on `input` where `E` says, and counts how long it waited and took.
///
/// # Errors
///
/// The work's own, and those of [`Executor::run`].
pub(crate) async fn run_timed<E, M, S, I, T>(
    pinned: &Pinned<'_, M, S>,
    watch: &mut Stopwatch<'_>,
    input: I,
    work: fn(&Arc<Version<M>>, I) -> Result<T>,
) -> Result<T>
where
    E: Executor,
    M: Send + Sync + 'static,
    S: Send + Sync + 'static,
    I: Send + 'static,
    T: Send + 'static,
{
    if !E::HOPS {
        let done = E::run(pinned.version(), pinned.pool(), input, work).await;
        watch.lap(Stage::Predict);
        return done.inspect_err(|error| pinned.figures().failed(error));
    }
    let left = watch.mark();
    let call = Call { input, work, left };
    let done = E::run(pinned.version(), pinned.pool(), call, |version, call| {
        let (transport, left) = call.left;
        let mut watch = version.figures().stages.watch_from(transport, left);
        watch.lap(Stage::Queue);
        let done = (call.work)(version, call.input);
        watch.lap(Stage::Predict);
        done
    })
    .await;
    // The way back is nobody's.
    watch.restart();
    done.inspect_err(|error| pinned.figures().failed(error))
}
