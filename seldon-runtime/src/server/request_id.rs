//! The id that a request goes by in answers and in the log.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Carries the id, in requests as in answers.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from a caller.
const LONGEST: usize = 128;

/// The caller's id if it is one that no log or page can be harmed by, `[A-Za-z0-9._-]{1,128}`;
/// else a new one.
pub(super) fn request_id(headers: &HeaderMap) -> HeaderValue {
    match headers.get(REQUEST_ID) {
        Some(id) if is_plain(id.as_bytes()) => id.clone(),
        _ => HeaderValue::from_str(&crate::puid::new())
            .unwrap_or_else(|_| HeaderValue::from_static("unknown")),
    }
}

fn is_plain(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len())
        && id
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &str) -> HeaderValue {
        let value = HeaderValue::from_str(id).expect("a header can hold it");
        request_id(&HeaderMap::from_iter([(REQUEST_ID, value)]))
    }

    #[test]
    fn a_plain_id_is_the_callers() {
        let longest = "x".repeat(128);
        for id in ["a", "A.b_c-1", &longest] {
            assert_eq!(of(id), id);
        }
    }

    #[test]
    fn any_other_is_replaced() {
        let too_long = "x".repeat(129);
        for id in ["", "a b", "a/b", "<a>", &too_long] {
            assert_ne!(of(id), id);
            assert!(is_plain(of(id).as_bytes()));
        }
    }
}
