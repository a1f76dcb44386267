//! Models are read as they were written, and refused, in a sentence, where they are damaged.

use proptest::prelude::*;
use seldon_recommenders::{
    DocSimilarity, DocSimilarityParameters, Factors, FactorsParameters, Interactions, ItemKnn,
    ItemKnnParameters, MostPopular,
};
use seldon_runtime::{Candidates, Persist, Query, Recommend};

fn interactions() -> Interactions {
    let pairs = (0..30).flat_map(|user| (0..8).map(move |n| (user, (user * 5 + n) % 20)));
    Interactions::of_pairs(pairs).expect("they are good")
}

fn popular() -> MostPopular {
    MostPopular::fit(&interactions())
}

fn knn() -> ItemKnn {
    ItemKnn::fit(&interactions(), &ItemKnnParameters::default()).expect("parameters are fine")
}

fn factors() -> Factors {
    let mut parameters = FactorsParameters::default();
    parameters.dimensions = 4;
    parameters.iterations = 2;
    parameters.keep_users = true;
    Factors::fit(&interactions(), &parameters).expect("parameters are fine")
}

fn documents() -> DocSimilarity {
    let texts = (0..20).map(|item| (item, format!("word{} word{}", item % 3, item % 5)));
    DocSimilarity::fit(
        texts,
        Some(&interactions()),
        &DocSimilarityParameters::default(),
    )
    .expect("there are documents")
}

fn answers(model: &impl Recommend) -> Vec<Vec<(i64, u64)>> {
    let recent: [&[i64]; 4] = [&[], &[3], &[1, 2, 3], &[99]];
    let ask = |recent| {
        let query = Query::new(7, 10).recent(recent);
        let found = model.recommend(&query, &Candidates::all());
        let found = found.expect("finite models do not fail");
        found.iter().map(|r| (r.item, r.score.to_bits())).collect()
    };
    recent.map(ask).to_vec()
}

fn comes_back<M: Recommend + Persist>(model: &M) {
    let bytes = model.to_bytes().expect("any model has bytes");
    let read = M::from_bytes(&bytes).expect("written by us");
    assert_eq!(answers(&read), answers(model));
    assert_eq!(read.to_bytes().expect("any model has bytes"), bytes);
    for length in 0..bytes.len() {
        assert!(M::from_bytes(&bytes[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn most_popular_comes_back() {
    comes_back(&popular());
}

#[test]
fn item_knn_comes_back() {
    comes_back(&knn());
}

#[test]
fn factors_come_back() {
    comes_back(&factors());
}

#[test]
fn documents_come_back() {
    comes_back(&documents());
}

#[test]
fn a_fit_is_the_same_every_time() {
    let bytes = |model: Factors| model.to_bytes().expect("any model has bytes");
    assert_eq!(bytes(factors()), bytes(factors()));
    let bytes = |model: ItemKnn| model.to_bytes().expect("any model has bytes");
    assert_eq!(bytes(knn()), bytes(knn()));
    let bytes = |model: DocSimilarity| model.to_bytes().expect("any model has bytes");
    assert_eq!(bytes(documents()), bytes(documents()));
}

/// The bytes of `model` with `new` in place of the one occurrence of `old`.
fn damaged(model: &impl Persist, old: &[u8], new: &[u8]) -> Vec<u8> {
    let bytes = model.to_bytes().expect("any model has bytes");
    let mut places = bytes
        .windows(old.len())
        .enumerate()
        .filter(|(_, w)| *w == old);
    let (at, _) = places.next().expect("it is in there");
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

fn refusal<M: Persist>(bytes: &[u8]) -> String {
    match M::from_bytes(bytes) {
        Ok(_) => panic!("it must be refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_vector_that_is_not_finite_is_refused() {
    let model = factors();
    let value = model.vector(0).expect("it is known")[0].to_le_bytes();
    let said = refusal::<Factors>(&damaged(&model, &value, &f32::NAN.to_le_bytes()));
    assert!(
        said.contains("row 0, column 0 of a matrix is NaN"),
        "{said}"
    );
    let said = refusal::<Factors>(&damaged(&model, &value, &f32::NEG_INFINITY.to_le_bytes()));
    assert!(said.contains("is -inf"), "{said}");
}

#[test]
fn a_likeness_out_of_range_is_refused() {
    let model = knn();
    let likeness = (model.neighbours(0)[0].score as f32).to_le_bytes();
    for wrong in [f32::NAN, f32::INFINITY, -0.5, 0.0, 1.5] {
        let said = refusal::<ItemKnn>(&damaged(&model, &likeness, &wrong.to_le_bytes()));
        assert!(said.contains(&wrong.to_string()), "{said}");
    }
}

#[test]
fn shapes_that_do_not_fit_each_other_are_refused() {
    // MessagePack: a text of 10 bytes, and the number after it.
    let said = refusal::<Factors>(&damaged(
        &factors(),
        b"\xaadimensions\x04",
        b"\xaadimensions\x05",
    ));
    assert!(
        said.contains("a matrix of 5 rows and 5 columns cannot have 16 values"),
        "{said}"
    );
    let said = refusal::<Factors>(&damaged(
        &factors(),
        b"\xaadimensions\x04",
        b"\xaadimensions\x00",
    ));
    assert!(
        said.contains("`dimensions` must be from 1 to 1024, got 0"),
        "{said}"
    );
    let said = refusal::<ItemKnn>(&damaged(&knn(), b"\xa7columns\x14", b"\xa7columns\x15"));
    assert!(
        said.contains("20 items have neighbours in 20 rows and 21 columns"),
        "{said}"
    );
    let said = refusal::<ItemKnn>(&damaged(&knn(), b"\xa7columns\x14", b"\xa7columns\x0b"));
    assert!(said.contains("does not name its columns"), "{said}");
}

#[test]
fn item_ids_that_do_not_ascend_are_refused() {
    let two = [0i64.to_le_bytes(), 1i64.to_le_bytes()].concat();
    let swapped = [1i64.to_le_bytes(), 0i64.to_le_bytes()].concat();
    let said = refusal::<MostPopular>(&damaged(&popular(), &two, &swapped));
    assert!(
        said.contains("the ids of the items do not ascend"),
        "{said}"
    );
}

/// Any model that these bytes make is one that answers: nothing in it is out of bounds.
fn holds<M: Recommend + Persist>(bytes: &[u8]) {
    if let Ok(model) = M::from_bytes(bytes) {
        for recent in [&[] as &[i64], &[3], &[1, 2, 3]] {
            let _ = model.recommend(&Query::new(7, 10).recent(recent), &Candidates::all());
        }
    }
}

proptest! {
    #[test]
    fn a_changed_byte_never_makes_it_panic(at in any::<proptest::sample::Index>(), to in any::<u8>()) {
        let change = |mut bytes: Vec<u8>| {
            let at = at.index(bytes.len());
            bytes[at] = to;
            bytes
        };
        let bytes = |bytes: seldon_runtime::Result<Vec<u8>>| change(bytes.expect("any model has bytes"));
        holds::<MostPopular>(&bytes(popular().to_bytes()));
        holds::<ItemKnn>(&bytes(knn().to_bytes()));
        holds::<Factors>(&bytes(factors().to_bytes()));
        holds::<DocSimilarity>(&bytes(documents().to_bytes()));
    }
}
