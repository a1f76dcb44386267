use seldon::prelude::*;

#[seldon::recommender]
struct Similar;

impl Recommend for Similar {
    fn recommend(&self, _: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        Ok(Vec::new())
    }
}

fn main() -> seldon::ExitCode {
    seldon::run::<Similar>()
}
