//! A hundred new versions of a model while clients keep asking: no request fails, and each reply
//! holds what the version says that it names.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use seldon_runtime::{Artifact, Predictor, Server};
use tokio::task::JoinSet;

use crate::common::*;
use crate::moody::{number_in, reload};
use crate::versions::{
    Batched, BatchedBlocking, Blocking, Chooses, Inline, predictor, recommender, version_in,
};

const SWAPS: u32 = 100;

/// What the clients go by.
#[derive(Default)]
struct Truth {
    /// The number of each version that was ever saved.
    numbers: Mutex<BTreeMap<String, f64>>,
    over: AtomicBool,
    answered: AtomicUsize,
}

impl Truth {
    fn learn(&self, version: String, number: f64) {
        let mut numbers = self.numbers.lock().expect("nobody panics with it");
        numbers.insert(version, number);
    }

    /// Checks a reply: the number that it holds, and the version that it names.
    fn check(&self, number: f64, version: &str) {
        let numbers = self.numbers.lock().expect("nobody panics with it");
        assert_eq!(numbers.get(version), Some(&number), "{version}");
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// Waits until some more requests were answered.
    async fn answered_more(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        patient(async {
            while self.answered.load(Ordering::Relaxed) < before + 3 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// One row over REST, and several, which all are of the version that the reply names.
async fn rest_client(address: SocketAddr, truth: Arc<Truth>) {
    const ROWS: &str = "GET /predict?json=[[0],[0],[0],[0],[0],[0]] HTTP/1.1\r\nhost: test\r\n\r\n";
    let mut peer = Peer::to(address).await;
    while truth.goes_on() {
        let (number, version) = number_in(&peer.ask(post(&[ANSWER])).await);
        truth.check(number, &version);
        let answer = peer.ask(ROWS).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body: serde_json::Value = serde_json::from_str(&answer.body).expect("it is JSON");
        let version = answer.header("modelversion").expect("it names a version");
        for row in body["predictions"].as_array().expect("rows") {
            truth.check(row[0]["score"].as_f64().expect("a number"), version);
        }
    }
}

async fn grpc_client(address: SocketAddr, truth: Arc<Truth>) {
    let channel = Channel::to(address).await;
    while truth.goes_on() {
        let calls = (0..4).map(|_| channel.classify(&[], &[ANSWER]));
        for called in futures_util::future::join_all(calls).await {
            let called = called.expect("a reply");
            assert_eq!(called.status(), 0, "{called:?}");
            let version = called.headers["modelversion"].to_str().expect("it is text");
            truth.check(reply(&called).predictions[0].prediction, version);
        }
    }
}

async fn recommend_client(address: SocketAddr, truth: Arc<Truth>) {
    const ASK: &str = "GET /recommend?user_id=1&limit=5 HTTP/1.1\r\nhost: test\r\n\r\n";
    let mut peer = Peer::to(address).await;
    while truth.goes_on() {
        let answer = peer.ask(ASK).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body: serde_json::Value = serde_json::from_str(&answer.body).expect("it is JSON");
        let item = body["recommended"][0]["item"].as_f64().expect("a number");
        truth.check(
            item,
            answer.header("modelversion").expect("it names a version"),
        );
    }
}

/// Swaps the model of `server`, which `save` saves in `folder`, while `clients` ask for it.
async fn swap<C>(
    server: Server,
    folder: &std::path::Path,
    save: impl Fn(f64),
    clients: impl Fn(SocketAddr, &Arc<Truth>) -> Vec<C>,
) where
    C: Future<Output = ()> + Send + 'static,
{
    let truth = Arc::new(Truth::default());
    truth.learn(version_in(folder), 0.0);
    let bound = server.limits(long()).bind("127.0.0.1:0").await;
    let bound = bound.expect("it can be bound").administered("127.0.0.1:0");
    let bound = bound.await.expect("it can be bound");
    let admin = bound.admin_addr().expect("there is one");
    let server = Running::of(bound);
    let mut asking = JoinSet::new();
    for client in clients(server.address, &truth) {
        asking.spawn(client);
    }
    for number in 1..=SWAPS {
        let number = f64::from(number);
        save(number);
        truth.learn(version_in(folder), number);
        let answer = reload(admin).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body.contains("\"loaded\""), "{answer:?}");
        truth.answered_more().await;
    }
    truth.over.store(true, Ordering::Relaxed);
    while let Some(client) = asking.join_next().await {
        client.expect("no request failed");
    }
    server.end().await;
}

async fn swap_predictor<P: Predictor>(make: impl Fn(f64) -> P) {
    let folder = tempfile::tempdir().expect("a folder");
    let save = |number| make(number).save(folder.path()).expect("it can be saved");
    save(0.0);
    let server = Server::new().mount_service(predictor::<P>(folder.path()));
    swap(server, folder.path(), save, |address, truth| {
        let mut clients: Vec<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
        for _ in 0..2 {
            clients.push(Box::pin(rest_client(address, Arc::clone(truth))));
            clients.push(Box::pin(grpc_client(address, Arc::clone(truth))));
        }
        clients
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_versions_of_an_inline_predictor() {
    swap_predictor(|number| Inline { number }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_versions_of_a_blocking_predictor() {
    swap_predictor(|number| Blocking { number }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_versions_of_a_predictor_in_batches() {
    swap_predictor(|number| Batched { number }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_versions_of_a_blocking_predictor_in_batches() {
    swap_predictor(|number| BatchedBlocking { number }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_versions_of_a_recommender() {
    let folder = tempfile::tempdir().expect("a folder");
    let save = |number| {
        let model = Chooses { number };
        model.save(folder.path()).expect("it can be saved");
    };
    save(0.0);
    let server = Server::new().recommender_service(recommender::<Chooses>(folder.path()));
    swap(server, folder.path(), save, |address, truth| {
        let client = |_| recommend_client(address, Arc::clone(truth));
        (0..4).map(client).collect()
    })
    .await;
}
