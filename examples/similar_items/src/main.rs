//! What goes with what: given the libraries that a package depends on, which others it would.
//!
//! ```text
//! cargo run -p similar_items -- train              fit and judge the models, save the best
//! cargo run -p similar_items -- similar NAME       what is most like an item
//! cargo run -p similar_items -- show ID…           the names behind the ids of a reply
//! cargo run -p similar_items -- candidates …       candidate lists, for memcached
//! cargo run --release -p similar_items             serve
//! ```

mod candidates;
mod data;
mod train;

use seldon::prelude::*;
use seldon::recommenders::Factors;
use seldon::{Config, ExitCode};

/// Recommends by the vectors that `train` fitted, among the candidates that a request names.
#[seldon::recommender(candidates = seldon::Configured, scores = best)]
pub struct SimilarItems {
    factors: Factors,
}

impl Recommend for SimilarItems {
    fn recommend(&self, query: &Query<'_>, candidates: &Candidates) -> Result<Vec<Recommendation>> {
        self.factors.recommend(query, candidates)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["train"] => train::train(),
        ["similar", name] => similar(name),
        ["show", ref ids @ ..] => show(ids),
        ["candidates", ref rest @ ..] => candidates::run(rest),
        // Flags are the server's.
        _ => return seldon::run::<SimilarItems>(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints what is most like the item `name`.
fn similar(name: &str) -> Result<()> {
    let names = data::names();
    let Some((&item, _)) = names.iter().find(|(_, known)| *known == name) else {
        return Err(Error::setup(format!("there is no item `{name}`")));
    };
    let model = SimilarItems::load(&Folder::open(Config::default().model)?)?;
    for Recommendation { item, score } in model.factors.similar(item, 10) {
        println!("{score:.3} {item:5} {}", names[&item]);
    }
    Ok(())
}

/// Prints the names behind ids.
fn show(ids: &[&str]) -> Result<()> {
    let names = data::names();
    for id in ids {
        let name = id.parse().ok().and_then(|id: i64| names.get(&id));
        println!("{id:>5} {}", name.map_or("(no item)", String::as_str));
    }
    Ok(())
}
