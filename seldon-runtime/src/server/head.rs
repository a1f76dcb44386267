//! What the guard reads of a request's head, in one pass: a look-up by name hashes the name.

use http::Version;
use http::request::Parts;

use super::deadline::{GRPC_TIMEOUT, Patience, REQUEST_TIMEOUT, patience};
use super::request_id::{REQUEST_ID, RequestId};
use crate::error::{Code, Error, Result};
use crate::grpc::is_grpc_type;
use crate::observe::TraceParent;

/// What a request's head says.
pub(super) struct Head {
    pub(super) version: Version,
    pub(super) grpc: bool,
    /// The id that the request goes by.
    pub(super) id: RequestId,
    pub(super) patience: Patience,
    pub(super) parent: Option<TraceParent>,
    /// What is wrong with the header `host`.
    host: Result<(), &'static str>,
    /// The header `transfer-encoding` is one that is read.
    coding: bool,
    /// The bytes of path and query.
    target: usize,
    /// Those of the method and of all headers, as on the wire: `name: value`, and the end of the
    /// line.
    rest: usize,
}

/// The first value of a header, and whether there are more.
#[derive(Clone, Copy, Default)]
struct Values<'a> {
    first: Option<&'a [u8]>,
    more: bool,
}

impl Head {
    /// Reads the head of a request.
    pub(super) fn read(parts: &Parts) -> Self {
        let mut rest = parts.method.as_str().len();
        let mut id = None;
        let [mut host, mut coding, mut trace] = [Values::default(); 3];
        let [mut kind, mut grpc_timeout, mut milliseconds] = [Values::default(); 3];
        for (name, value) in &parts.headers {
            let name = name.as_str();
            rest += name.len() + value.len() + 4;
            let values = match name {
                "host" => &mut host,
                "transfer-encoding" => &mut coding,
                "content-type" => &mut kind,
                GRPC_TIMEOUT => &mut grpc_timeout,
                REQUEST_TIMEOUT => &mut milliseconds,
                TraceParent::HEADER => &mut trace,
                _ => {
                    if name == REQUEST_ID.as_str() {
                        id.get_or_insert(value);
                    }
                    continue;
                }
            };
            values.more = values.first.is_some();
            values.first.get_or_insert(value.as_bytes());
        }
        let version = parts.version;
        let target = parts.uri.path_and_query();
        Self {
            version,
            grpc: kind.first.is_some_and(is_grpc_type),
            id: RequestId::of(id.map(|id| id.as_bytes())),
            patience: patience(grpc_timeout.first, milliseconds.first),
            // One that comes twice is none.
            parent: match trace.more {
                true => None,
                false => trace.first.and_then(TraceParent::parse),
            },
            host: check_host(host, version),
            coding: check_coding(coding),
            target: target.map_or(0, |target| target.as_str().len()),
            rest,
        }
    }

    /// A head of which no more is to be checked: one that is not gRPC's, over HTTP/1.1.
    pub(super) fn plain(
        id: Option<&[u8]>,
        patience: Patience,
        parent: Option<TraceParent>,
    ) -> Self {
        Self {
            version: Version::HTTP_11,
            grpc: false,
            id: RequestId::of(id),
            patience,
            parent,
            host: Ok(()),
            coding: true,
            target: 0,
            rest: 0,
        }
    }

    /// Refuses an HTTP/1 head that hyper lets through and should not: over `most` bytes, or one
    /// that another server on its way may have read otherwise.
    pub(super) fn check(&self, most: usize) -> Result<()> {
        let wrong = |detail: String| Err(Error::new(Code::InvalidParameter, detail));
        if let Err(what) = self.host {
            return wrong(format!("the header `host` {what}"));
        }
        if !self.coding {
            let name = "transfer-encoding";
            return wrong(format!(
                "the header `{name}` is not `chunked`, which alone is read here"
            ));
        }
        if self.target > most {
            let detail = format!("the path and query are over the limit of {most} bytes");
            return Err(Error::new(Code::UriTooLong, detail));
        }
        if self.target + self.rest > most {
            let detail = format!("the header section is over the limit of {most} bytes");
            return Err(Error::new(Code::HeadersTooLarge, detail));
        }
        Ok(())
    }
}

/// RFC 9112 §3.2: one, and one that can be an authority; an empty one is that of none.
fn check_host(host: Values<'_>, version: Version) -> Result<(), &'static str> {
    match host.first {
        _ if host.more => Err("is given twice"),
        None if version == Version::HTTP_11 => Err("is missing"),
        Some(host) if !is_host(host) => Err("is no name of a host"),
        _ => Ok(()),
    }
}

/// Whether `host` can be an authority, or is empty.
pub(super) fn is_host(host: &[u8]) -> bool {
    host.iter().all(|b| OF_AUTHORITY[usize::from(*b)])
}

/// What an authority is made of, RFC 3986 §3.2, without a user, which HTTP has no use for.
const OF_AUTHORITY: [bool; 256] = {
    let mut is = [false; 256];
    let punctuation = b"-._~:[]%!$&'()*+,;=";
    let mut at = 0;
    while at < 256 {
        is[at] = (at as u8).is_ascii_alphanumeric();
        at += 1;
    }
    let mut at = 0;
    while at < punctuation.len() {
        is[punctuation[at] as usize] = true;
        at += 1;
    }
    is
};

/// A body in chunks is in nothing else: hyper looks no further than for that word at the end.
fn check_coding(coding: Values<'_>) -> bool {
    match coding.first {
        None => true,
        Some(only) => !coding.more && only.eq_ignore_ascii_case(b"chunked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &str)]) -> Head {
        let mut request = http::Request::get("/predict?json=1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Head::read(&request.body(()).expect("it is a request").into_parts().0)
    }

    #[test]
    fn of_several_of_one_name_the_first_counts() {
        let head = read(&[
            ("x-request-id", "a"),
            ("x-request-id", "b"),
            ("grpc-timeout", "1S"),
            ("grpc-timeout", "2S"),
            ("content-type", "application/grpc"),
            ("content-type", "text/plain"),
        ]);
        assert_eq!(head.id.as_str(), "a");
        let second = std::time::Duration::from_secs(1);
        assert_eq!(head.patience, Patience::For(second));
        assert!(head.grpc);
    }

    #[test]
    fn a_trace_that_comes_twice_starts_anew() {
        let parent = (
            TraceParent::HEADER,
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        );
        assert!(read(&[parent]).parent.is_some());
        assert_eq!(read(&[parent, parent]).parent, None);
        assert_eq!(read(&[]).parent, None);
    }
}
