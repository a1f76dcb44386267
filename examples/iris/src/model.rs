//! The service: a trained classifier, and how it scores.

use std::sync::atomic::{AtomicU64, Ordering};

use seldon::prelude::*;

use crate::IrisPredictRequest;

/// Tells three irises apart, by multinomial logistic regression.
#[seldon::predictor(data = IrisPredictRequest, classes = ["setosa", "versicolor", "virginica"])]
#[derive(Debug)]
pub struct Iris {
    weights: [[f64; 4]; 3],
    bias: [f64; 3],
    #[seldon(skip)]
    hits: AtomicU64,
}

impl Predict<IrisPredictRequest> for Iris {
    /// Each class's score is its probability, and so is its confidence.
    fn predict(&self, flower: &IrisPredictRequest) -> Result<Prediction> {
        self.hits.fetch_add(1, Ordering::Relaxed);
        Ok(Prediction::scores(self.probabilities(flower)))
    }
}

impl Iris {
    /// A classifier with `weights` for each class and each of f1 to f4, and a `bias` for each
    /// class.
    pub fn new(weights: [[f64; 4]; 3], bias: [f64; 3]) -> Self {
        Self {
            weights,
            bias,
            hits: AtomicU64::new(0),
        }
    }

    /// The probability of each class, in the order of the attribute's `classes`.
    pub fn probabilities(&self, flower: &IrisPredictRequest) -> [f64; 3] {
        let x = features(flower);
        softmax([0, 1, 2].map(|class| {
            let products = self.weights[class].iter().zip(x).map(|(w, x)| w * x);
            self.bias[class] + products.sum::<f64>()
        }))
    }

    /// How many flowers it has scored since it was loaded.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }
}

/// The four lengths as the classifier computes with them.
pub(crate) fn features(flower: &IrisPredictRequest) -> [f64; 4] {
    [flower.f1, flower.f2, flower.f3, flower.f4].map(f64::from)
}

/// Brings scores to probabilities that add up to 1.
pub(crate) fn softmax(scores: [f64; 3]) -> [f64; 3] {
    // Less the greatest, so that no exponential overflows.
    let greatest = scores.into_iter().fold(f64::MIN, f64::max);
    let exponentials = scores.map(|score| (score - greatest).exp());
    let sum: f64 = exponentials.iter().sum();
    exponentials.map(|e| e / sum)
}
