//! SVMClassifier and SVMRegressor.

use std::sync::Arc;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::attributes::{self, Labels};
use super::linear::{dot, greatest};
use super::post::{Post, Second, logistic};
use super::{Known, Operator, floats, matrix, slice};

/// How alike two rows are.
#[derive(Debug, Clone, Copy)]
enum Kernel {
    Linear,
    Poly {
        gamma: f32,
        offset: f32,
        degree: f32,
    },
    Rbf {
        gamma: f32,
    },
    Sigmoid {
        gamma: f32,
        offset: f32,
    },
}

impl Kernel {
    fn read(node: &NodeProto) -> TractResult<Self> {
        let parameters = attributes::floats(node, "kernel_params")?;
        let [gamma, offset, degree] = match parameters[..] {
            [gamma, offset, degree, ..] => [gamma, offset, degree],
            [] => [0.0; 3],
            _ => bail!(
                "it has {} `kernel_params`, and 3 are needed",
                parameters.len()
            ),
        };
        Ok(match &*attributes::string(node, "kernel_type", "LINEAR")? {
            "LINEAR" => Self::Linear,
            "POLY" => Self::Poly {
                gamma,
                offset,
                degree,
            },
            "RBF" => Self::Rbf { gamma },
            "SIGMOID" => Self::Sigmoid { gamma, offset },
            other => bail!("its `kernel_type` is `{other}`, which ONNX does not know"),
        })
    }

    fn of(self, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Self::Linear => dot(a, b) as f32,
            Self::Poly {
                gamma,
                offset,
                degree,
            } => (gamma * dot(a, b) as f32 + offset).powf(degree),
            Self::Rbf { gamma } => {
                let squares = a
                    .iter()
                    .zip(b)
                    .map(|(a, b)| f64::from(a - b) * f64::from(a - b));
                (-gamma * squares.sum::<f64>() as f32).exp()
            }
            Self::Sigmoid { gamma, offset } => (gamma * dot(a, b) as f32 + offset).tanh(),
        }
    }
}

/// The rows that a machine compares with, or weights for each column where it is linear.
#[derive(Debug)]
struct Vectors {
    kernel: Kernel,
    vectors: Vec<f32>,
    width: usize,
}

impl Vectors {
    fn new(kernel: Kernel, vectors: Vec<f32>, count: usize) -> TractResult<Self> {
        let numbers = vectors.len();
        ensure!(
            count > 0 && numbers > 0 && numbers.is_multiple_of(count),
            "there are {numbers} numbers for {count} support vectors"
        );
        Ok(Self {
            kernel,
            width: numbers / count,
            vectors,
        })
    }

    fn of<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let vectors = self.vectors.chunks_exact(self.width);
        vectors.map(move |vector| self.kernel.of(row, vector))
    }
}

#[derive(Debug)]
struct Classifier {
    vectors: Vectors,
    labels: Labels,
    post: Post,
    kind: Kind,
    /// Whether no coefficient is below zero.
    positive: bool,
}

#[derive(Debug)]
enum Kind {
    /// A plane for each class.
    Linear { rho: f32 },
    /// A decision between each two classes, as libsvm has it.
    Pairs(Pairs),
}

#[derive(Debug)]
struct Pairs {
    /// Where the support vectors of each class end.
    ends: Vec<usize>,
    /// A row for each class but one, a column for each support vector.
    coefficients: Vec<f32>,
    rho: Vec<f32>,
    /// What makes a probability of each decision, where there is that.
    platt: Vec<(f32, f32)>,
}

/// The most classes: decisions are between each two.
const MOST_CLASSES: usize = 4096;

