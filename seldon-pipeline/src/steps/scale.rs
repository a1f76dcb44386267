//! Numbers brought to one scale.

use seldon_runtime::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{names, one_each};
use crate::columns::{Columns, Kind};
use crate::transform::Transform;
use crate::value::{Row, Value};

const NUMBERS: &[Kind] = &[Kind::Number, Kind::Flag];

/// scikit-learn's `StandardScaler`, with its `mean_` and `scale_`: `(x - mean) / scale`. Without
/// one of them, as for `with_mean=False`, that is left out. What is missing stays so.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardScaling {
    features: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scale: Option<Vec<f64>>,
    #[serde(skip)]
    at: Vec<usize>,
}

impl StandardScaling {
    /// Scales `features`.
    pub fn new(
        features: impl IntoIterator<Item = impl Into<String>>,
        mean: impl IntoIterator<Item = f64>,
        scale: impl IntoIterator<Item = f64>,
    ) -> Self {
        Self {
            features: names(features),
            mean: Some(mean.into_iter().collect()),
            scale: Some(scale.into_iter().collect()),
            at: Vec::new(),
        }
    }
}

impl Transform for StandardScaling {
    fn prepare(&mut self, columns: &mut Columns) -> Result<()> {
        self.at = columns.find_all(&self.features, NUMBERS)?;
        if let Some(mean) = &self.mean {
            one_each("mean", mean, self.at.len())?;
        }
        if let Some(scale) = &self.scale {
            one_each("scale", scale, self.at.len())?;
            not_zero(scale)?;
        }
        for at in &self.at {
            columns.set_kind(*at, Kind::Number);
        }
        Ok(())
    }

    fn apply(&self, row: &mut Row) -> Result<()> {
        for (n, at) in self.at.iter().enumerate() {
            let Some(mut number) = row.number(*at) else {
                continue;
            };
            if let Some(mean) = &self.mean {
                number -= mean[n];
            }
            if let Some(scale) = &self.scale {
                number /= scale[n];
            }
            row.set(*at, Value::Number(number));
        }
        Ok(())
    }
}

/// scikit-learn's `MinMaxScaler`, with its `scale_` and `min_`: `x * scale + min`, cut to `clip`
/// where that is given, its `feature_range` if it says `clip=True`. What is missing stays so.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinMaxScaling {
    features: Vec<String>,
    scale: Vec<f64>,
    min: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clip: Option<[f64; 2]>,
    #[serde(skip)]
    at: Vec<usize>,
}

impl MinMaxScaling {
    /// Scales `features`.
    pub fn new(
        features: impl IntoIterator<Item = impl Into<String>>,
        scale: impl IntoIterator<Item = f64>,
        min: impl IntoIterator<Item = f64>,
    ) -> Self {
        Self {
            features: names(features),
            scale: scale.into_iter().collect(),
            min: min.into_iter().collect(),
            clip: None,
            at: Vec::new(),
        }
    }

    /// Cuts what is outside of `least` and `greatest`.
    #[must_use]
    pub fn clipped(mut self, least: f64, greatest: f64) -> Self {
        self.clip = Some([least, greatest]);
        self
    }
}

impl Transform for MinMaxScaling {
    fn prepare(&mut self, columns: &mut Columns) -> Result<()> {
        self.at = columns.find_all(&self.features, NUMBERS)?;
        one_each("scale", &self.scale, self.at.len())?;
        one_each("min", &self.min, self.at.len())?;
        if let Some([least, greatest]) = self.clip {
            one_each("clip", &[least, greatest], 2)?;
            if least >= greatest {
                return Err(Error::setup(
                    "`clip` must be a smaller and a greater number",
                ));
            }
        }
        for at in &self.at {
            columns.set_kind(*at, Kind::Number);
        }
        Ok(())
    }

    fn apply(&self, row: &mut Row) -> Result<()> {
        for (n, at) in self.at.iter().enumerate() {
            let Some(number) = row.number(*at) else {
                continue;
            };
            let mut number = number * self.scale[n] + self.min[n];
            if let Some([least, greatest]) = self.clip {
                number = number.clamp(least, greatest);
            }
            row.set(*at, Value::Number(number));
        }
        Ok(())
    }
}

fn not_zero(scale: &[f64]) -> Result<()> {
    match scale.contains(&0.0) {
        true => Err(Error::setup(
            "`scale` holds a zero: scikit-learn has 1 where a feature is constant",
        )),
        false => Ok(()),
    }
}
