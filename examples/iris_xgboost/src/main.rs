//! `iris_xgboost` serves the model; `iris_xgboost import FILE` makes it of a file of XGBoost's.

use iris_xgboost::IrisXgboost;
use seldon::prelude::*;

fn main() -> seldon::ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("import"), Some(file)) => seldon::block_on(async move {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/model");
            IrisXgboost::import(&file)?.save(folder)
        }),
        _ => seldon::run::<IrisXgboost>(),
    }
}
