use seldon::DefaultCustomPredictRequest;
use seldon::prelude::*;

#[seldon::predictor]
struct Mean {
    #[seldon(skp)]
    bias: f64,
    #[seldon(json, skip)]
    names: Vec<String>,
}

impl Predict for Mean {
    fn predict(&self, _: &DefaultCustomPredictRequest) -> Result<Prediction> {
        Ok(Prediction::new())
    }
}

fn main() -> seldon::ExitCode {
    seldon::run::<Mean>()
}
