//! From the sum of the leaves to what `predict` answers.

use serde::{Deserialize, Serialize};

use crate::scalar::Scalar;

/// What an objective does to the sums of the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Link {
    Identity,
    /// `1 / (1 + exp(-slope * x))`
    Sigmoid {
        slope: f64,
    },
    Exponential,
    /// All sums together: shares that add up to 1.
    Softmax,
    /// The index of the greatest sum, the first of equals.
    Greatest,
    /// 1 above 0, else 0.
    Step,
    /// `x * |x|`: undoes a square root that kept the sign.
    SignedSquare,
    /// `ln(1 + exp(x))`
    Softplus,
}

impl Link {
    /// How many numbers come of `sums` sums.
    pub(crate) fn outputs(self, sums: usize) -> usize {
        if self == Self::Greatest { 1 } else { sums }
    }

    /// Writes what `predict` answers for `sums`, which are used up.
    pub(crate) fn apply<T: Scalar>(self, sums: &mut [T], out: &mut [f64]) {
        match self {
            Self::Greatest => {
                let mut greatest = 0;
                for (index, sum) in sums.iter().enumerate() {
                    if *sum > sums[greatest] {
                        greatest = index;
                    }
                }
                out[0] = greatest as f64;
                return;
            }
            Self::Softmax => softmax(sums),
            Self::Identity => {}
            Self::Sigmoid { slope } => each(sums, |x| sigmoid(x, T::from_f64(slope))),
            Self::Exponential => each(sums, T::exp),
            Self::Step => each(sums, |x| T::from_f64(f64::from(u8::from(x.into() > 0.0)))),
            Self::SignedSquare => each(sums, |x| T::from_f64(x.into() * x.into().abs())),
            Self::Softplus => each(sums, |x| T::from_f64(x.into().exp().ln_1p())),
        }
        copy(sums, out);
    }
}

fn each<T: Scalar>(values: &mut [T], of: impl Fn(T) -> T) {
    for value in values {
        *value = of(*value);
    }
}

/// Writes `values` as doubles, which loses nothing.
pub(crate) fn copy<T: Scalar>(values: &[T], out: &mut [f64]) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = (*value).into();
    }
}

fn sigmoid<T: Scalar>(x: T, slope: T) -> T {
    let mut exponent = T::from_f64(-1.0);
    exponent *= slope;
    exponent *= x;
    let mut below = exponent.exp();
    below += T::from_f64(1.0);
    let mut result = T::from_f64(1.0);
    result /= below;
    result
}

/// Brings sums to shares that add up to 1.
pub(crate) fn softmax<T: Scalar>(sums: &mut [T]) {
    // Less the greatest, so that no exponential overflows. All are added up in a double, which is
    // how XGBoost does it, too.
    let greatest = sums
        .iter()
        .copied()
        .fold(sums[0], |a, b| if b > a { b } else { a });
    let mut total = 0.0;
    for sum in sums.iter_mut() {
        *sum = T::from_f64((*sum).into() - greatest.into()).exp();
        total += (*sum).into();
    }
    for sum in sums {
        *sum /= T::from_f64(total);
    }
}
