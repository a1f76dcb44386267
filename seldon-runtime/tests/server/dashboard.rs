//! The dashboard in `deploy/grafana`: it asks for nothing that the server does not tell.

use std::collections::{HashMap, HashSet};

use seldon_runtime::recommend::{CandidateSource, Fetched, List, ServerState, SourceState};
use seldon_runtime::{
    ApiKeys, Artifact, Candidates, Code, Config, DefaultCustomPredictRequest, Error, Predict,
    Prediction, Query, Recommend, Recommendation, Result, Server,
};
use serde_json::Value;

use crate::common::*;
use crate::versions::predictor;

/// A source of which each state is known.
struct Source;

impl CandidateSource for Source {
    async fn open(_: &Config) -> Result<Self> {
        Ok(Self)
    }

    async fn fetch(&self, keys: &[&str]) -> Result<Fetched> {
        if keys == ["away"] {
            return Err(Error::new(Code::CandidatesUnavailable, "it is away"));
        }
        Ok(Fetched {
            lists: vec![List::new(vec![1, 2]).into()],
            degraded: keys == ["degraded"],
        })
    }

    fn state(&self) -> SourceState {
        SourceState {
            cache_hits: 7,
            cache_misses: 5,
            servers: vec![ServerState {
                address: "cache:11211".to_owned(),
                breaker_open: true,
                openings: 3,
            }],
        }
    }
}

#[seldon_macros::recommender(crate = ::seldon_runtime, candidates = Source)]
#[derive(Default)]
struct First {}

impl Recommend for First {
    fn recommend(&self, _: &Query<'_>, candidates: &Candidates) -> Result<Vec<Recommendation>> {
        let item = *candidates.ids().and_then(<[i64]>::first).unwrap_or(&1);
        Ok(vec![Recommendation { item, score: 1.0 }])
    }
}

#[seldon_macros::predictor(
    crate = ::seldon_runtime,
    path = "/batched",
    batch(max_rows = 8, max_wait = "1ms")
)]
#[derive(Default)]
struct Batched {}

impl Predict for Batched {
    fn predict(&self, _: &DefaultCustomPredictRequest) -> Result<Prediction> {
        Ok(Prediction::scores([0.5]))
    }
}

/// The figures of a server that has had requests of each kind.
async fn figures(server: Server, requests: &[&str]) -> String {
    let bound = server.bind("127.0.0.1:0").await.expect("it can be bound");
    let bound = bound.administered("127.0.0.1:0").await;
    let bound = bound.expect("it can be bound");
    let admin = bound.admin_addr().expect("there is one");
    let server = Running::of(bound);
    let mut peer = server.connect().await;
    for path in requests {
        peer.ask(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"))
            .await;
    }
    let ask = "GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n";
    Peer::to(admin).await.ask(ask).await.body
}

#[tokio::test]
async fn a_source_and_its_fetches_are_shown() {
    let server = Server::new().recommender(First {}, Source);
    let ask = |key: &str| format!("/recommend?user_id=1&limit=1&data_key={key}");
    let asked = [ask("held"), ask("held"), ask("degraded"), ask("away")];
    let text = figures(server, &asked.each_ref().map(|path| &**path)).await;
    for line in [
        "candidate_fetches_total{service=\"first\",outcome=\"ok\"} 2",
        "candidate_fetches_total{service=\"first\",outcome=\"degraded\"} 1",
        "candidate_fetches_total{service=\"first\",outcome=\"failed\"} 1",
        "candidate_cache_hits_total{service=\"first\"} 7",
        "candidate_cache_misses_total{service=\"first\"} 5",
        "candidate_breaker_open{service=\"first\",server=\"cache:11211\"} 1",
        "candidate_breaker_openings_total{service=\"first\",server=\"cache:11211\"} 3",
        "stage_duration_seconds_count{service=\"first\",transport=\"rest\",stage=\"candidates\"} 4",
        "stage_duration_seconds_count{service=\"first\",transport=\"rest\",stage=\"predict\"} 3",
    ] {
        assert!(text.contains(&format!("\nseldon_{line}\n")), "{line}");
    }
}

#[tokio::test]
async fn a_batchs_rows_wait_and_are_computed_each_for_its_request() {
    let server = Server::new().mount(Batched {});
    let text = figures(server, &["/batched?json=[[1],[2],[3]]"]).await;
    for line in [
        "batches_total{service=\"batched\"} 1",
        "batch_rows_total{service=\"batched\"} 3",
        "stage_duration_seconds_count{service=\"batched\",transport=\"rest\",stage=\"queue\"} 3",
        "stage_duration_seconds_count{service=\"batched\",transport=\"rest\",stage=\"predict\"} 3",
    ] {
        assert!(
            text.contains(&format!("\nseldon_{line}\n")),
            "{line}\n{text}"
        );
    }
}

#[tokio::test]
async fn the_documentation_names_every_figure_and_no_other() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OBSERVABILITY.md");
    let page = std::fs::read_to_string(path).expect("it is there");
    let documented: HashSet<&str> = (page.split('`'))
        .filter(|name| name.starts_with("seldon_") || name.starts_with("process_"))
        .filter(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        .collect();
    let text = figures(with_keys(Server::new().mount(Quick {})), &[]).await;
    let told: HashSet<&str> = (text.lines())
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    assert_eq!(documented, told);
}

fn with_keys(server: Server) -> Server {
    let keys = tempfile::NamedTempFile::new().expect("a file");
    let digest = "0".repeat(64);
    std::fs::write(&keys, format!("somebody {digest}\n")).expect("written");
    server.api_keys(ApiKeys::from_file(keys.path()).expect("they are good"))
}

/// All that a dashboard asks for.
fn queries<'a>(of: &'a Value, found: &mut Vec<&'a str>) {
    match of {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if ["expr", "definition"].contains(&&**name) => {
                        found.push(text);
                    }
                    _ => queries(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| queries(value, found)),
        _ => {}
    }
}

