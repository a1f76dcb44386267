//! The two kinds of number that trees compute in, and what a row may hold.

use std::fmt::Debug;
use std::ops::{AddAssign, DivAssign, MulAssign};

/// What trees compute in: XGBoost in `f32`, LightGBM in `f64`.
pub(crate) trait Scalar:
    Copy
    + Debug
    + Default
    + PartialOrd
    + AddAssign
    + MulAssign
    + DivAssign
    + Send
    + Sync
    + Into<f64>
    + 'static
{
    const NAN: Self;
    fn from_f64(value: f64) -> Self;
    fn is_nan(self) -> bool;
    fn is_finite(self) -> bool;
    fn exp(self) -> Self;
    /// The category that a feature names, if it can be one. XGBoost takes no negative number;
    /// LightGBM cuts off what follows the point first, so that -0.5 is category 0 to it.
    fn category(self) -> Option<usize>;
}

impl Scalar for f32 {
    const NAN: Self = f32::NAN;

    fn from_f64(value: f64) -> Self {
        value as f32
    }

    fn is_nan(self) -> bool {
        f32::is_nan(self)
    }

    fn is_finite(self) -> bool {
        f32::is_finite(self)
    }

    fn exp(self) -> Self {
        f32::exp(self)
    }

    fn category(self) -> Option<usize> {
        (self >= 0.0).then_some(self as usize)
    }
}

impl Scalar for f64 {
    const NAN: Self = f64::NAN;

    fn from_f64(value: f64) -> Self {
        value
    }

    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }

    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }

    fn exp(self) -> Self {
        f64::exp(self)
    }

    fn category(self) -> Option<usize> {
        (self > -1.0).then_some(self as usize)
    }
}

/// A number of a row: `f32` or `f64`. NaN is a missing value.
pub trait Feature: sealed::Feature {}

impl Feature for f32 {}
impl Feature for f64 {}

pub(crate) mod sealed {
    use super::Scalar;

    pub trait Feature: Copy + Into<f64> {
        #[doc(hidden)]
        fn single(self) -> f32;
    }

    impl Feature for f32 {
        fn single(self) -> f32 {
            self
        }
    }

    impl Feature for f64 {
        // As XGBoost rounds the doubles that it is given.
        fn single(self) -> f32 {
            self as f32
        }
    }

    /// A feature as what the trees compute in.
    pub(crate) trait As<T: Scalar>: Feature {
        fn as_scalar(self) -> T;
    }

    impl<F: Feature> As<f32> for F {
        #[inline(always)]
        fn as_scalar(self) -> f32 {
            self.single()
        }
    }

    impl<F: Feature> As<f64> for F {
        #[inline(always)]
        fn as_scalar(self) -> f64 {
            self.into()
        }
    }
}
