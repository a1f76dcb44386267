//! New versions of a model that are taken in, and those that are not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use seldon_runtime::{Artifact, Limits, Server};

use crate::common::*;
use crate::metrics::{administered, figure};
use crate::moody::*;
use crate::versions::{Inline, predictor};

fn json(answer: &Answer) -> serde_json::Value {
    serde_json::from_str(&answer.body).expect("it is JSON")
}

#[tokio::test]
async fn a_new_version_is_taken_in_when_it_is_asked_for() {
    let kept = Kept::start("asked", long()).await;
    let before = kept.version();
    assert_eq!(kept.now().await, (1.0, before.clone()));
    kept.save(2.0, Mood::Good);
    // Nobody looks by itself.
    assert_eq!(kept.now().await.1, before);

    let answer = kept.reload().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let report = &json(&answer)["models"][0];
    assert_eq!(report["name"], "moody");
    assert_eq!(report["result"], "loaded");
    assert_eq!(report["version"], kept.version());
    assert_eq!(report["before"], before);
    assert!(
        report["seconds"]
            .as_f64()
            .is_some_and(|seconds| seconds > 0.0)
    );
    assert_eq!(kept.now().await, (2.0, kept.version()));
    assert_eq!(kept.count("loaded").await, 1.0);
}

#[tokio::test]
async fn the_figures_and_the_index_tell_of_the_version_that_answers() {
    let kept = Kept::start("told", long()).await;
    let since = async || {
        let since = figure(kept.admin, "seldon_model_since_seconds{service=\"moody\"}").await;
        since.expect("it is there")
    };
    let first = since().await;
    kept.save(2.0, Mood::Good);
    assert_eq!(kept.reload().await.status, 200);
    assert!(since().await > first);
    let version = kept.version();
    let info = format!(
        "seldon_model_info{{service=\"moody\",variation=\"default\",digest=\"{}\"}}",
        seldon_runtime::Folder::open(kept.folder())
            .expect("opened")
            .digest()
    );
    assert_eq!(figure(kept.admin, &info).await, Some(1.0));
    let index = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";
    let index = json(&kept.server.connect().await.ask(index).await);
    assert_eq!(index["services"][0]["version"], version);
    assert_eq!(index["admin"]["reload"], "/reload");
}

#[tokio::test]
async fn one_that_answers_already_is_not_loaded() {
    let kept = Kept::start("same", long()).await;
    let before = kept.version();
    // The same model, saved anew.
    kept.save(1.0, Mood::Good);
    let answer = kept.reload().await;
    assert_eq!(answer.status, 200);
    assert_eq!(json(&answer)["models"][0]["result"], "unchanged");
    assert_eq!(kept.now().await.1, before);
    assert_eq!(kept.count("unchanged").await, 1.0);
    assert!(kept.dropped(1.0).is_empty());
}

#[tokio::test]
async fn only_a_post_reloads_and_only_what_is_there() {
    let kept = Kept::start("post", long()).await;
    let ask = async |line: &str| {
        let request = format!("{line} HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n");
        Peer::to(kept.admin).await.ask(request).await
    };
    let answer = ask("GET /reload").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert_eq!(ask("POST /reload/moody").await.status, 200);
    let answer = ask("POST /reload/other").await;
    assert_eq!((answer.status, &*answer.code()), (404, "MODEL_NOT_FOUND"));
    assert_eq!(ask("POST /reload/%ff").await.status, 400);
    // What serves is not told by everybody.
    let request = "POST /reload HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(kept.server.connect().await.ask(request).await.status, 404);
    // A model from no folder has nowhere to come from.
    let (_server, admin) = administered(long()).await;
    assert_eq!(reload(admin).await.status, 404);
}

/// What may be wrong with a folder, how it comes to that, and what is said of it.
type Damage = (&'static str, fn(&Path), &'static str);

