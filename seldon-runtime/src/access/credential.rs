//! The key that a request carries.

use std::borrow::Cow;

use http::{HeaderName, Request, header};

use crate::rest::decode;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Both a header and a parameter: what the original's clients call theirs.
const OAUTH_TOKEN: &str = "oauth_token";

/// The key of a request: a bearer's, else that of `x-api-key`, else, where `oauth_token` is taken,
/// that one's, in a header or the query string.
pub(super) fn credential<B>(request: &Request<B>, oauth_token: bool) -> Option<Cow<'_, [u8]>> {
    let headers = request.headers();
    let header = |name: HeaderName| headers.get(name).map(|value| value.as_bytes());
    let bearer = header(header::AUTHORIZATION).and_then(bearer);
    if let Some(key) = bearer.or_else(|| header(API_KEY)) {
        return Some(key.into());
    }
    if !oauth_token {
        return None;
    }
    match headers.get(OAUTH_TOKEN) {
        Some(key) => Some(key.as_bytes().into()),
        None => parameter(request.uri().query()?),
    }
}

/// The token of `Bearer TOKEN`; the scheme's case does not matter, RFC 9110 §11.1.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"Bearer ")
        .then(|| token.trim_ascii())
}

fn parameter(query: &str) -> Option<Cow<'_, [u8]>> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| *name == OAUTH_TOKEN)?;
    Some(match decode(value).ok()? {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    })
}
