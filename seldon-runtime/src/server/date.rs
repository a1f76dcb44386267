//! The time, as a header has it: written once a second.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderValue;

thread_local! {
    static LAST: RefCell<(u64, HeaderValue)> =
        const { RefCell::new((0, HeaderValue::from_static(""))) };
}

/// The value of `date`, RFC 9110 §6.6.1.
pub(super) fn date() -> HeaderValue {
    let now = SystemTime::now();
    let second = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    LAST.with_borrow_mut(|(last, value)| {
        if *last != second || value.is_empty() {
            *last = second;
            // It is ASCII.
            if let Ok(written) = HeaderValue::from_str(&httpdate::fmt_http_date(now)) {
                *value = written;
            }
        }
        value.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_time() {
        let said = httpdate::parse_http_date(date().to_str().expect("it is text"));
        let off = said.expect("it is a date").elapsed().unwrap_or_default();
        assert!(off.as_secs() < 5, "{off:?}");
    }
}
