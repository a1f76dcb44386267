//! A predictor of the default data, as its author writes it.
#![deny(warnings)]
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;

use seldon::prelude::*;
use seldon::{DefaultCustomPredictRequest, ExitCode};

#[seldon::predictor(classes = ["low", "high"])]
#[derive(Debug)]
pub struct Mean {
    bias: f64,
    #[seldon(json)]
    names: Vec<String>,
    #[seldon(skip)]
    hits: AtomicU64,
}

impl Predict for Mean {
    fn predict(&self, data: &DefaultCustomPredictRequest) -> Result<Prediction> {
        let sum: f32 = data.values.iter().sum();
        Ok(Prediction::scores([f64::from(sum) + self.bias]))
    }
}

fn main() -> ExitCode {
    let mean = Mean {
        bias: 0.0,
        names: Vec::new(),
        hits: AtomicU64::new(0),
    };
    let _ = Server::new().mount(mean);
    if std::env::args().len() > 1 {
        return seldon::run::<Mean>();
    }
    ExitCode::SUCCESS
}
