use seldon::DefaultCustomPredictRequest;
use seldon::prelude::*;

#[seldon::predictor(batch(rows = 32, max_wait = "2ms"))]
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
