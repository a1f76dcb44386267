//! Implicit alternating least squares: Hu, Koren and Volinsky, "Collaborative filtering for
//! implicit feedback datasets", ICDM 2008.

use indicatif::ProgressBar;
use seldon_runtime::Matrix;
use serde::{Deserialize, Serialize};

#[cfg(test)]
use crate::dot::dot;
use crate::little_endian;
use crate::parallel::for_each_chunk;
use crate::sparse::Sparse;

/// What a vector is, given the vectors on the other side: the solution of the normal equations
/// `(YᵀY + Yᵀ(C − I)Y + λI) x = YᵀC p`, where the confidence `c` is `1 + alpha · weight` and the
/// preference `p` is 1 for what was touched and 0 for the rest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub(crate) struct Solver {
    dimensions: usize,
    alpha: f32,
    /// `YᵀY + λI`, row after row, its lower triangle: the same for everybody.
    #[serde(with = "little_endian")]
    base: Vec<f32>,
}

/// Solving for a user takes the cube of the dimensions.
pub(crate) const MOST_DIMENSIONS: usize = 1024;

#[derive(Deserialize)]
struct Unchecked {
    dimensions: usize,
    alpha: f32,
    #[serde(with = "little_endian")]
    base: Vec<f32>,
}

impl TryFrom<Unchecked> for Solver {
    type Error = String;

    fn try_from(read: Unchecked) -> Result<Self, String> {
        let Unchecked {
            dimensions,
            alpha,
            base,
        } = read;
        if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
            return Err(format!(
                "`dimensions` must be from 1 to {MOST_DIMENSIONS}, got {dimensions}"
            ));
        }
        if !(alpha.is_finite() && alpha > 0.0) {
            return Err(format!(
                "`alpha` must be a finite number above 0, got {alpha}"
            ));
        }
        // Refuses what has another shape or is not finite.
        let base = Matrix::new(dimensions, dimensions, base).map_err(|error| error.to_string())?;
        Ok(Self {
            dimensions,
            alpha,
            base: base.values().to_vec(),
        })
    }
}

impl Solver {
    /// A solver against `vectors`, row after row.
    pub(crate) fn new(vectors: &[f32], dimensions: usize, alpha: f32, regularisation: f32) -> Self {
        let mut gram = vec![0.0f64; dimensions * dimensions];
        for vector in vectors.chunks_exact(dimensions) {
            add_outer(&mut gram, vector, 1.0);
        }
        for at in 0..dimensions {
            gram[at * dimensions + at] += f64::from(regularisation);
        }
        Self {
            dimensions,
            alpha,
            base: gram.into_iter().map(|value| value as f32).collect(),
        }
    }

    /// The length of each vector.
    pub(crate) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Room for one solution after another.
    pub(crate) fn scratch(&self) -> Scratch {
        let cells = self.dimensions * self.dimensions;
        Scratch {
            wide: vec![0.0; cells],
            factor: vec![0.0; cells],
        }
    }

    /// Writes to `out` the vector of somebody who touched what has these vectors, with these
    /// weights. It is a pure function: sums are in the order of `touched`.
    pub(crate) fn solve<'a>(
        &self,
        touched: impl Iterator<Item = (&'a [f32], f32)>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let Scratch { wide, factor } = scratch;
        for (cell, &base) in wide.iter_mut().zip(&self.base) {
            *cell = base.into();
        }
        let mut right = vec![0.0f64; self.dimensions];
        for (vector, weight) in touched {
            let more = f64::from(self.alpha) * f64::from(weight);
            add_outer(wide, vector, more);
            for (sum, &value) in right.iter_mut().zip(vector) {
                *sum += (1.0 + more) * f64::from(value);
            }
        }
        cholesky(wide, self.dimensions, factor);
        substitute(factor, self.dimensions, &mut right);
        for (out, value) in out.iter_mut().zip(right) {
            *out = value as f32;
        }
    }

