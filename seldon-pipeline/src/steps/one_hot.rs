//! A column for each category.

use seldon_runtime::Result;
use serde::{Deserialize, Serialize};

use super::categories::{self, Categories};
use super::names;
use crate::columns::{Column, Columns};
use crate::transform::Transform;
use crate::value::{Row, Value};

/// scikit-learn's `OneHotEncoder`, with its `categories_`: in the place of a feature, a column for
/// each category, of which that of its value is 1. A null among the categories is that of missing
/// values.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneHot {
    features: Vec<String>,
    categories: Vec<Vec<Option<Value>>>,
    #[serde(default)]
    unknown: Unknown,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drop: Option<Drop>,
    /// For each column that comes, what goes.
    #[serde(skip)]
    plan: Vec<Plan>,
}

/// What is done with a value that is none of the categories: scikit-learn's `handle_unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// The row is refused.
    #[default]
    Error,
    /// All of its columns are 0.
    Ignore,
}

/// Which category has no column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drop {
    /// The first one.
    First,
    /// The first one where there are two.
    IfBinary,
}

#[derive(Debug, Clone)]
enum Plan {
    Pass,
    Encode {
        feature: usize,
        categories: Categories,
        /// Of the first category, which may be dropped.
        first: usize,
        columns: usize,
    },
}

impl OneHot {
    /// Encodes `features`, each by its categories.
    pub fn new<C: IntoIterator<Item = impl Into<Value>>>(
        features: impl IntoIterator<Item = impl Into<String>>,
        categories: impl IntoIterator<Item = C>,
    ) -> Self {
        Self {
            features: names(features),
            categories: categories::values(categories),
            unknown: Unknown::default(),
            drop: None,
            plan: Vec::new(),
        }
    }

    /// With all columns 0 where a value is none of the categories.
    #[must_use]
    pub fn ignoring_unknown(mut self) -> Self {
        self.unknown = Unknown::Ignore;
        self
    }

    /// Without a column for one of the categories.
    #[must_use]
    pub fn dropping(mut self, drop: Drop) -> Self {
        self.drop = Some(drop);
        self
    }
}

impl Transform for OneHot {
    fn prepare(&mut self, columns: &mut Columns) -> Result<()> {
        let at = categories::find_all(columns, &self.features, self.categories.len())?;
        let mut feature_of = vec![None; columns.len()];
        for (feature, at) in at.iter().enumerate() {
            feature_of[*at] = Some(feature);
        }
        let (mut plan, mut to) = (Vec::with_capacity(columns.len()), Vec::new());
        for (column, feature) in columns.iter().zip(feature_of) {
            let Some(feature) = feature else {
                plan.push(Plan::Pass);
                to.push(column.clone());
                continue;
            };
            let all = &self.categories[feature];
            let first = match self.drop {
                Some(Drop::First) => 1,
                Some(Drop::IfBinary) if all.len() == 2 => 1,
                _ => 0,
            };
            plan.push(Plan::Encode {
                feature,
                categories: Categories::new(column, all)?,
                first,
                columns: all.len().saturating_sub(first),
            });
            to.extend(all.iter().skip(first).map(|category| {
                let category = categories::name(category.as_ref());
                Column::number(format!("{}_{category}", column.name))
            }));
        }
        self.plan = plan;
        columns.replace(to)
    }

    fn apply(&self, row: &mut Row) -> Result<()> {
        let mut out = Row::with_room(row.len());
        for (at, plan) in self.plan.iter().enumerate() {
            let Plan::Encode {
                feature,
                categories,
                first,
                columns,
            } = plan
            else {
                out.push(row.take(at));
                continue;
            };
            let found = categories.find(row.get(at));
            if found.is_none() && self.unknown == Unknown::Error {
                return Err(categories::unknown(&self.features[*feature], row.get(at)));
            }
            let hot = found.and_then(|found| found.checked_sub(*first));
            for column in 0..*columns {
                out.push(Value::Number(f64::from(hot == Some(column))));
            }
        }
        *row = out;
        Ok(())
    }
}
