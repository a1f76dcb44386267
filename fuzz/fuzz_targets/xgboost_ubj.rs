//! Any bytes are an error, or a forest that answers.
#![no_main]

mod answers;

use libfuzzer_sys::fuzz_target;
use seldon_trees::Forest;

fuzz_target!(|bytes: &[u8]| answers::check(Forest::from_xgboost_ubj(bytes)));