pub(super) fn classifier(
    _: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    let labels = Labels::read(node, "classlabels_ints")?;
    let classes = labels.len();
    ensure!(
        classes <= MOST_CLASSES,
        "it has {classes} classes, at most {MOST_CLASSES} are taken"
    );
    let coefficients = attributes::floats(node, "coefficients")?;
    let rho = attributes::floats(node, "rho")?;
    let positive = coefficients.iter().all(|coefficient| *coefficient >= 0.0);
    let counts = attributes::ints(node, "vectors_per_class")?;
    let count: i64 = counts
        .iter()
        .fold(0, |sum, count| sum.saturating_add(*count));
    let (vectors, kind) = if count == 0 {
        let rho = *rho.first().context("it has no `rho`")?;
        let vectors = Vectors::new(Kernel::Linear, coefficients, classes)?;
        (vectors, Kind::Linear { rho })
    } else {
        ensure!(classes >= 2, "it has support vectors, and one class");
        ensure!(
            counts.len() == classes,
            "it has {classes} labels for {} `vectors_per_class`",
            counts.len()
        );
        ensure!(
            counts.iter().all(|count| *count >= 0),
            "a number of vectors is below zero"
        );
        let vectors = attributes::floats(node, "support_vectors")?;
        let count = usize::try_from(count)?;
        let vectors = Vectors::new(Kernel::read(node)?, vectors, count)?;
        let pairs = classes * (classes - 1) / 2;
        let [a, b] = [
            attributes::floats(node, "prob_a")?,
            attributes::floats(node, "prob_b")?,
        ];
        ensure!(
            coefficients.len() == (classes - 1) * count && rho.len() == pairs,
            "it has {} coefficients and {} rho, and {} and {pairs} are needed",
            coefficients.len(),
            rho.len(),
            (classes - 1) * count
        );
        ensure!(
            a.len() == b.len() && (a.is_empty() || a.len() == pairs),
            "it has {} `prob_a` and {} `prob_b`, and {pairs} are needed",
            a.len(),
            b.len()
        );
        let mut end = 0;
        let ends = counts.iter().map(|count| {
            end += *count as usize;
            end
        });
        let pairs = Pairs {
            ends: ends.collect(),
            coefficients,
            rho,
            platt: a.into_iter().zip(b).collect(),
        };
        (vectors, Kind::Pairs(pairs))
    };
    Ok(Arc::new(Classifier {
        vectors,
        labels,
        post: Post::read(node)?,
        kind,
        positive,
    }))
}

impl Classifier {
    /// How many scores a row gets.
    fn columns(&self) -> usize {
        match &self.kind {
            Kind::Pairs(pairs) if pairs.platt.is_empty() => pairs.rho.len().max(2),
            _ => self.labels.len(),
        }
    }

    /// Adds the scores of a row, and gives its class.
    fn row(&self, row: &[f32], out: &mut Vec<f32>) -> usize {
        let start = out.len();
        match &self.kind {
            Kind::Linear { rho } => {
                out.extend(self.vectors.of(row).map(|sum| sum + rho));
                let scores = &mut out[start..];
                let chosen = greatest(scores);
                let two = scores.len() == 2;
                let most = scores[chosen];
                self.post.apply(scores);
                match two {
                    true if self.positive && most >= 0.5 || !self.positive && most > 0.0 => 1,
                    _ => chosen,
                }
            }
            Kind::Pairs(pairs) => {
                let kernels: Vec<f32> = self.vectors.of(row).collect();
                let decisions = pairs.decide(&kernels);
                let classes = pairs.ends.len();
                let mut votes = vec![0usize; classes];
                for ((i, j), decision) in each_pair(classes).zip(&decisions) {
                    votes[if *decision > 0.0 { i } else { j }] += 1;
                }
                let most = votes.iter().copied().max().unwrap_or(0);
                let chosen = votes.iter().position(|votes| *votes == most).unwrap_or(0);
                match &decisions[..] {
                    _ if !pairs.platt.is_empty() => {
                        out.extend(pairs.probabilities(&decisions));
                        self.post.apply(&mut out[start..]);
                    }
                    [decision] => {
                        let second = if self.post == Post::None {
                            Second::Negative
                        } else {
                            Second::Rest
                        };
                        out.extend(self.post.two(*decision, second));
                    }
                    decisions => {
                        out.extend(decisions);
                        self.post.apply(&mut out[start..]);
                    }
                }
                chosen
            }
        }
    }
}

/// Each two classes in order.
fn each_pair(classes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..classes).flat_map(move |i| (i + 1..classes).map(move |j| (i, j)))
}

impl Pairs {
    /// A number for each two classes, above zero for the first.
    fn decide(&self, kernels: &[f32]) -> Vec<f32> {
        let count = kernels.len();
        let of = |class: usize| {
            class.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[class]
        };
        let sum = |row: usize, class: usize| {
            let range = of(class);
            let coefficients = &self.coefficients[row * count..][range.clone()];
            dot(coefficients, &kernels[range])
        };
        let pairs = each_pair(self.ends.len()).zip(&self.rho);
        pairs
            .map(|((i, j), rho)| (sum(j - 1, i) + sum(i, j) + f64::from(*rho)) as f32)
            .collect()
    }

