//! Columns that stay, and columns that go.

use seldon_runtime::Result;
use serde::{Deserialize, Serialize};

use super::names;
use crate::columns::{Column, Columns, Kind};
use crate::transform::Transform;
use crate::value::Row;

const ANY: &[Kind] = &[Kind::Number, Kind::Text, Kind::Flag];

/// Keeps some columns, in the order in which it names them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Include {
    features: Vec<String>,
    #[serde(skip)]
    kept: Vec<usize>,
}

/// Leaves some columns out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclude {
    features: Vec<String>,
    #[serde(skip)]
    kept: Vec<usize>,
}

impl Include {
    /// Keeps `features`.
    pub fn new(features: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            features: names(features),
            kept: Vec::new(),
        }
    }
}

impl Exclude {
    /// Leaves `features` out.
    pub fn new(features: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            features: names(features),
            kept: Vec::new(),
        }
    }
}

impl Transform for Include {
    fn prepare(&mut self, columns: &mut Columns) -> Result<()> {
        self.kept = columns.find_all(&self.features, ANY)?;
        keep(columns, &self.kept)
    }

    fn apply(&self, row: &mut Row) -> Result<()> {
        *row = self.kept.iter().map(|at| row.take(*at)).collect();
        Ok(())
    }
}

impl Transform for Exclude {
    fn prepare(&mut self, columns: &mut Columns) -> Result<()> {
        let mut stays = vec![true; columns.len()];
        for at in columns.find_all(&self.features, ANY)? {
            stays[at] = false;
        }
        self.kept = (0..columns.len()).filter(|at| stays[*at]).collect();
        keep(columns, &self.kept)
    }

    fn apply(&self, row: &mut Row) -> Result<()> {
        *row = self.kept.iter().map(|at| row.take(*at)).collect();
        Ok(())
    }
}

fn keep(columns: &mut Columns, kept: &[usize]) -> Result<()> {
    let all: Vec<Column> = columns.iter().cloned().collect();
    columns.replace(kept.iter().map(|at| all[*at].clone()))
}
