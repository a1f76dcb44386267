//! The figures' two text formats, held against their rules.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use seldon_runtime::Server;

use crate::common::*;
use crate::metrics::{FIGURES, administered};

/// A service by a name that is also one of the server's own for "none of them".
#[tokio::test]
async fn no_series_comes_twice_whatever_services_are_called() {
    for name in ["other", "shared", "a \"quoted\\ one\n"] {
        let service = seldon_runtime::Service::predictor(Quick {}).expect("it is warm");
        let server = Server::new().mount_service(service.named(name));
        let bound = server.bind("127.0.0.1:0").await.expect("it can be bound");
        let bound = bound
            .administered("127.0.0.1:0")
            .await
            .expect("it can be bound");
        let admin = bound.admin_addr().expect("there is one");
        let server = Running::of(bound);
        server.connect().await.ask(get(&[ANSWER])).await;
        for accept in ["text/plain", OPEN_METRICS] {
            let text = page(admin, accept).await.body;
            check(&text, accept == OPEN_METRICS);
        }
    }
}

const OPEN_METRICS: &str = "application/openmetrics-text";

async fn page(admin: SocketAddr, accept: &str) -> Answer {
    let ask = format!("GET /metrics HTTP/1.1\r\nhost: test\r\naccept: {accept}\r\n\r\n");
    Peer::to(admin).await.ask(ask).await
}

#[tokio::test]
async fn each_scraper_reads_the_format_that_it_asks_for() {
    let (server, admin) = administered(long()).await;
    let mut peer = server.connect().await;
    for what in [ANSWER, PANIC, NAN] {
        peer.ask(get(&[what])).await;
    }
    let answer = Peer::to(admin).await.ask(FIGURES).await;
    let classic = Some("text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.header("content-type"), classic);
    check(&answer.body, false);
    let answer = page(
        admin,
        "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
    )
    .await;
    let open = Some("application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(answer.header("content-type"), open);
    check(&answer.body, true);
}

/// Holds `text` against the rules of its format: each family once and with its type before its
/// samples, names and labels well-formed, no series twice, histograms that add up.
fn check(text: &str, open: bool) {
    let mut families = HashMap::new();
    let mut family: Option<(&str, &str)> = None;
    let mut series = HashSet::new();
    let mut buckets: Option<(String, f64)> = None;
    let (body, end) = match open {
        true => (text.strip_suffix("# EOF\n"), "OpenMetrics ends in EOF"),
        false => (
            text.ends_with('\n').then_some(text),
            "a text ends in a line",
        ),
    };
    for line in body.expect(end).lines() {
        if let Some(said) = line.strip_prefix("# TYPE ") {
            let (name, kind) = said.split_once(' ').expect("a type");
            let kinds: &[_] = match open {
                true => &["counter", "gauge", "histogram", "info"],
                false => &["counter", "gauge", "histogram"],
            };
            assert!(kinds.contains(&kind), "{line}");
            assert!(families.insert(name, kind).is_none(), "twice: {line}");
            family = Some((name, kind));
            continue;
        }
        if line.starts_with("# HELP ") || (open && line.starts_with("# UNIT ")) {
            continue;
        }
        let (id, value) = line.rsplit_once(' ').expect("a sample");
        let value: f64 = value.parse().expect("a number");
        assert!(series.insert(id), "twice: {id}");
        let (name, labels) = match id.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("labels end")),
            None => (id, ""),
        };
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        assert!(name.bytes().all(plain), "{line}");
        assert_eq!(unquoted(labels).matches('"').count() % 2, 0, "{line}");
        let (of, kind) = family.expect("a sample has a type");
        let suffix = name
            .strip_prefix(of)
            .unwrap_or_else(|| panic!("{line} under {of}"));
        let suffixes: &[&str] = match kind {
            "counter" if open => &["_total"],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        assert!(suffixes.contains(&suffix), "{line}");
        if kind == "counter" {
            assert!(name.ends_with("_total"), "{line}");
        }
        if suffix == "_bucket" {
            let bound = labels.strip_prefix("le=\"").and_then(|l| l.split_once('"'));
            let (bound, others) = bound.expect("a bucket has a bound");
            let below = match buckets.take() {
                Some((of, below)) if of == others => below,
                _ => 0.0,
            };
            assert!(value >= below, "{line} is less than before");
            buckets = (bound != "+Inf").then(|| (others.to_owned(), value));
        }
    }
    assert!(families.len() > 20, "{} families", families.len());
}

/// Without what is escaped.
fn unquoted(labels: &str) -> String {
    labels
        .replace("\\\\", "")
        .replace("\\\"", "")
        .replace("\\n", "")
}
