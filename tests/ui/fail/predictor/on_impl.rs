struct Mean {}

#[seldon::predictor]
impl Mean {}

fn main() {}
