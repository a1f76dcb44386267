//! gRPC: `io.seldon.api.rpc.Seldon`.

mod classify;
mod route;

use std::future::Future;

pub use classify::{classify, unpack};
pub(crate) use route::{CLASSIFY, Classifiers, is_grpc};

use crate::error::Result;
use crate::proto::{ClassificationReply, ClassificationRequest};
use crate::service::Service;

/// The service's full name.
pub(crate) const SERVICE: &str = "io.seldon.api.rpc.Seldon";

/// A request as it came: the features are still packed.
pub type Message = ClassificationRequest;

/// What a call is answered with.
pub type Reply = Result<ClassificationReply>;

/// The gRPC service of a predictor, written by the attribute.
pub trait Grpc: Sized {
    /// Answers `io.seldon.api.rpc.Seldon/Classify`.
    fn classify(service: &Service<Self>, request: Message) -> impl Future<Output = Reply> + Send;
}
