//! What must not be read in a log, a page or an error.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A text that is kept to itself: a key, a token, a password.
///
/// `Debug` and `Display` write `***`, and there is no `Serialize`: whatever holds one can be logged
/// as a whole. Nor is there `==`, which tells by its time how much of a guess was right. Only
/// [`reveal`](Self::reveal) gives the text, and is easily searched for.
///
/// ```
/// let secret = seldon_runtime::Secret::from("correct horse");
/// assert_eq!(format!("{secret:?} {secret}"), "*** ***");
/// assert_eq!(secret.reveal(), "correct horse");
/// ```
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// The text itself: for whom it is meant, and never for a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What is shown instead.
const HIDDEN: &str = "***";

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

/// For a flag or an environment variable.
impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::from(text))
    }
}

/// Takes a string. An error over another type does not say what it was.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error of a string's own deserializer quotes the number or whatever it found.
        String::deserialize(deserializer)
            .map(Self::from)
            .map_err(|_| serde::de::Error::custom("a secret must be a string"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Settings {
        #[expect(dead_code, reason = "shown by Debug")]
        token: Secret,
    }

    #[test]
    fn what_holds_a_secret_can_be_shown() {
        let settings: Settings =
            serde_json::from_str(r#"{"token":"open sesame"}"#).expect("a string");
        assert_eq!(format!("{settings:?}"), "Settings { token: *** }");
        assert_eq!(format!("{settings:#?}"), "Settings {\n    token: ***,\n}");
    }

    #[test]
    fn an_error_does_not_quote_it() {
        for wrong in [r#"{"token":271828}"#, r#"{"token":["open","sesame"]}"#] {
            let error = serde_json::from_str::<Settings>(wrong).expect_err("it is no string");
            let said = error.to_string();
            assert!(said.starts_with("a secret must be a string"), "{said}");
        }
    }

    #[test]
    fn the_text_is_had_by_asking() {
        let secret: Secret = "open sesame".parse().expect("it does not fail");
        assert_eq!(secret.clone().reveal(), "open sesame");
    }
}
