//! The flags, and the environment variables that count where a flag is not given.
//!
//! By clap without its derive, whose expansion was a fiftieth of a clean build.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::{FalseyValueParser, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::{Config, Told, one_line};
use crate::artifact::{Storage, ToLocation};
use crate::error::{Error, Result};
use crate::live::Watched;
use crate::predict::Reply;
use crate::secret::Secret;

/// What the flags and the variables say.
#[derive(Debug)]
pub(super) struct Flags(ArgMatches);

impl Flags {
    /// Reads `arguments`, of which the first is the program's name.
    pub(super) fn read(
        name: &'static str,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, Told> {
        let mut command = command(name);
        let matches = command.try_get_matches_from_mut(arguments);
        matches.map(Self).map_err(|error| match error.use_stderr() {
            true => Told::Wrong(wrong_flag(&error, &command)),
            false => Told::Help(error),
        })
    }

    /// The name of the API key that is to be made, if that is what is asked for.
    pub(super) fn new_api_key(&mut self) -> Option<String> {
        self.take("new-api-key")
    }

    /// The file that is named.
    pub(super) fn file(&mut self) -> Option<PathBuf> {
        self.take("config")
    }

    /// What the flags and variables say counts before what the file says.
    pub(super) fn onto(mut self, file: Config) -> Result<Config> {
        let model = self.take::<PathBuf>("model");
        let model = model.map(|model| model.to_location()).transpose();
        let model = model.map_err(|e| Error::setup(format!("--model: {e}")))?;
        let storage = Storage {
            aws_key: self.take("aws-key").or(file.storage.aws_key),
            aws_secret: self.take("aws-secret").or(file.storage.aws_secret),
            s3_endpoint: self.take("s3-endpoint").or(file.storage.s3_endpoint),
            s3_region: self.take("s3-region").or(file.storage.s3_region),
            s3_path_style: self.0.get_flag("s3-path-style") || file.storage.s3_path_style,
            staging: self.take("staging").or(file.storage.staging),
            ..file.storage
        };
        let watch = self.take::<Watched>("watch");
        Ok(Config {
            model: model.unwrap_or(file.model),
            storage,
            model_name: self.take("model-name").or(file.model_name),
            variation: self.take("variation").or(file.variation),
            host: self.take("host").unwrap_or(file.host),
            port: self.take("port").unwrap_or(file.port),
            grpc_port: self.take("grpc-port").or(file.grpc_port),
            reply: self.take("reply").or(file.reply),
            log: self.take("log").unwrap_or(file.log),
            memcached: self.take("memcached").or(file.memcached),
            admin_host: self.take("admin-host").unwrap_or(file.admin_host),
            admin_port: self.take("admin-port").unwrap_or(file.admin_port),
            no_admin: self.0.get_flag("no-admin") || file.no_admin,
            tls_cert: self.take("tls-cert").or(file.tls_cert),
            tls_key: self.take("tls-key").or(file.tls_key),
            tls_client_ca: self.take("tls-client-ca").or(file.tls_client_ca),
            api_keys: self.take("api-keys").or(file.api_keys),
            api_key_oauth_token: self.0.get_flag("api-key-oauth-token") || file.api_key_oauth_token,
            watch: watch.map_or(file.watch, |Watched(period)| period),
            ..file
        })
    }

    /// The value of the flag or variable, which is of the type that `command` parses it to.
    fn take<T: Clone + Send + Sync + 'static>(&mut self, flag: &str) -> Option<T> {
        self.0.remove_one(flag)
    }
}

