//! XGBoost and LightGBM models, read from their own files and scored in pure Rust.
//!
//! A [`Forest`] is what `save_model` wrote, and answers as Python does:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/xgboost-3.2.0");
//! use seldon_trees::Forest;
//!
//! let forest = Forest::open(format!("{folder}/binary.ubj"))?;
//! assert_eq!(forest.features(), 6);
//! assert_eq!(forest.classes(), Some(2));
//!
//! let row = [0.3, -1.2, 0.5, f32::NAN, 4.0, 1.0];          // NaN is a missing value
//! let chance = forest.predict(&row)?[0];                    // Booster.predict
//! let [no, yes] = forest.probabilities(&row)?[..] else { unreachable!() }; // predict_proba
//! assert_eq!(chance, yes);
//! assert!((no + yes - 1.0).abs() < 1e-6);
//!
//! let rows = [row, row].concat();
//! assert_eq!(forest.predict_batch(&rows)?, [chance, chance]);
//! # Ok(())
//! # }
//! ```
//!
//! In a service it is a field like any other, saved in the model folder:
//!
//! ```ignore
//! #[seldon::predictor(classes = ["setosa", "versicolor", "virginica"])]
//! pub struct Iris {
//!     forest: seldon::trees::Forest,
//! }
//!
//! impl Predict for Iris {
//!     fn predict(&self, flower: &DefaultCustomPredictRequest) -> Result<Prediction> {
//!         Ok(Prediction::scores(self.forest.probabilities(&flower.values)?))
//!     }
//! }
//! ```
//!
//! What is read:
//!
//! | | XGBoost, JSON and UBJSON | LightGBM, text |
//! |---|---|---|
//! | boosters | gbtree, dart, random forests | gbdt, dart, goss, rf |
//! | splits | numbers, categories, missing values | the same, and zeros as missing ones |
//! | objectives | all of `reg`, `binary`, `multi`, `count`, `survival`, `rank` | all |
//! | refused by name | gblinear, leaves that are vectors | linear trees |
//!
//! A file is input: whatever its bytes are, reading it gives a forest or an error that names the
//! place, never panics, and takes memory and time in proportion to its length.

mod detect;
mod ensemble;
mod error;
mod forest;
mod grow;
mod json;
mod lightgbm;
mod link;
mod number;
mod packed;
mod planted;
mod predict;
mod scalar;
mod stored;
mod ubjson;
mod xgboost;

pub use error::{Error, Result};
pub use forest::{Forest, Library};
pub use planted::{Comparison, Planted, PlantedNode, Planter};
pub use scalar::Feature;
