//! Requests, and trailers, as they are put together from header fields, RFC 9113 §8.

use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header, uri};

use super::field::Field;

/// The fields of a header block, as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Fields {
    method: Option<Method>,
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    path: Option<PathAndQuery>,
    headers: HeaderMap,
    size: usize,
    too_large: bool,
    malformed: bool,
}

/// What a header block is.
#[derive(Debug)]
pub(super) enum Head {
    Good(Parts),
    /// It is over the limit: what fitted, to be refused.
    TooLarge(Parts),
    Malformed,
}

impl Fields {
    /// Takes in the next field, where all of them are to be of at most this `most`.
    pub(super) fn take(&mut self, field: Field, size: usize, most: usize) {
        self.size = self.size.saturating_add(size);
        self.too_large |= self.size > most;
        if self.too_large {
            return;
        }
        // Those of the request itself come before all others, and once.
        let first = self.headers.is_empty();
        let put = match field {
            Field::Method(method) => first && self.method.replace(method).is_none(),
            Field::Scheme(scheme) => first && self.scheme.replace(scheme).is_none(),
            Field::Authority(authority) => first && self.authority.replace(authority).is_none(),
            Field::Path(path) => first && self.path.replace(path).is_none(),
            Field::Header(name, value) => self.put(name, value),
            Field::Malformed(_) => false,
        };
        self.malformed |= !put;
    }

    fn put(&mut self, name: HeaderName, value: HeaderValue) -> bool {
        // What is said of an HTTP/1 connection has no place here.
        let of_connection = match name {
            header::CONNECTION | header::TRANSFER_ENCODING | header::UPGRADE => true,
            header::TE => value != "trailers",
            _ => matches!(name.as_str(), "keep-alive" | "proxy-connection"),
        };
        match of_connection {
            true => false,
            false => {
                self.too_large |= self.headers.try_append(name, value).is_err();
                true
            }
        }
    }

    /// The head of a request.
    pub(super) fn request(self) -> Head {
        let too_large = self.too_large;
        match self.parts() {
            Some(parts) if too_large => Head::TooLarge(parts),
            Some(parts) => Head::Good(parts),
            None => Head::Malformed,
        }
    }

    fn parts(self) -> Option<Parts> {
        if self.malformed {
            return None;
        }
        // Of a head that was cut short they may be missing.
        let method = match self.method {
            None if self.too_large => Method::GET,
            method => method?,
        };
        let connects = method == Method::CONNECT;
        let missing = self.scheme.is_none() || self.path.is_none();
        if !self.too_large && (connects != missing || connects && self.path.is_some()) {
            return None;
        }
        let mut target = uri::Parts::default();
        // An `Uri` has a scheme only where it has an authority.
        target.scheme = self
            .scheme
            .filter(|_| self.authority.is_some() && self.path.is_some());
        target.authority = self
            .authority
            .filter(|_| target.scheme.is_some() || connects);
        target.path_and_query = self.path;
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = method;
        parts.uri = match self.too_large {
            true => Uri::from_parts(target).unwrap_or_default(),
            false => Uri::from_parts(target).ok()?,
        };
        parts.version = Version::HTTP_2;
        parts.headers = self.headers;
        Some(parts)
    }

    /// Trailers, unless they are malformed or too large.
    pub(super) fn trailers(self) -> Option<HeaderMap> {
        let request = self.method.is_some()
            || self.scheme.is_some()
            || self.authority.is_some()
            || self.path.is_some();
        (!self.malformed && !self.too_large && !request).then_some(self.headers)
    }
}

