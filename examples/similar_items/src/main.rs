//! tuning
mod data;
use seldon::recommenders::evaluation::{Split, evaluate};
use seldon::recommenders::*;
fn main() -> seldon::Result<()> {
    let all = data::interactions()?;
    let split = Split::new(&all, 5, 5, 1)?;
    println!("{} cases", split.cases.len());
    let q = evaluate(&MostPopular::fit(&split.train), &split.cases, 20)?;
    println!("popular {q:?}");
    for n in [20, 50, 100, 400] {
        for s in [0.0, 3.0, 10.0, 30.0, 100.0] {
            let mut p = ItemKnnParameters::default();
            p.neighbours = n;
            p.shrinkage = s;
            let q = evaluate(&ItemKnn::fit(&split.train, &p)?, &split.cases, 20)?;
            println!("knn {n} {s} {q:?}");
        }
    }
    for d in [64] {
        for (a, r) in [
            (40.0, 10.0),
            (40.0, 30.0),
            (40.0, 100.0),
            (10.0, 3.0),
            (10.0, 10.0),
            (10.0, 30.0),
            (3.0, 1.0),
            (3.0, 3.0),
            (3.0, 10.0),
            (1.0, 1.0),
            (1.0, 3.0),
        ] {
            let mut p = FactorsParameters::default();
            p.dimensions = d;
            p.alpha = a;
            p.regularisation = r;
            let t = std::time::Instant::now();
            let m = Factors::fit(&split.train, &p)?;
            let t = t.elapsed();
            let q = evaluate(&m, &split.cases, 20)?;
            println!("factors {d} {a} {r} {q:?} {t:?}");
        }
    }
    Ok(())
}