const DAMAGES: [Damage; 7] = [
    (
        "truncated",
        |folder| fs::write(folder.join("owner.msgpack"), [0xa1]).expect("written"),
        "owner.msgpack was truncated",
    ),
    (
        "altered",
        |folder| {
            let file = folder.join("number.msgpack");
            let mut bytes = fs::read(&file).expect("it is there");
            *bytes.last_mut().expect("it is not empty") ^= 1;
            fs::write(file, bytes).expect("written");
        },
        "number.msgpack was altered or damaged",
    ),
    (
        "without a file",
        |folder| fs::remove_file(folder.join("number.msgpack")).expect("removed"),
        "number.msgpack is missing",
    ),
    (
        "without a manifest",
        |folder| fs::remove_file(folder.join("manifest.json")).expect("removed"),
        "it has no manifest.json",
    ),
    (
        "with garbage for one",
        |folder| fs::write(folder.join("manifest.json"), "{").expect("written"),
        "manifest.json is no manifest",
    ),
    (
        "of a later format",
        |folder| {
            fs::write(folder.join("manifest.json"), r#"{"format":2}"#).expect("written");
        },
        "manifest.json is of format 2",
    ),
    (
        "of another service",
        |folder| Inline { number: 9.0 }.save(folder).expect("saved"),
        "holds a model of the service `inline`",
    ),
];

#[tokio::test]
async fn a_damaged_version_is_refused_and_the_one_before_goes_on() {
    let kept = Kept::start("damaged", long()).await;
    let before = kept.version();
    for (n, (what, damage, said)) in DAMAGES.into_iter().enumerate() {
        fs::remove_dir_all(kept.folder()).expect("removed");
        kept.save(2.0 + n as f64, Mood::Good);
        damage(&kept.folder());
        let answer = kept.reload().await;
        assert_eq!(answer.status, 409, "{what}: {answer:?}");
        assert_eq!(answer.code(), "RELOAD_REFUSED");
        let problem = answer.problem();
        let detail = problem["detail"].as_str().expect("a sentence");
        let begins = format!("`moody` is refused, and the version {before} goes on: ");
        assert!(
            detail.starts_with(&begins) && detail.contains(said),
            "{detail}"
        );
        // Where the folder is on this machine is nobody's business.
        let above = kept.folder();
        let above = above.parent().expect("it is in one").to_string_lossy();
        assert!(!answer.body.contains(&*above), "{detail}");
        assert_eq!(kept.now().await, (1.0, before.clone()));
        let ready = "GET /health/ready HTTP/1.1\r\nhost: test\r\n\r\n";
        assert_eq!(Peer::to(kept.admin).await.ask(ready).await.status, 200);
        assert_eq!(kept.count("refused").await, 1.0 + n as f64);
    }
    assert_eq!(kept.count("loaded").await, 0.0);
    kept.save(20.0, Mood::Good);
    assert_eq!(kept.reload().await.status, 200);
    assert_eq!(kept.now().await, (20.0, kept.version()));
}

#[tokio::test]
async fn a_version_that_panics_or_fails_while_it_warms_up_is_refused() {
    expect_panics();
    let kept = Kept::start("moods", long()).await;
    for (mood, said) in [
        (Mood::Panics, "it panicked while it was loaded"),
        (Mood::Fails, "it is not in the mood"),
    ] {
        kept.save(2.0, mood);
        let answer = kept.reload().await;
        assert_eq!(answer.status, 409);
        assert!(answer.body.contains(said), "{answer:?}");
        assert_eq!(kept.now().await.0, 1.0);
    }
    kept.save(3.0, Mood::Good);
    assert_eq!(kept.reload().await.status, 200);
    assert_eq!(kept.now().await.0, 3.0);
}

#[tokio::test]
async fn a_version_that_loads_too_slowly_is_refused() {
    let mut limits = long();
    limits.reload_time = Duration::from_millis(50);
    let kept = Kept::start("slow", limits).await;
    let hold = Hold::new();
    kept.save(2.0, Mood::Holds(hold.id()));
    let answer = kept.reload().await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("`reload_time`, 50ms"), "{answer:?}");
    assert_eq!(kept.now().await.0, 1.0);
    // It still loads, and nobody loads beside it, be it good.
    kept.save(3.0, Mood::Good);
    let answer = kept.reload().await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("has not ended yet"), "{answer:?}");
    drop(hold);
    patient(async { while kept.reload().await.status != 200 {} }).await;
    assert_eq!(kept.now().await.0, 3.0);
    // What came too late was never served, and is gone.
    patient(async { while kept.dropped(2.0).is_empty() && kept.count("loaded").await > 1.0 {} })
        .await;
    assert_eq!(kept.count("loaded").await, 1.0);
}

