//! What a program is told from outside: flags, above environment variables of the same names,
//! above a TOML file, above the defaults.

mod file;
mod flags;

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use self::flags::Flags;
use crate::access::{ApiKeys, Tls};
use crate::artifact::{Location, Storage};
use crate::error::{Error, Result};
use crate::live;
use crate::predict::Reply;
#[cfg(feature = "memcached")]
use crate::recommend::CandidateSettings;
use crate::server::Limits;

/// A program's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Config {
    /// The model folder: a path or a URL.
    pub model: Location,
    /// The name that replies carry; the model's own where not given.
    pub model_name: Option<String>,
    /// The variation that replies carry; `default` where not given.
    pub variation: Option<String>,
    /// The address to listen on.
    pub host: IpAddr,
    /// The port to listen on; 0 lets the system choose.
    pub port: u16,
    /// A port of its own for gRPC; the same as REST's where not given.
    pub grpc_port: Option<u16>,
    /// The style of REST replies; the attribute's where not given.
    pub reply: Option<Reply>,
    /// What is logged: a level, or `tracing-subscriber`'s directives.
    pub log: String,
    /// The memcached servers that hold candidate lists, `host:port` separated by commas.
    pub memcached: Option<String>,
    /// The address of the listener for administration.
    pub admin_host: IpAddr,
    /// Its port; 0 lets the system choose.
    pub admin_port: u16,
    /// There is no such listener.
    pub no_admin: bool,
    /// The certificate chain that TLS is served with, a PEM file; plain text where not given.
    pub tls_cert: Option<PathBuf>,
    /// Its private key.
    pub tls_key: Option<PathBuf>,
    /// The authorities one of which must have signed each client's certificate.
    pub tls_client_ca: Option<PathBuf>,
    /// The file of the digests of the API keys that are taken; everybody is where not given.
    pub api_keys: Option<PathBuf>,
    /// A key is also taken as `oauth_token`, in gRPC's metadata or a query string.
    pub api_key_oauth_token: bool,
    /// How often the model folder is looked at for a new version, if it is.
    #[serde(deserialize_with = "live::period_in_file")]
    pub watch: Option<Duration>,
    /// What the server guards against: the section `[limits]` of the file.
    pub limits: Limits,
    /// How the model is fetched, if it is not on this machine: the table `[storage]`.
    pub storage: Storage,
    /// How candidate lists are fetched: the table `[candidates]`.
    #[cfg(feature = "memcached")]
    pub candidates: CandidateSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: default_model().into(),
            model_name: None,
            variation: None,
            host: IpAddr::from([127, 0, 0, 1]),
            port: 5000,
            grpc_port: None,
            reply: None,
            log: "info".to_owned(),
            memcached: None,
            admin_host: IpAddr::from([127, 0, 0, 1]),
            admin_port: 6000,
            no_admin: false,
            tls_cert: None,
            tls_key: None,
            tls_client_ca: None,
            api_keys: None,
            api_key_oauth_token: false,
            watch: None,
            limits: Limits::default(),
            storage: Storage::default(),
            #[cfg(feature = "memcached")]
            candidates: CandidateSettings::default(),
        }
    }
}

impl Config {
    /// Where the service listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// Where gRPC listens, if not with REST.
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc_port.map(|port| SocketAddr::new(self.host, port))
    }

    /// Where administration listens, if it does.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        (!self.no_admin).then(|| SocketAddr::new(self.admin_host, self.admin_port))
    }

    /// TLS, if it is served.
    ///
    /// # Errors
    ///
    /// Those of its files.
    pub(crate) fn tls(&self) -> Result<Option<Tls>> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Ok(None);
        };
        let tls = Tls::from_files(certificate, key)?;
        match &self.tls_client_ca {
            None => Ok(Some(tls)),
            Some(authorities) => tls.with_client_ca(authorities).map(Some),
        }
    }

    /// The keys that are taken, if not everybody is.
    ///
    /// # Errors
    ///
    /// Those of their file.
    pub(crate) fn keys(&self) -> Result<Option<ApiKeys>> {
        let Some(file) = &self.api_keys else {
            return Ok(None);
        };
        let keys = ApiKeys::from_file(file)?;
        Ok(Some(match self.api_key_oauth_token {
            true => keys.with_oauth_token(),
            false => keys,
        }))
    }

    /// Whether the settings go together: one that guards something is never just passed over.
    fn check(self) -> Result<Self> {
        let needs = |one: &str, other: &str| {
            Err(Error::setup(format!(
                "{one} is of no use without {other}: give both"
            )))
        };
        match (&self.tls_cert, &self.tls_key, &self.tls_client_ca) {
            (Some(_), None, _) => needs("--tls-cert", "--tls-key"),
            (None, Some(_), _) => needs("--tls-key", "--tls-cert"),
            (None, None, Some(_)) => needs("--tls-client-ca", "--tls-cert and --tls-key"),
            _ if self.api_key_oauth_token && self.api_keys.is_none() => {
                needs("--api-key-oauth-token", "--api-keys")
            }
            _ => self.storage.check().map(|()| self),
        }
    }

    /// Reads the configuration from `arguments` (the first is the program's name), the environment
    /// and the file.
    ///
    /// # Errors
    ///
    /// [`Told`], which says what is wrong, or holds the help that was asked for.
    pub(crate) fn read(
        name: &'static str,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, Told> {
        let flags = Flags::read(name, arguments)?;
        if let Some(name) = flags.new_api_key().map_err(Told::Wrong)? {
            return Err(Told::NewKey(name));
        }
        (flags.file().and_then(Self::from_file))
            .and_then(|file| flags.onto(file)?.check())
            .map_err(Told::Wrong)
    }

    /// What the file says: the one that is named, or the usual one if it is there.
    fn from_file(named: Option<PathBuf>) -> Result<Self> {
        let usual = || Some(PathBuf::from(FILE)).filter(|file| file.is_file());
        match named.or_else(usual) {
            Some(file) => file::read(&file),
            None => Ok(Self::default()),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug)]
pub(crate) enum Told {
    /// Help was asked for: this.
    Help(String),
    /// A key of this name was asked for.
    NewKey(String),
    /// Something is wrong with a flag, a variable or the file.
    Wrong(Error),
}

/// `model` in the working folder; under `cargo run`, in the package's folder.
fn default_model() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    match package.map(|package| package.join("model")) {
        Some(model) if !Path::new("model").exists() => model,
        _ => PathBuf::from("model"),
    }
}

/// The file that is read where none is named.
const FILE: &str = "seldon.toml";
