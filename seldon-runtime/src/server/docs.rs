//! The documentation on the listener for administration: the OpenAPI document, and a page to read
//! and try it.
//!
//! The page's own origin is that listener, and its policy lets it ask nobody else. So what is
//! tried goes to a path of that listener, below which the operations in the document, and nothing
//! else, are answered within the process by the router that the main listener has.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderName, header};
use serde_json::Value;

use super::guard::is_probe;
use super::{Limits, Mounted, unknown_path};
use crate::access::{ApiKeys, Credentials};
use crate::error::{Code, Error};
use crate::openapi::{About, document};

/// Where the page is.
pub(super) const PAGE: &str = "/docs";

/// Where the document is.
pub(super) const DOCUMENT: &str = "/openapi.json";

/// Below which the page tries the operations.
const TRY: &str = "/docs/try";

/// What the page may load and ask: its own origin.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the documentation is made of.
pub(super) struct Docs<'a> {
    pub(super) mounted: &'a [Mounted],
    /// What REST answers.
    pub(super) answers: Router,
    /// Those that it asks for.
    pub(super) keys: Option<ApiKeys>,
    /// Whether it asks for certificates, which the page has none of.
    pub(super) mutual: bool,
    /// Where it does.
    pub(super) address: SocketAddr,
    pub(super) scheme: &'static str,
    pub(super) limits: &'a Limits,
}

/// `GET /openapi.json`, `GET /docs` and what that page needs.
pub(super) fn routes(docs: Docs<'_>) -> Router {
    let services = docs.mounted.iter().map(Mounted::describe).collect();
    let document = document(
        services,
        &About {
            url: &format!("{}://{}", docs.scheme, reachable(docs.address)),
            limits: docs.limits,
            has_keys: docs.keys.is_some(),
        },
    );
    let tried = match docs.mutual {
        true => Router::new().fallback(certificate_needed),
        false => tried(docs.answers, docs.keys, &document),
    };
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    let files = [
        (DOCUMENT, "application/json", document.to_string().into()),
        (
            PAGE,
            "text/html; charset=utf-8",
            text(include_str!("docs/page.html")),
        ),
        (
            "/docs/page.css",
            "text/css; charset=utf-8",
            text(include_str!("docs/page.css")),
        ),
        (
            "/docs/page.js",
            "text/javascript; charset=utf-8",
            text(include_str!("docs/page.js")),
        ),
        (
            "/docs/icon.svg",
            "image/svg+xml",
            text(include_str!("docs/icon.svg")),
        ),
    ];
    let mut routes = Router::new();
    for (path, kind, text) in files {
        let file = async move || ([(header::CONTENT_TYPE, kind)], text);
        routes = routes.route(path, get(file));
    }
    routes.nest_service(TRY, tried).layer(from_fn(guarded))
}

/// Each answer under the page's policy, what is tried as well: whatever it is, no browser runs it
/// as a page of this origin.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let says = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in says {
        let name: HeaderName = name;
        response
            .headers_mut()
            .insert(name, http::HeaderValue::from_static(value));
    }
    response
}

/// What is within TLS with clients' certificates is not to be had beside it.
async fn certificate_needed() -> Error {
    let detail = "the service answers to clients' certificates only, and this page has none";
    Error::new(Code::NotFound, detail)
}

/// Of `answers`, those to the paths of `document`: routes of the user's own are none of them. Where
/// the services ask for a key, so does this.
fn tried(answers: Router, keys: Option<ApiKeys>, document: &Value) -> Router {
    let paths: Arc<[String]> = (document["paths"].as_object().into_iter().flatten())
        .map(|(path, _)| path.clone())
        .collect();
    answers.layer(from_fn(move |request: Request, next: Next| {
        let (paths, keys) = (Arc::clone(&paths), keys.clone());
        async move {
            let asked = request.uri().path();
            if !paths.iter().any(|path| is_at(path, asked)) {
                return Err(unknown_path(request).await);
            }
            if let Some(keys) = keys.filter(|_| !is_probe(request.uri())) {
                keys.admit(&Credentials::of(request.uri(), request.headers()))?;
            }
            Ok(next.run(request).await)
        }
    }))
}

/// Whether `asked` is `path`, which may end with a parameter.
fn is_at(path: &str, asked: &str) -> bool {
    match path.split_once('{') {
        Some((before, _)) => (asked.strip_prefix(before)).is_some_and(|name| !name.contains('/')),
        None => path == asked,
    }
}

/// An address that can be asked where `address` may stand for all of this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if !ip.is_unspecified() => address,
        _ => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_asked_for_by_its_own_name() {
        assert!(is_at("/predict", "/predict"));
        assert!(!is_at("/predict", "/predict/"));
        assert!(is_at("/health/ready/{name}", "/health/ready/iris"));
        assert!(!is_at("/health/ready/{name}", "/health/ready/iris/x"));
        assert!(!is_at("/health/ready/{name}", "/health"));
    }
}
