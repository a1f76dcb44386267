//! API keys: who may call, by a file of their digests.

use std::path::Path;
use std::sync::Arc;

use http::HeaderValue;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::credential::Credentials;
use super::live::Live;
use crate::error::{Code, Error, Result, echo};
use crate::observe::Reloads;

/// The most keys in a file: each is compared at every request.
const MOST: usize = 1000;

/// The longest name of a key.
const LONGEST_NAME: usize = 64;

/// What a 401 says of how to come in, in `WWW-Authenticate`.
pub(crate) const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer");

/// The keys that a server takes.
///
/// They are in a file, one a line: a name, spaces, and the key's SHA-256 digest in hex. What comes
/// after `#` and blank lines count for nothing. The file never holds a key, so that whoever reads
/// it cannot call; it is read anew within two seconds of a change.
///
/// A key is a long random text, as `--new-api-key NAME` of any program by `seldon::run` makes it.
/// It comes in `Authorization: Bearer KEY` or `x-api-key: KEY`, on both transports.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    live: Arc<Live<Keys>>,
    oauth_token: bool,
}

impl ApiKeys {
    /// The keys of a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, holds a line that is not a name and a digest, a name or a
    /// digest twice, no key at all or more than 1,000.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let files = vec![path.as_ref().to_owned()];
        Ok(Self {
            live: Arc::new(Live::load(files, |sources| match sources {
                [source] => Keys::parse(&source.bytes).map_err(|what| source.wrong(what)),
                _ => unreachable!("one file was asked for"),
            })?),
            oauth_token: false,
        })
    }

    /// Takes a key as clients of the original send theirs, too: as `oauth_token`, in gRPC's
    /// metadata or a query string.
    ///
    /// A query string ends in logs and histories: for clients that cannot be changed.
    #[must_use]
    pub fn with_oauth_token(mut self) -> Self {
        self.oauth_token = true;
        self
    }

    /// Reads the file anew when it changes.
    pub(crate) fn watch(&self, reloads: Reloads) -> Result<()> {
        self.live.watch("api_keys", reloads)
    }

    /// Whose key is among a request's credentials.
    ///
    /// # Errors
    ///
    /// [`Code::Unauthenticated`], in the same words and after the same work whether the key is
    /// unknown or missing.
    pub(crate) fn admit(&self, credentials: &Credentials<'_>) -> Result<Caller> {
        let presented = credentials.key(self.oauth_token);
        let keys = self.live.get();
        // No key is the empty one, whose digest is in no file.
        match keys.find(presented.as_deref().unwrap_or_default()) {
            Some(at) => Ok(Caller { keys, at }),
            None => Err(Error::new(
                Code::Unauthenticated,
                "a valid API key is needed, as `Authorization: Bearer KEY` or `x-api-key: KEY`",
            )),
        }
    }

    /// Whether the keys are still those that `caller` was admitted by.
    pub(crate) fn are_those_of(&self, caller: &Caller) -> bool {
        self.live.is(&caller.keys)
    }
}

/// Who was admitted.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// By what, and by which of them.
    keys: Arc<Keys>,
    at: usize,
}

impl Caller {
    /// The name of the key.
    pub(crate) fn name(&self) -> &str {
        &self.keys.names[self.at]
    }
}

/// What a file of keys holds.
#[derive(Debug, PartialEq, Eq)]
struct Keys {
    names: Vec<Box<str>>,
    digests: Vec<[u8; 32]>,
}

impl Keys {
    /// The keys of a file's text, or what is wrong with it.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "is no UTF-8 text")?;
        let mut keys = Self {
            names: Vec::new(),
            digests: Vec::new(),
        };
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(name) = words.next() else {
                continue;
            };
            keys.add(name, words.next(), words.next())
                .map_err(|what| format!("line {}: {what}", at + 1))?;
        }
        match keys.names.len() {
            0 => Err("holds no API key: a line is a name and a SHA-256 digest in hex".to_owned()),
            count if count > MOST => Err(format!("holds over {MOST} API keys")),
            _ => Ok(keys),
        }
    }

    /// Adds a line's words. None is ever echoed but a name: a key may stand in its digest's place.
    fn add(&mut self, name: &str, digest: Option<&str>, more: Option<&str>) -> Result<(), String> {
        let (Some(digest), None) = (digest.and_then(of_hex), more) else {
            return Err(
                "is not a name and a SHA-256 digest of 64 hex digits, with spaces between"
                    .to_owned(),
            );
        };
        check_name(name)?;
        if digest == digest_of(b"") {
            return Err(format!("`{}` has the digest of an empty key", echo(name)));
        }
        if self.names.iter().any(|other| **other == *name) {
            return Err(format!("`{}` is named twice", echo(name)));
        }
        if let Some(at) = self.digests.iter().position(|other| *other == digest) {
            let (name, other) = (echo(name), &self.names[at]);
            return Err(format!("`{name}` and `{other}` are the same key"));
        }
        self.names.push(name.into());
        self.digests.push(digest);
        Ok(())
    }

    /// Where `key` is. Every digest is compared to its last byte, whichever it is.
    fn find(&self, key: &[u8]) -> Option<usize> {
        let digest = digest_of(key);
        let mut found = u32::MAX;
        for (at, known) in (0..).zip(&self.digests) {
            found.conditional_assign(&at, known.ct_eq(&digest));
        }
        let found = found as usize;
        (found < self.names.len()).then_some(found)
    }
}