/// The length that a request says its body has, or that it says nonsense.
pub(super) fn length(headers: &HeaderMap) -> Result<Option<u64>, ()> {
    let mut said = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        let digits = Some(value.as_bytes()).filter(|text| text.iter().all(u8::is_ascii_digit));
        let length = digits.and_then(|text| std::str::from_utf8(text).ok()?.parse::<u64>().ok());
        let length = length.ok_or(())?;
        if said.replace(length).is_some_and(|before| before != length) {
            return Err(());
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::field::Name;
    use super::*;

    fn fields(all: &[(&str, &str)], most: usize) -> Fields {
        let mut fields = Fields::default();
        for (name, value) in all {
            let size = name.len() + value.len() + 32;
            let value = Bytes::copy_from_slice(value.as_bytes());
            fields.take(Field::new(Name::read(name.as_bytes()), value), size, most);
        }
        fields
    }

    const GET: [(&str, &str); 3] = [(":method", "GET"), (":scheme", "http"), (":path", "/a?b")];

    fn with(more: &[(&str, &str)]) -> Head {
        fields(&[&GET, more].concat(), 1000).request()
    }

    #[test]
    fn a_request_has_its_parts() {
        let Head::Good(parts) = with(&[(":authority", "test:1"), ("a", "b"), ("a", "c")]) else {
            panic!("it is good");
        };
        assert_eq!(parts.uri, "http://test:1/a?b");
        assert_eq!(
            parts.headers.get_all("a").iter().collect::<Vec<_>>(),
            ["b", "c"]
        );
        assert_eq!(parts.version, Version::HTTP_2);
        let Head::Good(parts) = with(&[]) else {
            panic!("it is good");
        };
        assert_eq!((parts.method, parts.uri.path()), (Method::GET, "/a"));
    }

    #[test]
    fn what_makes_a_request_malformed() {
        for more in [
            &[(":method", "GET")][..],
            &[("a", "b"), (":authority", "late")],
            &[(":status", "200")],
            &[(":other", "x")],
            &[("A", "b")],
            &[("a b", "c")],
            &[("a", "b\nc")],
            &[("connection", "close")],
            &[("keep-alive", "1")],
            &[("proxy-connection", "close")],
            &[("transfer-encoding", "chunked")],
            &[("upgrade", "h2c")],
            &[("te", "gzip")],
            &[(":authority", "a b")],
        ] {
            assert!(matches!(with(more), Head::Malformed), "{more:?}");
        }
        assert!(matches!(with(&[("te", "trailers")]), Head::Good(_)));
        for missing in 0..3 {
            let mut all = GET.to_vec();
            all.remove(missing);
            assert!(matches!(fields(&all, 1000).request(), Head::Malformed));
        }
        let empty = [(":method", "GET"), (":scheme", "http"), (":path", "")];
        assert!(matches!(fields(&empty, 1000).request(), Head::Malformed));
        let connect = [(":method", "CONNECT"), (":authority", "test:1")];
        assert!(matches!(fields(&connect, 1000).request(), Head::Good(_)));
    }

    #[test]
    fn a_head_over_its_limit_is_kept_as_far_as_it_fits() {
        // The three are 42, 43 and 41 bytes.
        for (most, path) in [(126, "/a"), (125, ""), (50, ""), (1, "")] {
            let head = fields(&GET, most).request();
            match head {
                Head::Good(parts) => assert_eq!((most, parts.uri.path()), (126, path)),
                Head::TooLarge(_) => assert!(most < 126),
                Head::Malformed => panic!("it is not"),
            }
        }
    }

    #[test]
    fn trailers_are_headers_alone() {
        assert_eq!(
            fields(&[("a", "b")], 1000).trailers().map(|all| all.len()),
            Some(1)
        );
        assert_eq!(fields(&[("a", "b")], 10).trailers(), None);
        assert_eq!(fields(&[(":path", "/")], 1000).trailers(), None);
        assert_eq!(fields(&[("A", "b")], 1000).trailers(), None);
    }

    #[test]
    fn a_length_is_one_number() {
        let said = |values: &[&str]| {
            let named = values.iter().map(|value| ("content-length", *value));
            length(&fields(&named.collect::<Vec<_>>(), 1000).headers)
        };
        assert_eq!(said(&[]), Ok(None));
        assert_eq!(said(&["12"]), Ok(Some(12)));
        assert_eq!(said(&["12", "12"]), Ok(Some(12)));
        for wrong in [
            &["12", "13"][..],
            &[""],
            &["+1"],
            &["1, 1"],
            &["99999999999999999999"],
        ] {
            assert_eq!(said(wrong), Err(()), "{wrong:?}");
        }
    }
}
