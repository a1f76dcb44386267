//! The number of a category.

use seldon_runtime::Result;
use serde::{Deserialize, Serialize};

use super::categories::{self, Categories};
use super::{names, one_each};
use crate::columns::{Column, Columns, Kind};
use crate::transform::Transform;
use crate::value::{Row, Value};

/// scikit-learn's `OrdinalEncoder`, with its `categories_`: in the place of a value, the number of
/// its category, from 0. A null among the categories is that of missing values.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureId {
    features: Vec<String>,
    categories: Vec<Vec<Option<Value>>>,
    /// The number of a value that is none of the categories; the row is refused where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unknown_value: Option<f64>,
    /// The number of a missing value; it stays missing where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing_value: Option<f64>,
    /// The number of the first category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<f64>,
    #[serde(skip)]
    at: Vec<(usize, Categories)>,
}

impl FeatureId {
    /// Numbers `features`, each by its categories.
    pub fn new<C: IntoIterator<Item = impl Into<Value>>>(
        features: impl IntoIterator<Item = impl Into<String>>,
        categories: impl IntoIterator<Item = C>,
    ) -> Self {
        Self {
            features: names(features),
            categories: categories::values(categories),
            unknown_value: None,
            missing_value: None,
            first: None,
            at: Vec::new(),
        }
    }

    /// With `number` for what is none of the categories.
    #[must_use]
    pub fn unknown(mut self, number: f64) -> Self {
        self.unknown_value = Some(number);
        self
    }

    /// With `number` for what is missing.
    #[must_use]
    pub fn missing(mut self, number: f64) -> Self {
        self.missing_value = Some(number);
        self
    }
}

impl Transform for FeatureId {
    fn prepare(&mut self, columns: &mut Columns) -> Result<()> {
        let at = categories::find_all(columns, &self.features, self.categories.len())?;
        for (key, number) in [
            ("unknown_value", self.unknown_value),
            ("missing_value", self.missing_value),
            ("first", self.first),
        ] {
            one_each(key, number.as_slice(), number.as_slice().len())?;
        }
        let all: Vec<Column> = columns.iter().cloned().collect();
        let known = at.iter().zip(&self.categories);
        self.at = known
            .map(|(at, known)| Ok((*at, Categories::new(&all[*at], known)?)))
            .collect::<Result<_>>()?;
        for at in at {
            columns.set_kind(at, Kind::Number);
        }
        Ok(())
    }

    fn apply(&self, row: &mut Row) -> Result<()> {
        for ((at, known), name) in self.at.iter().zip(&self.features) {
            let value = row.get(*at);
            let is_missing = match value {
                Some(Value::Number(number)) => number.is_nan(),
                Some(_) => false,
                None => true,
            };
            let number = match known.find(value) {
                Some(found) => Some(found as f64 + self.first.unwrap_or(0.0)),
                None if is_missing => self.missing_value,
                None => match self.unknown_value {
                    Some(number) => Some(number),
                    None => return Err(categories::unknown(name, value)),
                },
            };
            row.set(*at, number.map(Value::Number));
        }
        Ok(())
    }
}