/// The words of a query, and what stands after each.
fn words(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = query;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c| !is_word(c));
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then_some((word, after))
    })
}

#[tokio::test]
async fn the_dashboard_asks_for_figures_that_there_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/grafana/seldon.json");
    let text = std::fs::read_to_string(path).expect("it is there");
    let dashboard: Value = serde_json::from_str(&text).expect("it is JSON");
    let mut asked = Vec::new();
    queries(&dashboard, &mut asked);
    assert!(asked.len() > 30, "{}", asked.len());

    // Of each kind one, so that each family has a series.
    let several = figures(
        Server::new()
            .mount(Batched {})
            .recommender(First {}, Source),
        &[
            "/batched?json=[[1]]",
            "/recommend?user_id=1&limit=1&data_key=a",
        ],
    )
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    Slow {}.save(folder.path()).expect("it can be saved");
    let slow = Server::new().mount_service(predictor::<Slow>(folder.path()));
    let slow = with_keys(slow);
    let slow = figures(slow, &["/predict?json=[0]"]).await;
    let mut labels: HashMap<&str, HashSet<&str>> = HashMap::new();
    for line in several.lines().chain(slow.lines()) {
        if let Some(of) = line.strip_prefix("# TYPE ") {
            let name = of.split(' ').next().unwrap_or_default();
            labels.entry(name).or_default();
        } else if !line.starts_with('#') {
            let (series, _) = line.rsplit_once(' ').expect("a sample");
            let (name, pairs) = series.split_once('{').unwrap_or((series, ""));
            let keys = pairs.split("\",").filter_map(|pair| pair.split_once('='));
            labels
                .entry(name)
                .or_default()
                .extend(keys.map(|(key, _)| key));
        }
    }
    for query in asked {
        let mut of = None;
        for (word, after) in words(query) {
            if word.starts_with("seldon_") || word.starts_with("process_") {
                of = Some(
                    labels
                        .get(word)
                        .unwrap_or_else(|| panic!("{word} of {query}")),
                );
            } else if after.starts_with("=~") || after.starts_with("=\"") {
                // What the scraper adds is known to none of us.
                let known = word == "job" || of.is_some_and(|of| of.contains(word));
                // Of what has no series here there is nothing to compare.
                assert!(
                    known || of.is_some_and(HashSet::is_empty),
                    "{word} of {query}"
                );
            }
        }
        assert!(of.is_some() || query.contains("time()"), "{query}");
    }
}
