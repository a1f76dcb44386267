//! A program around one service.

use std::future::Future;
use std::io::{self, Write};
use std::path::Path;
use std::pin::{Pin, pin};
use std::process::ExitCode;

use tokio::runtime::Builder;

use crate::access::new_key;
use crate::artifact::Folder;
use crate::config::{Config, Told};
use crate::descriptors;
use crate::error::{Error, Result};
use crate::observe::{Logging, subscribe};
use crate::server::{Mount, Program, Server};

/// A flag, a variable or the configuration file is wrong. It is what most programs use.
const MISCONFIGURED: u8 = 2;

/// Serves a model as flags, environment and file say, until the process is told to end.
///
/// Loads the model folder, prints where it listens and what it serves, and logs to standard
/// error. What is wrong is said there in one sentence.
///
/// # Exit codes
///
/// | code | when |
/// |---|---|
/// | 0 | the process was told to end, and has; or help was asked for |
/// | 1 | the service cannot be started or go on: no model, a damaged one, a port that is taken |
/// | 2 | a flag, an environment variable or the configuration file is wrong |
pub fn run<M: Program>() -> ExitCode {
    let (config, _logging) = match configured(M::NAME) {
        Ok(configured) => configured,
        Err(code) => return code,
    };
    // It accepts and drives what the source of candidates opens; the workers serve.
    run_to_end(Builder::new_current_thread(), pin!(serve::<M>(config)))
}

/// What the program `name` is told to do, if that is to serve; otherwise it is done.
fn configured(name: &'static str) -> Result<(Config, Logging), ExitCode> {
    let config = Config::read(name, std::env::args_os()).map_err(|told| match told {
        Told::Help(help) => {
            // Whoever reads it may have left.
            let _ = io::stdout().write_all(help.as_bytes());
            ExitCode::SUCCESS
        }
        Told::NewKey(name) => print_new_key(&name),
        Told::Wrong(error) => failed(&error, ExitCode::from(MISCONFIGURED)),
    })?;
    let logging = subscribe(&config.log, name)
        .map_err(|error| failed(&error, ExitCode::from(MISCONFIGURED)))?;
    Ok((config, logging))
}

/// Makes an API key: its line for the file of digests goes to standard output, to be appended
/// there, and the key itself to standard error, to be seen this once.
fn print_new_key(name: &str) -> ExitCode {
    let (key, line) = match new_key(name) {
        Ok(made) => made,
        Err(error) => return failed(&error, ExitCode::from(MISCONFIGURED)),
    };
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => {
            let key = key.reveal();
            let _ = writeln!(
                io::stderr(),
                "the key of {name}, shown only this once: {key}"
            );
            ExitCode::SUCCESS
        }
        Err(e) => {
            let error = Error::setup("cannot write the key's line").with_cause(e);
            failed(&error, ExitCode::FAILURE)
        }
    }
}

/// Runs `program` to its end on a multi-threaded runtime: what `main` returns where it composes a
/// [`Server`] by hand. An error is printed in one sentence, and its exit code is 1.
///
/// It logs to standard error, at the level `info` or as the environment variable `SELDON_LOG`
/// says, unless the program has set up `tracing` for itself.
pub fn block_on(program: impl Future<Output = Result<()>>) -> ExitCode {
    let directives = std::env::var("SELDON_LOG");
    let arguments = std::env::args_os().next();
    let name = arguments
        .as_ref()
        .and_then(|path| Path::new(path).file_stem());
    let name = name.map_or_else(|| "seldon".into(), |name| name.to_string_lossy());
    let _logging = match subscribe(directives.as_deref().unwrap_or("info"), &name) {
        Ok(logging) => logging,
        Err(error) => return failed(&error, ExitCode::from(MISCONFIGURED)),
    };
    run_to_end(Builder::new_multi_thread(), pin!(program))
}

// Of no type in particular, so that the runtime is compiled here, and not again with each program.
fn run_to_end(
    mut runtime: Builder,
    program: Pin<&mut dyn Future<Output = Result<()>>>,
) -> ExitCode {
    descriptors::ask_for_all();
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            let error = Error::setup("cannot start the runtime").with_cause(e);
            return failed(&error, ExitCode::FAILURE);
        }
    };
    let ended = runtime.block_on(program);
    // A model that is still computing does not hold up the end.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error, ExitCode::FAILURE),
    }
}

fn failed(error: &Error, code: ExitCode) -> ExitCode {
    // `eprintln` would panic where nobody reads.
    let _ = writeln!(io::stderr(), "error: {error}");
    code
}

async fn serve<M: Program>(config: Config) -> Result<()> {
    let folder = open::<M>(&config)?;
    let model = M::load(&folder)?;
    let on = Mount {
        server: Server::new(),
        config: &config,
        folder: &folder,
    };
    let server = model.mount(on).await?;
    // With it goes what was fetched: the model is in memory.
    drop(folder);
    server.serve_as(&config).await
}

/// Opens the model folder. Where there is none, the reader is new here, and told what to do.
fn open<M: Program>(config: &Config) -> Result<Folder> {
    let folder = Folder::open_for::<M>(&config.model, &config.storage);
    folder.map_err(|error| match config.model.as_path() {
        Some(path) if !path.exists() => Error::setup(format!(
            "{error}: save one there, or name another by --model"
        )),
        _ => error,
    })
}
