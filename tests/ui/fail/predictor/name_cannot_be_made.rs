use seldon::DefaultCustomPredictRequest;
use seldon::prelude::*;

#[seldon::predictor]
struct Mittelgröße {}

impl Predict for Mittelgröße {
    fn predict(&self, _: &DefaultCustomPredictRequest) -> Result<Prediction> {
        Ok(Prediction::new())
    }
}

fn main() -> seldon::ExitCode {
    seldon::run::<Mittelgröße>()
}
