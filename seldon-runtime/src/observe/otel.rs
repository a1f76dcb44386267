//! The export of spans by OTLP, over gRPC, as OpenTelemetry's environment variables say.

use std::env;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider,
};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::{Builder, Runtime};
use tracing::{Level, Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::registry::LookupSpan;

use super::trace::{TARGET, TraceParent};
use crate::error::{Error, Result};

/// How long the end of a program waits for the last spans to be taken.
const FAREWELL: Duration = Duration::from_secs(2);

/// What exports spans, until it is dropped.
pub(crate) struct Export {
    provider: SdkTracerProvider,
    /// Its own: requests do not wait for the collector, nor does the export for them.
    _runtime: Runtime,
}

impl Export {
    /// Begins to export where the environment names a collector; `None` where it names none, or
    /// says that nothing is to be exported. `name` is the service's, unless the environment names
    /// it.
    ///
    /// # Errors
    ///
    /// If the collector's address is none.
    pub(crate) fn begin(name: &str) -> Result<Option<Self>> {
        let is_set = |variable: &&str| env::var(variable).is_ok_and(|value| !value.is_empty());
        let endpoint = [
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ];
        let disabled = env::var("OTEL_SDK_DISABLED");
        let disabled = disabled.is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        let Some(named) = endpoint.iter().find(|v| is_set(v)).filter(|_| !disabled) else {
            return Ok(None);
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("otel")
            .enable_all()
            .build()
            .map_err(|e| Error::setup("cannot start the export of spans").with_cause(e))?;
        let _inside = runtime.enter();
        let exporter = SpanExporter::builder().with_tonic().build().map_err(|e| {
            Error::setup(format!("cannot export spans as {named} says")).with_cause(e)
        })?;
        let attributes = env::var("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        let is_named = is_set(&"OTEL_SERVICE_NAME") || attributes.contains("service.name=");
        let resource = match is_named {
            true => Resource::builder(),
            false => Resource::builder().with_service_name(name.to_owned()),
        };
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.build())
            .build();
        drop(_inside);
        Ok(Some(Self {
            provider,
            _runtime: runtime,
        }))
    }

    /// What takes spans to be exported.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let tracer = self.provider.tracer("seldon");
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_filter(FilterFn::new(is_exported).with_max_level_hint(LevelFilter::DEBUG))
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        // A collector that is away has missed them; the log of the export itself says so.
        let _ = self.provider.shutdown_with_timeout(FAREWELL);
    }
}

/// Each request's span, and those of the user's code with the lines in them; not what the
/// libraries below do, the export's own among them.
fn is_exported(of: &Metadata<'_>) -> bool {
    const BELOW: [&str; 6] = [
        "h2",
        "hyper",
        "hyper_util",
        "opentelemetry",
        "tonic",
        "tower",
    ];
    let root = of.target().split("::").next().unwrap_or_default();
    let below = BELOW.contains(&root) || root.starts_with("opentelemetry");
    of.target() == TARGET || (*of.level() <= Level::INFO && !below)
}

/// Makes `span` a child of the caller's.
pub(super) fn follow(span: &Span, parent: &TraceParent) {
    let flags = match parent.is_sampled() {
        true => TraceFlags::SAMPLED,
        false => TraceFlags::default(),
    };
    let (Ok(trace_id), Ok(span_id)) = (
        TraceId::from_hex(parent.trace_id()),
        SpanId::from_hex(parent.span_id()),
    ) else {
        return;
    };
    let remote = SpanContext::new(trace_id, span_id, flags, true, TraceState::default());
    // An error is a subscriber that exports nothing.
    let _ = span.set_parent(Context::new().with_remote_span_context(remote));
}
