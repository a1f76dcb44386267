//! A recommender over REST, with its candidates in a real memcached.

mod support {
    #[allow(dead_code, reason = "other tests use the rest")]
    pub(crate) mod memcached;
}

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use seldon_runtime::__private as seldon;
use seldon_runtime::recommend::{CandidateSettings, InMemory};
use seldon_runtime::{
    CandidateSource, Candidates, Config, Configured, Memcached, Query, Recommend, Recommendation,
    Recommender, Result, Server,
};
use support::memcached::Memcached as Cache;
use tower::ServiceExt;

/// Finds smaller ids better, and returns excluded and unknown ones as well.
struct Smallest {
    asked: &'static AtomicUsize,
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

// What `#[seldon::recommender(candidates = seldon::Configured, scores = best)]` writes.
impl Recommender for Smallest {
    type Source = Configured;
    type Run = seldon::Inline;
    const SCORES: seldon::Scores = seldon::Scores::Best;
    const PATH: &'static str = "/recommend";
}

impl seldon::Rest<Configured> for Smallest {
    fn routes(service: seldon::Service<Self, Configured>) -> seldon::Router {
        seldon::rest::recommend_routes(service)
    }
}

impl seldon::Artifact for Smallest {
    const NAME: &'static str = "smallest";

    fn read(_: &seldon::Folder) -> Result<Self> {
        Ok(smallest().0)
    }

    fn write(&self, _: &mut seldon::Draft) -> Result<()> {
        Ok(())
    }
}

impl seldon::Program for Smallest {
    async fn mount(self, server: Server, config: &Config) -> Result<Server> {
        seldon::mount_recommender(self, server, config).await
    }
}

/// The model, and how often it has been asked.
fn smallest() -> (Smallest, &'static AtomicUsize) {
    let asked = Box::leak(Box::default());
    (Smallest { asked }, asked)
}

async fn memcached(cache: &Cache, settings: CandidateSettings) -> Router {
    let source = Memcached::connect_with([cache.address()], &settings).await;
    let source = Configured::Memcached(source.expect("an address"));
    Server::new()
        .recommender(smallest().0, source)
        .router()
        .expect("it stands alone")
}

struct Answer {
    status: StatusCode,
    degraded: Option<String>,
    retry_after: Option<String>,
    body: String,
}

async fn get(router: &Router, query: &str) -> Answer {
    let request = Request::get(format!("/recommend?{query}")).body(Body::empty());
    let response = router.clone().oneshot(request.expect("a request")).await;
    let response = response.expect("routers do not fail");
    let text = |name: &str| {
        let value = response.headers().get(name)?;
        Some(value.to_str().expect("text").to_owned())
    };
    let (degraded, retry_after) = (text("x-degraded"), text(header::RETRY_AFTER.as_str()));
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    Answer {
        status,
        degraded,
        retry_after,
        body: String::from_utf8(body.to_vec()).expect("text"),
    }
}

const THREE: &str =
    r#"{"recommended":[{"item":1,"score":1.0},{"item":3,"score":0.5},{"item":7,"score":0.25}]}"#;

#[tokio::test]
async fn the_items_to_score_are_the_union_of_the_lists_less_the_excluded() {
    let cache = Cache::start();
    cache.set("odd", 16, b"[7,1,9,3,1]");
    cache.set(
        "popular",
        0,
        br#"[{"item":0,"score":0.9},{"item":3,"score":0.8}]"#,
    );
    let router = memcached(&cache, CandidateSettings::default()).await;
    let answer = get(
        &router,
        "user_id=1&limit=3&data_key=odd,popular,none&exclusion_items=0,9",
    )
    .await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, THREE));
    assert_eq!(answer.degraded, None);
    let answer = get(&router, "user_id=1&limit=3&data_key=none").await;
    assert_eq!(
        (answer.status, &*answer.body),
        (StatusCode::OK, r#"{"recommended":[]}"#)
    );
}

#[tokio::test]
async fn a_key_that_would_be_a_command_is_refused_before_memcached_hears_of_it() {
    let cache = Cache::start();
    cache.set("a", 0, b"[1]");
    let router = memcached(&cache, CandidateSettings::default()).await;
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
        let answer = get(&router, &format!("user_id=1&limit=1&data_key={key}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{key}");
        assert!(
            answer.body.contains("`data_key` must hold"),
            "{}",
            answer.body
        );
    }
    assert_eq!((cache.stat("cmd_get"), cache.stat("cmd_flush")), before);
}

#[tokio::test]
async fn memcached_that_is_away_is_a_503_that_says_when_to_come_again() {
    let mut cache = Cache::start();
    let router = memcached(&cache, CandidateSettings::default()).await;
    cache.kill();
    let began = Instant::now();
    let answer = get(&router, "user_id=1&limit=1&data_key=a").await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.retry_after.as_deref(), Some("1"));
    assert!(
        answer.body.contains(r#""code":"CANDIDATES_UNAVAILABLE""#),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("127.0.0.1"), "{}", answer.body);
    // Without a key nothing is asked of memcached.
    let answer = get(&router, "user_id=1&limit=1").await;
    assert_eq!(answer.status, StatusCode::OK);

    cache.start_again();
    cache.set("a", 0, b"[1]");
    let began = Instant::now();
    while get(&router, "user_id=1&limit=1&data_key=a").await.status != StatusCode::OK {
        assert!(began.elapsed() < Duration::from_secs(2));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn where_the_service_says_so_it_answers_from_no_candidates() {
    let mut cache = Cache::start();
    cache.kill();
    let router = memcached(&cache, CandidateSettings::default().degraded()).await;
    let answer = get(&router, "user_id=1&limit=1&data_key=a").await;
    assert_eq!(
        (answer.status, &*answer.body),
        (StatusCode::OK, r#"{"recommended":[]}"#)
    );
    assert_eq!(answer.degraded.as_deref(), Some("candidates"));
}

#[tokio::test]
async fn a_wrong_value_is_said_and_hurts_no_other_request() {
    let cache = Cache::start();
    cache.set("good", 0, b"[1,3,7]");
    cache.set("bad", 0, b"{\"not\":\"a list\"}");
    let router = memcached(&cache, CandidateSettings::default()).await;
    let answer = get(&router, "user_id=1&limit=9&data_key=good,bad").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer
            .body
            .contains("the candidate list under `bad` is no JSON array"),
        "{}",
        answer.body
    );
    let answer = get(&router, "user_id=1&limit=9&data_key=good").await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, THREE));
}

#[tokio::test]
async fn lists_in_the_folder_give_the_same_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let lists = r#"{"odd":[7,1,9,3,1],"popular":[{"item":0,"score":0.9},{"item":3,"score":0.8}]}"#;
    std::fs::write(folder.path().join(InMemory::FILE), lists).expect("written");
    let mut config = Config::default();
    config.model = folder.path().to_owned();
    let source = Configured::open(&config).await.expect("the file is there");
    let (model, asked) = smallest();
    let router = Server::new()
        .recommender(model, source)
        .router()
        .expect("it stands alone");
    let answer = get(
        &router,
        "user_id=1&limit=3&data_key=odd,popular,none&exclusion_items=0,9",
    )
    .await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, THREE));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    // The model is not asked to choose from nothing.
    let answer = get(&router, "user_id=1&limit=3&data_key=none").await;
    assert_eq!(
        (answer.status, &*answer.body),
        (StatusCode::OK, r#"{"recommended":[]}"#)
    );
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
