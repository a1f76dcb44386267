//! What a program is told from outside: flags, above environment variables of the same names,
//! above a TOML file, above the defaults.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Parser;
use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::predict::Reply;
use crate::recommend::CandidateSettings;
use crate::server::Limits;

/// A program's configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Config {
    /// The model folder.
    pub model: PathBuf,
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
    /// What the server guards against: the section `[limits]` of the file.
    pub limits: Limits,
    /// How candidate lists are fetched: the table `[candidates]`.
    pub candidates: CandidateSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: default_model(),
            model_name: None,
            variation: None,
            host: IpAddr::from([127, 0, 0, 1]),
            port: 5000,
            grpc_port: None,
            reply: None,
            log: "info".to_owned(),
            memcached: None,
            limits: Limits::default(),
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
        use clap::{CommandFactory, FromArgMatches};

        let matches = Flags::command()
            .name(name)
            .try_get_matches_from(arguments)
            .map_err(Told::Flags)?;
        let flags = Flags::from_arg_matches(&matches).map_err(Told::Flags)?;
        flags.onto_file().map_err(Told::Wrong)
    }
}

/// Why there is no configuration.
#[derive(Debug)]
pub(crate) enum Told {
    /// A wrong flag, or a question for help or the version: clap words both.
    Flags(clap::Error),
    /// Something else.
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
#[derive(Debug, Parser, Serialize)]
#[command(version, disable_version_flag = true)]
struct Flags {
    /// TOML file with settings of the same names [default: seldon.toml, if it is there]
    #[arg(long, env = "SELDON_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Model folder [default: model]
    #[arg(
        long,
        visible_alias = "pipeline",
        env = "SELDON_MODEL",
        value_name = "FOLDER"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<PathBuf>,
    /// Name of the model in replies [default: the service's own]
    #[arg(long, env = "SELDON_MODEL_NAME", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    model_name: Option<String>,
    /// Variation in replies [default: default]
    #[arg(long, env = "SELDON_VARIATION", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    variation: Option<String>,
    /// Address to listen on; 0.0.0.0 is every one of this machine [default: 127.0.0.1]
    #[arg(long, env = "SELDON_HOST", value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<IpAddr>,
    /// Port for REST and gRPC; 0 lets the system choose [default: 5000]
    #[arg(long, env = "SELDON_PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// Port of its own for gRPC
    #[arg(long, env = "SELDON_GRPC_PORT", value_name = "PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_port: Option<u16>,
    /// Style of REST replies [default: the service's own]
    #[arg(long, env = "SELDON_REPLY", value_name = "STYLE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<Reply>,
    /// What is logged: error, warn, info, debug, trace, or directives for each module [default: info]
    #[arg(long, env = "SELDON_LOG", value_name = "LEVEL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    /// Memcached servers with candidate lists
    #[arg(long, env = "SELDON_MEMCACHED", value_name = "HOST:PORT[,…]")]
    #[serde(skip_serializing_if = "Option::is_none")]
    memcached: Option<String>,
}

impl Flags {
    fn onto_file(self) -> Result<Config> {
        let mut figment = Figment::from(Serialized::defaults(Config::default()));
        match &self.config {
            Some(file) if !file.is_file() => {
                return Err(Error::setup(format!(
                    "there is no configuration file {}",
                    file.display()
                )));
            }
            Some(file) => figment = figment.merge(Toml::file_exact(file)),
            // An exact file must be there: only a search may find nothing.
            None if Path::new(FILE).is_file() => figment = figment.merge(Toml::file_exact(FILE)),
            None => {}
        }
        figment
            .merge(Serialized::defaults(self))
            .extract()
            .map_err(|e| Error::setup(format!("the configuration is wrong: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_needed() {
        assert!(
            !Path::new(FILE).exists(),
            "the package has no configuration"
        );
        let config = Config::read("iris", ["iris", "--port", "0"].map(OsString::from));
        assert_eq!(config.expect("nothing is wrong").port, 0);
    }
}
