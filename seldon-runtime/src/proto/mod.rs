//! The runtime's own messages, generated from `proto/seldon.proto` and checked in; and those of
//! `google.rpc`, by hand.
//!
//! A test regenerates them and fails on a difference; `SELDON_BLESS=1 cargo test -p seldon-runtime
//! --test proto` writes them anew.
#![allow(missing_docs, reason = "the comments are the .proto file's")]

mod seldon;

// Behind the others: the compiler names the first few messages to whose type is none.
pub(crate) mod google_rpc;

pub use seldon::*;

/// `proto/seldon.proto` and what it imports, as an encoded `google.protobuf.FileDescriptorSet`.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!("seldon.fds");
