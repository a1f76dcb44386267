use seldon::prelude::*;

struct Similar {}

impl Recommend for Similar {
    fn recommend(&self, _: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        Ok(Vec::new())
    }
}

fn main() {
    let _ = Server::new().recommender(Similar {}, seldon::AllItems);
}
