//! The iris service by a model that XGBoost trained: `python/train.py` makes it, this serves it, and the
//! answers are Python's.

use seldon::prelude::*;
use seldon::trees::Forest;

seldon::include_proto!("io.seldon.microservice.iris");

/// Tells three irises apart, by boosted trees.
#[seldon::predictor(data = IrisPredictRequest, classes = ["setosa", "versicolor", "virginica"])]
#[derive(Debug)]
pub struct IrisXgboost {
    forest: Forest,
}

impl Predict<IrisPredictRequest> for IrisXgboost {
    /// A length that nobody measured, NaN, goes where the training sent such flowers.
    const ACCEPTS_NON_FINITE: bool = true;

    fn predict(&self, flower: &IrisPredictRequest) -> Result<Prediction> {
        let lengths = [flower.f1, flower.f2, flower.f3, flower.f4];
        Ok(Prediction::scores(self.forest.probabilities(&lengths)?))
    }
}

impl IrisXgboost {
    /// The service of a model file that XGBoost wrote.
    ///
    /// # Errors
    ///
    /// If the file is no model, or one of other features or classes.
    pub fn import(path: &str) -> Result<Self> {
        let forest = Forest::open(path)?;
        if (forest.features(), forest.classes()) != (4, Some(3)) {
            return Err(Error::setup(format!(
                "{path} does not tell three irises apart by four lengths"
            )));
        }
        Ok(Self { forest })
    }
}
