#[seldon::predictor]
pub union Model {
    whole: u32,
    part: f32,
}

fn main() {}