    /// The probability of each class, from that of each two: Wu, Lin and Weng's second method, as
    /// libsvm iterates it.
    fn probabilities(&self, decisions: &[f32]) -> Vec<f32> {
        let classes = self.ends.len();
        let mut r = vec![0f32; classes * classes];
        for (((i, j), decision), (a, b)) in each_pair(classes).zip(decisions).zip(&self.platt) {
            let share = (1.0 - logistic(decision * a + b)).clamp(1e-7, 1.0 - 1e-7);
            r[i * classes + j] = share;
            r[j * classes + i] = 1.0 - share;
        }
        let mut q = vec![0f32; classes * classes];
        for i in 0..classes {
            for j in (0..classes).filter(|j| *j != i) {
                let other = r[j * classes + i];
                q[i * classes + i] += other * other;
                q[i * classes + j] = -other * r[i * classes + j];
            }
        }
        let mut p = vec![1.0 / classes as f32; classes];
        let close = 0.005 / classes as f32;
        for _ in 0..100 {
            let mut qp: Vec<f32> = (q.chunks_exact(classes))
                .map(|row| row.iter().zip(&p).map(|(q, p)| q * p).sum())
                .collect();
            let mut pqp: f32 = p.iter().zip(&qp).map(|(p, qp)| p * qp).sum();
            if qp.iter().all(|qp| (qp - pqp).abs() < close) {
                break;
            }
            for i in 0..classes {
                let own = q[i * classes + i];
                let step = (pqp - qp[i]) / own;
                p[i] += step;
                pqp = (pqp + step * (step * own + 2.0 * qp[i])) / (1.0 + step) / (1.0 + step);
                for j in 0..classes {
                    qp[j] = (qp[j] + step * q[i * classes + j]) / (1.0 + step);
                    p[j] /= 1.0 + step;
                }
            }
        }
        p
    }
}

impl Operator for Classifier {
    fn name(&self) -> &'static str {
        "SVMClassifier"
    }

    fn width(&self) -> Option<usize> {
        Some(self.vectors.width)
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        let rows = inputs[0].rows();
        Ok(tvec![
            Known::new(self.labels.kind(), [rows.clone()]),
            Known::new(f32::datum_type(), [rows, self.columns().to_dim()]),
        ])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let count = matrix(inputs[0], self.vectors.width)?;
        let input = floats(inputs[0])?;
        let mut scores = Vec::with_capacity(count * self.columns());
        let rows = slice::<f32>(&input)?.chunks_exact(self.vectors.width);
        let chosen: Vec<usize> = rows.map(|row| self.row(row, &mut scores)).collect();
        Ok(tvec![
            self.labels.tensor(&chosen),
            Tensor::from_shape(&[count, self.columns()], &scores)?
        ])
    }
}

#[derive(Debug)]
struct Regressor {
    vectors: Vectors,
    /// One for each support vector; none where the machine is linear.
    coefficients: Vec<f32>,
    rho: f32,
    post: Post,
    /// Whether it tells what is like the training data, 1, from what is not, -1.
    one_class: bool,
}

pub(super) fn regressor(
    _: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    let coefficients = attributes::floats(node, "coefficients")?;
    let rho = attributes::floats(node, "rho")?;
    let count = node.get_attr_opt::<i64>("n_supports")?.unwrap_or(0);
    let (vectors, coefficients) = if count > 0 {
        let count = usize::try_from(count)?;
        let vectors = attributes::floats(node, "support_vectors")?;
        ensure!(
            coefficients.len() == count,
            "there are {} coefficients for {count} support vectors",
            coefficients.len()
        );
        (
            Vectors::new(Kernel::read(node)?, vectors, count)?,
            coefficients,
        )
    } else {
        (Vectors::new(Kernel::read(node)?, coefficients, 1)?, vec![])
    };
    Ok(Arc::new(Regressor {
        vectors,
        coefficients,
        rho: *rho.first().context("it has no `rho`")?,
        post: Post::read(node)?,
        one_class: node.get_attr_opt::<i64>("one_class")?.unwrap_or(0) != 0,
    }))
}

impl Operator for Regressor {
    fn name(&self) -> &'static str {
        "SVMRegressor"
    }

    fn width(&self) -> Option<usize> {
        Some(self.vectors.width)
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        Ok(tvec![Known::new(
            f32::datum_type(),
            [inputs[0].rows(), 1.to_dim()]
        )])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let count = matrix(inputs[0], self.vectors.width)?;
        let input = floats(inputs[0])?;
        let rows = slice::<f32>(&input)?.chunks_exact(self.vectors.width);
        let mut scores: Vec<f32> = rows
            .map(|row| {
                let kernels: Vec<f32> = self.vectors.of(row).collect();
                let sum = match &self.coefficients[..] {
                    [] => f64::from(kernels[0]),
                    coefficients => dot(coefficients, &kernels),
                };
                let score = (sum + f64::from(self.rho)) as f32;
                match self.one_class {
                    true if score > 0.0 => 1.0,
                    true => -1.0,
                    false => score,
                }
            })
            .collect();
        if self.post == Post::Probit {
            self.post.apply(&mut scores);
        }
        Ok(tvec![Tensor::from_shape(&[count, 1], &scores)?])
    }
}
