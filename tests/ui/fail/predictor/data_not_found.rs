#[seldon::predictor(data = Flower)]
struct Iris {
    bias: f64,
}

fn main() {}
