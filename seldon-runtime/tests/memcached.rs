//! Candidate lists in a real memcached, started by each test on a port of its own.

mod support {
    pub(crate) mod memcached;
}

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use futures_util::FutureExt;
use futures_util::future::join_all;
use seldon_runtime::recommend::{
    CandidateSettings, CandidateSource, Memcached, Routing, SourceState,
};
use seldon_runtime::{Code, Result};
use support::memcached::{Memcached as Server, free_port};

const OPERATION: Duration = Duration::from_millis(250);
const CONNECT: Duration = Duration::from_millis(500);
/// What may come on top of a limit.
const SLACK: Duration = Duration::from_millis(20);
/// The same where many tasks share few cores with other tests.
const BUSY: Duration = Duration::from_millis(250);
/// How soon a server that is back is used again.
const RECOVERY: Duration = Duration::from_secs(2);

async fn source(servers: &[&Server], settings: CandidateSettings) -> Memcached {
    Memcached::connect_with(servers.iter().map(|server| server.address()), &settings)
        .await
        .expect("the settings are right")
}

/// A source that keeps nothing, so that every fetch reaches the server.
async fn uncached(server: &Server) -> Memcached {
    let settings = CandidateSettings::default().cache(Duration::ZERO);
    source(&[server], settings).await
}

/// The ids under each of `keys` that is held.
async fn ids(source: &Memcached, keys: &[&str]) -> Result<Vec<Vec<i64>>> {
    let fetched = source.fetch(keys).await?;
    Ok(fetched
        .lists
        .iter()
        .map(|list| list.ids().to_vec())
        .collect())
}

/// The sentence with which a fetch of `key` is refused.
async fn refusal(source: &Memcached, key: &str) -> String {
    let error = source.fetch(&[key]).await.expect_err(key);
    assert_eq!(error.code(), Code::CandidatesUnavailable);
    error.detail().to_owned()
}

/// Fetches `key` until that goes well, which must be soon.
async fn recovered(source: &Memcached, key: &str) -> Duration {
    let began = Instant::now();
    while let Err(error) = source.fetch(&[key]).await {
        assert_eq!(error.code(), Code::CandidatesUnavailable);
        assert!(began.elapsed() < RECOVERY, "{error}");
        tokio::task::yield_now().await;
    }
    began.elapsed()
}

