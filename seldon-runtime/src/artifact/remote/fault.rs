//! What can go wrong on the way, in words, and whether it passes by itself.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::StatusCode;
use object_store::Error as StoreError;
use object_store::client::{HttpError, HttpErrorKind};

use super::client::{Broken, Refusal};
use crate::error::echo;

/// Why an object could not be read or written: the end of a sentence.
#[derive(Debug)]
pub(super) enum Fault {
    /// There is no such object, or no such bucket.
    Missing {
        bucket: bool,
    },
    /// Access is refused, with the storage's own word for it.
    Refused {
        status: u16,
        code: Option<String>,
    },
    /// There are no credentials to ask with.
    NoCredentials,
    /// It is another object than before.
    Changed,
    /// No connection, and why.
    Unreachable {
        host: String,
        why: String,
    },
    /// The connection is not to be trusted, and why.
    Untrusted {
        host: String,
        why: String,
    },
    Silent {
        host: Option<String>,
    },
    Truncated,
    Status {
        host: String,
        status: StatusCode,
    },
    Redirected {
        host: String,
    },
    Other(String),
}

impl Fault {
    pub(super) fn of(error: &StoreError) -> Self {
        if let Some(broken) = cause::<Broken>(error) {
            return Self::of_broken(broken);
        }
        if let Some(Refusal { host, status }) = cause::<Refusal>(error) {
            let host = host.clone();
            return match status.is_redirection() {
                true => Self::Redirected { host },
                false => Self::Status {
                    host,
                    status: *status,
                },
            };
        }
        // The body was on its way.
        if let Some(broken) = cause::<HttpError>(error) {
            return match broken.kind() {
                HttpErrorKind::Timeout => Self::Silent { host: None },
                _ => Self::Truncated,
            };
        }
        let code = code(error);
        match error {
            StoreError::NotFound { .. } => Self::Missing {
                bucket: code.as_deref() == Some("NoSuchBucket"),
            },
            StoreError::PermissionDenied { .. } => Self::Refused { status: 403, code },
            StoreError::Unauthenticated { .. } => Self::Refused { status: 401, code },
            StoreError::Precondition { .. } => Self::Changed,
            StoreError::InvalidPath { .. } => Self::Other(
                "a file there has a name that is no plain file name, such as `..`".to_owned(),
            ),
            // A request that S3 cannot make sense of, by a wrong region for example.
            StoreError::Generic { .. } if code.is_some() => Self::Refused { status: 400, code },
            other => Self::Other(without_queries(&other.to_string())),
        }
    }

    fn of_broken(broken: &Broken) -> Self {
        let host = broken.host.clone();
        if broken.for_credentials {
            return Self::NoCredentials;
        }
        let why = without_queries(&broken.why);
        match broken.kind {
            HttpErrorKind::Timeout => Self::Silent { host: Some(host) },
            _ if why.contains("certificate") => Self::Untrusted { host, why },
            _ if why.contains("redirect") => Self::Redirected { host },
            HttpErrorKind::Connect | HttpErrorKind::Request | HttpErrorKind::Interrupted => {
                Self::Unreachable { host, why }
            }
            _ => Self::Other(format!("{host}: {why}")),
        }
    }

    /// Whether trying again may help.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } | Self::Truncated => true,
            Self::Status { status, .. } => *status != StatusCode::NOT_IMPLEMENTED,
            _ => false,
        }
    }

    /// The same in words. `silence` is the limit that was set.
    pub(super) fn words(&self, silence: Duration) -> Words<'_> {
        Words {
            fault: self,
            silence,
        }
    }
}

/// A [`Fault`], written out.
pub(super) struct Words<'a> {
    fault: &'a Fault,
    silence: Duration,
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            Fault::Missing { bucket: true } => f.write_str("there is no such bucket"),
            Fault::Missing { bucket: false } => f.write_str("it is not there"),
            Fault::Refused { status, code } => {
                write!(f, "access is refused with {status}")?;
                if let Some(code) = code {
                    write!(f, " {code}")?;
                }
                f.write_str(": see whether credentials and region are right, and allow this")
            }
            Fault::NoCredentials => f.write_str(
                "there are no credentials: give them by flags or by the provider's environment variables",
            ),
            Fault::Changed => f.write_str("it was replaced meanwhile"),
            Fault::Unreachable { host, why } => write!(f, "{host} cannot be reached: {why}"),
            Fault::Untrusted { host, why } => write!(f, "{host} is not trusted: {why}"),
            Fault::Silent { host: None } => write!(f, "nothing came for {:?}", self.silence),
            Fault::Silent { host: Some(host) } => {
                write!(f, "{host} did not answer in time")
            }
            Fault::Truncated => f.write_str("the connection was lost before the file's end"),
            Fault::Status { host, status } => {
                write!(f, "{host} answers {}", status.as_u16())
            }
            Fault::Redirected { host } => write!(
                f,
                "{host} sends elsewhere without end, or says that the bucket is in another region"
            ),
            Fault::Other(what) => f.write_str(&echo(what)),
        }
    }
}

/// What of type `T` led to `error`.
fn cause<T: StdError + 'static>(error: &StoreError) -> Option<&T> {
    let mut next = error.source();
    // The outermost of our own: object_store wraps its own errors in each other.
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The word by which S3, Google and Azure say in XML what is wrong.
fn code(error: &StoreError) -> Option<String> {
    let text = error.to_string();
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_word =
        !code.is_empty() && code.len() <= 50 && code.bytes().all(|b| b.is_ascii_alphanumeric());
    is_word.then(|| code.to_owned())
}

/// `text` without what follows a question mark in a URL, where signatures are.
fn without_queries(text: &str) -> String {
    let words = text
        .split_inclusive(char::is_whitespace)
        .map(|word| match word.split_once('?') {
            Some((before, _)) if word.contains("://") => format!("{before}?… "),
            _ => word.to_owned(),
        });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_cut_off_a_url() {
        let text = "cannot GET https://a.b/c?sig=hush: no (why?) at all";
        assert_eq!(
            without_queries(text),
            "cannot GET https://a.b/c?… no (why?) at all"
        );
    }
}