/// Whether a key may have this name.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-@".contains(&b);
    match (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain) {
        true => Ok(()),
        false => Err(format!(
            "the name of a key is 1 to {LONGEST_NAME} letters, digits, `.`, `_`, `-` and `@`"
        )),
    }
}

pub(super) fn digest_of(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// 32 bytes of 64 hex digits.
fn of_hex(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let digit = |b: u8| char::from(b).to_digit(16).map(|digit| digit as u8);
    let mut bytes = [0; 32];
    for (byte, two) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(two[0])? << 4 | digit(two[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::new_key::new_key;
    use super::*;

    /// `sha256("a")` and `sha256("b")`, FIPS 180-4.
    const A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    const B: &str = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";

    fn parse(text: &str) -> Result<Keys, String> {
        Keys::parse(text.as_bytes())
    }

    fn name_of<'a>(keys: &'a Keys, key: &[u8]) -> Option<&'a str> {
        keys.find(key).map(|at| &*keys.names[at])
    }

    #[test]
    fn a_file_holds_names_digests_comments_and_blank_lines() {
        let text = format!(
            "# who\n\n  alice\t{A}  # of sales\r\nbob@x {}\n",
            B.to_uppercase()
        );
        let keys = parse(&text).expect("it is good");
        assert_eq!(name_of(&keys, b"a"), Some("alice"));
        assert_eq!(name_of(&keys, b"b"), Some("bob@x"));
        for other in [&b""[..], b"A", b"ab", A.as_bytes()] {
            assert_eq!(keys.find(other), None);
        }
    }

    #[test]
    fn a_line_that_is_wrong_is_said_by_its_number_and_not_its_text() {
        const NO_LINE: &str =
            "line 2: is not a name and a SHA-256 digest of 64 hex digits, with spaces between";
        for line in [
            "secret",
            "x secret",
            &format!("x {A} y"),
            &format!("x {A}a"),
            &A[1..],
        ] {
            let error = parse(&format!("a {B}\n{line}")).expect_err("it is no line");
            assert_eq!(error, NO_LINE);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let many: String = (0..=MOST).map(|n| format!("n{n} {n:064x}\n")).collect();
        for (text, says) in [
            ("", "holds no API key"),
            ("# nobody", "holds no API key"),
            (&*format!("a {A}\na {B}"), "line 2: `a` is named twice"),
            (
                &format!("a {A}\nb {A}"),
                "line 2: `b` and `a` are the same key",
            ),
            (
                &format!("a/b {A}"),
                "line 1: the name of a key is 1 to 64 letters",
            ),
            (
                &format!("{} {A}", "x".repeat(65)),
                "line 1: the name of a key",
            ),
            (
                "a e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "line 1: `a` has the digest of an empty key",
            ),
            (&many, "holds over 1000 API keys"),
        ] {
            let error = parse(text).expect_err("it is refused");
            assert!(error.starts_with(says), "{error}");
        }
        let error = Keys::parse(b"a \xff").expect_err("it is no text");
        assert_eq!(error, "is no UTF-8 text");
    }

    #[test]
    fn a_new_key_opens_by_its_line() {
        let (key, line) = new_key("alice").expect("there are random bytes");
        let keys = parse(&line).expect("it is a line");
        assert_eq!(name_of(&keys, key.reveal().as_bytes()), Some("alice"));
        let (other, _) = new_key("alice").expect("there are random bytes");
        assert_eq!(keys.find(other.reveal().as_bytes()), None);
    }

    #[test]
    fn a_key_needs_a_name_that_a_file_can_hold() {
        for name in ["", "a b", "#a", "a\nb", "ä"] {
            assert!(new_key(name).is_err(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn no_file_is_a_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Keys::parse(&text);
        }

        #[test]
        fn each_key_is_found_by_its_own_name(keys in proptest::collection::hash_set("[!-~]{1,80}", 1..20)) {
            let keys: Vec<_> = keys.into_iter().enumerate().collect();
            let line = |(at, key): &(usize, String)| {
                let hex: String = digest_of(key.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
                format!("n{at} {hex}\n")
            };
            let file = parse(&keys.iter().map(line).collect::<String>()).expect("it is good");
            for (at, key) in &keys {
                let name = format!("n{at}");
                prop_assert_eq!(name_of(&file, key.as_bytes()), Some(&*name));
            }
        }
    }
}
