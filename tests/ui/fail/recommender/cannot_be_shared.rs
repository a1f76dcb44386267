use std::cell::RefCell;

use seldon::prelude::*;

#[seldon::recommender]
struct Similar {
    #[seldon(skip)]
    names: RefCell<Vec<String>>,
}

impl Recommend for Similar {
    fn recommend(&self, _: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        Ok(Vec::new())
    }
}

fn main() -> seldon::ExitCode {
    seldon::run::<Similar>()
}
