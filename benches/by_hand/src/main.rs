//! The iris service and a recommender as a good engineer writes them by hand: axum with its
//! extractors, typed `serde_json`, a generated tonic service with its default settings, mimalloc.
//!
//! `by_hand HTTP_ADDRESS GRPC_ADDRESS`

mod classify;
mod iris;
mod predict;
mod recommend;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut addresses = std::env::args().skip(1);
    let (Some(http), Some(grpc)) = (addresses.next(), addresses.next()) else {
        return Err("usage: by_hand HTTP_ADDRESS GRPC_ADDRESS".into());
    };
    let router = Router::new()
        .route("/predict", get(predict::predict).post(predict::predict))
        .route("/recommend", get(recommend::recommend))
        .with_state(Arc::new(recommend::Popular::new()));
    let listener = TcpListener::bind(http).await?;
    let http = axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |stream| {
            let _ = stream.set_nodelay(true);
        }),
        router,
    );
    let grpc = tonic::transport::Server::builder()
        .add_service(classify::service())
        .serve(grpc.parse()?);
    tokio::select! {
        ended = http => ended?,
        ended = grpc => ended?,
    }
    Ok(())
}
