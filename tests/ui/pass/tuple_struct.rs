//! Tuple structs, empty ones, and attributes of others on either side.
#![deny(warnings)]

use seldon::DefaultCustomPredictRequest;
use seldon::prelude::*;

/// A documented one.
#[derive(Debug, Clone)]
#[seldon::predictor(name = "tuple")]
#[derive(Default)]
#[must_use]
pub struct Tuple(
    /// Documented.
    pub f64,
    #[seldon(skip)] (),
    #[seldon(json)] Vec<String>,
);

impl Predict for Tuple {
    fn predict(&self, _: &DefaultCustomPredictRequest) -> Result<Prediction> {
        Ok(Prediction::scores([self.0]))
    }
}

#[seldon::predictor(name = "empty")]
struct Empty {}

impl Predict for Empty {
    fn predict(&self, _: &DefaultCustomPredictRequest) -> Result<Prediction> {
        Ok(Prediction::new())
    }
}

#[seldon::recommender]
struct Nothing();

impl Recommend for Nothing {
    fn recommend(&self, _: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        Ok(Vec::new())
    }
}

fn main() {
    assert_eq!(Tuple::NAME, "tuple");
    let _ = format!("{:?}", Tuple::default().clone());
    let _: fn() -> seldon::ExitCode = seldon::run::<Nothing>;
    let _ = Server::new().mount(Empty {}).recommender(Nothing(), seldon::AllItems);
}