fn command(name: &'static str) -> Command {
    let path = || value_parser!(PathBuf);
    let port = || value_parser!(u16);
    Command::new(name)
        .about("Serves a model over REST and gRPC")
        .after_help(
            "Each flag is also a setting of the file, `model_name` for --model-name; a flag counts \
             before its variable, and the variable before the file. Those of storage are in the \
             file's table [storage].",
        )
        .disable_help_flag(true)
        .args([
            value("config", "SELDON_CONFIG", "FILE")
                .help("TOML file with settings of the same names [default: seldon.toml, if it is there]")
                .value_parser(path()),
            value("model", "SELDON_MODEL", "FOLDER")
                .visible_alias("pipeline")
                .help("Model folder: a path, or a URL of s3, gs, az or https [default: model]")
                // Read later: clap would repeat what is refused, and a URL may have a password in it.
                .value_parser(path()),
            value("model-name", "SELDON_MODEL_NAME", "NAME")
                .help("Name of the model in replies [default: the service's own]"),
            value("variation", "SELDON_VARIATION", "NAME")
                .help("Variation in replies [default: default]"),
            value("host", "SELDON_HOST", "ADDRESS")
                .help("Address to listen on; 0.0.0.0 is every one of this machine [default: 127.0.0.1]")
                .value_parser(value_parser!(IpAddr)),
            value("port", "SELDON_PORT", "PORT")
                .help("Port for REST and gRPC; 0 lets the system choose [default: 5000]")
                .value_parser(port()),
            value("grpc-port", "SELDON_GRPC_PORT", "PORT")
                .help("Port of its own for gRPC")
                .value_parser(port()),
            value("reply", "SELDON_REPLY", "STYLE")
                .help("Style of REST replies [default: the service's own]")
                .value_parser(PossibleValuesParser::new(["documented", "classic"]).map(reply)),
            value("log", "SELDON_LOG", "LEVEL").help(
                "What is logged: error, warn, info, debug, trace, or directives for each module \
                 [default: info]",
            ),
            value("admin-host", "SELDON_ADMIN_HOST", "ADDRESS")
                .help("Address of the listener for metrics [default: 127.0.0.1]")
                .value_parser(value_parser!(IpAddr)),
            value("admin-port", "SELDON_ADMIN_PORT", "PORT")
                .help("Its port; 0 lets the system choose [default: 6000]")
                .value_parser(port()),
            switch("no-admin", "SELDON_NO_ADMIN").help("No listener for metrics"),
            value("tls-cert", "SELDON_TLS_CERT", "FILE")
                .help("Certificate chain in PEM, to serve TLS")
                .value_parser(path()),
            value("tls-key", "SELDON_TLS_KEY", "FILE")
                .help("Its private key in PEM")
                .value_parser(path()),
            value("tls-client-ca", "SELDON_TLS_CLIENT_CA", "FILE")
                .help("Authorities in PEM, one of which must have signed each client's certificate")
                .value_parser(path()),
            value("api-keys", "SELDON_API_KEYS", "FILE")
                .help("Digests of the API keys that are taken, a name and a SHA-256 in hex on each line")
                .value_parser(path()),
            switch("api-key-oauth-token", "SELDON_API_KEY_OAUTH_TOKEN")
                .help("Take a key as `oauth_token`, too, in gRPC's metadata or the query string"),
            value("watch", "SELDON_WATCH", "PERIOD")
                .help(
                    "Look for new versions of the model, each time in so long [default: off; 5s if \
                     no time is given]",
                )
                .num_args(0..=1)
                .default_missing_value("true")
                .value_parser(Watched::parse),
            Arg::new("new-api-key")
                .long("new-api-key")
                .value_name("NAME")
                .help("Make a new API key, print it and the line for the file of digests, and end"),
            value("memcached", "SELDON_MEMCACHED", "HOST:PORT[,…]")
                .help("Memcached servers with candidate lists"),
            value("aws-key", "SELDON_AWS_KEY", "KEY")
                .help("Access key of S3 [default: AWS_ACCESS_KEY_ID, or where AWS's programs look]")
                .value_parser(value_parser!(Secret)),
            value("aws-secret", "SELDON_AWS_SECRET", "SECRET")
                .help("Its secret")
                .value_parser(value_parser!(Secret)),
            value("s3-endpoint", "SELDON_S3_ENDPOINT", "URL")
                .help("Server that speaks S3, if it is not Amazon's"),
            value("s3-region", "SELDON_S3_REGION", "REGION")
                .help("Region of the bucket [default: AWS_REGION, or us-east-1]"),
            switch("s3-path-style", "SELDON_S3_PATH_STYLE")
                .help("Name the bucket in the path, not in the host"),
            value("staging", "SELDON_STAGING", "FOLDER")
                .help("Folder for what is fetched [default: the system's for temporary files]")
                .value_parser(path()),
            Arg::new("help")
                .short('h')
                .long("help")
                .help("Print this help")
                // One form for `-h` and `--help`: each setting is said in a line.
                .action(ArgAction::HelpShort),
        ])
        .mut_args(|flag| flag.hide_env_values(true))
}

/// A flag with a value, and the variable of the same meaning.
fn value(flag: &'static str, variable: &'static str, name: &'static str) -> Arg {
    Arg::new(flag).long(flag).env(variable).value_name(name)
}

/// A flag without one. Its variable is off where it is empty, `0`, `false`, `no` or `off`.
fn switch(flag: &'static str, variable: &'static str) -> Arg {
    (Arg::new(flag).long(flag).env(variable))
        .action(ArgAction::SetTrue)
        .value_parser(FalseyValueParser::new())
}

fn reply(word: String) -> Reply {
    match word.as_str() {
        "classic" => Reply::Classic,
        _ => Reply::Documented,
    }
}

/// What clap says, in one sentence, and where a wrong value came from.
fn wrong_flag(error: &clap::Error, command: &Command) -> Error {
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
fn variable_at_fault(error: &clap::Error, command: &Command) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Clap panics where a value is taken as another type than it was parsed to.
    #[test]
    fn each_flag_is_taken_as_what_it_is_parsed_to() {
        let mut arguments = vec![OsString::from("iris")];
        for flag in command("iris").get_arguments() {
            let name = flag.get_id().as_str();
            let argument = match name {
                "help" => continue,
                _ if matches!(flag.get_action(), ArgAction::SetTrue) => format!("--{name}"),
                "host" | "admin-host" => format!("--{name}=127.0.0.2"),
                "port" | "grpc-port" | "admin-port" => format!("--{name}=7"),
                "reply" => "--reply=classic".to_owned(),
                "watch" => "--watch=7s".to_owned(),
                _ => format!("--{name}=given"),
            };
            arguments.push(argument.into());
        }
        let mut flags = Flags::read("iris", arguments).expect("all are flags");
        assert_eq!(flags.new_api_key().as_deref(), Some("given"));
        assert_eq!(flags.file(), Some(PathBuf::from("given")));
        let config = flags.onto(Config::default()).expect("they are settings");
        assert_eq!(config.model, PathBuf::from("given").into());
        assert_eq!(config.reply, Some(Reply::Classic));
        assert_eq!(config.tls_key, Some(PathBuf::from("given")));
        assert_eq!(config.grpc_port, Some(7));
        assert!(config.storage.s3_path_style && config.no_admin);
    }
}
