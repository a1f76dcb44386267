//! The expansions take no name from the surrounding scope.
#![no_implicit_prelude]
#![deny(warnings)]

#[derive(
    ::std::clone::Clone,
    ::std::cmp::PartialEq,
    ::prost::Message,
    ::serde::Serialize,
    ::serde::Deserialize,
    ::seldon::Payload,
)]
pub struct Flower {
    #[prost(float, tag = "1")]
    f1: f32,
}

#[::seldon::predictor(data = Flower, classes = ["a", "b"], run = blocking)]
pub struct Iris {
    weights: [f64; 2],
    #[seldon(json)]
    limits: [f64; 2],
    #[seldon(skip)]
    hits: ::std::sync::atomic::AtomicU64,
}

impl ::seldon::Predict<Flower> for Iris {
    fn predict(&self, _: &Flower) -> ::seldon::Result<::seldon::Prediction> {
        ::std::result::Result::Ok(::seldon::Prediction::scores(self.weights))
    }
}

#[::seldon::recommender(scores = logistic)]
pub struct Similar(::std::vec::Vec<f32>, #[seldon(skip)] u8);

impl ::seldon::Recommend for Similar {
    fn recommend(
        &self,
        _: &::seldon::Query<'_>,
        _: &::seldon::Candidates,
    ) -> ::seldon::Result<::std::vec::Vec<::seldon::Recommendation>> {
        ::std::result::Result::Ok(::std::vec::Vec::new())
    }
}

fn main() {
    let _: [fn() -> ::seldon::ExitCode; 2] = [::seldon::run::<Iris>, ::seldon::run::<Similar>];
}
