//! tuning
mod data;
use seldon::prelude::*;
use seldon::recommenders::evaluation::{Split, evaluate};
use seldon::recommenders::*;
fn main() -> seldon::Result<()> {
    let all = data::interactions()?;
    let split = Split::new(&all, 5, 5, 1)?;
    let names = data::names();

    let m = Factors::fit(&all, &FactorsParameters::default())?;
    for w in ["libsdl2-2.0-0", "libqt5core5a", "python3-numpy", "perl"] {
        let Some(id) = names.iter().find(|n| n.1 == w).map(|n| n.0) else {
            continue;
        };
        print!("{w}: ");
        for r in m.similar(id, 10) {
            print!("{} {:.2}, ", names[r.item as usize - 1].1, r.score);
        }
        println!();
    }
    let mut p = FactorsParameters::default();
    p.dimensions = 96;
    p.regularisation = 120.0;
    println!(
        "96 {:?}",
        evaluate(&Factors::fit(&split.train, &p)?, &split.cases, 20)?
    );
    let mut p = ItemKnnParameters::default();
    p.neighbours = 100;
    let k = ItemKnn::fit(&all, &p)?;
    let id = names
        .iter()
        .find(|n| n.1 == "libsdl2-2.0-0")
        .map(|n| n.0)
        .unwrap();
    for r in k.recommend(&Query::new(0, 10).recent(&[id]), &Candidates::all())? {
        print!("{} {:.2}, ", names[r.item as usize - 1].1, r.score);
    }
    Ok(())
}
