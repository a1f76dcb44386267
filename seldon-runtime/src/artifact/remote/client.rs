//! The HTTP client below all stores: it says which host did what.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Once;

use async_trait::async_trait;
use http::StatusCode;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};
use object_store::{Certificate, ClientOptions};

use crate::artifact::Storage;
use crate::error::{Error, Result};

/// How connections are made: with limits on connecting and on silence, and none on a whole body.
pub(super) fn options(storage: &Storage, allow_http: bool) -> Result<ClientOptions> {
    let mut options = ClientOptions::new()
        .with_allow_http(allow_http)
        .with_connect_timeout(storage.connect_timeout)
        .with_read_timeout(storage.silence)
        .with_timeout_disabled();
    if let Some(file) = &storage.ca {
        let no_certificates = |cause: Box<dyn StdError + Send + Sync>| {
            let file = file.display();
            Error::setup(format!("{file} holds no certificates in PEM")).with_cause(cause)
        };
        let pem = std::fs::read(file).map_err(|e| no_certificates(e.into()))?;
        let certificates =
            Certificate::from_pem_bundle(&pem).map_err(|e| no_certificates(e.into()))?;
        if certificates.is_empty() {
            return Err(no_certificates("there is none in it".into()));
        }
        for certificate in certificates {
            options = options.with_root_certificate(certificate);
        }
    }
    Ok(options)
}

/// What makes clients, by reqwest.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // The client takes the process's own. If the program has chosen one, it stays.
            let ring = tokio_rustls::rustls::crypto::ring::default_provider();
            let _ = ring.install_default();
        });
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Watched(client)))
    }
}

#[derive(Debug)]
struct Watched(HttpClient);

#[async_trait]
impl HttpService for Watched {
    async fn call(&self, request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
        let authority = request.uri().authority();
        let host = authority.map(ToString::to_string).unwrap_or_default();
        let for_credentials = is_for_credentials(request.uri().path());
        let response = match self.0.execute(request).await {
            Ok(response) => response,
            Err(error) => {
                let kind = error.kind();
                let why = innermost(&error);
                let broken = Broken {
                    host,
                    kind,
                    why,
                    for_credentials,
                };
                return Err(HttpError::new(kind, broken));
            }
        };
        let status = response.status();
        if for_credentials && status.is_client_error() {
            // The instance has no role, or what answers is no cloud.
            let kind = HttpErrorKind::Unknown;
            let broken = Broken {
                host,
                kind,
                why: status.to_string(),
                for_credentials,
            };
            return Err(HttpError::new(kind, broken));
        }
        let passes = status.is_server_error()
            || status == StatusCode::TOO_MANY_REQUESTS
            || status == StatusCode::REQUEST_TIMEOUT;
        let leads_away = status.is_redirection() && status != StatusCode::NOT_MODIFIED;
        if !passes && !leads_away {
            return Ok(response);
        }
        let kind = match passes {
            true => HttpErrorKind::Interrupted,
            false => HttpErrorKind::Unknown,
        };
        Err(HttpError::new(kind, Refusal { host, status }))
    }
}

/// An answer that is none: the server is busy or ill, or the object is elsewhere.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) host: String,
    pub(super) status: StatusCode,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers {}", self.host, self.status.as_u16())
    }
}

impl StdError for Refusal {}

/// There was no answer.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) host: String,
    pub(super) kind: HttpErrorKind,
    /// The first cause, which has no URL in it.
    pub(super) why: String,
    /// It was asked for credentials, as instances of clouds are where none are given.
    pub(super) for_credentials: bool,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.host, self.why)
    }
}

impl StdError for Broken {}

/// Whether `path` is one by which the instances of Amazon, Google and Azure give credentials.
fn is_for_credentials(path: &str) -> bool {
    ["/latest/", "/computeMetadata/", "/metadata/identity/"]
        .iter()
        .any(|begin| path.starts_with(begin))
}

/// The first of the causes that led to `error`.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}
