//! Each recommender against the plainest thing that could be right: maps, f64, a full sort.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use seldon_recommenders::{
    DocSimilarity, DocSimilarityParameters, Factors, FactorsParameters, Interaction, Interactions,
    ItemKnn, ItemKnnParameters, MostPopular,
};
use seldon_runtime::{Candidates, List, Query, Recommend, Recommendation};

type Weights = BTreeMap<(i64, i64), f32>;

/// What users did: few users and items, so that they overlap.
fn weights() -> impl Strategy<Value = Weights> {
    btree_map((0i64..12, -8i64..8), (1u8..5).prop_map(f32::from), 1..60)
}

fn interactions(weights: &Weights) -> Interactions {
    let all = weights
        .iter()
        .map(|(&(user, item), &weight)| Interaction { user, item, weight });
    Interactions::new(all).expect("weights are above 0")
}

/// A request: what was touched, what is excluded, the candidates, and how many are asked for.
#[derive(Debug, Clone)]
struct Asked {
    item: Option<i64>,
    recent: Vec<i64>,
    excluded: Vec<i64>,
    candidates: Option<Vec<i64>>,
    limit: usize,
}

fn asked() -> impl Strategy<Value = Asked> {
    let items = || vec(-10i64..10, 0..6);
    let candidates = proptest::option::of(vec(-10i64..10, 0..20));
    (
        proptest::option::of(-10i64..10),
        items(),
        items(),
        candidates,
        1usize..12,
    )
        .prop_map(|(item, recent, excluded, candidates, limit)| Asked {
            item,
            recent,
            excluded,
            candidates,
            limit,
        })
}

impl Asked {
    fn of(&self, model: &impl Recommend) -> Vec<Recommendation> {
        let mut query = Query::new(99, self.limit)
            .recent(&self.recent)
            .excluding(&self.excluded);
        query.item_id = self.item;
        let candidates = match &self.candidates {
            Some(ids) => Candidates::union(&[List::new(ids.clone()).into()]),
            None => Candidates::all(),
        };
        model
            .recommend(&query, &candidates)
            .expect("finite models do not fail")
    }

    fn touched(&self) -> BTreeSet<i64> {
        self.item.iter().chain(&self.recent).copied().collect()
    }

    fn admits(&self, item: i64) -> bool {
        let candidate = self
            .candidates
            .as_ref()
            .is_none_or(|ids| ids.contains(&item));
        candidate && !self.touched().contains(&item) && !self.excluded.contains(&item)
    }

    /// Whether `found` is the best of `scores` that may come back, a rounding error aside.
    fn check(&self, found: &[Recommendation], scores: &BTreeMap<i64, f64>) -> TestCaseResult {
        const NEAR: f64 = 1e-3;
        let admitted: BTreeMap<i64, f64> = scores
            .iter()
            .filter(|(item, _)| self.admits(**item))
            .map(|(i, s)| (*i, *s))
            .collect();
        prop_assert_eq!(found.len(), admitted.len().min(self.limit));
        let items: BTreeSet<i64> = found.iter().map(|r| r.item).collect();
        prop_assert_eq!(items.len(), found.len(), "an item comes twice");
        for r in found {
            let score = admitted.get(&r.item);
            prop_assert!(score.is_some(), "{} must not come back", r.item);
            prop_assert!(
                (score.expect("just seen") - r.score).abs() < NEAR,
                "{r:?} {score:?}"
            );
        }
        for pair in found.windows(2) {
            let in_order = (-pair[0].score, pair[0].item) < (-pair[1].score, pair[1].item);
            prop_assert!(in_order, "{pair:?}");
        }
        if let Some(worst) = found.last() {
            let missed = admitted
                .iter()
                .find(|(i, s)| !items.contains(i) && **s > worst.score + NEAR);
            prop_assert!(missed.is_none(), "{missed:?} is better than {worst:?}");
        }
        Ok(())
    }
}

fn popular(weights: &Weights) -> BTreeMap<i64, f64> {
    let mut counts = BTreeMap::new();
    for (_, item) in weights.keys() {
        *counts.entry(*item).or_default() += 1.0;
    }
    counts
}

