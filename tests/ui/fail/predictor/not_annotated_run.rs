use seldon::DefaultCustomPredictRequest;
use seldon::prelude::*;

struct Mean {}

impl Predict for Mean {
    fn predict(&self, _: &DefaultCustomPredictRequest) -> Result<Prediction> {
        Ok(Prediction::new())
    }
}

fn main() -> seldon::ExitCode {
    seldon::run::<Mean>()
}
