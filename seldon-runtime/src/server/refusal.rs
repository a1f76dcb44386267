//! Gives a document to the answers that hyper makes up itself.
//!
//! Where a head cannot be read, no request ever reaches the guard: hyper answers 400, 414 or 431
//! with an empty body and closes. There is no hook for that, so they are known by their form as
//! they are written.

use bytes::Bytes;

use super::request_id::REQUEST_ID;
use crate::error::{Code, Error};

const LONG_TARGET: &str = "the path and query are over the limit";

/// If `bytes` end in an answer of hyper's own: where it begins, and what to write instead.
///
/// `in_line` is said where the head has no end of its first line yet: hyper, which gave up on it,
/// does not know what is too long.
pub(super) fn refusal(bytes: &[u8], in_line: bool) -> Option<(usize, Bytes)> {
    // Almost every answer of ours ends with its body.
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let at = rfind(bytes, b"HTTP/1.1 4")?;
    let head = std::str::from_utf8(&bytes[at..]).ok()?;
    if !head.contains("\r\ncontent-length: 0\r\n") || head.contains(REQUEST_ID.as_str()) {
        return None;
    }
    let (code, detail) = match head.get("HTTP/1.1 ".len()..)?.get(..3)? {
        "400" => (Code::InvalidParameter, "the request's head is malformed"),
        "414" => (Code::UriTooLong, LONG_TARGET),
        "431" if in_line => {
            let head = head.replace("431 Request Header Fields Too Large", "414 URI Too Long");
            let error = Error::new(Code::UriTooLong, LONG_TARGET);
            return Some((at, with_document(&head, &error)));
        }
        "431" => (
            Code::HeadersTooLarge,
            "the header section is over the limit, in bytes or in lines",
        ),
        _ => return None,
    };
    Some((at, with_document(head, &Error::new(code, detail))))
}

/// What a peer is told that speaks HTTP in plain text where TLS is spoken.
pub(super) fn not_tls() -> Bytes {
    let detail = "TLS is spoken here: begin the address with https://";
    let head = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    with_document(head, &Error::new(Code::InvalidParameter, detail))
}

/// The `head` of an empty answer, and the document that it is to have.
fn with_document(head: &str, error: &Error) -> Bytes {
    let id = crate::puid::new();
    let document = error.to_document(&id);
    let head = head.trim_end().replace(
        "\r\ncontent-length: 0",
        &format!(
            "\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n{REQUEST_ID}: {id}",
            document.len()
        ),
    );
    let mut whole = head.into_bytes();
    whole.extend_from_slice(b"\r\n\r\n");
    whole.extend_from_slice(&document);
    whole.into()
}

fn rfind(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).rposition(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    #[test]
    fn an_answer_of_hypers_gets_a_document() {
        let (at, bytes) = refusal(OWN.as_bytes(), false).expect("it is one");
        let text = std::str::from_utf8(&bytes).expect("it is text");
        assert_eq!(at, 0);
        let (head, document) = text.split_once("\r\n\r\n").expect("it has a head");
        assert!(head.contains(&format!("content-length: {}", document.len())));
        assert!(head.contains("connection: close"));
        assert!(document.contains("HEADERS_TOO_LARGE"));
    }

    #[test]
    fn what_was_answered_before_stays() {
        let before = "HTTP/1.1 200 OK\r\nx-request-id: a\r\ncontent-length: 2\r\n\r\n{}";
        let both = format!("{before}{OWN}");
        assert_eq!(
            refusal(both.as_bytes(), false).map(|(at, _)| at),
            Some(before.len())
        );
    }

    #[test]
    fn an_answer_of_ours_stays() {
        let ours = "HTTP/1.1 400 Bad Request\r\nx-request-id: a\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(refusal(ours.as_bytes(), false), None);
        assert_eq!(
            refusal(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false),
            None
        );
    }
}
