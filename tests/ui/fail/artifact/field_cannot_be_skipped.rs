use seldon::DefaultCustomPredictRequest;
use seldon::prelude::*;

struct Booster {
    trees: Vec<f32>,
}

#[seldon::predictor]
struct Mean {
    #[seldon(skip)]
    booster: Booster,
}

impl Predict for Mean {
    fn predict(&self, _: &DefaultCustomPredictRequest) -> Result<Prediction> {
        Ok(Prediction::new())
    }
}

fn main() -> seldon::ExitCode {
    seldon::run::<Mean>()
}
