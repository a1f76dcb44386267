//! Each connection is a descriptor, of which a process has few unless it asks for more.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a server has open besides connections: listeners, runtimes, logs, links to memcached.
const OTHERS: u64 = 64;

/// Asks for all that the system would give: many give 1,024 at first, for the sake of programs that
/// use `select`.
pub(crate) fn ask_for_all() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // It may be refused, in a sandbox for example: `check` says so where it matters.
    let current = maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
}

/// Warns if there are too few for so many connections.
pub(crate) fn check(connections: usize) {
    // None is no limit.
    if let Some(descriptors) = getrlimit(Resource::Nofile).current
        && descriptors < connections as u64 + OTHERS
    {
        tracing::warn!(
            descriptors,
            connections,
            "fewer descriptors than connections: raise `ulimit -n`, or lower the limit `connections`"
        );
    }
}
