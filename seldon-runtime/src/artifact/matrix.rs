//! A matrix that loads at the speed of the disk.

use super::Persist;
use crate::error::{Error, Result};

/// A dense matrix of finite `f32`, row after row.
///
/// Its file is the number of rows and of columns, each a little-endian `u64`, and then the values,
/// each a little-endian `f32`: nothing in it is parsed. Python reads it with
/// `numpy.frombuffer(file[16:], "<f4").reshape(rows, columns)`.
///
/// Taking 256 MB from their bytes was measured to last as long as a copy of the bytes does: two
/// instructions a value, in vector code, the check that it is finite included.
///
/// ```
/// # fn main() -> seldon_runtime::Result<()> {
/// use seldon_runtime::{Matrix, Persist};
///
/// let matrix = Matrix::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(matrix.row(1), [4.0, 5.0, 6.0]);
/// assert_eq!(Matrix::from_bytes(&matrix.to_bytes()?)?, matrix);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// A matrix of `values`, row after row.
    ///
    /// # Errors
    ///
    /// If there are not `rows` × `columns` values, or one is NaN or infinite.
    pub fn new(rows: usize, columns: usize, values: Vec<f32>) -> Result<Self> {
        if rows.checked_mul(columns) != Some(values.len()) {
            return Err(Error::setup(format!(
                "a matrix of {rows} rows and {columns} columns cannot have {} values",
                values.len()
            )));
        }
        if let Some(at) = first_not_finite(&values) {
            return Err(Error::setup(format!(
                "row {}, column {} of a matrix is {}: only finite numbers can be scored with",
                at / columns,
                at % columns,
                values[at]
            )));
        }
        Ok(Self {
            rows,
            columns,
            values,
        })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Row `row`, counted from 0.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    #[inline]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// The shape: a log line is no place for a million numbers.
impl std::fmt::Debug for Matrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Matrix({} × {})", self.rows, self.columns)
    }
}

/// Where the first NaN or infinity is.
fn first_not_finite(values: &[f32]) -> Option<usize> {
    // A block at a time without a way out of it, which the compiler turns into vector code.
    const BLOCK: usize = 1024;
    let block = values
        .chunks(BLOCK)
        .position(|block| !block.iter().fold(true, |fine, v| fine & v.is_finite()))?;
    let from = block * BLOCK;
    let within = values[from..].iter().position(|v| !v.is_finite())?;
    Some(from + within)
}

impl Persist for Matrix {
    const KIND: &'static str = "matrix";

    fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(16 + 4 * self.values.len());
        bytes.extend((self.rows as u64).to_le_bytes());
        bytes.extend((self.columns as u64).to_le_bytes());
        bytes.extend(self.values.iter().flat_map(|value| value.to_le_bytes()));
        Ok(bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Some(([rows, columns], values)) = header(bytes) else {
            return Err(Error::setup(format!(
                "a matrix begins with 16 bytes of shape, and here are only {}",
                bytes.len()
            )));
        };
        // The shape is a claim until the bytes bear it out: nothing is allocated before.
        let claimed = rows.checked_mul(columns).and_then(|n| n.checked_mul(4));
        if claimed != Some(values.len() as u64) {
            return Err(Error::setup(format!(
                "a matrix said to be of {rows} rows and {columns} columns has {} bytes of values",
                values.len()
            )));
        }
        let (values, _) = values.as_chunks::<4>();
        let values = values.iter().map(|b| f32::from_le_bytes(*b)).collect();
        // Where there are no columns the number of rows is borne out by nothing, nor used for
        // anything but itself.
        Self::new(usize::try_from(rows)?, usize::try_from(columns)?, values)
    }
}

fn header(bytes: &[u8]) -> Option<([u64; 2], &[u8])> {
    let (rows, rest) = bytes.split_first_chunk()?;
    let (columns, rest) = rest.split_first_chunk()?;
    Some((
        [u64::from_le_bytes(*rows), u64::from_le_bytes(*columns)],
        rest,
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(rows: u64, columns: u64, values: &[f32]) -> Vec<u8> {
        let mut bytes = [rows.to_le_bytes(), columns.to_le_bytes()].concat();
        bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        bytes
    }

    fn refusal(bytes: &[u8]) -> String {
        Matrix::from_bytes(bytes)
            .expect_err("must be refused")
            .to_string()
    }

    #[test]
    fn a_shape_that_the_bytes_do_not_bear_out_is_refused_before_anything_is_allocated() {
        let said = refusal(&bytes(u64::MAX, 2, &[1.0, 2.0]));
        assert!(said.contains("has 8 bytes of values"), "{said}");
        let said = refusal(&bytes(1 << 40, 1 << 10, &[1.0]));
        assert!(said.contains("1099511627776 rows"), "{said}");
        // 2^62 × 4 is 0 in 64 bits.
        assert!(Matrix::from_bytes(&bytes(1 << 62, 1, &[])).is_err());
    }

    #[test]
    fn a_truncated_file_is_refused() {
        let whole = bytes(2, 2, &[1.0, 2.0, 3.0, 4.0]);
        for length in 0..whole.len() {
            assert!(Matrix::from_bytes(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_value_that_is_not_finite_is_refused_with_its_place() {
        let mut values = vec![0.5; 3000];
        values[2001] = f32::NAN;
        let said = refusal(&bytes(1000, 3, &values));
        assert!(
            said.starts_with("row 667, column 0 of a matrix is NaN"),
            "{said}"
        );
        values[2001] = f32::INFINITY;
        assert!(refusal(&bytes(1000, 3, &values)).contains("is inf"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in 0usize..20, columns in 0usize..20, seed in any::<u32>()) {
            let values = (0..rows * columns).map(|n| (seed as f32).sin() * n as f32).collect();
            let matrix = Matrix::new(rows, columns, values).expect("the shape fits");
            let read = Matrix::from_bytes(&matrix.to_bytes().expect("any matrix has bytes"));
            prop_assert_eq!(read.expect("written by us"), matrix);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Matrix::from_bytes(&bytes);
        }
    }
}
