//! The server through real sockets: what it guards against, and how it ends.

#[cfg(feature = "tls")]
mod certificates;
mod common;
#[allow(dead_code, reason = "the soak uses the rest of it")]
mod process;

mod answers;
mod dashboard;
mod dead_peers;
mod differential;
mod documentation;
mod drain;
mod floods;
mod formats;
mod health;
mod http1;
mod http2;
mod keys;
mod metrics;
mod moody;
mod overload;
mod reloads;
mod signals;
mod swaps;
#[cfg(feature = "tls")]
mod tls;
mod versions;
