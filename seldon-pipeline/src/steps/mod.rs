//! The ready steps. Each has the parameters that fitting gave it, by the names that scikit-learn
//! has for them without the underscore at the end.

mod binary;
mod categories;
mod choose;
mod date;
mod feature_id;
mod impute;
mod one_hot;
mod scale;
mod tfidf;

pub use binary::Binary;
pub use choose::{Exclude, Include};
pub use date::{Date, Part};
pub use feature_id::FeatureId;
pub use impute::Impute;
pub use one_hot::{Drop, OneHot, Unknown};
pub use scale::{MinMaxScaling, StandardScaling};
pub use tfidf::{Norm, Tfidf};

use seldon_runtime::{Error, Result};

/// Names as a step keeps them.
fn names(features: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    features.into_iter().map(Into::into).collect()
}

/// Checks that `key` has a number for each feature, all finite.
fn one_each(key: &str, numbers: &[f64], features: usize) -> Result<()> {
    if numbers.len() != features {
        return Err(Error::setup(format!(
            "`{key}` has {} numbers for {features} features",
            numbers.len()
        )));
    }
    match numbers.iter().find(|number| !number.is_finite()) {
        Some(number) => Err(Error::setup(format!(
            "`{key}` holds {number}: numbers must be finite"
        ))),
        None => Ok(()),
    }
}
