//! The time, as a header has it: written once a second.

use std::cell::RefCell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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

thread_local! {
    static TEXT: RefCell<Text> = const { RefCell::new(Text { until: None, text: [0; 29] }) };
}

/// The date until the second is over.
struct Text {
    until: Option<Instant>,
    text: [u8; 29],
}

/// Adds the value of `date` at `now` to `out`, without a look at the clock but once a second.
pub(super) fn write_date(now: Instant, out: &mut Vec<u8>) {
    TEXT.with_borrow_mut(|last| {
        if last.until.is_none_or(|until| until <= now) {
            let time = SystemTime::now();
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            let left = 1_000_000_000 - since.subsec_nanos();
            last.until = Some(now + Duration::from_nanos(left.into()));
            let text = httpdate::fmt_http_date(time);
            // It has one length up to the year 9999.
            if let Ok(text) = text.as_bytes().try_into() {
                last.text = text;
            }
        }
        out.extend_from_slice(&last.text);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_it_is_said() {
        // The second may pass in between, once.
        let same = || {
            let mut out = Vec::new();
            write_date(Instant::now(), &mut out);
            out == date().as_bytes()
        };
        assert!(same() || same());
        let mut later = Vec::new();
        write_date(Instant::now() + Duration::from_secs(1), &mut later);
        assert_eq!(later.len(), 29);
    }

    #[test]
    fn it_is_the_time() {
        let said = httpdate::parse_http_date(date().to_str().expect("it is text"));
        let off = said.expect("it is a date").elapsed().unwrap_or_default();
        assert!(off.as_secs() < 5, "{off:?}");
    }
}
