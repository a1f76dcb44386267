//! Reads JSON as XGBoost writes it, which is not quite JSON: up to version 2 the threshold of a split
//! on categories is `NaN`.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// A number that JSON has and `f32` has not: infinite once it is read, and so refused where it counts.
const NO_NUMBER: &[u8] = b"9e99";

pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(&plain(bytes))
}

/// The same with [`NO_NUMBER`] for each `NaN` and `Infinity` that is not in a text.
fn plain(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut plain = Vec::new();
    let (mut copied, mut at, mut in_text) = (0, 0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => in_text = !in_text,
            b'\\' if in_text => at += 1,
            b'N' | b'I' if !in_text => {
                let word = [&b"NaN"[..], b"Infinity"]
                    .into_iter()
                    .find(|word| bytes[at..].starts_with(word));
                if let Some(word) = word {
                    plain.extend_from_slice(&bytes[copied..at]);
                    plain.extend_from_slice(NO_NUMBER);
                    at += word.len();
                    copied = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(bytes);
    }
    plain.extend_from_slice(&bytes[copied..]);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn only_what_is_no_text_is_changed() {
        for (from, to) in [
            (r#"{"NaN":[1,2]}"#, r#"{"NaN":[1,2]}"#),
            (r#"[NaN,-Infinity,1]"#, r"[9e99,-9e99,1]"),
            (r#"["a\"NaN",NaN]"#, r#"["a\"NaN",9e99]"#),
            (r#"["\\",NaN"#, r#"["\\",9e99"#),
            ("[Na", "[Na"),
            (r#"["\"#, r#"["\"#),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&plain(from.as_bytes())), to);
        }
    }
}
