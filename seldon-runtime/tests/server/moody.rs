//! A model in a folder that misbehaves while it is loaded, and of which each drop is seen.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use seldon_runtime::{
    Artifact, DefaultCustomPredictRequest, Error, Limits, Predict, Prediction, Result, Server,
};

use crate::common::*;
use crate::metrics::figure;
use crate::versions::{predictor, version_in};

/// What warming up does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Mood {
    #[default]
    Good,
    Panics,
    Fails,
    /// As long as the test that saved it says: see [`Hold`].
    Holds(u16),
}

/// Answers with its number, on threads of its own.
#[seldon_macros::predictor(crate = ::seldon_runtime, run = blocking)]
#[derive(Default)]
pub(crate) struct Moody {
    pub(crate) number: f64,
    pub(crate) mood: Mood,
    /// Of the test whose it is.
    pub(crate) owner: String,
}

impl Predict for Moody {
    fn predict(&self, data: &DefaultCustomPredictRequest) -> Result<Prediction> {
        act(&data.values)?;
        Ok(Prediction::scores([self.number]))
    }

    fn warm_up(&self) -> Result<()> {
        match self.mood {
            Mood::Good => Ok(()),
            Mood::Panics => act(&[PANIC]).map(drop),
            Mood::Fails => Err(Error::setup("it is not in the mood")),
            Mood::Holds(id) => act(&Hold::values_of(id)).map(drop),
        }
    }
}

impl Drop for Moody {
    fn drop(&mut self) {
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or_default().to_owned();
        let dropped = (self.number, thread);
        drops().entry(self.owner.clone()).or_default().push(dropped);
    }
}

/// The numbers of what was dropped, by owner, and the threads on which.
fn drops() -> MutexGuard<'static, BTreeMap<String, Vec<(f64, String)>>> {
    static DROPS: Mutex<BTreeMap<String, Vec<(f64, String)>>> = Mutex::new(BTreeMap::new());
    DROPS.lock().expect("nobody panics with it")
}

/// A server of a model in a folder, and its listener for administration.
pub(crate) struct Kept {
    pub(crate) server: Running,
    pub(crate) admin: SocketAddr,
    owner: String,
    root: tempfile::TempDir,
}

impl Kept {
    /// Begins with the number 1. The name tells its drops from those of other tests.
    pub(crate) async fn start(owner: &str, limits: Limits) -> Self {
        Self::start_with(owner, limits, |server| server).await
    }

    /// The same, with other settings of the server.
    pub(crate) async fn start_with(
        owner: &str,
        limits: Limits,
        with: impl FnOnce(Server) -> Server,
    ) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("model");
        save(owner, 1.0, Mood::Good, &folder);
        let server = Server::new().limits(limits);
        let server = server.mount_service(predictor::<Moody>(&folder));
        let bound = with(server).bind("127.0.0.1:0").await;
        let bound = bound.expect("it can be bound").administered("127.0.0.1:0");
        let bound = bound.await.expect("it can be bound");
        Self {
            admin: bound.admin_addr().expect("there is one"),
            server: Running::of(bound),
            owner: owner.to_owned(),
            root,
        }
    }

    /// The model's folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.root.path().join("model")
    }

    /// Another folder beside it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Saves another version in the model's place.
    pub(crate) fn save(&self, number: f64, mood: Mood) {
        save(&self.owner, number, mood, &self.folder());
    }

    /// The version of what is in the folder.
    pub(crate) fn version(&self) -> String {
        version_in(self.folder())
    }

    /// What a reload answers.
    pub(crate) async fn reload(&self) -> Answer {
        reload(self.admin).await
    }

    /// The number and the version that answer now.
    pub(crate) async fn now(&self) -> (f64, String) {
        let answer = self.server.connect().await.ask(get(&[ANSWER])).await;
        number_in(&answer)
    }

    /// Waits until the version with this number answers.
    pub(crate) async fn becomes(&self, number: f64) {
        patient(async { while self.now().await.0 != number {} }).await;
    }

    /// How many reloads have had this outcome.
    pub(crate) async fn count(&self, outcome: &str) -> f64 {
        let series =
            format!("seldon_model_reloads_total{{service=\"moody\",outcome=\"{outcome}\"}}");
        figure(self.admin, &series).await.expect("it is there")
    }

    /// Waits until a reload more than `before` was refused.
    pub(crate) async fn refused_after(&self, before: f64) {
        patient(async { while self.count("refused").await <= before {} }).await;
    }

    /// Waits until so many versions are kept for requests that have begun.
    pub(crate) async fn has_old_versions(&self, count: f64) {
        let series = "seldon_model_old_versions{service=\"moody\"}";
        patient(async { while figure(self.admin, series).await != Some(count) {} }).await;
    }

    /// The threads on which a model with this number was dropped that was loaded.
    pub(crate) fn dropped(&self, number: f64) -> Vec<String> {
        let drops = drops();
        let drops = drops.get(&self.owner).into_iter().flatten();
        // The test's own, which it has saved, went on its thread.
        drops
            .filter(|(dropped, thread)| *dropped == number && thread.starts_with("seldon"))
            .map(|(_, thread)| thread.clone())
            .collect()
    }
}

pub(crate) fn save(owner: &str, number: f64, mood: Mood, folder: &Path) {
    let owner = owner.to_owned();
    let model = Moody {
        number,
        mood,
        owner,
    };
    model.save(folder).expect("it can be saved");
}

/// Tells a server to load its models anew.
pub(crate) async fn reload(admin: SocketAddr) -> Answer {
    let request = "POST /reload HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n";
    Peer::to(admin).await.ask(request).await
}

/// The number that an answer of these models holds, and the version that it names.
pub(crate) fn number_in(answer: &Answer) -> (f64, String) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body: serde_json::Value = serde_json::from_str(&answer.body).expect("it is JSON");
    let number = body["predictions"][0]["score"].as_f64();
    let version = answer.header("modelversion").expect("it names a version");
    (number.expect("a number"), version.to_owned())
}
