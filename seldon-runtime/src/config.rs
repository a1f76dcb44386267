//! What a program is told from outside: flags, above environment variables of the same names,
//! above a TOML file, above the defaults.

use std::ffi::OsString;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::{ContextKind, ContextValue};
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser};
use serde::Deserialize;

use crate::access::{ApiKeys, Tls};
use crate::artifact::{Location, Storage, ToLocation};
use crate::error::{Error, Result};
use crate::live::{self, Watched};
use crate::predict::Reply;
#[cfg(feature = "memcached")]
use crate::recommend::CandidateSettings;
use crate::secret::Secret;
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
        let mut command = Flags::command()
            .name(name)
            .mut_args(|flag| flag.hide_env_values(true));
        let matches = command.try_get_matches_from_mut(arguments);
        let flags = matches.and_then(|matches| Flags::from_arg_matches(&matches));
        let flags = flags.map_err(|error| match error.use_stderr() {
            true => Told::Wrong(wrong_flag(&error, &command)),
            false => Told::Help(error),
        })?;
        if let Some(name) = flags.new_api_key {
            return Err(Told::NewKey(name));
        }
        flags.onto_file().and_then(Self::check).map_err(Told::Wrong)
    }
}

/// Why there is no configuration.
#[derive(Debug)]
pub(crate) enum Told {
    /// Help was asked for.
    Help(clap::Error),
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

/// Serves a model over REST and gRPC.
#[derive(Debug, Parser)]
#[command(
    disable_help_flag = true,
    after_help = "Each flag is also a setting of the file, `model_name` for --model-name; a flag counts before its variable, and the variable before the file. Those of storage are in the file's table [storage]."
)]
struct Flags {
    /// TOML file with settings of the same names [default: seldon.toml, if it is there]
    #[arg(long, env = "SELDON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Model folder: a path, or a URL of s3, gs, az or https [default: model]
    // Parsed later: clap would repeat what is refused, and a URL may have a password in it.
    #[arg(
        long,
        visible_alias = "pipeline",
        env = "SELDON_MODEL",
        value_name = "FOLDER"
    )]
    model: Option<PathBuf>,
    /// Name of the model in replies [default: the service's own]
    #[arg(long, env = "SELDON_MODEL_NAME", value_name = "NAME")]
    model_name: Option<String>,
    /// Variation in replies [default: default]
    #[arg(long, env = "SELDON_VARIATION", value_name = "NAME")]
    variation: Option<String>,
    /// Address to listen on; 0.0.0.0 is every one of this machine [default: 127.0.0.1]
    #[arg(long, env = "SELDON_HOST", value_name = "ADDRESS")]
    host: Option<IpAddr>,
    /// Port for REST and gRPC; 0 lets the system choose [default: 5000]
    #[arg(long, env = "SELDON_PORT")]
    port: Option<u16>,
    /// Port of its own for gRPC
    #[arg(long, env = "SELDON_GRPC_PORT", value_name = "PORT")]
    grpc_port: Option<u16>,
    /// Style of REST replies [default: the service's own]
    #[arg(long, env = "SELDON_REPLY", value_name = "STYLE")]
    reply: Option<Reply>,
    /// What is logged: error, warn, info, debug, trace, or directives for each module [default: info]
    #[arg(long, env = "SELDON_LOG", value_name = "LEVEL")]
    log: Option<String>,
    /// Address of the listener for metrics [default: 127.0.0.1]
    #[arg(long, env = "SELDON_ADMIN_HOST", value_name = "ADDRESS")]
    admin_host: Option<IpAddr>,
    /// Its port; 0 lets the system choose [default: 6000]
    #[arg(long, env = "SELDON_ADMIN_PORT", value_name = "PORT")]
    admin_port: Option<u16>,
    /// No listener for metrics
    #[arg(long, env = "SELDON_NO_ADMIN", value_parser = clap::builder::FalseyValueParser::new())]
    no_admin: bool,
    /// Certificate chain in PEM, to serve TLS
    #[arg(long, env = "SELDON_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Its private key in PEM
    #[arg(long, env = "SELDON_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Authorities in PEM, one of which must have signed each client's certificate
    #[arg(long, env = "SELDON_TLS_CLIENT_CA", value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,
    /// Digests of the API keys that are taken, a name and a SHA-256 in hex on each line
    #[arg(long, env = "SELDON_API_KEYS", value_name = "FILE")]
    api_keys: Option<PathBuf>,
    /// Take a key as `oauth_token`, too, in gRPC's metadata or the query string
    #[arg(long, env = "SELDON_API_KEY_OAUTH_TOKEN", value_parser = clap::builder::FalseyValueParser::new())]
    api_key_oauth_token: bool,
    /// Look for new versions of the model, each time in so long [default: off; 5s if no time is given]
    #[arg(
        long,
        env = "SELDON_WATCH",
        value_name = "PERIOD",
        num_args = 0..=1,
        default_missing_value = "true",
        value_parser = Watched::parse
    )]
    watch: Option<Watched>,
    /// Make a new API key, print it and the line for the file of digests, and end
    #[arg(long, value_name = "NAME")]
    new_api_key: Option<String>,
    /// Memcached servers with candidate lists
    #[arg(long, env = "SELDON_MEMCACHED", value_name = "HOST:PORT[,…]")]
    memcached: Option<String>,
    /// Access key of S3 [default: AWS_ACCESS_KEY_ID, or where AWS's programs look]
    #[arg(long, env = "SELDON_AWS_KEY", value_name = "KEY")]
    aws_key: Option<Secret>,
    /// Its secret
    #[arg(long, env = "SELDON_AWS_SECRET", value_name = "SECRET")]
    aws_secret: Option<Secret>,
    /// Server that speaks S3, if it is not Amazon's
    #[arg(long, env = "SELDON_S3_ENDPOINT", value_name = "URL")]
    s3_endpoint: Option<String>,
    /// Region of the bucket [default: AWS_REGION, or us-east-1]
    #[arg(long, env = "SELDON_S3_REGION", value_name = "REGION")]
    s3_region: Option<String>,
    /// Name the bucket in the path, not in the host
    #[arg(long, env = "SELDON_S3_PATH_STYLE", value_parser = clap::builder::FalseyValueParser::new())]
    s3_path_style: bool,
    /// Folder for what is fetched [default: the system's for temporary files]
    #[arg(long, env = "SELDON_STAGING", value_name = "FOLDER")]
    staging: Option<PathBuf>,
    /// Print this help
    // One form for `-h` and `--help`: each setting is said in a line.
    #[arg(short, long, action = ArgAction::HelpShort)]
    help: Option<bool>,
}

