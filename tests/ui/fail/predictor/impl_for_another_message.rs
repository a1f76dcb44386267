use seldon::DefaultCustomPredictRequest;
use seldon::prelude::*;

#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize, seldon::Payload)]
struct Flower {
    #[prost(float, tag = "1")]
    f1: f32,
}

#[seldon::predictor(data = Flower)]
struct Mean {
    bias: f64,
}

impl Predict for Mean {
    fn predict(&self, _: &DefaultCustomPredictRequest) -> Result<Prediction> {
        Ok(Prediction::new())
    }
}

fn main() -> seldon::ExitCode {
    seldon::run::<Mean>()
}
