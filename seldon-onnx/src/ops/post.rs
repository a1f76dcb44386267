//! What is done to scores at the end: `post_transform`, as onnxruntime computes it, in `f32`.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::attributes;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Post {
    None,
    Logistic,
    Softmax,
    SoftmaxZero,
    Probit,
}

/// How a single score becomes those of two classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Second {
    /// It is a probability: the other is what is left.
    Rest,
    /// It is a margin: the other is its negative.
    Negative,
}

impl Post {
    pub(super) fn read(node: &NodeProto) -> TractResult<Self> {
        Ok(
            match &*attributes::string(node, "post_transform", "NONE")? {
                "NONE" => Self::None,
                "LOGISTIC" => Self::Logistic,
                "SOFTMAX" => Self::Softmax,
                "SOFTMAX_ZERO" => Self::SoftmaxZero,
                "PROBIT" => Self::Probit,
                other => bail!("its `post_transform` is `{other}`, which ONNX does not know"),
            },
        )
    }

    /// Transforms the scores of one row.
    pub(super) fn apply(self, scores: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Logistic => scores
                .iter_mut()
                .for_each(|score| *score = logistic(*score)),
            Self::Softmax => softmax(scores),
            Self::SoftmaxZero => softmax_zero(scores),
            Self::Probit => scores.iter_mut().for_each(|score| *score = probit(*score)),
        }
    }

    /// Writes the two scores that a single one stands for.
    pub(super) fn two(self, score: f32, second: Second) -> [f32; 2] {
        match (self, second) {
            (Self::Logistic, _) => [logistic(-score), logistic(score)],
            (_, Second::Rest) => [1.0 - score, score],
            (_, Second::Negative) => [-score, score],
        }
    }
}

pub(super) fn logistic(x: f32) -> f32 {
    let above = 1.0 / (1.0 + (-x.abs()).exp());
    if x < 0.0 { 1.0 - above } else { above }
}

fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut total = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        total += *score;
    }
    scores.iter_mut().for_each(|score| *score /= total);
}

/// A softmax of which zeros are no part.
fn softmax_zero(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let zero = (-most).exp();
    let mut total = 0.0;
    for score in scores.iter_mut() {
        if score.abs() > 1e-7 {
            *score = (*score - most).exp();
            total += *score;
        } else {
            *score *= zero;
        }
    }
    scores.iter_mut().for_each(|score| *score /= total);
}

/// The quantile of the normal distribution, by Winitzki's approximation of erf's inverse.
fn probit(share: f32) -> f32 {
    let x = 2.0 * share - 1.0;
    let sign = if x < 0.0 { -1.0 } else { 1.0 };
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let v = 2.0 / (std::f32::consts::PI * 0.147) + 0.5 * log;
    let root = (-v + (v * v - log / 0.147).sqrt()).sqrt();
    std::f32::consts::SQRT_2 * sign * root
}
