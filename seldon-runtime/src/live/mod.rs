//! New versions of a model: which one answers, and how another takes its place.
//!
//! A request holds on to one version from its beginning to its end, and its reply says which; a
//! version is let go when its last request has ended.

mod alike;
mod current;
mod keeper;
mod kept;
mod period;
mod version;
mod watch;

pub(crate) use alike::asked_alike;
pub(crate) use current::{Current, Kind, Model, Pinned};
pub(crate) use keeper::{Keeper, Told};
pub(crate) use kept::{Kept, Outcome};
pub(crate) use period::{Watched, check_period, in_file as period_in_file};
pub use version::Versioned;
pub(crate) use version::{MODEL_VERSION, Version};
