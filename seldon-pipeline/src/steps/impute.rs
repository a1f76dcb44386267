//! A value in the place of a missing one.

use seldon_runtime::{Error, Result};
use serde::{Deserialize, Serialize};

use super::names;
use crate::columns::{Columns, Kind, quoted};
use crate::transform::Transform;
use crate::value::{Row, Value};

/// scikit-learn's `SimpleImputer`: `values` are its `statistics_`, whatever the strategy was.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Impute {
    features: Vec<String>,
    values: Vec<Value>,
    #[serde(skip)]
    at: Vec<usize>,
}

impl Impute {
    /// Puts `values` where `features` are missing.
    pub fn new(
        features: impl IntoIterator<Item = impl Into<String>>,
        values: impl IntoIterator<Item = impl Into<Value>>,
    ) -> Self {
        Self {
            features: names(features),
            values: values.into_iter().map(Into::into).collect(),
            at: Vec::new(),
        }
    }
}

impl Transform for Impute {
    fn prepare(&mut self, columns: &mut Columns) -> Result<()> {
        self.at = columns.find_all(&self.features, &[Kind::Number, Kind::Text, Kind::Flag])?;
        if self.values.len() != self.at.len() {
            return Err(Error::setup(format!(
                "`values` has {} for {} features",
                self.values.len(),
                self.at.len()
            )));
        }
        for ((at, value), name) in self.at.iter().zip(&self.values).zip(&self.features) {
            let fits = match columns.kind(*at) {
                Kind::Number => value.number().is_some_and(f64::is_finite),
                Kind::Text => matches!(value, Value::Text(_)),
                Kind::Flag => matches!(value, Value::Flag(_)),
            };
            if !fits {
                let (name, kind) = (quoted(name), columns.kind(*at));
                return Err(Error::setup(format!(
                    "{name} has {kind}, and its value in `values` is none of these"
                )));
            }
        }
        Ok(())
    }

    fn apply(&self, row: &mut Row) -> Result<()> {
        for (at, value) in self.at.iter().zip(&self.values) {
            let is_missing = match row.get(*at) {
                Some(Value::Number(number)) => number.is_nan(),
                Some(_) => false,
                None => true,
            };
            if is_missing {
                row.set(*at, value.clone());
            }
        }
        Ok(())
    }
}
