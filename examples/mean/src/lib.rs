//! The smallest service: the mean of some numbers, over the default message.

use seldon::DefaultCustomPredictRequest;
use seldon::prelude::*;

/// The mean of the values, brought to a scale.
#[seldon::predictor(classes = ["mean"])]
#[derive(Debug)]
pub struct Mean {
    /// What the mean is multiplied by. Kept as JSON, which people can read.
    #[seldon(json)]
    scale: f64,
}

impl Predict for Mean {
    fn predict(&self, request: &DefaultCustomPredictRequest) -> Result<Prediction> {
        let values = &request.values;
        if values.is_empty() {
            return Err(Error::invalid_input("no values have no mean"));
        }
        let sum: f64 = values.iter().copied().map(f64::from).sum();
        let mean = self.scale * sum / values.len() as f64;
        Ok(Prediction::new().class(0, mean).confidence(1.0))
    }
}

impl Mean {
    /// A service that multiplies the mean by `scale`.
    pub fn new(scale: f64) -> Self {
        Self { scale }
    }
}
