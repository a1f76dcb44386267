//! TLS, by rustls on ring: the certificate, those that clients must show, and the handshake.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::live::{Live, Source};
use crate::error::{Error, Result};
use crate::observe::Reloads;

/// A connection within TLS.
pub(crate) type Encrypted = Box<TlsStream<TcpStream>>;

/// What is offered to clients, the better first: gRPC's clients insist on being offered `h2`.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS 1.2 and 1.3 with a certificate from files, which are read anew within two seconds of a
/// change. Connections that are open stay as they are; a certificate that cannot be used is
/// refused with a warning, and the one before goes on.
#[derive(Debug, Clone)]
pub struct Tls {
    live: Arc<Live<ServerConfig>>,
    certificate: PathBuf,
    key: PathBuf,
    mutual: bool,
}

impl Tls {
    /// The certificate chain and the private key of PEM files. The server's own certificate is the
    /// first; the key is one of PKCS #8, SEC1 or PKCS #1.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or holds something else, or the key is another certificate's.
    pub fn from_files(certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self> {
        let (certificate, key) = (certificate.as_ref().to_owned(), key.as_ref().to_owned());
        let files = vec![certificate.clone(), key.clone()];
        Ok(Self {
            live: Arc::new(Live::load(files, config)?),
            certificate,
            key,
            mutual: false,
        })
    }

    /// Takes only clients that show a certificate signed by an authority of this PEM file. Without
    /// one a connection ends at its handshake, before any request.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or holds no certificate.
    pub fn with_client_ca(self, authorities: impl AsRef<Path>) -> Result<Self> {
        let files = [&*self.certificate, &*self.key, authorities.as_ref()].map(Path::to_owned);
        Ok(Self {
            live: Arc::new(Live::load(files.into(), config)?),
            mutual: true,
            ..self
        })
    }

    /// Whether clients must show a certificate.
    pub(crate) fn is_mutual(&self) -> bool {
        self.mutual
    }

    /// Reads the files anew when they change.
    pub(crate) fn watch(&self, reloads: Reloads) -> Result<()> {
        self.live.watch("tls", reloads)
    }

    /// Shakes hands with the peer of `stream`, or finds that it speaks in plain text.
    ///
    /// # Errors
    ///
    /// If it does neither within `time`, or not as it should.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        time: Duration,
    ) -> io::Result<Result<Encrypted, TcpStream>> {
        let shake = async {
            let mut first = [0];
            // Every method of HTTP begins with a capital, and no record of TLS does.
            if stream.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase() {
                return Ok(Err(stream));
            }
            let acceptor = TlsAcceptor::from(self.live.get());
            Ok(Ok(Box::new(acceptor.accept(stream).await?)))
        };
        timeout(time, shake)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

/// The configuration of a certificate, its key and, if they are a third, the clients' authorities.
fn config(sources: &[Source]) -> Result<ServerConfig> {
    let [certificate, key, authorities @ ..] = sources else {
        unreachable!("two files were asked for at the least");
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::setup("ring has no cipher suite for TLS").with_cause(e))?;
    let builder = match authorities {
        [] => builder.with_no_client_auth(),
        [authorities, ..] => {
            let verifier = WebPkiClientVerifier::builder_with_provider(
                Arc::new(roots(authorities)?),
                provider,
            )
            .build()
            .map_err(|e| authorities.wrong("cannot be used").with_cause(e))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let private = PrivateKeyDer::from_pem_slice(&key.bytes)
        // What is wrong with it might be said by parts of it.
        .map_err(|_| key.wrong("holds no private key in PEM"))?;
    let mut config = builder
        .with_single_cert(chain(certificate)?, private)
        .map_err(|e| {
            let key = key.path.display();
            certificate
                .wrong(format_args!("cannot be used with the key of {key}"))
                .with_cause(e)
        })?;
    config.alpn_protocols = PROTOCOLS.map(Vec::from).into();
    Ok(config)
}

/// The certificates of a PEM file, of which there is one at the least.
fn chain(source: &Source) -> Result<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&source.bytes)
        .collect::<Result<_, _>>()
        .map_err(|e| source.wrong("is damaged").with_cause(e))?;
    match chain.is_empty() {
        true => Err(source.wrong("holds no certificate in PEM")),
        false => Ok(chain),
    }
}

fn roots(source: &Source) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(source)? {
        roots.add(certificate).map_err(|e| {
            source
                .wrong("holds a certificate that is no authority's")
                .with_cause(e)
        })?;
    }
    Ok(roots)
}
