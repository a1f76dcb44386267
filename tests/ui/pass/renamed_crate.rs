//! Seldon under another name, as a path and as serde has it, in quotes.
#![deny(warnings)]

pub extern crate seldon as renamed;

mod vendored {
    pub use renamed as seldon;
}

use renamed::prelude::*;

/// Here `::seldon` is not what the expansions find.
mod inner {
    use super::*;

    #[derive(
        Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize, renamed::Payload,
    )]
    #[seldon(type_name = "iris.Flower", crate = "::renamed")]
    pub struct Flower {
        #[prost(float, tag = "1")]
        f1: f32,
    }

    #[renamed::predictor(data = Flower, crate = ::renamed)]
    pub struct Iris {
        bias: f64,
    }

    impl Predict<Flower> for Iris {
        fn predict(&self, flower: &Flower) -> Result<Prediction> {
            Ok(Prediction::scores([f64::from(flower.f1) + self.bias]))
        }
    }
}

#[renamed::recommender(crate = crate::vendored::seldon)]
struct Similar {}

impl Recommend for Similar {
    fn recommend(&self, _: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        Ok(Vec::new())
    }
}

fn main() {
    assert_eq!(<inner::Flower as renamed::Payload>::TYPE_NAME, "iris.Flower");
    let _: [fn() -> renamed::ExitCode; 2] = [renamed::run::<inner::Iris>, renamed::run::<Similar>];
}
