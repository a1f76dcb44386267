//! A predictor whose rows are scored in batches, with nothing of the prelude in reach.
#![no_implicit_prelude]
#![deny(warnings)]
#![forbid(unsafe_code)]

#[::seldon::predictor(batch(max_rows = 32, max_wait = "2ms"), run = blocking)]
struct Mean {
    bias: f64,
}

impl ::seldon::Predict for Mean {
    fn predict(
        &self,
        _: &::seldon::DefaultCustomPredictRequest,
    ) -> ::seldon::Result<::seldon::Prediction> {
        ::std::result::Result::Ok(::seldon::Prediction::scores([self.bias]))
    }
}

fn main() {
    let batching = <Mean as ::seldon::Predictor>::BATCHING;
    ::std::assert_eq!(
        batching,
        ::std::option::Option::Some(::seldon::Batching::new(
            32,
            ::std::time::Duration::from_millis(2)
        ))
    );
    let _ = ::seldon::Server::new().mount(Mean { bias: 0.0 });
}
