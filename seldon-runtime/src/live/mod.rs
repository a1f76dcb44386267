//! New versions of a model: which one answers, and how another takes its place.
//!
//! A request holds on to one version from its beginning to its end, and its reply says which; a
//! version is let go when its last request has ended.

mod current;
mod version;

pub(crate) use current::{Current, Model, Pinned};
pub use version::Versioned;
pub(crate) use version::{MODEL_VERSION, Version};
