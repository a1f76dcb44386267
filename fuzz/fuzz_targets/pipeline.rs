//! Any `pipeline.toml` is an error, or a pipeline that any request is an error to, or a row that is
//! answered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seldon_pipeline::Pipeline;
use seldon_runtime::Predict;
use seldon_runtime::predict::{Features, Predictor};

const MODEL: &[u8] = include_bytes!("../../seldon-trees/tests/fixtures/xgboost-3.2.0/binary.ubj");

// The file, a zero byte, and what a client sends.
fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (toml, json) = text.split_once('\0').unwrap_or((text, "[1,2,3,4,5,6]"));
    let Ok(pipeline) = Pipeline::from_toml(toml, MODEL) else {
        return;
    };
    if let Ok(Features::One(row)) = pipeline.read_features(json) {
        let _ = pipeline.predict(&row);
    }
});
