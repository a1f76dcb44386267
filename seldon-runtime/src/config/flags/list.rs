//! The flags that there are, and what `--help` says of them.

use std::fmt::{self, Display};

/// A flag.
#[derive(Debug)]
pub(super) struct Flag {
    /// Without the dashes.
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    help: &'static str,
}

/// What follows a flag: the name of its value in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Value(&'static str),
    /// A value, or nothing.
    Perhaps(&'static str),
}

/// Another name of `--model`: a pipeline's folder is one.
pub(super) const PIPELINE: &str = "pipeline";

/// Has no variable: it is no setting, but something to be done.
pub(super) const NEW_API_KEY: &str = "new-api-key";

impl Flag {
    /// The flag `name`.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        let name = if name == PIPELINE { "model" } else { name };
        FLAGS.iter().find(|flag| flag.name == name)
    }

    /// The environment variable that counts where the flag is not given.
    pub(super) fn variable(&self) -> Option<String> {
        let name = || self.name.to_uppercase().replace('-', "_");
        (self.name != NEW_API_KEY).then(|| format!("SELDON_{}", name()))
    }

    /// What is most like `name`, if anything is, for who has mistyped it.
    pub(super) fn like(name: &str) -> Option<&'static str> {
        // The bound under which programs commonly suggest nothing.
        const ALIKE: f64 = 0.7;
        (FLAGS.iter().map(|flag| flag.name).chain([PIPELINE]))
            .map(|other| (strsim::jaro(name, other), other))
            .filter(|(alike, _)| *alike > ALIKE)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, other)| other)
    }
}

/// `--port <PORT>`, as an error and the help name it.
impl Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{}", self.name)?;
        match self.takes {
            Takes::Nothing => Ok(()),
            Takes::Value(value) => write!(f, " <{value}>"),
            Takes::Perhaps(value) => write!(f, " [<{value}>]"),
        }
    }
}

/// What `--help` prints.
pub(super) fn help(program: &str) -> String {
    let named = FLAGS.iter().map(|flag| {
        let mut help = flag.help.to_owned();
        if let Some(variable) = flag.variable() {
            help += &format!(" [env: {variable}]");
        }
        if flag.name == "model" {
            help += &format!(" [alias: --{PIPELINE}]");
        }
        (format!("    {flag}"), help)
    });
    let all: Vec<(String, String)> = named
        .chain([("-h, --help".to_owned(), "Print this help".to_owned())])
        .collect();
    let widest = (all.iter().map(|(flag, _)| flag.chars().count()))
        .max()
        .unwrap_or_default();
    let lines: String = (all.iter())
        .map(|(flag, help)| format!("  {flag:widest$}  {help}\n"))
        .collect();
    format!(
        "Serves a model over REST and gRPC\n\n\
         Usage: {program} [OPTIONS]\n\n\
         Options:\n{lines}\n\
         Each flag is also a setting of the file, `model_name` for --model-name; a flag counts \
         before its variable, and the variable before the file. Those of storage are in the file's \
         table [storage].\n"
    )
}

/// In the order in which `--help` tells them.
pub(super) const FLAGS: [Flag; 26] = [
    Flag {
        name: "config",
        takes: Takes::Value("FILE"),
        help: "TOML file with settings of the same names [default: seldon.toml, if it is there]",
    },
    Flag {
        name: "model",
        takes: Takes::Value("FOLDER"),
        help: "Model folder: a path, or a URL of s3, gs, az or https [default: model]",
    },
    Flag {
        name: "model-name",
        takes: Takes::Value("NAME"),
        help: "Name of the model in replies [default: the service's own]",
    },
    Flag {
        name: "variation",
        takes: Takes::Value("NAME"),
        help: "Variation in replies [default: default]",
    },
    Flag {
        name: "host",
        takes: Takes::Value("ADDRESS"),
        help: "Address to listen on; 0.0.0.0 is every one of this machine [default: 127.0.0.1]",
    },
    Flag {
        name: "port",
        takes: Takes::Value("PORT"),
        help: "Port for REST and gRPC; 0 lets the system choose [default: 5000]",
    },
    Flag {
        name: "grpc-port",
        takes: Takes::Value("PORT"),
        help: "Port of its own for gRPC",
    },
    Flag {
        name: "reply",
        takes: Takes::Value("STYLE"),
        help: "Style of REST replies, documented or classic [default: the service's own]",
    },
    Flag {
        name: "log",
        takes: Takes::Value("LEVEL"),
        help: "What is logged: error, warn, info, debug, trace, or directives for each module [default: info]",
    },
    Flag {
        name: "admin-host",
        takes: Takes::Value("ADDRESS"),
        help: "Address of the listener for metrics [default: 127.0.0.1]",
    },
    Flag {
        name: "admin-port",
        takes: Takes::Value("PORT"),
        help: "Its port; 0 lets the system choose [default: 6000]",
    },
    Flag {
        name: "no-admin",
        takes: Takes::Nothing,
        help: "No listener for metrics",
    },
    Flag {
        name: "tls-cert",
        takes: Takes::Value("FILE"),
        help: "Certificate chain in PEM, to serve TLS",
    },
    Flag {
        name: "tls-key",
        takes: Takes::Value("FILE"),
        help: "Its private key in PEM",
    },
    Flag {
        name: "tls-client-ca",
        takes: Takes::Value("FILE"),
        help: "Authorities in PEM, one of which must have signed each client's certificate",
    },
    Flag {
        name: "api-keys",
        takes: Takes::Value("FILE"),
        help: "Digests of the API keys that are taken, a name and a SHA-256 in hex on each line",
    },
    Flag {
        name: "api-key-oauth-token",
        takes: Takes::Nothing,
        help: "Take a key as `oauth_token`, too, in gRPC's metadata or the query string",
    },
    Flag {
        name: "watch",
        takes: Takes::Perhaps("PERIOD"),
        help: "Look for new versions of the model, each time in so long [default: off; 5s if no time is given]",
    },
    Flag {
        name: "new-api-key",
        takes: Takes::Value("NAME"),
        help: "Make a new API key, print it and the line for the file of digests, and end",
    },
    Flag {
        name: "memcached",
        takes: Takes::Value("HOST:PORT[,…]"),
        help: "Memcached servers with candidate lists",
    },
    Flag {
        name: "aws-key",
        takes: Takes::Value("KEY"),
        help: "Access key of S3 [default: AWS_ACCESS_KEY_ID, or where AWS's programs look]",
    },
    Flag {
        name: "aws-secret",
        takes: Takes::Value("SECRET"),
        help: "Its secret",
    },
    Flag {
        name: "s3-endpoint",
        takes: Takes::Value("URL"),
        help: "Server that speaks S3, if it is not Amazon's",
    },
    Flag {
        name: "s3-region",
        takes: Takes::Value("REGION"),
        help: "Region of the bucket [default: AWS_REGION, or us-east-1]",
    },
    Flag {
        name: "s3-path-style",
        takes: Takes::Nothing,
        help: "Name the bucket in the path, not in the host",
    },
    Flag {
        name: "staging",
        takes: Takes::Value("FOLDER"),
        help: "Folder for what is fetched [default: the system's for temporary files]",
    },
];
