//! A pipeline whose rows are scored on a pool of threads.

use seldon_runtime::artifact::Draft;
use seldon_runtime::grpc::{self, Answer, Grpc, Message};
use seldon_runtime::predict::{Blocking, Facts, Features};
use seldon_runtime::rest::{self, Rest};
use seldon_runtime::server::{Mount, Program};
use seldon_runtime::{
    Any, Artifact, Folder, Predict, Prediction, Predictor, Result, Server, Service,
};

use crate::pipeline::Pipeline;
use crate::value::Row;

/// The same as the [`Pipeline`] within, but for where it computes: not on the thread that reads
/// requests, which would wait for it, but on one of a pool as wide as the machine.
///
/// `seldon::run_pipeline()` chooses it where `pipeline.toml` says `run = "blocking"`, and for graphs, which
/// may be slow, where it says nothing.
#[derive(Debug)]
pub struct Pooled(Pipeline);

impl Pooled {
    /// Scores `pipeline`'s rows on a pool.
    pub fn new(pipeline: Pipeline) -> Self {
        Self(pipeline)
    }

    /// The pipeline.
    pub fn pipeline(&self) -> &Pipeline {
        &self.0
    }
}

#[diagnostic::do_not_recommend]
impl Predict<Row> for Pooled {
    const ACCEPTS_NON_FINITE: bool = <Pipeline as Predict<Row>>::ACCEPTS_NON_FINITE;

    fn predict(&self, row: &Row) -> Result<Prediction> {
        self.0.predict(row)
    }

    fn predict_batch(&self, rows: &[Row]) -> Vec<Result<Prediction>> {
        self.0.predict_batch(rows)
    }

    fn warm_up(&self) -> Result<()> {
        self.0.warm_up()
    }
}

#[diagnostic::do_not_recommend]
impl Predictor for Pooled {
    type Data = Row;
    type Run = Blocking;
    const PATH: &'static str = <Pipeline as Predictor>::PATH;

    fn message(&self) -> &str {
        self.0.message()
    }

    fn facts(&self) -> Facts<'_> {
        self.0.facts()
    }

    fn read_features(&self, text: &str) -> Result<Features<Row>> {
        self.0.read_features(text)
    }

    fn unpack_features(&self, features: Any) -> Result<Row> {
        self.0.unpack_features(features)
    }
}

impl Artifact for Pooled {
    const NAME: &'static str = <Pipeline as Artifact>::NAME;
    const LOOSE: bool = <Pipeline as Artifact>::LOOSE;

    fn read(folder: &Folder) -> Result<Self> {
        Pipeline::read(folder).map(Self)
    }

    fn write(&self, draft: &mut Draft) -> Result<()> {
        self.0.write(draft)
    }
}

impl Rest for Pooled {
    fn routes(service: Service<Self>) -> axum::Router {
        rest::predict_routes(service)
    }
}

impl Grpc for Pooled {
    fn classify(service: &Service<Self>, request: Message) -> impl Answer {
        grpc::classify_for(service, request)
    }
}

#[diagnostic::do_not_recommend]
impl Program for Pooled {
    async fn mount(self, on: Mount<'_>) -> Result<Server> {
        on.predictor(self)
    }
}
