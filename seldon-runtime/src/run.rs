//! A program around one service.

use std::future::Future;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::artifact::Folder;
use crate::config::{Config, Told};
use crate::error::{Error, Result};
use crate::server::{Program, Server};

/// Serves a model as flags, environment and file say, until the process is told to end.
///
/// Loads the model folder, prints where it listens and what it serves, and logs to standard
/// error. What is wrong with a flag, the folder or the address is said in one sentence, and the
/// exit code is not zero.
pub fn run<M: Program>() -> ExitCode {
    match Config::read(M::NAME, std::env::args_os()) {
        Ok(config) => block_on(serve::<M>(config)),
        Err(Told::Flags(error)) => {
            // Help goes to standard output and is no failure; clap knows which it is.
            let _ = error.print();
            ExitCode::from(error.exit_code() as u8)
        }
        Err(Told::Wrong(error)) => failed(&error),
    }
}

/// Runs `program` to its end on a multi-threaded runtime: what `main` returns where it composes a
/// [`Server`] by hand. An error is printed in one sentence.
pub fn block_on(program: impl Future<Output = Result<()>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime.map_err(|e| Error::setup("cannot start the runtime").with_cause(e)) {
        Ok(runtime) => {
            let ended = runtime.block_on(program);
            // A model that is still computing does not hold up the end.
            runtime.shutdown_background();
            match ended {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed(&error),
            }
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

async fn serve<M: Program>(config: Config) -> Result<()> {
    log(&config.log)?;
    let model = M::load(&Folder::open(&config.model)?)?;
    let server = model.mount(Server::new(), &config).await?;
    server.serve_as(&config).await
}

/// Logs to standard error: text for a person at a terminal, JSON for a machine elsewhere.
fn log(directives: &str) -> Result<()> {
    let filter = EnvFilter::try_new(directives)
        .map_err(|e| Error::setup(format!("`{directives}` is no log level")).with_cause(e))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // An earlier subscriber, a test's for example, stays.
    let _ = if io::stderr().is_terminal() {
        builder.with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    Ok(())
}
