//! Where a program's log goes, and with the feature `otel` its spans.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::error::{Error, Result};

/// A program's log; dropped at its end, when what is left to be exported is.
#[must_use]
pub(crate) struct Logging {
    #[cfg(feature = "otel")]
    _export: Option<super::otel::Export>,
}

/// Logs to standard error as `directives` say: text for a person at a terminal, JSON for a machine
/// elsewhere. A subscriber that is there already, a test's for example, stays.
///
/// Spans are exported, where that is compiled in and the environment says where to, as those of
/// the service `name`.
///
/// # Errors
///
/// If `directives` are none, or spans are to be exported to what is no address.
pub(crate) fn subscribe(directives: &str, name: &str) -> Result<Logging> {
    // A word alone would be taken for a module's name, and `--log debg` for all it has to say.
    let is_known = |part: &str| part.contains('=') || part.trim().parse::<LevelFilter>().is_ok();
    let filter = directives.parse::<Targets>().ok();
    let Some(filter) = filter.filter(|_| directives.split(',').all(is_known)) else {
        return Err(Error::setup(format!(
            "`{directives}` is no log level: it is off, error, warn, info, debug or trace, or says so for modules, as `info,hyper=debug` does"
        )));
    };
    let lines = fmt::layer().with_writer(io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match io::stderr().is_terminal() {
        true => lines.with_target(false).boxed(),
        false => lines.json().flatten_event(true).boxed(),
    };
    with_export(filter, lines, name)
}

#[cfg(not(feature = "otel"))]
fn with_export(
    filter: Targets,
    lines: Box<dyn Layer<Registry> + Send + Sync>,
    _: &str,
) -> Result<Logging> {
    let _ = Registry::default().with(lines).with(filter).try_init();
    Ok(Logging {})
}

#[cfg(feature = "otel")]
fn with_export(
    filter: Targets,
    lines: Box<dyn Layer<Registry> + Send + Sync>,
    name: &str,
) -> Result<Logging> {
    use super::otel::Export;
    let export = Export::begin(name)?;
    // The log's level is not the export's: each request has a span there.
    let spans = export.as_ref().map(Export::layer);
    let _ = Registry::default()
        .with(lines.with_filter(filter))
        .with(spans)
        .try_init();
    Ok(Logging { _export: export })
}
