//! Work on independent rows, spread over the cores.

use std::sync::{Mutex, PoisonError};
use std::thread;

/// Calls `each` once for every chunk of `size` values of `out`, with the chunk's number and a
/// scratch value of the thread's own.
///
/// Chunks do not depend on each other, so the outcome does not depend on the number of cores.
pub(crate) fn for_each_chunk<T: Send, S>(
    out: &mut [T],
    size: usize,
    scratch: impl Fn() -> S + Sync,
    each: impl Fn(&mut S, u32, &mut [T]) + Sync,
) {
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get());
    // One at a time from a common queue: rows differ much in how long they take.
    let queue = Mutex::new((0u32..).zip(out.chunks_mut(size)));
    let work = || {
        let mut scratch = scratch();
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, chunk)) = next else { break };
            each(&mut scratch, number, chunk);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}
