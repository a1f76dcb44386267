//! What hyper lets through of an HTTP/1 head, and should not.

use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Version, header};

use crate::error::{Code, Error, Result};

/// Refuses a head that is over `most` bytes, or that another server on its way may have read
/// otherwise.
pub(super) fn check<B>(request: &Request<B>, most: usize) -> Result<()> {
    let headers = request.headers();
    check_host(headers, request.version())?;
    check_coding(headers)?;
    let method = request.method().as_str().len();
    let target = request.uri().path_and_query().map_or(0, length);
    if target > most {
        let detail = format!("the path and query are over the limit of {most} bytes");
        return Err(Error::new(Code::UriTooLong, detail));
    }
    // As on the wire: `name: value`, and the end of the line.
    let lines = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4);
    if method + target + lines.sum::<usize>() > most {
        let detail = format!("the header section is over the limit of {most} bytes");
        return Err(Error::new(Code::HeadersTooLarge, detail));
    }
    Ok(())
}

fn length(target: &PathAndQuery) -> usize {
    target.as_str().len()
}

/// RFC 9112 §3.2: one, and one that can be an authority; an empty one is that of none.
fn check_host(headers: &HeaderMap, version: Version) -> Result<()> {
    let mut hosts = headers.get_all(header::HOST).iter();
    // RFC 3986 §3.2, without a user, which HTTP has no use for.
    let of_authority = |b: &u8| b.is_ascii_alphanumeric() || b"-._~:[]%!$&'()*+,;=".contains(b);
    let what = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => "is given twice",
        (None, _) if version == Version::HTTP_11 => "is missing",
        (Some(host), _) if !host.as_bytes().iter().all(of_authority) => "is no name of a host",
        _ => return Ok(()),
    };
    let detail = format!("the header `host` {what}");
    Err(Error::new(Code::InvalidParameter, detail))
}

/// A body in chunks is in nothing else: hyper looks no further than for that word at the end.
fn check_coding(headers: &HeaderMap) -> Result<()> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(Error::new(
            Code::InvalidParameter,
            "the header `transfer-encoding` is not `chunked`, which alone is read here",
        )),
    }
}
