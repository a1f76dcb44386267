//! The wire contract of `/recommend`, over real sockets, with candidates in a real memcached.

mod support;

#[path = "../seldon-runtime/tests/support/memcached.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod memcached;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use memcached::Memcached as Cache;
use seldon::prelude::*;
use seldon::{CandidateSettings, CandidateSource, Config, Configured, InMemory, Memcached};
use support::{Answer, Running};

/// Finds smaller ids better, and returns excluded and unknown ones as well.
#[seldon::recommender(candidates = seldon::Configured, scores = best)]
struct Smallest {
    #[seldon(skip)]
    asked: Arc<AtomicUsize>,
}

impl Recommend for Smallest {
    fn recommend(&self, _: &Query<'_>, candidates: &Candidates) -> Result<Vec<Recommendation>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let ids = candidates.ids().unwrap_or(&[1, 2, 3]);
        Ok((ids.iter().chain(&[-99]))
            .map(|&item| Recommendation {
                item,
                score: 1.0 / (1.0 + item.unsigned_abs() as f64),
            })
            .collect())
    }
}

/// The model, and how often it has been asked.
fn smallest() -> (Smallest, Arc<AtomicUsize>) {
    let asked = Arc::default();
    let model = Smallest {
        asked: Arc::clone(&asked),
    };
    (model, asked)
}

/// A server of the model, with its candidates in `cache`.
fn over(cache: &Cache, settings: CandidateSettings) -> Running {
    let address = cache.address();
    Running::composed(async move {
        let source = Memcached::connect_with([address], &settings).await;
        let source = Configured::Memcached(source.expect("an address"));
        Server::new().recommender(smallest().0, source)
    })
}

fn recommend(server: &Running, query: &str) -> Answer {
    server.get(&format!("/recommend?{query}"))
}

const THREE: &str =
    r#"{"recommended":[{"item":1,"score":1.0},{"item":3,"score":0.5},{"item":7,"score":0.25}]}"#;

#[test]
fn the_items_to_score_are_the_union_of_the_lists_less_the_excluded() {
    let cache = Cache::start();
    cache.set("odd", 16, b"[7,1,9,3,1]");
    cache.set(
        "popular",
        0,
        br#"[{"item":0,"score":0.9},{"item":3,"score":0.8}]"#,
    );
    let server = over(&cache, CandidateSettings::default());
    let answer = recommend(
        &server,
        "user_id=1&limit=3&data_key=odd,popular,none&exclusion_items=0,9",
    );
    assert_eq!((answer.status, &*answer.body), (200, THREE));
    assert_eq!(answer.header("x-degraded"), None);
    let answer = recommend(&server, "user_id=1&limit=3&data_key=none");
    assert_eq!(
        (answer.status, &*answer.body),
        (200, r#"{"recommended":[]}"#)
    );
}

#[test]
fn a_key_that_would_be_a_command_is_refused_before_memcached_hears_of_it() {
    let cache = Cache::start();
    cache.set("a", 0, b"[1]");
    let server = over(&cache, CandidateSettings::default());
    let before = (cache.stat("cmd_get"), cache.stat("cmd_flush"));
    let long = "k".repeat(251);
    let many = ["k"; 65].join(",");
    for key in [
        "a%0d%0aflush_all%0d%0a",
        "a%20b",
        "",
        "a%7f",
        "%C3%A4",
        &long,
        &many,
    ] {
        let answer = recommend(&server, &format!("user_id=1&limit=1&data_key={key}"));
        assert_eq!(answer.status, 400, "{key}");
        assert!(
            answer.body.contains("`data_key` must hold"),
            "{}",
            answer.body
        );
    }
    assert_eq!((cache.stat("cmd_get"), cache.stat("cmd_flush")), before);
}

#[test]
fn memcached_that_is_away_is_a_503_that_says_when_to_come_again() {
    let mut cache = Cache::start();
    let server = over(&cache, CandidateSettings::default());
    cache.kill();
    let began = Instant::now();
    let answer = recommend(&server, "user_id=1&limit=1&data_key=a");
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(
        answer.body.contains(r#""code":"CANDIDATES_UNAVAILABLE""#),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("127.0.0.1"), "{}", answer.body);
    // Without a key nothing is asked of memcached.
    let answer = recommend(&server, "user_id=1&limit=1");
    assert_eq!(answer.status, 200);

    cache.start_again();
    cache.set("a", 0, b"[1]");
    let began = Instant::now();
    while recommend(&server, "user_id=1&limit=1&data_key=a").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(2));
        std::thread::yield_now();
    }
}

#[test]
fn where_the_service_says_so_it_answers_from_no_candidates() {
    let mut cache = Cache::start();
    cache.kill();
    let server = over(&cache, CandidateSettings::default().degraded());
    let answer = recommend(&server, "user_id=1&limit=1&data_key=a");
    assert_eq!(
        (answer.status, &*answer.body),
        (200, r#"{"recommended":[]}"#)
    );
    assert_eq!(answer.header("x-degraded"), Some("candidates"));
}

#[test]
fn a_wrong_value_is_said_and_hurts_no_other_request() {
    let cache = Cache::start();
    cache.set("good", 0, b"[1,3,7]");
    cache.set("bad", 0, b"{\"not\":\"a list\"}");
    let server = over(&cache, CandidateSettings::default());
    let answer = recommend(&server, "user_id=1&limit=9&data_key=good,bad");
    assert_eq!(answer.status, 503);
    assert!(
        answer
            .body
            .contains("the candidate list under `bad` is no JSON array"),
        "{}",
        answer.body
    );
    let answer = recommend(&server, "user_id=1&limit=9&data_key=good");
    assert_eq!((answer.status, &*answer.body), (200, THREE));
}

#[test]
fn lists_in_the_folder_give_the_same_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let lists = r#"{"odd":[7,1,9,3,1],"popular":[{"item":0,"score":0.9},{"item":3,"score":0.8}]}"#;
    std::fs::write(folder.path().join(InMemory::FILE), lists).expect("written");
    let mut config = Config::default();
    config.model = folder.path().into();
    let (model, asked) = smallest();
    let server = Running::composed(async move {
        let source = Configured::open(&config).await.expect("the file is there");
        Server::new().recommender(model, source)
    });
    let answer = recommend(
        &server,
        "user_id=1&limit=3&data_key=odd,popular,none&exclusion_items=0,9",
    );
    assert_eq!((answer.status, &*answer.body), (200, THREE));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    // The model is not asked to choose from nothing.
    let answer = recommend(&server, "user_id=1&limit=3&data_key=none");
    assert_eq!(
        (answer.status, &*answer.body),
        (200, r#"{"recommended":[]}"#)
    );
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