    /// A vector for each row of `touched`, whose columns are rows of `vectors`.
    pub(crate) fn solve_all(
        &self,
        touched: &Sparse,
        vectors: &[f32],
        out: &mut [f32],
        bar: &ProgressBar,
    ) {
        let scratch = || self.scratch();
        for_each_chunk(out, self.dimensions, scratch, |scratch, row, out| {
            let touched = touched.row(row).map(|(column, weight)| {
                let from = column as usize * self.dimensions;
                (&vectors[from..from + self.dimensions], weight)
            });
            self.solve(touched, scratch, out);
            bar.inc(1);
        });
    }
}

/// The two square matrices of one solution.
#[derive(Debug)]
pub(crate) struct Scratch {
    wide: Vec<f64>,
    factor: Vec<f64>,
}

/// Adds `scale · v vᵀ` to the lower triangle of `matrix`, the only one that is read.
fn add_outer(matrix: &mut [f64], v: &[f32], scale: f64) {
    for (row, &of_row) in v.iter().enumerate() {
        let by = scale * f64::from(of_row);
        let cells = &mut matrix[row * v.len()..][..=row];
        for (cell, &value) in cells.iter_mut().zip(v) {
            *cell += by * f64::from(value);
        }
    }
}

/// The lower triangular `factor` with `factor · factorᵀ = matrix`, which is positive definite: a
/// Gram matrix, and something on its diagonal.
fn cholesky(matrix: &[f64], n: usize, factor: &mut [f64]) {
    for row in 0..n {
        let (above, rest) = factor.split_at_mut(row * n);
        let of_row = &mut rest[..n];
        for column in 0..row {
            let of_column = &above[column * n..][..n];
            let sum = matrix[row * n + column] - dot_wide(&of_row[..column], &of_column[..column]);
            of_row[column] = sum / of_column[column];
        }
        let left = matrix[row * n + row] - dot_wide(&of_row[..row], &of_row[..row]);
        // Rounding may leave less than nothing where the vectors hardly differ.
        of_row[row] = left.max(f64::MIN_POSITIVE.sqrt()).sqrt();
    }
}

/// Solves `factor · factorᵀ x = right` in place.
fn substitute(factor: &[f64], n: usize, right: &mut [f64]) {
    for row in 0..n {
        let sum = dot_wide(&factor[row * n..][..row], &right[..row]);
        right[row] = (right[row] - sum) / factor[row * n + row];
    }
    for row in (0..n).rev() {
        right[row] /= factor[row * n + row];
        let solved = right[row];
        for (value, &cell) in right[..row].iter_mut().zip(&factor[row * n..][..row]) {
            *value -= solved * cell;
        }
    }
}

/// As [`dot`], in the precision that elimination asks for.
fn dot_wide(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// Vectors to begin with: small, all different, the same for the same `seed`.
pub(crate) fn beginning(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            // SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): good enough for a start, and in no
            // need of a crate whose next version gives other numbers.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut bits = state;
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bits ^= bits >> 31;
            // 24 bits are what an f32 can tell apart.
            ((bits >> 40) as f32 / (1u32 << 24) as f32 - 0.5) * 0.1
        })
        .collect()
}

