#[seldon::predictor]
struct Mean {
    bias: f64,
}

fn main() -> seldon::ExitCode {
    seldon::run::<Mean>()
}
