//! URLs of models, taken apart. Nothing that is refused is repeated: it may hold a password.

use std::fmt;
use std::path::PathBuf;

use crate::error::{Error, echo};

/// The longest key that S3 takes, in bytes; the others take as much.
const MOST_BYTES: usize = 1024;

/// What a URL is of, and the feature by which it is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    S3,
    Gcs,
    Azure,
    Https,
}

impl Scheme {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            // The second and third are Hadoop's names of it, which outlived its other clients.
            "s3" | "s3n" | "s3a" => Self::S3,
            "gs" => Self::Gcs,
            "az" => Self::Azure,
            "https" => Self::Https,
            "http" => return Err("a model is not fetched from http://: whoever is on the way could replace it; use https://".to_owned()),
            other => {
                let other = echo(other);
                return Err(format!(
                    "no model is fetched by `{other}://`: a location is a path, or begins with file://, s3://, gs://, az:// or https://"
                ));
            }
        })
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gs",
            Self::Azure => "az",
            Self::Https => "https",
        }
    }

    /// seldon's feature.
    pub(super) fn feature(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gcs",
            Self::Azure => "azure",
            Self::Https => "https",
        }
    }

    fn authority(self) -> &'static str {
        match self {
            Self::S3 | Self::Gcs => "bucket",
            Self::Azure => "container",
            Self::Https => "host",
        }
    }
}

/// A folder or a file that is elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Remote {
    pub(super) scheme: Scheme,
    /// The bucket or container, or the host with its port.
    pub(super) authority: String,
    /// The path without slashes at its ends. Of `https` it is percent-encoded, as it was given; a
    /// bucket's keys are not.
    pub(super) key: String,
    /// It ends with a slash, and so is no single file.
    pub(super) is_folder: bool,
}

impl Remote {
    /// What follows `scheme://`.
    pub(super) fn parse(scheme: &str, rest: &str) -> Result<Self, String> {
        let scheme = Scheme::parse(scheme)?;
        let name = scheme.as_str();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, "/"));
        check_authority(scheme, authority)
            .map_err(|wrong| format!("a {name}:// location {wrong}"))?;
        let key = path.strip_suffix('/').unwrap_or(path);
        let check = if scheme == Scheme::Https {
            check_url_path
        } else {
            check_key
        };
        check(key).map_err(|wrong| format!("the path of a {name}:// location {wrong}"))?;
        Ok(Self {
            scheme,
            authority: authority.to_owned(),
            key: key.to_owned(),
            is_folder: path.is_empty() || path.ends_with('/'),
        })
    }

    /// The program was built without what fetches it.
    pub(super) fn not_built_in(&self) -> Error {
        let feature = self.scheme.feature();
        Error::setup(format!(
            "this program cannot fetch {self}: build it with seldon's feature `{feature}`"
        ))
    }
}

#[cfg(feature = "remote")]
impl Remote {
    /// The last part of the key, decoded: a file's name.
    pub(super) fn file_name(&self) -> Option<String> {
        let last = self
            .key
            .rsplit('/')
            .next()
            .filter(|last| !last.is_empty())?;
        match self.scheme {
            Scheme::Https => decode(last),
            _ => Some(last.to_owned()),
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority)?;
        if !self.key.is_empty() {
            write!(f, "/{}", self.key)?;
        }
        if self.is_folder {
            f.write_str("/")
        } else {
            Ok(())
        }
    }
}

/// The scheme and what follows `://`, if `text` is a URL. A path may have a colon.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme.then_some((scheme, rest))
}

/// The path of a `file` URL.
pub(super) fn file_path(rest: &str) -> Result<PathBuf, String> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err(
            "a file:// location has three slashes and an absolute path: file:///srv/model"
                .to_owned(),
        );
    }
    if path.contains(['?', '#']) {
        return Err(
            "a file:// location has no query and no fragment; write `?` as %3F and `#` as %23"
                .to_owned(),
        );
    }
    match decode(path) {
        Some(path) if !path.contains('\0') => Ok(path.into()),
        _ => Err(
            "the path of a file:// location is not percent-encoded UTF-8: write `%` as %25"
                .to_owned(),
        ),
    }
}

fn check_authority(scheme: Scheme, authority: &str) -> Result<(), String> {
    let what = scheme.authority();
    if authority.is_empty() {
        return Err(format!("names no {what}"));
    }
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    };
    if authority.contains('@') || (scheme != Scheme::Https && authority.contains(':')) {
        return Err("takes no user and no password: they would be read in logs; give credentials by flags, variables or the file".to_owned());
    }
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an address in brackets are its own.
        Some((host, port)) if scheme == Scheme::Https && !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if port.is_some_and(|port| {
        !port.bytes().all(|b| b.is_ascii_digit()) || port.parse::<u16>().is_err()
    }) {
        return Err("has no port number after its host".to_owned());
    }
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_address = address.is_some_and(|a| a.parse::<std::net::Ipv6Addr>().is_ok());
    if is_name(host) || (scheme == Scheme::Https && is_address) {
        return Ok(());
    }
    Err(format!(
        "names no {what}: that has letters, digits, `-`, `.` and `_`"
    ))
}

/// A key as it is kept in a bucket.
fn check_key(key: &str) -> Result<(), String> {
    if key.is_empty() {
        return Ok(());
    }
    if key.len() > MOST_BYTES {
        return Err(format!("has over {MOST_BYTES} bytes"));
    }
    if key.contains(['\\', char::REPLACEMENT_CHARACTER]) || key.contains(char::is_control) {
        return Err("has a backslash or a control character".to_owned());
    }
    if key.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("has an empty part, or one that is `.` or `..`".to_owned());
    }
    Ok(())
}