/// What is minimised, without the constant parts: the tests watch it fall.
#[cfg(test)]
pub(crate) fn loss(
    by_user: &Sparse,
    users: &[f32],
    items: &[f32],
    dimensions: usize,
    alpha: f32,
    regularisation: f32,
) -> f64 {
    let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    let mut loss = f64::from(regularisation) * (norm(users) + norm(items));
    for (row, user) in (0u32..).zip(users.chunks_exact(dimensions)) {
        let mut touched = vec![0.0; by_user.columns() as usize];
        for (column, weight) in by_user.row(row) {
            touched[column as usize] = weight;
        }
        for (item, weight) in items.chunks_exact(dimensions).zip(touched) {
            let preference = f64::from(u8::from(weight > 0.0));
            let confidence = 1.0 + f64::from(alpha * weight);
            loss += confidence * (preference - f64::from(dot(user, item))).powi(2);
        }
    }
    loss
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gaussian elimination with pivots, on the whole matrix: the reference.
    fn eliminate(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
        let n = b.len();
        for column in 0..n {
            let pivot = (column..n)
                .max_by(|&x, &y| a[x][column].abs().total_cmp(&a[y][column].abs()))
                .expect("there are rows left");
            a.swap(column, pivot);
            b.swap(column, pivot);
            for row in column + 1..n {
                let by = a[row][column] / a[column][column];
                let (above, below) = a.split_at_mut(row);
                for (cell, pivot) in below[0].iter_mut().zip(&above[column]) {
                    *cell -= by * pivot;
                }
                b[row] -= by * b[column];
            }
        }
        for row in (0..n).rev() {
            let known: f64 = (row + 1..n).map(|k| a[row][k] * b[k]).sum();
            b[row] = (b[row] - known) / a[row][row];
        }
        b
    }

    proptest! {
        #[test]
        fn a_solution_solves_the_normal_equations(
            dimensions in 1usize..12,
            items in 1usize..20,
            seed in any::<u64>(),
            touched in proptest::collection::btree_map(0usize..20, 0.1f32..5.0, 0..6),
            alpha in 0.1f32..50.0,
            regularisation in 0.1f32..20.0,
        ) {
            let vectors: Vec<f32> = beginning(items * dimensions, seed)
                .into_iter()
                .map(|value| value * 20.0)
                .collect();
            let vector = |item: usize| &vectors[item * dimensions..][..dimensions];
            let touched: Vec<(usize, f32)> =
                touched.into_iter().filter(|(item, _)| *item < items).collect();

            let mut left = vec![vec![0.0; dimensions]; dimensions];
            let mut right = vec![0.0; dimensions];
            for item in 0..items {
                let weight = touched.iter().find(|(other, _)| *other == item);
                let preference = f64::from(u8::from(weight.is_some()));
                let confidence = 1.0 + f64::from(alpha) * weight.map_or(0.0, |(_, w)| f64::from(*w));
                let wide: Vec<f64> = vector(item).iter().map(|&v| f64::from(v)).collect();
                for (i, &of_row) in wide.iter().enumerate() {
                    right[i] += confidence * preference * of_row;
                    for (cell, value) in left[i].iter_mut().zip(&wide) {
                        *cell += confidence * of_row * value;
                    }
                }
            }
            for (at, row) in left.iter_mut().enumerate() {
                row[at] += f64::from(regularisation);
            }
            let expected = eliminate(left, right);

            let solver = Solver::new(&vectors, dimensions, alpha, regularisation);
            let mut found = vec![0.0; dimensions];
            let touched = touched.iter().map(|&(item, weight)| (vector(item), weight));
            solver.solve(touched, &mut solver.scratch(), &mut found);
            for (found, expected) in found.iter().zip(expected) {
                let near = 1e-3 * expected.abs().max(1.0);
                prop_assert!((f64::from(*found) - expected).abs() < near, "{found} {expected}");
            }
        }
    }

    #[test]
    fn every_turn_lowers_the_loss() {
        let rows = (0..40u32).map(|user| {
            let items = (0..30u32).filter(move |item| (user * 7 + item * 13) % 5 == 0);
            items.map(|item| (item, 1.0))
        });
        let by_user = Sparse::from_rows(30, rows).expect("there are few");
        let by_item = by_user.transposed();
        let (dimensions, alpha, regularisation) = (8, 10.0, 1.0);
        let mut users = vec![0.0; 40 * dimensions];
        let mut items = beginning(30 * dimensions, 1);
        let bar = ProgressBar::hidden();
        let mut before = f64::INFINITY;
        for _ in 0..10 {
            Solver::new(&items, dimensions, alpha, regularisation)
                .solve_all(&by_user, &items, &mut users, &bar);
            Solver::new(&users, dimensions, alpha, regularisation)
                .solve_all(&by_item, &users, &mut items, &bar);
            let now = loss(&by_user, &users, &items, dimensions, alpha, regularisation);
            assert!(now <= before * (1.0 + 1e-5), "{now} after {before}");
            before = now;
        }
    }
}
