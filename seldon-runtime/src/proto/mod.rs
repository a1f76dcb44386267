//! The runtime's own messages, generated from `proto/seldon.proto` and checked in.
//!
//! A test regenerates them and fails on a difference; `SELDON_BLESS=1 cargo test -p seldon-runtime
//! --test proto` writes them anew.
#![allow(missing_docs, reason = "the comments are the .proto file's")]

mod seldon;

pub use seldon::*;

/// `proto/seldon.proto` and what it imports, as an encoded `google.protobuf.FileDescriptorSet`.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!("seldon.fds");
