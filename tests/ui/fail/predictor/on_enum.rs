#[seldon::predictor]
pub enum Model {
    Linear {
        #[seldon(json)]
        weights: Vec<f32>,
    },
    Constant(f32),
}

fn main() {}
