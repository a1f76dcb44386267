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

#[cfg(test)]
mod tests {
    use super::*;

    fn trained() -> SimilarItems {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/model");
        let folder = Folder::open(folder).expect("the trained model is committed");
        SimilarItems::load(&folder).expect("it is whole")
    }

    fn id(name: &str) -> i64 {
        let names = data::names();
        let found = names.iter().find(|(_, known)| *known == name);
        *found.expect("it is in the data").0
    }

    #[test]
    fn sdl_goes_with_its_mixer_images_and_fonts() {
        let similar = trained().factors.similar(id("libsdl2-2.0-0"), 3);
        let mut found: Vec<i64> = similar.iter().map(|r| r.item).collect();
        found.sort_unstable();
        let parts = ["image", "mixer", "ttf"].map(|part| id(&format!("libsdl2-{part}-2.0-0")));
        assert_eq!(found, parts);
    }

    #[test]
    fn who_uses_numpy_is_recommended_its_like() {
        let recent = [id("python3-numpy"), id("python3-scipy")];
        let query = Query::new(1, 10).recent(&recent);
        let found = trained().recommend(&query, &Candidates::all());
        let found: Vec<i64> = found
            .expect("it is finite")
            .iter()
            .map(|r| r.item)
            .collect();
        assert!(found.contains(&id("python3-matplotlib")), "{found:?}");
        assert!(!found.contains(&recent[0]), "{found:?}");
    }
}
