//! Keys of candidate lists.

/// The longest key that memcached takes, in bytes.
pub(crate) const LONGEST: usize = 250;

/// Whether `key` may be sent to memcached: 1 to 250 visible ASCII characters. Its protocol ends a
/// key at a space and a command at a line's end, so anything else could become a command.
pub(crate) fn is_key(key: &str) -> bool {
    (1..=LONGEST).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_has_1_to_250_visible_ascii_characters() {
        assert!(is_key("ce136f0d0fac274a7d353e672bf4b187"));
        assert!(is_key("!~"));
        assert!(is_key(&"k".repeat(250)));
        assert!(!is_key(&"k".repeat(251)));
        for wrong in [
            "",
            " ",
            "a b",
            "a\r\nflush_all",
            "a\0",
            "a\u{7f}",
            "ä",
            "a\tb",
        ] {
            assert!(!is_key(wrong), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_key_can_end_a_command(key in any::<String>()) {
            let ends = key.bytes().any(|b| b <= b' ' || b >= 0x7f);
            prop_assert_eq!(is_key(&key), !ends && !key.is_empty() && key.len() <= 250);
        }
    }
}
