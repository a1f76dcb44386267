//! A header field as it is kept: checked once, however often it comes again.

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderName, HeaderValue, Method};

/// A field of a request, or of its trailers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field {
    Method(Method),
    Scheme(Scheme),
    Authority(Authority),
    Path(PathAndQuery),
    Header(HeaderName, HeaderValue),
    /// One that makes its request malformed, RFC 9113 §8.1.1, and is no error of the connection.
    Malformed(Name),
}

/// A field's name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Name {
    Method,
    Scheme,
    Authority,
    Path,
    Header(HeaderName),
    /// None, of so many bytes.
    Malformed(usize),
}

impl Name {
    /// The name that is written so.
    pub(super) fn read(bytes: &[u8]) -> Self {
        match bytes {
            b":method" => Self::Method,
            b":scheme" => Self::Scheme,
            b":authority" => Self::Authority,
            b":path" => Self::Path,
            // A name in capitals is malformed.
            _ => {
                HeaderName::from_lowercase(bytes).map_or(Self::Malformed(bytes.len()), Self::Header)
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Method => ":method".len(),
            Self::Scheme => ":scheme".len(),
            Self::Authority => ":authority".len(),
            Self::Path => ":path".len(),
            Self::Header(name) => name.as_str().len(),
            Self::Malformed(length) => *length,
        }
    }
}

impl Field {
    /// The field `name` with this value.
    pub(super) fn new(name: Name, value: Bytes) -> Self {
        let field = match &name {
            Name::Method => Method::from_bytes(&value).ok().map(Self::Method),
            Name::Scheme => Scheme::try_from(&*value).ok().map(Self::Scheme),
            Name::Authority => Authority::from_maybe_shared(value)
                .ok()
                .map(Self::Authority),
            Name::Path if value.is_empty() => None,
            Name::Path => PathAndQuery::from_maybe_shared(value).ok().map(Self::Path),
            Name::Header(name) => HeaderValue::from_maybe_shared(value)
                .ok()
                .map(|value| Self::Header(name.clone(), value)),
            Name::Malformed(_) => None,
        };
        field.unwrap_or(Self::Malformed(name))
    }

    pub(super) fn name(&self) -> Name {
        match self {
            Self::Method(_) => Name::Method,
            Self::Scheme(_) => Name::Scheme,
            Self::Authority(_) => Name::Authority,
            Self::Path(_) => Name::Path,
            Self::Header(name, _) => Name::Header(name.clone()),
            Self::Malformed(name) => name.clone(),
        }
    }
}
