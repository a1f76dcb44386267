//! LinearClassifier and LinearRegressor.

use std::sync::Arc;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::attributes::{self, Labels};
use super::post::{Post, Second};
use super::{Known, Operator, floats, matrix, slice};

/// Weights for each target, row by row, and where each begins.
#[derive(Debug)]
struct Weights {
    coefficients: Vec<f32>,
    intercepts: Vec<f32>,
    width: usize,
}

impl Weights {
    fn new(coefficients: Vec<f32>, intercepts: Vec<f32>) -> TractResult<Self> {
        let (count, targets) = (coefficients.len(), intercepts.len());
        ensure!(
            targets > 0 && count > 0 && count.is_multiple_of(targets),
            "there are {count} coefficients for {targets} targets"
        );
        Ok(Self {
            width: count / targets,
            coefficients,
            intercepts,
        })
    }

    fn targets(&self) -> usize {
        self.intercepts.len()
    }

    /// The sums of each target for each row.
    fn sums(&self, rows: &[f32]) -> Vec<f32> {
        let mut sums = Vec::with_capacity(rows.len() / self.width * self.targets());
        for row in rows.chunks_exact(self.width) {
            let targets = self.coefficients.chunks_exact(self.width);
            for (coefficients, intercept) in targets.zip(&self.intercepts) {
                sums.push((dot(row, coefficients) + f64::from(*intercept)) as f32);
            }
        }
        sums
    }
}

/// The product is summed up in a double: it has no order of summation to agree upon.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
    products.sum()
}

#[derive(Debug)]
struct Classifier {
    weights: Weights,
    labels: Labels,
    post: Post,
}

pub(super) fn classifier(
    _: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    let coefficients = attributes::floats(node, "coefficients")?;
    let labels = Labels::read(node, "classlabels_ints")?;
    let mut intercepts = attributes::floats(node, "intercepts")?;
    if intercepts.is_empty() {
        intercepts = vec![0.0; labels.len()];
    }
    let weights = Weights::new(coefficients, intercepts)?;
    let (targets, classes) = (weights.targets(), labels.len());
    ensure!(
        targets == classes || targets == 1 && classes == 2,
        "it has {classes} labels for {targets} targets"
    );
    Ok(Arc::new(Classifier {
        weights,
        labels,
        post: Post::read(node)?,
    }))
}

impl Operator for Classifier {
    fn name(&self) -> &'static str {
        "LinearClassifier"
    }

    fn width(&self) -> Option<usize> {
        Some(self.weights.width)
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        let rows = inputs[0].rows();
        Ok(tvec![
            Known::new(self.labels.kind(), [rows.clone()]),
            Known::new(f32::datum_type(), [rows, self.labels.len().to_dim()]),
        ])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let rows = matrix(inputs[0], self.weights.width)?;
        let classes = self.labels.len();
        let mut scores = self.weights.sums(slice(&*floats(inputs[0])?)?);
        let mut chosen = Vec::with_capacity(rows);
        if self.weights.targets() == 1 && classes == 2 {
            chosen.extend(scores.iter().map(|score| usize::from(*score > 0.0)));
            let two = |score: &f32| self.post.two(*score, Second::Rest);
            scores = scores.iter().flat_map(two).collect();
        } else {
            for scores in scores.chunks_exact_mut(classes) {
                chosen.push(greatest(scores));
                self.post.apply(scores);
            }
        }
        Ok(tvec![
            self.labels.tensor(&chosen),
            Tensor::from_shape(&[rows, classes], &scores)?
        ])
    }
}

/// The index of the greatest score, the first of equals.
pub(super) fn greatest(scores: &[f32]) -> usize {
    let mut greatest = 0;
    for (index, score) in scores.iter().enumerate() {
        if *score > scores[greatest] {
            greatest = index;
        }
    }
    greatest
}

#[derive(Debug)]
struct Regressor {
    weights: Weights,
    post: Post,
}

pub(super) fn regressor(
    _: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    let targets = node.get_attr_opt::<i64>("targets")?.unwrap_or(1);
    let targets = usize::try_from(targets).unwrap_or(0);
    let coefficients = attributes::floats(node, "coefficients")?;
    ensure!(
        (1..=coefficients.len()).contains(&targets),
        "there are {} coefficients for {targets} targets",
        coefficients.len()
    );
    let mut intercepts = attributes::floats(node, "intercepts")?;
    if intercepts.is_empty() {
        intercepts = vec![0.0; targets];
    }
    ensure!(
        intercepts.len() == targets,
        "there are {} intercepts for {targets} targets",
        intercepts.len()
    );
    Ok(Arc::new(Regressor {
        weights: Weights::new(coefficients, intercepts)?,
        post: Post::read(node)?,
    }))
}

impl Operator for Regressor {
    fn name(&self) -> &'static str {
        "LinearRegressor"
    }

    fn width(&self) -> Option<usize> {
        Some(self.weights.width)
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        let targets = self.weights.targets().to_dim();
        Ok(tvec![Known::new(
            f32::datum_type(),
            [inputs[0].rows(), targets]
        )])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let rows = matrix(inputs[0], self.weights.width)?;
        let targets = self.weights.targets();
        let mut scores = self.weights.sums(slice(&*floats(inputs[0])?)?);
        // Of a single target, only PROBIT is applied.
        if targets > 1 || self.post == Post::Probit {
            scores
                .chunks_exact_mut(targets)
                .for_each(|scores| self.post.apply(scores));
        }
        Ok(tvec![Tensor::from_shape(&[rows, targets], &scores)?])
    }
}