#[tokio::test]
async fn who_asks_is_told_when_a_load_takes_longer_than_an_answer() {
    let mut limits = long();
    limits.deadline = Duration::from_millis(500);
    let kept = Kept::start("late", limits).await;
    let hold = Hold::new();
    kept.save(2.0, Mood::Holds(hold.id()));
    let answer = kept.reload().await;
    assert_eq!(answer.status, 202);
    assert_eq!(json(&answer)["models"][0]["result"], "loading");
    drop(hold);
    kept.becomes(2.0).await;
}

#[tokio::test]
async fn reloads_at_a_time_are_one_after_the_other() {
    let kept = Kept::start("crowd", long()).await;
    let hold = Hold::new();
    kept.save(2.0, Mood::Holds(hold.id()));
    let admin = kept.admin;
    let ask = || tokio::spawn(reload(admin));
    let first = ask();
    hold.begun().await;
    let others: Vec<_> = (0..8).map(|_| ask()).collect();
    drop(hold);
    assert_eq!(
        json(&patient(first).await.expect("no panic"))["models"][0]["result"],
        "loaded"
    );
    for other in others {
        let answer = patient(other).await.expect("no panic");
        assert_eq!(answer.status, 200);
        assert_eq!(json(&answer)["models"][0]["result"], "unchanged");
    }
    assert_eq!(kept.count("loaded").await, 1.0);
}

#[tokio::test]
async fn a_request_that_has_begun_is_finished_by_its_version() {
    let kept = Kept::start("begun", long()).await;
    let old = kept.version();
    let hold = Hold::new();
    let mut peer = kept.server.connect().await;
    peer.send(get(&hold.values())).await;
    hold.begun().await;
    kept.save(2.0, Mood::Good);
    assert_eq!(kept.reload().await.status, 200);
    kept.has_old_versions(1.0).await;
    assert!(kept.dropped(1.0).is_empty());

    drop(hold);
    assert_eq!(number_in(&peer.answer().await), (1.0, old));
    assert_eq!(kept.now().await, (2.0, kept.version()));
    kept.has_old_versions(0.0).await;
    // Dropped once, and by none of those that serve.
    assert_eq!(kept.dropped(1.0), ["seldon-reload"]);
}

#[tokio::test]
async fn so_is_a_call() {
    let kept = Kept::start("called", long()).await;
    let old = kept.version();
    let hold = Hold::new();
    let channel = Channel::to(kept.server.address).await;
    let values = hold.values();
    let call = tokio::spawn(async move { channel.classify(&[], &values).await });
    hold.begun().await;
    kept.save(2.0, Mood::Good);
    assert_eq!(kept.reload().await.status, 200);
    drop(hold);
    let called = patient(call).await.expect("no panic").expect("a reply");
    assert_eq!(called.headers["modelversion"], *old);
    assert_eq!(reply(&called).predictions[0].prediction, 1.0);
    kept.has_old_versions(0.0).await;
    assert_eq!(kept.dropped(1.0), ["seldon-reload"]);
}

#[tokio::test]
async fn versions_that_never_end_keep_no_more_than_a_few_others_from_going() {
    let mut limits = long();
    limits.blocking_in_flight = 64;
    let kept = Kept::start("stuck", limits).await;
    let hold = Hold::new();
    let mut stuck = Vec::new();
    let mut taken = 0;
    // Each version has a request that does not end, until one is not taken in for that.
    let answer = loop {
        let mut peer = kept.server.connect().await;
        peer.send(get(&hold.values())).await;
        server_has(&kept, stuck.len() + 1).await;
        stuck.push(peer);
        kept.save(2.0 + f64::from(taken), Mood::Good);
        let answer = kept.reload().await;
        if answer.status != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken < 20, "there is no bound");
    };
    assert!(
        answer.body.contains("earlier versions still answer"),
        "{answer:?}"
    );
    drop(hold);
    patient(async { while kept.reload().await.status != 200 {} }).await;
}

/// Waits until so many requests are in flight.
async fn server_has(kept: &Kept, requests: usize) {
    patient(async {
        while figure(kept.admin, "seldon_requests_in_flight").await < Some(requests as f64) {}
    })
    .await;
}

fn watched(limits: Limits) -> (Limits, impl FnOnce(Server) -> Server) {
    (limits, |server: Server| {
        server.watch(Duration::from_millis(10))
    })
}