/// A path as it is written in a URL.
fn check_url_path(path: &str) -> Result<(), String> {
    if path.contains(['?', '#']) {
        // A query is where signed URLs have their signature.
        return Err("takes no query and no fragment: they would be read in logs".to_owned());
    }
    let is_url = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&b);
    match decode(path) {
        Some(decoded) if path.bytes().all(is_url) => {
            if decoded.matches('/').count() != path.matches('/').count() {
                return Err("has an encoded slash".to_owned());
            }
            check_key(&decoded)
        }
        _ => Err("is not percent-encoded UTF-8: write a space as %20".to_owned()),
    }
}

/// `text` without its percent-encoding.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        let digit = |b: u8| char::from(b).to_digit(16);
        bytes.push((digit(digits[0])? * 16 + digit(digits[1])?) as u8);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::artifact::Location;

    fn refusal(text: &str) -> String {
        let said = text.parse::<Location>().expect_err(text).to_string();
        assert!(!said.contains('\n'), "{said}");
        said
    }

    fn shown(text: &str) -> String {
        text.parse::<Location>().expect(text).to_string()
    }

    #[test]
    fn paths_are_taken_as_they_are() {
        for path in [
            "model",
            "./models/iris",
            "/srv/a b",
            "C:\\models",
            "a:b/c",
            "1s3://x",
            "s3:/x",
        ] {
            assert_eq!(shown(path), path);
            let location: Location = path.parse().expect(path);
            assert_eq!(location.as_path(), Some(path.as_ref()));
        }
    }

    #[test]
    fn a_file_url_is_its_path() {
        assert_eq!(shown("file:///srv/a%20b"), "/srv/a b");
        assert_eq!(shown("FILE://localhost/srv"), "/srv");
        for wrong in [
            "file://srv/x",
            "file://",
            "file:///a%2",
            "file:///a%ff",
            "file:///a%00",
            "file:///a?b",
        ] {
            assert!(refusal(wrong).contains("file:// location"), "{wrong}");
        }
    }

    #[test]
    fn every_scheme_is_shown_by_its_first_name() {
        assert_eq!(
            shown("s3n://bucket/prefix/model"),
            "s3://bucket/prefix/model"
        );
        assert_eq!(shown("S3a://bucket/x/"), "s3://bucket/x/");
        assert_eq!(shown("s3://bucket"), "s3://bucket/");
        assert_eq!(shown("gs://bucket/a b@c%"), "gs://bucket/a b@c%");
        assert_eq!(shown("az://container/m"), "az://container/m");
        assert_eq!(
            shown("https://host:8443/a%20b/"),
            "https://host:8443/a%20b/"
        );
        assert_eq!(shown("https://[::1]:1/m.ubj"), "https://[::1]:1/m.ubj");
    }

    #[test]
    fn other_schemes_are_refused_by_name() {
        assert!(refusal("hdfs://x/y").contains("`hdfs://`"));
        assert!(refusal("http://x/y").contains("use https://"));
    }

    #[test]
    fn what_is_no_location_is_said_without_a_secret() {
        for (text, why) in [
            ("s3://key:hush@bucket/model", "no user and no password"),
            ("s3://key:hu/hush@bucket/model", "no user and no password"),
            ("gs://hush@bucket/model", "no user and no password"),
            ("https://me:hush@host/model/", "no user and no password"),
            ("https://me:hush/hush@host/model/", "port number"),
            ("https://host/m?X-Amz-Signature=hush", "no query"),
            ("https://host/m#hush", "no query"),
            ("s3:///hush", "names no bucket"),
            ("s3://b/../hush", "`..`"),
            ("s3://b//hush", "empty part"),
            ("s3://b/a\\hush", "backslash"),
            ("s3://b/a\nhush", "control character"),
            ("https://host/a/%2e%2e/hush", "`..`"),
            ("https://host/a%2fhush", "encoded slash"),
            ("https://host/a hush", "%20"),
            ("https://host:99999/hush", "port number"),
            ("https://ho st/hush", "names no host"),
            ("https://[::g]/hush", "names no host"),
        ] {
            let said = refusal(text);
            assert!(said.contains(why), "{text:?}: {said}");
            assert!(!said.contains("hush"), "{text:?}: {said}");
        }
        assert!(refusal(&format!("s3://b/{}", "k".repeat(1025))).contains("over 1024 bytes"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_location_that_shows_as_itself_or_is_refused(
            text in "(s3|s3n|gs|az|https|file|x)?(://)?[a-z@:/.%\\\\?\\[\\]0-9 é\\PC]{0,40}"
        ) {
            if let Ok(location) = text.parse::<Location>() {
                let again = location.to_string().parse::<Location>();
                prop_assert_eq!(again.expect("it was one"), location);
            }
        }

        #[test]
        fn a_password_is_never_shown(
            scheme in "s3|s3n|gs|az|https", user in "[A-Za-z0-9]{0,20}",
            secret in "HUSH[A-Za-z0-9+/=]{0,40}", rest in "bucket[a-z/]{0,20}"
        ) {
            let text = format!("{scheme}://{user}:{secret}@{rest}");
            match text.parse::<Location>() {
                Ok(location) => prop_assert!(false, "{}", location),
                Err(error) => {
                    let said = format!("{error} {error:?}");
                    prop_assert!(!said.contains("HUSH"), "{}", said);
                }
            }
        }
    }
}
