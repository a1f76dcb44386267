//! Tells HTTP/1 from HTTP/2 by a connection's first bytes.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What a client that speaks HTTP/2 begins with, RFC 9113 §3.4.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Which protocol a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// Reads until it is clear which protocol the peer speaks.
///
/// Returns that and what was read. Waits for as long as the peer lets it: the caller sets a time.
///
/// # Errors
///
/// Those of the connection, and its end.
pub(super) async fn sniff(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(Version, Bytes)> {
    let mut first = BytesMut::with_capacity(4 << 10);
    loop {
        if stream.read_buf(&mut first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(version) = version(&first) {
            return Ok((version, first.freeze()));
        }
    }
}

/// The protocol of a connection that begins with `first`; `None` while it may be either.
fn version(first: &[u8]) -> Option<Version> {
    let common = first.len().min(PREFACE.len());
    if first[..common] != PREFACE[..common] {
        Some(Version::Http1)
    } else if common == PREFACE.len() {
        Some(Version::Http2)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preface_is_http2_once_it_is_whole() {
        assert_eq!(version(PREFACE), Some(Version::Http2));
        for length in 0..PREFACE.len() {
            assert_eq!(version(&PREFACE[..length]), None);
        }
    }

    #[test]
    fn the_first_other_byte_is_http1() {
        assert_eq!(version(b"G"), Some(Version::Http1));
        assert_eq!(version(b"POST / HTTP/1.1\r\n"), Some(Version::Http1));
        assert_eq!(version(b"PRI * HTTP/1.1\r\n"), Some(Version::Http1));
    }
}
