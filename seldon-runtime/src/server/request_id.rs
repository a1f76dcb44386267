//! The id that a request goes by in answers and in the log.

use std::cell::Cell;

use http::{HeaderName, HeaderValue};

/// Carries the id, in requests as in answers.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from a caller.
const LONGEST: usize = 128;

/// The id of one request.
pub(super) enum RequestId {
    /// Made here: digits.
    New([u8; 16]),
    /// The caller's.
    Said(HeaderValue),
}

impl RequestId {
    /// The id of a request that came with `said`: that if it is one that no log or page can be
    /// harmed by, `[A-Za-z0-9._-]{1,128}`; else a new one.
    pub(super) fn of(said: Option<&[u8]>) -> Self {
        (said.filter(|id| is_plain(id)))
            .and_then(|id| HeaderValue::from_bytes(id).ok())
            .map_or_else(Self::new, Self::Said)
    }

    /// Sixteen digits that no other request of this thread has, and others only by a rare chance:
    /// enough to find a request in a log, and a fraction of what a UUID costs.
    fn new() -> Self {
        let next = NEXT.get();
        NEXT.set(next.wrapping_add(0x9e37_79b9_7f4a_7c15));
        // Each number once, and no order to be seen: the finish of SplitMix64.
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mixed = mixed ^ (mixed >> 31);
        let [low, high] = [mixed as u32, (mixed >> 32) as u32];
        let mut digits = [0; 16];
        digits[..8].copy_from_slice(&hex(low));
        digits[8..].copy_from_slice(&hex(high));
        Self::New(digits)
    }

    /// As bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::New(digits) => digits,
            Self::Said(id) => id.as_bytes(),
        }
    }

    /// As text.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::New(digits) => std::str::from_utf8(digits).unwrap_or_default(),
            Self::Said(id) => id.to_str().unwrap_or_default(),
        }
    }

    /// As a header has it.
    pub(super) fn into_value(self) -> HeaderValue {
        match self {
            Self::New(digits) => HeaderValue::from_bytes(&digits)
                .unwrap_or_else(|_| HeaderValue::from_static("unknown")),
            Self::Said(id) => id,
        }
    }
}

thread_local! {
    /// Where this thread's ids go on from; it begins at random.
    static NEXT: Cell<u64> = Cell::new(uuid::Uuid::new_v4().as_u64_pair().0);
}

impl AsRef<str> for RequestId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// The eight hexadecimal digits of `number`, the lowest first, all at once: each in a byte of its
/// own.
fn hex(number: u32) -> [u8; 8] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let spread = u64::from(number);
    let spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff;
    let spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff;
    let spread = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // Ten and more carry into the upper half of their byte.
    let letters = (spread + 6 * EACH) >> 4 & EACH;
    let to_letter = u64::from(b'a' - 10 - b'0');
    (spread + u64::from(b'0') * EACH + letters * to_letter).to_le_bytes()
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
        RequestId::of(Some(id.as_bytes())).into_value()
    }

    #[test]
    fn a_plain_id_is_the_callers() {
        let longest = "x".repeat(128);
        for id in ["a", "A.b_c-1", &longest] {
            assert_eq!(of(id), id);
        }
    }

    #[test]
    fn digits_are_those_of_the_number() {
        for number in [0, 0x0123_4567, 0x89ab_cdef, u32::MAX, 0x9a0f_a90a] {
            let mut digits = hex(number);
            digits.reverse();
            assert_eq!(digits, *format!("{number:08x}").as_bytes());
        }
    }

    #[test]
    fn new_ones_differ() {
        let ids: std::collections::HashSet<_> = (0..10_000)
            .map(|_| RequestId::of(None).into_value())
            .collect();
        assert_eq!(ids.len(), 10_000);
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