impl Flags {
    fn onto_file(self) -> Result<Config> {
        let default = Path::new(FILE);
        let file = self.config.as_deref();
        let config = match file.or(Some(default).filter(|file| file.is_file())) {
            Some(file) => read_file(file)?,
            None => Config::default(),
        };
        self.onto(config)
    }

    /// What the flags and variables say counts before what the file says.
    fn onto(self, file: Config) -> Result<Config> {
        let named = self.model.map(|model| model.to_location()).transpose();
        let named = named.map_err(|e| Error::setup(format!("--model: {e}")))?;
        let storage = Storage {
            aws_key: self.aws_key.or(file.storage.aws_key),
            aws_secret: self.aws_secret.or(file.storage.aws_secret),
            s3_endpoint: self.s3_endpoint.or(file.storage.s3_endpoint),
            s3_region: self.s3_region.or(file.storage.s3_region),
            s3_path_style: self.s3_path_style || file.storage.s3_path_style,
            staging: self.staging.or(file.storage.staging),
            ..file.storage
        };
        Ok(Config {
            model: named.unwrap_or(file.model),
            storage,
            model_name: self.model_name.or(file.model_name),
            variation: self.variation.or(file.variation),
            host: self.host.unwrap_or(file.host),
            port: self.port.unwrap_or(file.port),
            grpc_port: self.grpc_port.or(file.grpc_port),
            reply: self.reply.or(file.reply),
            log: self.log.unwrap_or(file.log),
            memcached: self.memcached.or(file.memcached),
            admin_host: self.admin_host.unwrap_or(file.admin_host),
            admin_port: self.admin_port.unwrap_or(file.admin_port),
            no_admin: self.no_admin || file.no_admin,
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            tls_client_ca: self.tls_client_ca.or(file.tls_client_ca),
            api_keys: self.api_keys.or(file.api_keys),
            api_key_oauth_token: self.api_key_oauth_token || file.api_key_oauth_token,
            watch: self.watch.map_or(file.watch, |Watched(period)| period),
            ..file
        })
    }
}

fn read_file(file: &Path) -> Result<Config> {
    let name = file.display();
    if !file.is_file() {
        return Err(Error::setup(format!(
            "there is no configuration file {name}"
        )));
    }
    let text = fs::read_to_string(file)
        .map_err(|e| Error::setup(format!("cannot read {name}")).with_cause(e))?;
    let wrong = |setting: Option<String>, error: &toml::de::Error| {
        let line = error.span().map_or(1, |span| {
            1 + text.as_bytes()[..span.start.min(text.len())]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count()
        });
        let setting = setting
            .map(|path| format!("`{path}`: "))
            .unwrap_or_default();
        let what = one_line(error.message().lines());
        Error::setup(format!("{name}, line {line}: {setting}{what}"))
    };
    let settings = toml::Deserializer::parse(&text).map_err(|e| wrong(None, &e))?;
    serde_path_to_error::deserialize(settings).map_err(|error| {
        let path = error.path().iter().next().map(|_| error.path().to_string());
        wrong(path, error.inner())
    })
}

/// What clap says, in one sentence, and where a wrong value came from.
fn wrong_flag(error: &clap::Error, command: &clap::Command) -> Error {
    let text = error.render().to_string();
    let lines = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let sentence = one_line(lines);
    let sentence = sentence.trim_start_matches("error: ");
    match variable_at_fault(error, command) {
        Some(variable) => Error::setup(format!("{sentence}, from the environment's {variable}")),
        None => Error::setup(format!("{sentence} (--help says more)")),
    }
}

/// The environment variable that `error` is about: clap itself names the flag only.
///
/// `command` has parsed the arguments: before that its flags have no names to compare.
fn variable_at_fault(error: &clap::Error, command: &clap::Command) -> Option<String> {
    let text_of = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    };
    let name = text_of(ContextKind::InvalidArg)?;
    let flag = command.get_arguments().find(|f| f.to_string() == *name)?;
    let variable = flag.get_env()?;
    let value = std::env::var_os(variable)?;
    let refused = text_of(ContextKind::InvalidValue).map_or("", String::as_str);
    (value.to_string_lossy() == refused).then(|| variable.to_string_lossy().into_owned())
}

fn one_line<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = lines.map(str::trim).filter(|l| !l.is_empty()).collect();
    lines.join("; ")
}
