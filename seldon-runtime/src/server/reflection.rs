//! gRPC reflection: what is served, for clients that have no `.proto` file.

use axum::Router;

use crate::error::{Error, Result};

/// Reflection as v1 and as v1alpha, for which Python's client still asks.
///
/// `descriptors` are the encoded descriptor sets of the predictors' own messages.
///
/// # Errors
///
/// If one of them is damaged.
pub(super) fn routes(descriptors: &[&[u8]]) -> Result<Router> {
    let builder = || {
        [
            crate::proto::DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
        ]
        .iter()
        .chain(descriptors)
        .fold(
            tonic_reflection::server::Builder::configure(),
            |builder, set| builder.register_encoded_file_descriptor_set(set),
        )
    };
    let wrong =
        |e| Error::setup("the descriptors of the predictors' messages are damaged").with_cause(e);
    Ok(Router::new()
        .route_service(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            builder().build_v1().map_err(wrong)?,
        )
        .route_service(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            builder().build_v1alpha().map_err(wrong)?,
        ))
}
