//! What stands above every request: its id, its panic, its error's document.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use crate::error::Problem;

pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(Problem(error)) = response.extensions_mut().remove::<Problem>() {
        let id = crate::puid::new();
        let allow = response.headers_mut().remove(http::header::ALLOW);
        response = error.to_response(&id);
        if let Some(allow) = allow {
            response.headers_mut().insert(http::header::ALLOW, allow);
        }
    }
    response
}