#[tokio::test]
async fn a_folder_that_is_watched_is_loaded_when_it_is_saved_anew() {
    let (limits, watch) = watched(long());
    let kept = Kept::start_with("watched", limits, watch).await;
    for number in [2.0, 3.0] {
        kept.save(number, Mood::Good);
        kept.becomes(number).await;
        assert_eq!(kept.now().await, (number, kept.version()));
    }
    assert_eq!(kept.count("loaded").await, 2.0);
    // What it began with was not loaded twice.
    assert_eq!(kept.count("unchanged").await, 0.0);
}

#[tokio::test]
async fn a_link_that_is_turned_to_another_folder_is_followed() {
    let kept = Kept::start("unused", long()).await;
    let (one, two, link) = (
        kept.beside("one"),
        kept.beside("two"),
        kept.beside("current"),
    );
    save("link", 1.0, Mood::Good, &one);
    save("link", 2.0, Mood::Good, &two);
    std::os::unix::fs::symlink(&one, &link).expect("a link");
    let server = Server::new().limits(long());
    let server = server.watch(Duration::from_millis(10));
    let server = Running::start(server.mount_service(predictor::<Moody>(&link))).await;
    let mut peer = server.connect().await;
    assert_eq!(number_in(&peer.ask(get(&[ANSWER])).await).0, 1.0);
    // As Kubernetes does it: another link is renamed onto it.
    let next = kept.beside("next");
    std::os::unix::fs::symlink(&two, &next).expect("a link");
    fs::rename(&next, &link).expect("renamed");
    patient(async { while number_in(&peer.ask(get(&[ANSWER])).await).0 != 2.0 {} }).await;
}

#[tokio::test]
async fn a_folder_is_not_served_while_it_is_being_copied() {
    let (limits, watch) = watched(long());
    let kept = Kept::start_with("copied", limits, watch).await;
    let before = kept.version();
    let from = kept.beside("from");
    save("copied", 2.0, Mood::Good, &from);
    save("copied", 3.0, Mood::Good, &kept.beside("again"));
    let copy = |name: &str, from: &Path| {
        fs::copy(from.join(name), kept.folder().join(name)).expect("copied");
    };
    // The manifest first: what it lists is not there yet.
    let refused = kept.count("refused").await;
    copy("manifest.json", &from);
    kept.refused_after(refused).await;
    assert_eq!(kept.now().await, (1.0, before.clone()));
    // The rest comes, and nothing that tells one state from another has changed since.
    copy("number.msgpack", &from);
    kept.becomes(2.0).await;
    assert_eq!(kept.now().await.1, kept.version());

    // All anew, the manifest last, into a folder that was emptied.
    let again = kept.beside("again");
    let refused = kept.count("refused").await;
    for file in fs::read_dir(kept.folder()).expect("it is there") {
        fs::remove_file(file.expect("an entry").path()).expect("removed");
    }
    kept.refused_after(refused).await;
    for name in ["number.msgpack", "mood.msgpack", "owner.msgpack"] {
        let refused = kept.count("refused").await;
        copy(name, &again);
        kept.refused_after(refused).await;
        assert_eq!(kept.now().await.0, 2.0);
    }
    copy("manifest.json", &again);
    kept.becomes(3.0).await;
    assert_eq!(kept.count("loaded").await, 2.0);
}

#[tokio::test]
async fn a_router_elsewhere_takes_new_versions_in() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join("model");
    save("nested", 1.0, Mood::Good, &folder);
    let inner = Server::new().watch(Duration::from_millis(10));
    let inner = inner
        .limits(long())
        .mount_service(predictor::<Moody>(&folder));
    let router = inner.router().expect("a router");
    // There is no listener for administration in either.
    let server = Running::start(Server::new().limits(long()).routes(router)).await;
    let mut peer = server.connect().await;
    assert_eq!(number_in(&peer.ask(get(&[ANSWER])).await).0, 1.0);
    save("nested", 2.0, Mood::Good, &folder);
    patient(async { while number_in(&peer.ask(get(&[ANSWER])).await).0 != 2.0 {} }).await;
}

#[tokio::test]
async fn a_period_that_is_none_is_refused() {
    for period in [Duration::ZERO, Duration::from_secs(1 << 20)] {
        let refused = Server::new().mount(Quick {}).watch(period).router();
        let error = refused.expect_err("nobody looks so often");
        assert!(
            error
                .detail()
                .starts_with("folders can be watched every 10 ms to a day")
        );
    }
}
