//! What the program does beside serving.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use seldon::pipeline::Pipeline;
use seldon::prelude::*;
use seldon::{ExitCode, Location, Secret, Storage};

use crate::{check, inspect};

/// The commands, before the help of the flags for serving.
pub(crate) const LISTED: &str = "\
Commands, each with a --help of its own:
  inspect LOCATION               Say what a model folder or file holds
  check LOCATION --with FILE     Compare its answers with saved ones
  proto LOCATION                 Print the .proto file of its features
  (none)                         Serve one, as these flags say
";

/// Serves a model file, inspects it, checks it.
#[derive(Parser)]
#[command(name = "seldon-serve", version, disable_help_subcommand = false)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Says what a model folder or file holds: kind, features, classes, sizes, digest
    Inspect {
        #[command(flatten)]
        of: Of,
        /// Say it in JSON
        #[arg(long)]
        json: bool,
    },
    /// Compares a pipeline's answers with saved ones
    ///
    /// The file is a table with a header: a column for each feature, and one for each class with its
    /// expected score. Where there is one score, or there are two classes, `expected` alone is that
    /// score, or that of the second class. Other columns count for nothing.
    Check {
        #[command(flatten)]
        of: Of,
        /// Rows and the scores that are expected of them, a CSV file
        #[arg(long, value_name = "FILE")]
        with: PathBuf,
        /// The largest difference of a score that is none
        #[arg(long, value_name = "NUMBER", default_value_t = 1e-6)]
        tolerance: f64,
        /// Say it in JSON
        #[arg(long)]
        json: bool,
    },
    /// Prints the .proto file of a pipeline's features, for gRPC clients
    Proto {
        #[command(flatten)]
        of: Of,
    },
}

/// Where a model is, and what it takes to have it from there.
#[derive(Args)]
struct Of {
    /// A folder, a model file or a URL: s3://…, gs://…, az://…, https://…
    #[arg(value_parser = location)]
    location: Location,
    /// Access key of S3
    #[arg(
        long,
        env = "SELDON_AWS_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    aws_key: Option<String>,
    /// The secret that belongs to it
    #[arg(
        long,
        env = "SELDON_AWS_SECRET",
        value_name = "SECRET",
        hide_env_values = true
    )]
    aws_secret: Option<String>,
    /// URL of a server that speaks S3
    #[arg(long, env = "SELDON_S3_ENDPOINT", value_name = "URL")]
    s3_endpoint: Option<String>,
    /// Region of the bucket
    #[arg(long, env = "SELDON_S3_REGION", value_name = "REGION")]
    s3_region: Option<String>,
    /// The bucket is the first part of the path
    #[arg(long, env = "SELDON_S3_PATH_STYLE", value_parser = clap::builder::FalseyValueParser::new())]
    s3_path_style: bool,
}

fn location(text: &str) -> Result<Location, String> {
    text.parse().map_err(|error: Error| error.to_string())
}

impl Of {
    /// The folder, whatever it is of.
    fn folder(&self) -> Result<Folder> {
        let mut storage = Storage::default();
        storage.aws_key = self.aws_key.clone().map(Secret::from);
        storage.aws_secret = self.aws_secret.clone().map(Secret::from);
        storage.s3_endpoint = self.s3_endpoint.clone();
        storage.s3_region = self.s3_region.clone();
        storage.s3_path_style = self.s3_path_style;
        Folder::open_for::<Pipeline>(&self.location, &storage)
    }

    fn pipeline(&self) -> Result<Pipeline> {
        let pipeline = Pipeline::load(&self.folder()?)?;
        pipeline.warm_up()?;
        Ok(pipeline)
    }
}

/// Does what the arguments say.
pub(crate) fn run() -> ExitCode {
    let program = match Program::try_parse() {
        Ok(program) => program,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    match done(program.command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all is well.
fn done(command: Command) -> Result<bool> {
    match command {
        Command::Inspect { of, json } => {
            let found = inspect::folder(&of.folder()?)?;
            say(&match json {
                true => found.to_json()?,
                false => found.to_text(),
            })?;
            Ok(true)
        }
        Command::Check {
            of,
            with,
            tolerance,
            json,
        } => {
            let found = check::compare(&of.pipeline()?, &with, tolerance)?;
            say(&match json {
                true => found.to_json()?,
                false => found.to_text(),
            })?;
            Ok(found.is_within())
        }
        Command::Proto { of } => {
            say(&of.pipeline()?.proto())?;
            Ok(true)
        }
    }
}

/// Prints `text`. Whoever reads it may have left, which is no reason to panic.
fn say(text: &str) -> Result<()> {
    let text = text.trim_end();
    match writeln!(io::stdout(), "{text}") {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::setup("cannot write to standard output").with_cause(e))
        }
        _ => Ok(()),
    }
}
