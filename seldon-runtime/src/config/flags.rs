//! The flags, and the environment variables that count where a flag is not given.
//!
//! By lexopt, and the help of our own: clap was a thirtieth of what a service takes to compile.

mod list;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::{Arg, Parser};

use self::list::{FLAGS, Flag, NEW_API_KEY, Takes, help};
use super::{Config, Told};
use crate::artifact::{Storage, ToLocation};
use crate::error::{Error, Result};
use crate::live::Watched;
use crate::predict::Reply;

/// What the flags and the variables say, by the flags' names.
#[derive(Debug)]
pub(super) struct Flags(HashMap<&'static str, Given>);

/// A value as it was given.
#[derive(Debug)]
struct Given {
    value: OsString,
    /// The variable that it comes from, if from no flag.
    variable: Option<String>,
}

impl Flags {
    /// Reads `arguments`, of which the first is the program's name.
    pub(super) fn read(
        program: &str,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, Told> {
        let wrong = |what: String| Told::Wrong(said(&what, None));
        let mut given = HashMap::new();
        let mut parser = Parser::from_iter(arguments);
        while let Some(argument) = parser.next().map_err(|e| wrong(e.to_string()))? {
            let flag = match argument {
                Arg::Short('h') | Arg::Long("help") => return Err(Told::Help(help(program))),
                Arg::Long(name) => Flag::named(name).ok_or_else(|| wrong(unknown(name)))?,
                Arg::Short(letter) => return Err(wrong(unexpected(&format!("-{letter}")))),
                Arg::Value(value) => return Err(wrong(unexpected(&value.to_string_lossy()))),
            };
            let value = match (flag.takes, value(&mut parser, flag)) {
                (_, Some(value)) => value,
                (Takes::Value(_), None) => return Err(wrong(lacking(flag))),
                (Takes::Nothing | Takes::Perhaps(_), None) => "true".into(),
            };
            let value = Given {
                value,
                variable: None,
            };
            if given.insert(flag.name, value).is_some() {
                return Err(wrong(format!("'{flag}' is given twice")));
            }
        }
        for flag in &FLAGS {
            if let Some(variable) = flag.variable()
                && let Some(value) = std::env::var_os(&variable)
            {
                given.entry(flag.name).or_insert(Given {
                    value,
                    variable: Some(variable),
                });
            }
        }
        Ok(Self(given))
    }

    /// The name of the API key that is to be made, if that is what is asked for.
    ///
    /// # Errors
    ///
    /// That the name is no text; below, as well, that a value is not what its flag takes.
    pub(super) fn new_api_key(&self) -> Result<Option<String>> {
        self.parse(NEW_API_KEY)
    }

    /// The file that is named.
    pub(super) fn file(&self) -> Result<Option<PathBuf>> {
        self.path("config")
    }

    /// What the flags and variables say counts before what the file says.
    pub(super) fn onto(self, file: Config) -> Result<Config> {
        // What is refused is not repeated: a URL may have a password in it.
        let model = (self.path("model")?.map(|model| model.to_location()))
            .transpose()
            .map_err(|e| Error::setup(format!("--model: {e}")))?;
        let storage = Storage {
            aws_key: self.parse("aws-key")?.or(file.storage.aws_key),
            aws_secret: self.parse("aws-secret")?.or(file.storage.aws_secret),
            s3_endpoint: self.parse("s3-endpoint")?.or(file.storage.s3_endpoint),
            s3_region: self.parse("s3-region")?.or(file.storage.s3_region),
            s3_path_style: self.is_on("s3-path-style") || file.storage.s3_path_style,
            staging: self.path("staging")?.or(file.storage.staging),
            ..file.storage
        };
        let watch = self.read_by("watch", Watched::parse)?;
        Ok(Config {
            model: model.unwrap_or(file.model),
            storage,
            model_name: self.parse("model-name")?.or(file.model_name),
            variation: self.parse("variation")?.or(file.variation),
            host: self.parse("host")?.unwrap_or(file.host),
            port: self.read_by("port", port)?.unwrap_or(file.port),
            grpc_port: self.read_by("grpc-port", port)?.or(file.grpc_port),
            reply: self.read_by("reply", reply)?.or(file.reply),
            log: self.parse("log")?.unwrap_or(file.log),
            memcached: self.parse("memcached")?.or(file.memcached),
            admin_host: self.parse("admin-host")?.unwrap_or(file.admin_host),
            admin_port: self.read_by("admin-port", port)?.unwrap_or(file.admin_port),
            no_admin: self.is_on("no-admin") || file.no_admin,
            tls_cert: self.path("tls-cert")?.or(file.tls_cert),
            tls_key: self.path("tls-key")?.or(file.tls_key),
            tls_client_ca: self.path("tls-client-ca")?.or(file.tls_client_ca),
            api_keys: self.path("api-keys")?.or(file.api_keys),
            api_key_oauth_token: self.is_on("api-key-oauth-token") || file.api_key_oauth_token,
            watch: watch.map_or(file.watch, |Watched(period)| period),
            ..file
        })
    }

    /// The value of `flag`, as `read` reads it; its error says what the value should be.
    fn read_by<T, E: Display>(
        &self,
        flag: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>> {
        let Some((flag, given)) = self.given(flag) else {
            return Ok(None);
        };
        let variable = given.variable.as_deref();
        let Some(text) = given.value.to_str() else {
            return Err(said(
                &format!("the value for '{flag}' is no UTF-8"),
                variable,
            ));
        };
        let value = read(text).map_err(|what| {
            let what = format!("invalid value '{text}' for '{flag}': {what}");
            said(&what, variable)
        });
        value.map(Some)
    }

    /// The value of `flag`, where there is only one way to read it.
    fn parse<T: FromStr<Err: Display>>(&self, flag: &str) -> Result<Option<T>> {
        self.read_by(flag, T::from_str)
    }

    /// The path that `flag` gives: it need not be UTF-8.
    fn path(&self, flag: &str) -> Result<Option<PathBuf>> {
        match self.given(flag) {
            Some((flag, given)) if given.value.is_empty() => {
                Err(said(&lacking(flag), given.variable.as_deref()))
            }
            given => Ok(given.map(|(_, given)| PathBuf::from(&given.value))),
        }
    }

    /// Whether the switch `flag` is given. Its variable is off where it is empty, `0`, `false`, `no`
    /// or `off`.
    fn is_on(&self, flag: &str) -> bool {
        self.given(flag).is_some_and(|(_, given)| {
            let said = given.value.to_string_lossy().to_lowercase();
            !["", "0", "f", "false", "n", "no", "off"].contains(&&*said)
        })
    }

    fn given(&self, flag: &str) -> Option<(&'static Flag, &Given)> {
        Flag::named(flag).zip(self.0.get(flag))
    }
}

/// The value that follows `flag`. What begins with a dash is the next flag, unless it is joined by
/// an equals sign.
fn value(parser: &mut Parser, flag: &Flag) -> Option<OsString> {
    if flag.takes == Takes::Nothing {
        // One that is joined is refused when the next argument is read.
        return None;
    }
    if let Some(joined) = parser.optional_value() {
        return Some(joined);
    }
    let mut rest = parser.raw_args().ok()?;
    let is_flag = rest.peek()?.as_encoded_bytes().starts_with(b"-");
    if is_flag { None } else { rest.next() }
}

fn port(text: &str) -> Result<u16, &'static str> {
    text.parse()
        .map_err(|_| "a port is a number from 0 to 65535")
}

fn reply(text: &str) -> Result<Reply, &'static str> {
    match text {
        "documented" => Ok(Reply::Documented),
        "classic" => Ok(Reply::Classic),
        _ => Err("it is documented or classic"),
    }
}

fn unknown(flag: &str) -> String {
    let tip = Flag::like(flag)
        .map(|other| format!("; a similar one is '--{other}'"))
        .unwrap_or_default();
    unexpected(&format!("--{flag}")) + &tip
}

fn unexpected(argument: &str) -> String {
    format!("unexpected argument '{argument}'")
}

fn lacking(flag: &Flag) -> String {
    format!("a value is required for '{flag}'")
}

/// What is wrong, and where to look: at the variable that it came from, or in the help.
fn said(what: &str, variable: Option<&str>) -> Error {
    Error::setup(match variable {
        Some(variable) => format!("{what}, from the environment's {variable}"),
        None => format!("{what} (--help says more)"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Flags, Told> {
        let program = [OsString::from("iris")].into_iter();
        Flags::read("iris", program.chain(arguments.iter().map(OsString::from)))
    }

    fn config(arguments: &[&str]) -> Config {
        let flags = read(arguments).expect("all are flags");
        flags.onto(Config::default()).expect("they are settings")
    }

    #[test]
    fn each_flag_is_a_setting() {
        let default = format!("{:?}", Config::default());
        for flag in FLAGS.iter().filter(|flag| flag.variable().is_some()) {
            let value = match flag.name {
                "config" => continue,
                "host" | "admin-host" => "127.0.0.2",
                "port" | "grpc-port" | "admin-port" => "7",
                "reply" => "classic",
                "watch" => "7s",
                _ => "given",
            };
            let name = format!("--{}", flag.name);
            let arguments: &[&str] = match flag.takes {
                Takes::Nothing => &[&name],
                Takes::Value(_) | Takes::Perhaps(_) => &[&name, value],
            };
            assert_ne!(format!("{:?}", config(arguments)), default, "{name}");
        }
        let flags = read(&["--new-api-key", "alice", "--config=a file"]).expect("flags");
        let name = flags.new_api_key().expect("a text");
        assert_eq!(name.as_deref(), Some("alice"));
        let file = flags.file().expect("a path");
        assert_eq!(file, Some(PathBuf::from("a file")));
    }

    #[test]
    fn a_value_may_be_joined_and_may_be_left_out_where_the_flag_says_so() {
        assert_eq!(config(&["--log=-x"]).log, "-x");
        assert_eq!(config(&["--log="]).log, "");
        let every = |seconds| Some(std::time::Duration::from_secs(seconds));
        assert_eq!(config(&["--watch"]).watch, every(5));
        assert_eq!(config(&["--watch", "7s"]).watch, every(7));
        assert_eq!(config(&["--watch=false"]).watch, None);
        let both = config(&["--watch", "--no-admin"]);
        assert!(both.no_admin && both.watch == every(5));
        assert_eq!(
            config(&["--pipeline", "a"]).model,
            PathBuf::from("a").into()
        );
    }

    #[test]
    fn what_is_no_flag_is_refused() {
        for arguments in [
            &["--prot", "1"][..],
            &["here"],
            &["-x"],
            &["--", "here"],
            &["--port"],
            &["--port", "-1"],
            &["--model", "--port=1"],
            &["--port=1", "--port=1"],
            &["--no-admin=true"],
            &["--no-admin", "--no-admin"],
        ] {
            assert!(
                matches!(read(arguments), Err(Told::Wrong(_))),
                "{arguments:?}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_need_not_be_text() {
        use std::os::unix::ffi::OsStringExt;
        let path = OsString::from_vec(b"a\xff".to_vec());
        let given = |flag: &str| {
            let arguments = ["iris".into(), flag.into(), path.clone()];
            let flags = Flags::read("iris", arguments).expect("flags");
            flags.onto(Config::default())
        };
        let staging = given("--staging").expect("a path").storage.staging;
        assert_eq!(staging, Some(PathBuf::from(&path)));
        let refused = given("--aws-secret").expect_err("no text");
        assert!(
            refused
                .detail()
                .contains("'--aws-secret <SECRET>' is no UTF-8")
        );
    }
}