fn json(ids: &[i64]) -> Vec<u8> {
    serde_json::to_vec(ids).expect("numbers are JSON")
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// 100,000 ids in an order that is not theirs.
fn catalogue() -> Vec<i64> {
    (0..100_000)
        .map(|n| 1_000_000 + (n * 7_919) % 1_000_003)
        .collect()
}

fn sorted(mut ids: Vec<i64>) -> Vec<i64> {
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn lists_are_read_as_each_client_writes_them() {
    let server = Server::start();
    let text = json(&[260, 16, 31_742]);
    // Spymemcached: text has no flag, gzip has 2. Pylibmc: text has 16, deflated text 8 as well.
    server.set("spy", 0, &text);
    server.set("spy-gzip", 2, &gzip(&text));
    server.set("pylibmc", 16, &text);
    server.set("pylibmc-zlib", 24, &zlib(&text));
    server.set("pylibmc-bytes", 8, &zlib(&text));
    server.set(
        "popular",
        0,
        br#"[{"item":16,"score":0.5},{"item":-3,"score":0.1}]"#,
    );
    let source = uncached(&server).await;
    for key in [
        "spy",
        "spy-gzip",
        "pylibmc",
        "pylibmc-zlib",
        "pylibmc-bytes",
    ] {
        let lists = ids(&source, &[key]).await.expect(key);
        assert_eq!(lists, [[16, 260, 31_742]], "{key}");
    }
    assert_eq!(ids(&source, &["popular"]).await.expect("held"), [[-3, 16]]);
}

#[tokio::test]
async fn several_keys_come_in_their_order_over_one_connection() {
    let server = Server::start();
    server.set("a", 0, b"[1]");
    server.set("b", 0, b"[2]");
    server.set("empty", 0, b"[]");
    let source = uncached(&server).await;
    let before = server.stat("total_connections");
    let lists = ids(&source, &["b", "none", "empty", "a", "b"]).await;
    assert_eq!(lists.expect("held"), [vec![2], vec![], vec![1], vec![2]]);
    // One of them asks for the figure.
    assert_eq!(server.stat("total_connections"), before + 1);
    let many: Vec<String> = (0..64).map(|n| format!("none-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(ids(&source, &many).await.expect("held").is_empty());
}

#[tokio::test]
async fn lists_of_100_000_ids_are_read_whole() {
    let server = Server::start();
    let catalogue = catalogue();
    let text = json(&catalogue);
    server.set("plain", 0, &text);
    server.set("gzip", 2, &gzip(&text));
    let expected = sorted(catalogue);
    let source = uncached(&server).await;
    for key in ["plain", "gzip"] {
        let fetched = source.fetch(&[key]).await.expect(key);
        assert_eq!(fetched.lists[0].ids(), expected);
    }
}

#[tokio::test]
async fn what_is_no_list_is_an_error_that_names_its_key_and_no_other() {
    let server = Server::start_with(&["-I", "2m"]);
    server.set("good", 0, b"[1]");
    server.set("garbage", 0, b"\xff\x00\x17not a list");
    server.set("object", 0, br#"{"items":[1]}"#);
    server.set("floats", 0, b"[1.5]");
    server.set("cut", 2, &gzip(b"[1,2,3]")[..20]);
    server.set("pickled", 1, b"\x80\x03]q\x00(K\x01K\x02e.");
    server.set("java", 3, &gzip(b"\xac\xed\x00\x05"));
    server.set("empty", 0, b"");
    server.set("bomb", 2, &gzip(&vec![b' '; 4 << 20]));
    server.set("large", 0, &vec![b' '; 3 << 19]);
    let settings = CandidateSettings::default().max_list_bytes(1 << 20);
    let source = source(&[&server], settings).await;
    for (key, words) in [
        ("garbage", "is no JSON array of item ids"),
        ("object", "is no JSON array of item ids (line 1"),
        ("floats", "is no JSON array of item ids"),
        ("cut", "is compressed and damaged"),
        ("pickled", "is pickled or serialised by Java (flag 1)"),
        ("java", "is pickled or serialised by Java (flag 1)"),
        ("empty", "is no JSON array of item ids"),
        ("bomb", "is over the limit of 1048576 bytes"),
        ("large", "is over the limit of 1048576 bytes"),
    ] {
        let sentence = refusal(&source, key).await;
        assert!(
            sentence.starts_with(&format!("the candidate list under `{key}` {words}")),
            "{sentence}"
        );
        refusal(&source, key).await;
        assert_eq!(ids(&source, &["good"]).await.expect("another key"), [[1]]);
    }
    let error = source
        .fetch(&["good", "garbage"])
        .await
        .expect_err("one is wrong");
    assert!(error.detail().contains("`garbage`"));
}

#[tokio::test]
async fn a_key_that_would_be_a_command_never_reaches_the_server() {
    let server = Server::start();
    server.set("a", 0, b"[1]");
    let source = uncached(&server).await;
    let before = (server.stat("cmd_get"), server.stat("cmd_flush"));
    let long = "k".repeat(251);
    for key in [
        "a\r\nflush_all\r\n",
        "a b",
        "",
        "a\0",
        "ä",
        "a\u{7f}",
        &long,
    ] {
        let error = source.fetch(&["a", key]).await.expect_err(key);
        assert_eq!(error.code(), Code::InvalidParameter, "{key:?}");
        assert!(error.detail().chars().all(|c| !c.is_control()));
    }
    assert_eq!((server.stat("cmd_get"), server.stat("cmd_flush")), before);
    assert_eq!(ids(&source, &["a"]).await.expect("still held"), [[1]]);
    assert_eq!(server.stat("cmd_get"), before.0 + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_want_a_list_at_once_make_one_fetch() {
    let server = Server::start();
    server.set("a", 0, &json(&catalogue()));
    let settings = CandidateSettings::default().cache(Duration::from_secs(60));
    let source = Arc::new(source(&[&server], settings).await);
    let fetching = (0..200).map(|_| {
        let source = Arc::clone(&source);
        tokio::spawn(async move { source.fetch(&["a"]).await.map(|f| f.lists[0].ids().len()) })
    });
    for length in join_all(fetching).await {
        assert_eq!(length.expect("no panic").expect("held"), 100_000);
    }
    assert_eq!(server.stat("cmd_get"), 1);
}

#[tokio::test]
async fn a_new_list_is_seen_at_once_and_a_changed_one_when_its_time_is_over() {
    let server = Server::start();
    let time = Duration::from_millis(300);
    let source = source(&[&server], CandidateSettings::default().cache(time)).await;
    assert!(ids(&source, &["a"]).await.expect("reached").is_empty());
    server.set("a", 0, b"[1]");
    let read = Instant::now();
    assert_eq!(ids(&source, &["a"]).await.expect("held"), [[1]]);
    server.set("a", 0, b"[2]");
    while ids(&source, &["a"]).await.expect("held") != [[2]] {
        assert!(read.elapsed() < time + RECOVERY);
        tokio::task::yield_now().await;
    }
    assert!(
        read.elapsed() >= time,
        "it was kept for {:?}",
        read.elapsed()
    );
}

#[tokio::test]
async fn a_server_that_is_down_at_the_start_is_used_when_it_is_up() {
    let mut server = Server::start();
    server.kill();
    let source = uncached(&server).await;
    let error = source.fetch(&["a"]).await.expect_err("it is down");
    assert_eq!(error.code(), Code::CandidatesUnavailable);
    assert!(error.retry_after().is_some());
    assert!(
        !error.detail().contains("127.0.0.1"),
        "the address is for the log"
    );
    server.start_again();
    server.set("a", 0, b"[1]");
    recovered(&source, "a").await;
}

#[tokio::test]
async fn a_stopped_server_costs_one_limit_and_then_nothing() {
    let server = Server::start();
    server.set("a", 0, b"[1]");
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let source = uncached(&server).await;
        ids(&source, &["a"]).await.expect("it is up");
        server.stop();
        let began = Instant::now();
        refusal(&source, "a").await;
        best = best.min(began.elapsed());

        let began = Instant::now();
        for _ in 0..1000 {
            refusal(&source, "a").await;
        }
        let each = began.elapsed() / 1000;
        assert!(
            each < Duration::from_millis(1),
            "an open breaker costs {each:?}"
        );

        server.go_on();
        let recovery = recovered(&source, "a").await;
        println!("breaker open: {each:?} a request; used again after {recovery:?}");
        assert_eq!(ids(&source, &["a"]).await.expect("it is up"), [[1]]);
    }
    println!("stopped: refused after {best:?}");
    assert!(best <= OPERATION + SLACK, "it took {best:?}");
}

#[tokio::test]
async fn a_killed_server_is_used_again_when_it_is_back() {
    let mut server = Server::start();
    server.set("a", 0, b"[1]");
    let source = uncached(&server).await;
    ids(&source, &["a"]).await.expect("it is up");
    server.kill();
    let began = Instant::now();
    refusal(&source, "a").await;
    assert!(began.elapsed() <= CONNECT + SLACK);
    server.start_again();
    server.set("a", 0, b"[2]");
    let recovery = recovered(&source, "a").await;
    println!("killed and back: used again after {recovery:?}");
    assert_eq!(ids(&source, &["a"]).await.expect("it is up"), [[2]]);
}

#[tokio::test]
async fn a_restart_between_two_requests_goes_unnoticed() {
    let mut server = Server::start();
    let source = uncached(&server).await;
    ids(&source, &["a"]).await.expect("it is up");
    server.kill();
    server.start_again();
    server.set("a", 0, b"[1]");
    assert_eq!(ids(&source, &["a"]).await.expect("it is up again"), [[1]]);
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_no_answer_for_the_next() {
    let server = Server::start();
    server.set("a", 0, b"[1]");
    server.set("b", 0, b"[2]");
    let source = uncached(&server).await;
    assert_eq!(ids(&source, &["a"]).await.expect("held"), [[1]]);
    server.stop();
    // Driven until it waits for the answer, then given up.
    for _ in 0..10 {
        assert!(source.fetch(&["a"]).now_or_never().is_none());
    }
    server.go_on();
    for _ in 0..10 {
        assert_eq!(ids(&source, &["b"]).await.expect("held"), [[2]]);
    }
}

#[tokio::test]
async fn a_server_that_is_no_memcached_is_an_error_and_its_connections_are_dropped() {
    for answer in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "ERROR\r\n",
        "VA 3 f0 O7\r\n[1]\r\n",
        "VA 99999999999 f0 O0\r\n",
        "EN O1\r\n",
        "VA 3 f0 O0\r\n[1]garbage\r\n",
        "\r\n\r\n\r\n",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound").to_string();
        // The first connection's no-op is answered, so that the get is sent.
        let speaking = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = [0; 512];
            for answer in ["MN\r\n", answer] {
                let length = stream.read(&mut request).expect("a request");
                assert!(length > 0, "closed before {answer:?}");
                stream.write_all(answer.as_bytes()).expect("sent");
            }
            stream.read(&mut request).map_or(0, |length| length)
        });
        let source = Memcached::connect([address]).await.expect("an address");
        let sentence = refusal(&source, "a").await;
        assert!(
            sentence.contains("memcached does not answer"),
            "{answer:?}: {sentence}"
        );
        let more = speaking.join().expect("no panic");
        assert_eq!(more, 0, "after {answer:?} the connection was used again");
    }
}

#[tokio::test]
async fn where_the_service_says_so_it_answers_without_the_lists() {
    let server = Server::start();
    let mut down = Server::start();
    down.kill();
    let routing = Routing::Libmemcached;
    let settings = CandidateSettings::default().degraded().routing(routing);
    let source = source(&[&server, &down], settings).await;
    let key_on = |place: u32| {
        (0..)
            .map(|n| format!("k{n}"))
            .find(|key| one_at_a_time(key) % 2 == place)
            .expect("half of all keys")
    };
    let (up, away) = (key_on(0), key_on(1));
    server.set(&up, 0, b"[1]");
    assert!(!source.fetch(&[&up]).await.expect("it is up").degraded);
    let fetched = source.fetch(&[&away, &up]).await.expect("goes on without");
    assert!(fetched.degraded);
    let lists: Vec<_> = fetched.lists.iter().map(|list| list.ids()).collect();
    assert_eq!(lists, [[1]]);
}

#[tokio::test]
async fn a_wrong_value_is_an_error_even_where_the_service_answers_without() {
    let server = Server::start();
    server.set("a", 0, b"no list");
    let source = source(&[&server], CandidateSettings::default().degraded()).await;
    assert!(refusal(&source, "a").await.contains("`a` is no JSON array"));
}

/// The published definition, apart from the one under test.
fn one_at_a_time(key: &str) -> u32 {
    let mut hash = 0_u32;
    for byte in key.bytes() {
        hash = hash.wrapping_add(byte.into());
        hash = hash.wrapping_add(hash << 10);
        hash ^= hash >> 6;
    }
    hash = hash.wrapping_add(hash << 3);
    hash ^= hash >> 11;
    hash.wrapping_add(hash << 15)
}

#[tokio::test]
async fn each_key_is_looked_for_where_its_writer_put_it() {
    let servers = [Server::start(), Server::start(), Server::start()];
    let hash_code = |key: &str| {
        key.bytes().fold(0_u32, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(byte.into())
        })
    };
    for routing in [Routing::Spymemcached, Routing::Libmemcached] {
        let hash = |key: &str| match routing {
            Routing::Spymemcached => hash_code(key),
            _ => one_at_a_time(key),
        };
        let keys: Vec<String> = (0..30).map(|n| format!("{routing:?}-{n:08x}")).collect();
        for (n, key) in keys.iter().enumerate() {
            servers[hash(key) as usize % 3].set(key, 0, &json(&[n as i64]));
        }
        let settings = CandidateSettings::default().routing(routing);
        let source = source(&servers.iter().collect::<Vec<_>>(), settings).await;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let expected: Vec<Vec<i64>> = (0..30).map(|n| vec![n]).collect();
        assert_eq!(ids(&source, &keys).await.expect("all are up"), expected);
    }
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_no_error_at_the_start() {
    let settings = CandidateSettings::default();
    let source = Memcached::connect_with(["memcached.invalid:11211"], &settings).await;
    refusal(&source.expect("an address"), "a").await;
    let port = free_port();
    let source = Memcached::connect([format!("127.0.0.1:{port}")]).await;
    refusal(&source.expect("an address"), "a").await;
    assert!(Memcached::connect(["nonsense"]).await.is_err());
}

/// The server is stopped, let go on, killed and started again while many ask: they get lists or the
/// declared error, none waits beyond the limits, and each time the lists are back in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_under_load_is_declared_short_and_over_soon() {
    let mut server = Server::start();
    server.set("a", 0, b"[1]");
    let source = Arc::new(uncached(&server).await);
    let done = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..32)
        .map(|_| {
            let (source, done) = (Arc::clone(&source), Arc::clone(&done));
            tokio::spawn(async move {
                let (mut good, mut longest) = (0_u64, Duration::ZERO);
                while !done.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    match source.fetch(&["a"]).await {
                        // Empty for a moment after a restart.
                        Ok(fetched) => {
                            good += 1;
                            assert!(fetched.lists.iter().all(|list| list.ids() == [1]));
                        }
                        Err(error) => assert_eq!(error.code(), Code::CandidatesUnavailable),
                    }
                    longest = longest.max(began.elapsed());
                    tokio::task::yield_now().await;
                }
                (good, longest)
            })
        })
        .collect();
    for _ in 0..3 {
        server.stop();
        while source.fetch(&["a"]).await.is_ok() {}
        server.go_on();
        recovered(&source, "a").await;

        server.kill();
        while source.fetch(&["a"]).await.is_ok() {}
        server.start_again();
        server.set("a", 0, b"[1]");
        recovered(&source, "a").await;
    }
    done.store(true, Ordering::Relaxed);
    for task in load {
        let (good, longest) = task.await.expect("no panic");
        assert!(good > 0);
        assert!(
            longest < CONNECT + OPERATION + BUSY,
            "one waited for {longest:?}"
        );
    }
}

#[tokio::test]
async fn a_source_says_how_it_fares() {
    let mut server = Server::start();
    server.set("a", 0, &json(&[1]));
    let settings = CandidateSettings::default().cache(Duration::from_secs(60));
    let source = source(&[&server], settings).await;
    // One list is read and then kept; one that is not held is asked for each time.
    for _ in 0..2 {
        source.fetch(&["a", "none"]).await.expect("it is there");
    }
    let state = source.state();
    assert_eq!((state.cache_hits, state.cache_misses), (1, 3));
    assert_eq!(state.servers.len(), 1);
    let of = |state: SourceState| (state.servers[0].breaker_open, state.servers[0].openings);
    assert_eq!(state.servers[0].address, server.address());
    assert_eq!(of(state), (false, 0));
    server.kill();
    source.fetch(&["b"]).await.expect_err("it is away");
    assert_eq!(of(source.state()), (true, 1));
    server.start_again();
    recovered(&source, "b").await;
    assert_eq!(of(source.state()), (false, 1));
}
