//! Several services and a route of one's own, in one server.

use std::path::Path;

use iris::Iris;
use mean::Mean;
use seldon::axum::{Router, routing};
use seldon::prelude::*;

/// Iris at `/predict`, the mean at `/mean`, and a greeting at `/hello`, all on one port. The models
/// are the folders `iris/model` and `mean/model` in `examples`.
///
/// Over gRPC both answer `Classify`, told apart by the message that they take.
///
/// # Errors
///
/// If a model cannot be loaded.
pub fn server(examples: &Path) -> Result<Server> {
    let iris = Iris::load(&Folder::open(examples.join("iris/model"))?)?;
    let mean = Mean::load(&Folder::open(examples.join("mean/model"))?)?;
    Ok(Server::new()
        .mount(iris)
        .mount_at("/mean", mean)
        .routes(Router::new().route("/hello", routing::get(|| async { "hello\n" }))))
}
