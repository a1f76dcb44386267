//! gRPC: `io.seldon.api.rpc.Seldon`.

mod classify;
mod direct;
mod frame;
mod route;

use std::future::Future;

pub(crate) use classify::unpack_message;
pub use classify::{classify, classify_for, type_name, unpack};
pub(crate) use direct::read;
pub(crate) use route::{CLASSIFY, Classifiers, is_grpc_type};

use crate::error::Result;
pub use crate::live::Versioned;
use crate::proto::{ClassificationReply, ClassificationRequest};
use crate::service::Service;

/// The service's full name.
pub(crate) const SERVICE: &str = "io.seldon.api.rpc.Seldon";

/// A request as it came: the features are still packed.
pub type Message = ClassificationRequest;

/// What a call is answered with.
pub type Reply = Result<Versioned<ClassificationReply>>;

/// A reply that is on its way.
///
/// That it can be sent between threads is part of the name, and asked of [`classify`] alone: a
/// model that cannot is one error, where it is declared.
pub trait Answer: Future<Output = Reply> + Send {}

impl<F: Future<Output = Reply> + Send> Answer for F {}

/// The gRPC service of a predictor, written by the attribute.
pub trait Grpc: Sized {
    /// Answers `io.seldon.api.rpc.Seldon/Classify`.
    fn classify(service: &Service<Self>, request: Message) -> impl Answer;
}
