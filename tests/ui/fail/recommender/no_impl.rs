#[seldon::recommender]
struct Similar {
    vectors: Vec<f32>,
}

fn main() -> seldon::ExitCode {
    seldon::run::<Similar>()
}
