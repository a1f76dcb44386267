//! Spans at a collector: a real program exports them to one that listens here.

#[allow(dead_code, reason = "another test uses the rest of it")]
#[path = "server/common.rs"]
mod common;
#[path = "support/program.rs"]
mod program;

use std::net::SocketAddr;

use axum::Router;
use common::{ANSWER, Channel, FAIL, Peer, Quick, Running, get, long, patient};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use program::Program;
use seldon_runtime::Server;
use tokio::sync::mpsc;

/// Not a test: what the tests start.
#[test]
#[ignore = "the program that the tests start"]
fn program() {
    program::serve(|| Ok(Server::new().mount(Quick {})));
}

/// A collector that hands on what it is sent.
struct Collector(mpsc::UnboundedSender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let _ = self.0.send(request.into_inner());
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

type Exports = mpsc::UnboundedReceiver<ExportTraceServiceRequest>;

async fn collector() -> (Running, SocketAddr, Exports) {
    let (sender, exports) = mpsc::unbounded_channel();
    let export = Router::new().route_service(
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        TraceServiceServer::new(Collector(sender)),
    );
    let running = Running::start(Server::new().limits(long()).routes(export)).await;
    let address = running.address;
    (running, address, exports)
}

/// What the program exported by its end: the service's names, and the spans.
async fn exported(program: Program, exports: &mut Exports) -> (Vec<String>, Vec<Span>) {
    let ended = tokio::task::spawn_blocking(|| program.end());
    patient(ended).await.expect("it ends");
    let (mut names, mut spans) = (Vec::new(), Vec::new());
    while let Ok(export) = exports.try_recv() {
        for of in export.resource_spans {
            let attributes = of.resource.expect("a resource").attributes;
            let name = attributes.into_iter().find(|a| a.key == "service.name");
            let value = name.and_then(|name| name.value?.value);
            if let Some(Value::StringValue(name)) = value {
                names.push(name);
            }
            spans.extend(of.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    (names, spans)
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|a| a.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flags}")
}

#[tokio::test]
async fn a_collector_sees_the_callers_trace_go_on() {
    let (_collector, address, mut exports) = collector().await;
    let endpoint = format!("http://{address}");
    let program = Program::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_SERVICE_NAME", "irises"),
        // The log's level is not the export's.
        ("SELDON_LOG", "off"),
    ]);
    let mut peer = Peer::to(program.address).await;
    let head = format!(
        "host: test\r\nx-request-id: rest\r\ntraceparent: {}",
        parent("01")
    );
    peer.ask(get(&[FAIL]).replace("host: test", &head)).await;
    let channel = Channel::to(program.address).await;
    let metadata = parent("01");
    let metadata = [("x-request-id", "grpc"), ("traceparent", &*metadata)];
    let called = channel.classify(&metadata, &[ANSWER]).await;
    assert_eq!(called.expect("a reply").status(), 0);
    // One that continues none begins its own; one whose caller records none is not exported.
    peer.ask(get(&[ANSWER])).await;
    let head = format!(
        "host: test\r\nx-request-id: unsampled\r\ntraceparent: {}",
        parent("00")
    );
    peer.ask(get(&[ANSWER]).replace("host: test", &head)).await;

    let (names, spans) = exported(program, &mut exports).await;
    assert!(!names.is_empty() && names.iter().all(|name| name == "irises"));
    assert_eq!(spans.len(), 3, "{spans:#?}");
    for (id, name, outcome, failed) in [
        ("rest", "GET quick", "MODEL_FAILED", true),
        ("grpc", "Classify quick", "ok", false),
    ] {
        let by_id = |span: &&Span| attribute(span, "request_id").as_deref() == Some(id);
        let span = spans.iter().find(by_id).expect("it was exported");
        assert_eq!(hex(&span.trace_id), TRACE);
        assert_eq!(hex(&span.parent_span_id), CALLER);
        assert_eq!((&*span.name, span.kind()), (name, SpanKind::Server));
        assert_eq!(attribute(span, "outcome").as_deref(), Some(outcome));
        let status = span.status.as_ref().map(|status| status.code());
        assert_eq!(status == Some(StatusCode::Error), failed, "{status:?}");
    }
    let roots: Vec<_> = (spans.iter())
        .filter(|span| span.parent_span_id.is_empty())
        .collect();
    assert_eq!(roots.len(), 1);
    assert_ne!(hex(&roots[0].trace_id), TRACE);
}

#[tokio::test]
async fn the_program_names_itself_where_the_environment_does_not() {
    let (_collector, address, mut exports) = collector().await;
    let endpoint = format!("http://{address}");
    let program = Program::start(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint)]);
    Peer::to(program.address).await.ask(get(&[ANSWER])).await;
    let (names, spans) = exported(program, &mut exports).await;
    assert_eq!(spans.len(), 1);
    // This test's own file, with what cargo adds to it.
    assert!(names[0].starts_with("otel-"), "{names:?}");
}

#[tokio::test]
async fn nothing_is_exported_where_that_is_switched_off() {
    let (_collector, address, mut exports) = collector().await;
    let endpoint = format!("http://{address}");
    let program = Program::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_SDK_DISABLED", "true"),
    ]);
    Peer::to(program.address).await.ask(get(&[ANSWER])).await;
    assert_eq!(exported(program, &mut exports).await.1, []);
}

#[tokio::test]
async fn a_collector_that_is_away_costs_no_request() {
    // Nothing listens there: the port was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    let endpoint = format!("http://{}", free.expect("a port"));
    let program = Program::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    let answer = Peer::to(program.address).await.ask(get(&[ANSWER])).await;
    assert_eq!(answer.status, 200);
    let ended = tokio::task::spawn_blocking(|| program.end());
    patient(ended).await.expect("it ends all the same");
}
