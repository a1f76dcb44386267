//! Which version of its model a reply is of: said by each, good or bad, however it is answered.

use std::path::Path;

use seldon_runtime::{
    AllItems, Artifact, Candidates, DefaultCustomPredictRequest, Error, Folder, Predict,
    Prediction, Predictor, Query, Recommend, Recommendation, Recommender, Result, Server, Service,
};

use crate::common::*;

/// A model whose answers tell which version of it they are of.
macro_rules! predictor {
    ($name:ident $(, $($argument:tt)*)?) => {
        #[seldon_macros::predictor(crate = ::seldon_runtime $(, $($argument)*)?)]
        pub(crate) struct $name {
            pub(crate) number: f64,
        }

        impl Predict for $name {
            fn predict(&self, data: &DefaultCustomPredictRequest) -> Result<Prediction> {
                act(&data.values)?;
                Ok(Prediction::scores([self.number]))
            }
        }
    };
}

predictor!(Inline);
predictor!(Blocking, run = blocking);
predictor!(Batched, batch(max_rows = 4, max_wait = "2ms"));
predictor!(
    BatchedBlocking,
    batch(max_rows = 4, max_wait = "2ms"),
    run = blocking
);

/// A recommender of the same kind.
#[seldon_macros::recommender(crate = ::seldon_runtime)]
pub(crate) struct Chooses {
    pub(crate) number: f64,
}

impl Recommend for Chooses {
    fn recommend(&self, query: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        match query.user_id {
            0 => Err(Error::failed("this user is nobody's")),
            _ => Ok(vec![Recommendation {
                item: self.number as i64,
                score: 1.0,
            }]),
        }
    }
}

/// The version that replies name, of the model in `folder`.
pub(crate) fn version_in(folder: impl AsRef<Path>) -> String {
    let folder = Folder::open(folder.as_ref()).expect("it is a model folder");
    folder.digest()[..12].to_owned()
}

/// A predictor in a folder.
pub(crate) fn predictor<P: Predictor>(folder: &Path) -> Service<P> {
    let folder = Folder::open(folder).expect("it is a model folder");
    let model = P::load(&folder).expect("it is good");
    let service = Service::predictor(model).expect("it warms up");
    service.loaded_from(&folder)
}

/// A recommender in a folder.
pub(crate) fn recommender<R: Recommender<Source = AllItems>>(
    folder: &Path,
) -> Service<R, AllItems> {
    let folder = Folder::open(folder).expect("it is a model folder");
    let model = R::load(&folder).expect("it is good");
    let service = Service::recommender(model, AllItems).expect("it warms up");
    service.loaded_from(&folder)
}

/// A server of an inline predictor and a recommender, and the versions of their models.
struct Both {
    predictor: tempfile::TempDir,
    recommender: tempfile::TempDir,
}

impl Both {
    fn save() -> Self {
        let folder = || tempfile::tempdir().expect("a folder");
        let both = Self {
            predictor: folder(),
            recommender: folder(),
        };
        let number = 0.5;
        Inline { number }
            .save(both.predictor.path())
            .expect("saved");
        Chooses { number: 7.0 }
            .save(both.recommender.path())
            .expect("saved");
        both
    }

    fn server(&self) -> Server {
        Server::new()
            .limits(long())
            .mount_service(predictor::<Inline>(self.predictor.path()))
            .recommender_service(recommender::<Chooses>(self.recommender.path()))
    }

    /// Answered without the router, and by a router within another.
    async fn servers(&self) -> [Running; 2] {
        let router = self.server().router().expect("a router");
        [
            Running::start(self.server()).await,
            Running::start(Server::new().limits(long()).routes(router)).await,
        ]
    }
}

fn recommend(user: i64) -> String {
    format!("GET /recommend?user_id={user}&limit=5 HTTP/1.1\r\nhost: test\r\n\r\n")
}

#[tokio::test]
async fn a_reply_names_the_version_that_it_is_of() {
    let both = Both::save();
    let version = version_in(&both.predictor);
    for server in both.servers().await {
        let mut peer = server.connect().await;
        for request in [get(&[ANSWER]), post(&[ANSWER])] {
            let answer = peer.ask(request).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("modelversion"), Some(&*version));
        }
        let answer = peer.ask(recommend(1)).await;
        assert_eq!(answer.status, 200);
        let chosen = version_in(&both.recommender);
        assert_eq!(answer.header("modelversion"), Some(&*chosen));

        let channel = Channel::to(server.address).await;
        // The second is for tonic's codec, though it is not compressed in fact.
        for headers in [&[][..], &[("grpc-encoding", "gzip")]] {
            let called = channel.classify(headers, &[ANSWER]).await;
            let called = called.expect("a reply");
            assert_eq!(called.status(), 0);
            assert_eq!(called.headers["modelversion"], *version);
        }
    }
}

#[tokio::test]
async fn so_does_an_error_of_the_model() {
    expect_panics();
    let both = Both::save();
    let version = version_in(&both.predictor);
    for server in both.servers().await {
        let mut peer = server.connect().await;
        let channel = Channel::to(server.address).await;
        for wrong in [FAIL, PANIC] {
            let answer = peer.ask(get(&[wrong])).await;
            assert_eq!(answer.status, 500);
            assert_eq!(answer.header("modelversion"), Some(&*version));
            let called = channel.classify(&[], &[wrong]).await.expect("a reply");
            assert_eq!(called.status(), 13);
            assert_eq!(called.headers["modelversion"], *version);
        }
        let answer = peer.ask(recommend(0)).await;
        assert_eq!(answer.status, 500);
        let chosen = version_in(&both.recommender);
        assert_eq!(answer.header("modelversion"), Some(&*chosen));
        // Which no model has seen.
        let answer = peer
            .ask("GET /nowhere HTTP/1.1\r\nhost: test\r\n\r\n")
            .await;
        assert_eq!(answer.header("modelversion"), None);
    }
}

#[tokio::test]
async fn the_index_names_the_same() {
    let both = Both::save();
    let server = Running::start(both.server()).await;
    let index = server
        .connect()
        .await
        .ask("GET / HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    let index: serde_json::Value = serde_json::from_str(&index.body).expect("it is JSON");
    let versions: Vec<_> = (index["services"].as_array().expect("services").iter())
        .map(|service| service["version"].as_str().expect("a version").to_owned())
        .collect();
    let expected = [version_in(&both.predictor), version_in(&both.recommender)];
    assert_eq!(versions, expected);
}

#[tokio::test]
async fn a_model_from_no_folder_has_no_version() {
    let server = Running::start(Server::new().limits(long()).mount(Inline { number: 0.5 })).await;
    let answer = server.connect().await.ask(get(&[ANSWER])).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("modelversion"), None);
    let channel = Channel::to(server.address).await;
    let called = channel.classify(&[], &[ANSWER]).await.expect("a reply");
    assert!(!called.headers.contains_key("modelversion"));
}
