//! The key that a request carries.

use std::borrow::Cow;

use http::{HeaderMap, Uri};

use crate::rest::{decode, query};

/// Both a header and a parameter: what the original's clients call theirs.
const OAUTH_TOKEN: &str = "oauth_token";

/// Where a request may carry a key: of each header the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Credentials<'a> {
    authorization: Option<&'a [u8]>,
    api_key: Option<&'a [u8]>,
    oauth_token: Option<&'a [u8]>,
    query: &'a str,
}

impl<'a> Credentials<'a> {
    /// Those of a request with this query string, of which no header was seen yet.
    pub(crate) fn new(query: &'a str) -> Self {
        Self {
            query,
            ..Self::default()
        }
    }

    /// Those of a request.
    pub(crate) fn of(uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        let mut all = Self::new(query(uri));
        for (name, value) in headers {
            all.see(name.as_str().as_bytes(), value.as_bytes());
        }
        all
    }

    /// Takes in a header, if it is one that may carry a key.
    pub(crate) fn see(&mut self, name: &[u8], value: &'a [u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let place = match name.len() {
            9 if is("x-api-key") => &mut self.api_key,
            11 if is(OAUTH_TOKEN) => &mut self.oauth_token,
            13 if is("authorization") => &mut self.authorization,
            _ => return,
        };
        place.get_or_insert(value);
    }

    /// The key: a bearer's, else that of `x-api-key`, else, where `oauth_token` is taken, that
    /// one's, in a header or the query string.
    pub(super) fn key(&self, oauth_token: bool) -> Option<Cow<'a, [u8]>> {
        if let Some(key) = self.authorization.and_then(bearer).or(self.api_key) {
            return Some(key.into());
        }
        if !oauth_token {
            return None;
        }
        match self.oauth_token {
            Some(key) => Some(key.into()),
            None => parameter(self.query),
        }
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