/// The likeness of every two items that a user joined, as the definition has it.
fn likenesses(weights: &Weights, shrinkage: f64) -> BTreeMap<(i64, i64), f64> {
    let norm = |item: i64| {
        let squares = weights.iter().filter(|((_, i), _)| *i == item);
        squares
            .map(|(_, w)| f64::from(*w).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    let mut products = BTreeMap::new();
    for (&(user, a), &weight) in weights {
        for (&(_, b), &other) in weights.iter().filter(|((u, b), _)| *u == user && *b != a) {
            *products.entry((a, b)).or_default() += f64::from(weight) * f64::from(other);
        }
    }
    products
        .into_iter()
        .map(|((a, b), p): (_, f64)| ((a, b), p / (norm(a) * norm(b) + shrinkage)))
        .collect()
}

proptest! {
    #[test]
    fn most_popular_counts_users(weights in weights(), asked in asked()) {
        let model = MostPopular::fit(&interactions(&weights));
        let expected = popular(&weights);
        asked.check(&asked.of(&model), &expected)?;
        // Counts are exact, so the order is too.
        let mut sorted: Vec<_> = expected.into_iter().filter(|(item, _)| asked.admits(*item)).collect();
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        sorted.truncate(asked.limit);
        let found: Vec<_> = asked.of(&model).iter().map(|r| (r.item, r.score)).collect();
        prop_assert_eq!(found, sorted);
    }

    #[test]
    fn item_knn_adds_up_likenesses(
        weights in weights(),
        asked in asked(),
        shrinkage in 0u8..20,
    ) {
        let mut parameters = ItemKnnParameters::default();
        parameters.shrinkage = f32::from(shrinkage);
        let model = ItemKnn::fit(&interactions(&weights), &parameters).expect("parameters are fine");
        let likenesses = likenesses(&weights, f64::from(shrinkage));
        let mut scores: BTreeMap<i64, f64> = BTreeMap::new();
        for ((from, to), likeness) in likenesses {
            if asked.touched().contains(&from) {
                *scores.entry(to).or_default() += likeness;
            }
        }
        if !scores.keys().any(|item| asked.admits(*item)) {
            scores = popular(&weights);
        }
        asked.check(&asked.of(&model), &scores)?;
    }

    #[test]
    fn item_knn_keeps_the_nearest_neighbours(weights in weights(), kept in 1usize..6) {
        let mut parameters = ItemKnnParameters::default();
        parameters.neighbours = kept;
        let model = ItemKnn::fit(&interactions(&weights), &parameters).expect("parameters are fine");
        let likenesses = likenesses(&weights, 10.0);
        for &(_, item) in weights.keys() {
            let of_item = |(&(from, to), &likeness): (&(i64, i64), &f64)| (from == item).then_some((to, likeness));
            let scores: BTreeMap<i64, f64> = likenesses.iter().filter_map(of_item).collect();
            let asked = Asked { item: None, recent: vec![], excluded: vec![], candidates: None, limit: kept };
            asked.check(&model.neighbours(item), &scores)?;
        }
    }

    #[test]
    fn factors_score_by_the_inner_product(weights in weights(), asked in asked(), dimensions in 1usize..20) {
        let mut parameters = FactorsParameters::default();
        parameters.dimensions = dimensions;
        parameters.iterations = 2;
        let model = Factors::fit(&interactions(&weights), &parameters).expect("parameters are fine");
        let items = popular(&weights);
        let known: Vec<i64> = asked.touched().into_iter().filter(|i| items.contains_key(i)).collect();
        if known.is_empty() {
            return asked.check(&asked.of(&model), &items);
        }
        // The user's vector is what the scores of as many items as it has dimensions say it is; here
        // it is enough that they all come from one: asked for everything, then for this.
        let everything = Asked { excluded: vec![], candidates: None, limit: 100, ..asked.clone() };
        let scores = everything.of(&model).into_iter().map(|r| (r.item, r.score)).collect();
        asked.check(&asked.of(&model), &scores)?;
    }

    #[test]
    fn kept_users_score_by_the_inner_product(weights in weights(), dimensions in 1usize..20) {
        let mut parameters = FactorsParameters::default();
        parameters.dimensions = dimensions;
        parameters.iterations = 2;
        parameters.keep_users = true;
        let interactions = interactions(&weights);
        let model = Factors::fit(&interactions, &parameters).expect("parameters are fine");
        for &user in interactions.users() {
            // A known user without recent interactions, and the same one solved from them.
            let touched: Vec<i64> =
                weights.keys().filter(|(u, _)| *u == user).map(|(_, item)| *item).collect();
            let stored = model.recommend(&Query::new(user, 100), &Candidates::all()).expect("it is finite");
            prop_assert_eq!(stored.len(), interactions.items().len());
            if weights.iter().any(|((u, _), w)| *u == user && *w != 1.0) {
                continue;
            }
            let solved = model.recommend(&Query::new(user, 100).recent(&touched), &Candidates::all()).expect("it is finite");
            let stored: BTreeMap<i64, f64> = stored.iter().map(|r| (r.item, r.score)).collect();
            for r in solved {
                prop_assert!((stored[&r.item] - r.score).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn documents_are_compared_by_tf_idf_and_cosine(
        texts in btree_map(-8i64..8, vec(0u8..12, 0..15), 1..14),
        asked in asked(),
        least_documents in 1usize..4,
    ) {
        let mut parameters = DocSimilarityParameters::default();
        parameters.least_documents = least_documents;
        parameters.most_share = 0.6;
        let words = |words: &[u8]| words.iter().map(|w| format!("w{w}")).collect::<Vec<_>>().join(" ");
        let documents = texts.iter().map(|(item, text)| (*item, words(text)));
        let model = DocSimilarity::fit(documents, None, &parameters).expect("there are documents");

        let total = texts.len() as f64;
        let with = |word: u8| texts.values().filter(|text| text.contains(&word)).count();
        let vector = |item: i64| -> BTreeMap<u8, f64> {
            let text = &texts[&item];
            let mut vector: BTreeMap<u8, f64> = BTreeMap::new();
            for &word in text {
                let of = with(word);
                if of >= least_documents && of as f64 <= 0.6 * total {
                    *vector.entry(word).or_default() += ((1.0 + total) / (1.0 + of as f64)).ln() + 1.0;
                }
            }
            let length = vector.values().map(|w| w * w).sum::<f64>().sqrt();
            vector.values_mut().for_each(|w| *w /= length);
            vector
        };
        let mut taste: BTreeMap<u8, f64> = BTreeMap::new();
        for item in asked.touched().into_iter().filter(|item| texts.contains_key(item)) {
            for (word, weight) in vector(item) {
                *taste.entry(word).or_default() += weight;
            }
        }
        let length = taste.values().map(|w| w * w).sum::<f64>().sqrt();
        let mut scores: BTreeMap<i64, f64> = BTreeMap::new();
        for &item in texts.keys() {
            let of_item = vector(item);
            let product = taste.iter().map(|(word, w)| w * of_item.get(word).unwrap_or(&0.0)).sum::<f64>();
            if product > 0.0 {
                scores.insert(item, product / length);
            }
        }
        if !scores.keys().any(|item| asked.admits(*item)) {
            scores = texts.keys().map(|item| (*item, 0.0)).collect();
        }
        asked.check(&asked.of(&model), &scores)?;
    }
}
