use seldon::DefaultCustomPredictRequest;
use seldon::prelude::*;

#[seldon::predictor(batch(max_rows = 32, max_wait = "2ms"), batch(max_rows = 64, max_wait = "2ms"))]
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
