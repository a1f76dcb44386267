use seldon::prelude::*;

#[seldon::recommender(scores = best, scores = unit)]
struct Similar {
    vectors: Vec<f32>,
}

impl Recommend for Similar {
    fn recommend(&self, _: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        Ok(Vec::new())
    }
}

fn main() -> seldon::ExitCode {
    seldon::run::<Similar>()
}
