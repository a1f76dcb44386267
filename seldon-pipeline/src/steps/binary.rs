//! Whether there is a value, or one above a threshold.

use seldon_runtime::Result;
use serde::{Deserialize, Serialize};

use super::{names, one_each};
use crate::columns::{Columns, Kind};
use crate::transform::Transform;
use crate::value::{Row, Value};

/// 1 or 0 in the place of a value: whether it is there, or, with a threshold, whether the number is
/// above it, as scikit-learn's `Binarizer` has it. A missing number is above nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binary {
    features: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(skip)]
    at: Vec<usize>,
}

impl Binary {
    /// Whether `features` are there.
    pub fn new(features: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            features: names(features),
            threshold: None,
            at: Vec::new(),
        }
    }

    /// Whether they are above `threshold`.
    #[must_use]
    pub fn above(mut self, threshold: f64) -> Self {
        self.threshold = Some(threshold);
        self
    }
}

impl Transform for Binary {
    fn prepare(&mut self, columns: &mut Columns) -> Result<()> {
        let kinds: &[Kind] = match self.threshold {
            Some(_) => &[Kind::Number, Kind::Flag],
            None => &[Kind::Number, Kind::Flag, Kind::Text],
        };
        one_each(
            "threshold",
            self.threshold.as_slice(),
            self.threshold.as_slice().len(),
        )?;
        self.at = columns.find_all(&self.features, kinds)?;
        for at in &self.at {
            columns.set_kind(*at, Kind::Number);
        }
        Ok(())
    }

    fn apply(&self, row: &mut Row) -> Result<()> {
        for at in &self.at {
            let is = match self.threshold {
                Some(threshold) => row.number(*at).is_some_and(|number| number > threshold),
                None => match row.get(*at) {
                    Some(Value::Text(text)) => !text.is_empty(),
                    Some(value) => value.number().is_some(),
                    None => false,
                },
            };
            row.set(*at, Value::Number(f64::from(is)));
        }
        Ok(())
    }
}
