//! One error type, from the model's code to the wire.
//!
//! What the caller is told and what the operator reads are different fields: the sentence and
//! the violations are public, the cause is only ever logged.

mod code;
mod grpc;
mod http;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::HeaderValue;

pub use code::Code;
pub(crate) use http::Problem;

/// A `Result` whose error is seldon's.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error, as the cause of one of ours.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, with a face for each transport: a problem document (RFC 9457) over HTTP, a
/// status with `google.rpc` details over gRPC.
///
/// Like `anyhow::Error` it is made from any error by `?`, and is none itself. An error so made is
/// a failure of the service: the caller reads that the model failed, the log gets the cause. An
/// error that is the caller's doing is made by [`Error::invalid_input`].
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    detail: Cow<'static, str>,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
    /// The version of the model that the error is of, as its answer says.
    version: Option<HeaderValue>,
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What is at fault: a parameter's name, or a JSON pointer into the features.
    pub parameter: Cow<'static, str>,
    /// What is wrong with it, as the end of a sentence: "must be at least 1, got 0".
    pub detail: Cow<'static, str>,
}

impl Error {
    /// An error of the kind `code`, with the sentence that the caller reads.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            violations: Vec::new(),
            retry_after: None,
            cause: None,
            version: None,
        }))
    }

    /// The features cannot be scored, and it is the caller who can mend that: 400 or
    /// INVALID_ARGUMENT with this sentence.
    pub fn invalid_input(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidInput, detail)
    }

    /// The model failed, and the caller can do nothing about it: 500 or INTERNAL. The caller
    /// reads only that much; `cause` goes to the log.
    pub fn failed(cause: impl Into<BoxError>) -> Self {
        Self::new(Code::ModelFailed, "the model failed to answer").with_cause(cause)
    }

    /// The service cannot be started as it is set up. `detail` is for the operator and may name
    /// files; over a wire it is never shown.
    pub fn setup(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Setup, detail)
    }

    /// An error made of all that is wrong with a request; `None` if nothing is.
    ///
    /// The sentence is the first violation's, and says how many more there are.
    pub fn from_violations(code: Code, violations: Vec<Violation>) -> Option<Self> {
        let first = violations.first()?;
        let detail = match violations.len() - 1 {
            0 => format!("`{}` {}", first.parameter, first.detail),
            more => format!("`{}` {} (and {more} more)", first.parameter, first.detail),
        };
        let mut error = Self::new(code, detail);
        error.0.violations = violations;
        error.0.violations.truncate(Violation::MOST);
        Some(error)
    }

    /// The same error, with what led to it, for the log.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<BoxError>) -> Self {
        self.0.cause = Some(Arc::from(cause.into()));
        self
    }

    /// The same error, with a hint to the caller when to try again.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// The kind of error.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence that says what is wrong.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The sentence as the wire may have it: of a set-up error only that there is one.
    pub(crate) fn public_detail(&self) -> &str {
        match self.0.code {
            Code::Setup => "the service is not set up to answer this",
            _ => &self.0.detail,
        }
    }

    /// All that is wrong with the request, where that was taken apart; at most 20.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// When the caller may try again, where that helps.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The same error, of this version of the model.
    pub(crate) fn of_version(mut self, version: &HeaderValue) -> Self {
        self.0.version = Some(version.clone());
        self
    }

    /// Whether a `T` led to it.
    pub(crate) fn is_caused_by<T: std::error::Error + 'static>(&self) -> bool {
        self.0.cause.as_deref().is_some_and(|cause| cause.is::<T>())
    }

    /// What led to it.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.0.cause.as_deref()
    }
}

impl Violation {
    /// The most that one error reports.
    pub const MOST: usize = 20;

    /// Something wrong with `parameter`, `detail` being the end of the sentence.
    pub fn new(
        parameter: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            parameter: parameter.into(),
            detail: detail.into(),
        }
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(cause: E) -> Self {
        Self::failed(cause)
    }
}

/// The sentence, then each cause after a colon: what an operator wants on one line.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)?;
        let mut next = self
            .0
            .cause
            .as_deref()
            .map(|e| e as &(dyn std::error::Error + 'static));
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

/// The same as `Display`, so that `fn main() -> seldon::Result<()>` prints a sentence.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A number that is none, as the cause of an error: it is counted.
#[derive(Debug)]
pub(crate) struct NonFinite(pub(crate) String);

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NonFinite {}

/// `text` as an error may echo it: control characters escaped, cut at 64 characters.
pub(crate) fn echo(text: &str) -> String {
    const MOST: usize = 64;
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == MOST {
            out.push('…');
            break;
        }
        match c {
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}
