//! Trains the model on Fisher's flowers.

use crate::model::{features, softmax};
use crate::{Iris, IrisPredictRequest};

/// A flower and the index of its class.
pub type Sample = (IrisPredictRequest, usize);

/// Steps of gradient descent: the loss changes in the sixth digit by then.
const STEPS: usize = 5000;

/// How far one step goes, on features of variance 1.
const RATE: f64 = 0.5;

/// How strongly weights are drawn to 0: without it they grow for ever, as setosa can be told from
/// the others without an error.
const DECAY: f64 = 1e-3;

/// The flowers of `data/iris.csv`, in its order: 50 of each class, one class after the other.
///
/// # Errors
///
/// If a line is not four numbers and the name of a class.
pub fn flowers() -> seldon::Result<Vec<Sample>> {
    let lines = include_str!("../data/iris.csv").lines().skip(1);
    lines.map(flower).collect()
}

fn flower(line: &str) -> seldon::Result<Sample> {
    let columns: Vec<&str> = line.split(',').collect();
    let classes = <Iris as seldon::Predictor>::CLASSES;
    let wrong = || seldon::Error::setup(format!("`{line}` is no flower"));
    let &[f1, f2, f3, f4, species] = columns.as_slice() else {
        return Err(wrong());
    };
    let class = classes.iter().position(|class| *class == species);
    let flower = IrisPredictRequest {
        f1: f1.parse()?,
        f2: f2.parse()?,
        f3: f3.parse()?,
        f4: f4.parse()?,
    };
    Ok((flower, class.ok_or_else(wrong)?))
}

/// Splits `flowers` into those to train on and those to test on: every fifth, which is ten of
/// each class.
pub fn split(flowers: Vec<Sample>) -> (Vec<Sample>, Vec<Sample>) {
    let (mut train, mut held_out) = (Vec::new(), Vec::new());
    for (index, flower) in flowers.into_iter().enumerate() {
        if index % 5 == 4 {
            held_out.push(flower);
        } else {
            train.push(flower);
        }
    }
    (train, held_out)
}

/// The share of `samples` whose likeliest class is the right one.
pub fn accuracy(iris: &Iris, samples: &[Sample]) -> f64 {
    let right = samples.iter().filter(|(flower, class)| {
        let probabilities = iris.probabilities(flower);
        (0..3).all(|other| probabilities[other] <= probabilities[*class])
    });
    right.count() as f64 / samples.len() as f64
}

/// Fits a classifier to `samples` by full-batch gradient descent on the cross-entropy: no chance
/// in it, so that the same flowers give the same model.
pub fn fit(samples: &[Sample]) -> Iris {
    let count = samples.len() as f64;
    let (mean, deviation) = moments(samples);
    let standard = |flower: &IrisPredictRequest| {
        let x = features(flower);
        [0, 1, 2, 3].map(|i| (x[i] - mean[i]) / deviation[i])
    };
    let rows: Vec<([f64; 4], usize)> = (samples.iter())
        .map(|(flower, class)| (standard(flower), *class))
        .collect();

    let (mut weights, mut bias) = ([[0.0; 4]; 3], [0.0; 3]);
    for _ in 0..STEPS {
        let mut slope = weights.map(|of_class: [f64; 4]| of_class.map(|w| w * DECAY));
        let mut bias_slope = [0.0; 3];
        for (x, class) in &rows {
            let score = |k: usize| bias[k] + (0..4).map(|i| weights[k][i] * x[i]).sum::<f64>();
            let probabilities = softmax([0, 1, 2].map(score));
            for k in 0..3 {
                let excess = (probabilities[k] - f64::from(u8::from(k == *class))) / count;
                bias_slope[k] += excess;
                for i in 0..4 {
                    slope[k][i] += excess * x[i];
                }
            }
        }
        for k in 0..3 {
            bias[k] -= RATE * bias_slope[k];
            for i in 0..4 {
                weights[k][i] -= RATE * slope[k][i];
            }
        }
    }

    // Back to centimetres, so that serving needs neither mean nor deviation.
    for k in 0..3 {
        for i in 0..4 {
            weights[k][i] /= deviation[i];
            bias[k] -= weights[k][i] * mean[i];
        }
    }
    Iris::new(weights, bias)
}

/// The mean and the standard deviation of each feature.
fn moments(samples: &[Sample]) -> ([f64; 4], [f64; 4]) {
    let count = samples.len() as f64;
    let mean_of = |value: &dyn Fn(&[f64; 4]) -> f64| {
        let values = samples.iter().map(|(flower, _)| value(&features(flower)));
        values.sum::<f64>() / count
    };
    let mean = [0, 1, 2, 3].map(|i| mean_of(&|x| x[i]));
    let deviation = [0, 1, 2, 3].map(|i| mean_of(&|x| (x[i] - mean[i]).powi(2)).sqrt());
    (mean, deviation)
}
