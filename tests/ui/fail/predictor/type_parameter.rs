use seldon::prelude::*;

#[seldon::predictor]
struct Mean<T> {
    bias: T,
}

impl<T: Send + Sync + 'static> Predict for Mean<T> {
    fn predict(&self, _: &seldon::DefaultCustomPredictRequest) -> Result<Prediction> {
        Ok(Prediction::new())
    }
}

fn main() {}
