//! Fits the models, judges them on users who were held out, and saves the best.

use seldon::prelude::*;
use seldon::recommenders::evaluation::{Case, Split, evaluate};
use seldon::recommenders::{Factors, FactorsParameters, ItemKnn, ItemKnnParameters, MostPopular};
use seldon::{Config, InMemory};

use crate::{SimilarItems, candidates, data};

/// How many recommendations are judged.
const FIRST: usize = 20;

pub(crate) fn train() -> Result<()> {
    let all = data::interactions()?;
    // One user in five is held out, and of each one item in five is to be found.
    let Split { train, cases } = Split::new(&all, 5, 5, 1)?;
    println!(
        "{} users and {} items; {} users held out",
        all.users().len(),
        all.items().len(),
        cases.len()
    );
    let popular = MostPopular::fit(&train);
    let neighbours = ItemKnn::fit(&train, &ItemKnnParameters::default())?;
    let factors = Factors::fit(&train, &FactorsParameters::default())?;
    println!("             recall@{FIRST}  NDCG@{FIRST}");
    report("MostPopular", &popular, &cases)?;
    report("ItemKnn", &neighbours, &cases)?;
    report("Factors", &factors, &cases)?;

    // The best of them, now that it is known, from all there is.
    let factors = Factors::fit(&all, &FactorsParameters::default())?;
    let folder = Config::default().model;
    SimilarItems { factors }.save(&folder)?;
    // Beside the model, and saving replaces the folder: so after it.
    let lists = serde_json::to_vec(&candidates::lists())?;
    let path = folder.as_path().expect("the default is a path");
    std::fs::write(path.join(InMemory::FILE), lists)?;
    println!("saved in {folder}");
    Ok(())
}

fn report(name: &str, model: &impl Recommend, cases: &[Case]) -> Result<()> {
    let quality = evaluate(model, cases, FIRST)?;
    println!("{name:12} {:9.3}  {:7.3}", quality.recall, quality.ndcg);
    Ok(())
}
