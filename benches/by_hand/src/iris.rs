//! The model: the weights of `examples/iris/model`, and the same arithmetic.

pub(crate) const CLASSES: [&str; 3] = ["setosa", "versicolor", "virginica"];

const WEIGHTS: [[f64; 4]; 3] = [
    [
        -1.7939590170824613,
        3.81273022598435,
        -1.7947482764150942,
        -4.008624823641121,
    ],
    [
        1.32909121648047,
        -0.9598537617309166,
        -0.3301950872226825,
        -2.393098678586269,
    ],
    [
        0.46486780060199573,
        -2.852876464253427,
        2.1249433636377804,
        6.401723502227383,
    ],
];

const BIAS: [f64; 3] = [10.39159333229685, 2.7990303265675576, -13.19062365886446];

/// The probability of each class.
pub(crate) fn probabilities(flower: [f32; 4]) -> [f64; 3] {
    let x = flower.map(f64::from);
    let scores = [0, 1, 2].map(|class| {
        let products = WEIGHTS[class].iter().zip(x).map(|(w, x)| w * x);
        BIAS[class] + products.sum::<f64>()
    });
    let greatest = scores.into_iter().fold(f64::MIN, f64::max);
    let exponentials = scores.map(|score: f64| (score - greatest).exp());
    let sum: f64 = exponentials.iter().sum();
    exponentials.map(|e| e / sum)
}
