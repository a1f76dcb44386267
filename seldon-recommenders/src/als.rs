//! Implicit alternating least squares: Hu, Koren and Volinsky, "Collaborative filtering for
//! implicit feedback datasets", ICDM 2008.

use indicatif::ProgressBar;

#[cfg(test)]
use crate::dot::dot;
use crate::parallel::for_each_chunk;
use crate::sparse::Sparse;

/// What a vector is, given the vectors on the other side: the solution of the normal equations
/// `(YᵀY + Yᵀ(C − I)Y + λI) x = YᵀC p`, where the confidence `c` is `1 + alpha · weight` and the
/// preference `p` is 1 for what was touched and 0 for the rest.
#[derive(Debug)]
pub(crate) struct Solver {
    dimensions: usize,
    alpha: f32,
    /// `YᵀY + λI`, row after row: the same for everybody.
    base: Vec<f32>,
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
