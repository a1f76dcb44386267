//! Rows of few entries among many columns.

use serde::{Deserialize, Serialize};

use crate::little_endian;

/// A sparse matrix, row after row (CSR); the columns of a row ascend, and its values are finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub(crate) struct Sparse {
    columns: u32,
    /// Where each row's entries begin, and at the end where the last row's end.
    #[serde(with = "little_endian")]
    offsets: Vec<u32>,
    #[serde(with = "little_endian")]
    indices: Vec<u32>,
    #[serde(with = "little_endian")]
    values: Vec<f32>,
}

#[derive(Deserialize)]
struct Unchecked {
    columns: u32,
    #[serde(with = "little_endian")]
    offsets: Vec<u32>,
    #[serde(with = "little_endian")]
    indices: Vec<u32>,
    #[serde(with = "little_endian")]
    values: Vec<f32>,
}

impl Sparse {
    /// The most entries: offsets are 32 bits wide.
    pub(crate) const MOST: usize = u32::MAX as usize;

    /// A matrix of `rows`, each ascending in its columns.
    ///
    /// # Errors
    ///
    /// If there are more than [`Self::MOST`] entries.
    pub(crate) fn from_rows(
        columns: u32,
        rows: impl IntoIterator<Item = impl IntoIterator<Item = (u32, f32)>>,
    ) -> Result<Self, String> {
        let (mut offsets, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for row in rows {
            for (column, value) in row {
                indices.push(column);
                values.push(value);
            }
            let end = u32::try_from(indices.len())
                .map_err(|_| format!("there are more than {} entries", Self::MOST))?;
            offsets.push(end);
        }
        Ok(Self {
            columns,
            offsets,
            indices,
            values,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(crate) fn columns(&self) -> u32 {
        self.columns
    }

    /// The values of all entries.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// The entries of `row`, ascending by column.
    pub(crate) fn row(&self, row: u32) -> impl ExactSizeIterator<Item = (u32, f32)> + Clone {
        let (from, to) = (self.offsets[row as usize], self.offsets[row as usize + 1]);
        let entries = from as usize..to as usize;
        let indices = self.indices[entries.clone()].iter().copied();
        indices.zip(self.values[entries].iter().copied())
    }

    /// The same entries, column after column.
    pub(crate) fn transposed(&self) -> Self {
        // A counting sort: rows are visited in order, so the new rows ascend.
        let mut offsets = vec![0u32; self.columns as usize + 1];
        for &column in &self.indices {
            offsets[column as usize + 1] += 1;
        }
        for at in 1..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut next = offsets.clone();
        let mut indices = vec![0; self.indices.len()];
        let mut values = vec![0.0; self.values.len()];
        for row in 0..self.rows() as u32 {
            for (column, value) in self.row(row) {
                let at = &mut next[column as usize];
                indices[*at as usize] = row;
                values[*at as usize] = value;
                *at += 1;
            }
        }
        Self {
            columns: self.rows() as u32,
            offsets,
            indices,
            values,
        }
    }
}

impl TryFrom<Unchecked> for Sparse {
    type Error = String;

    fn try_from(read: Unchecked) -> Result<Self, String> {
        let Unchecked {
            columns,
            offsets,
            indices,
            values,
        } = read;
        if indices.len() != values.len() {
            return Err(format!(
                "a sparse matrix has {} indices and {} values",
                indices.len(),
                values.len()
            ));
        }
        if offsets.first() != Some(&0)
            || offsets.last().map(|&end| end as usize) != Some(indices.len())
            || !offsets.is_sorted()
            || offsets.len() > u32::MAX as usize
        {
            return Err(format!(
                "the offsets of a sparse matrix do not divide its {} entries into rows",
                indices.len()
            ));
        }
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(format!("a sparse matrix holds a value that is {value}"));
        }
        for (row, ends) in offsets.windows(2).enumerate() {
            let row_indices = &indices[ends[0] as usize..ends[1] as usize];
            let ascending = row_indices.is_sorted_by(|a, b| a < b);
            if !ascending || row_indices.last().is_some_and(|&last| last >= columns) {
                return Err(format!(
                    "row {row} of a sparse matrix does not name its columns, of which there are \
                     {columns}, in ascending order"
                ));
            }
        }
        Ok(Self {
            columns,
            offsets,
            indices,
            values,
        })
    }
}
