//! How good a recommender is on what users did afterwards.
//!
//! Users are held out whole: the model never sees them. Most of a user's items are given as
//! recent interactions, and the rest is to be found. This is the "strong generalisation" of Marlin
//! ("Collaborative filtering: a machine learning perspective", 2004), as Liang et al. use it
//! ("Variational autoencoders for collaborative filtering", WWW 2018), whose measures these are too.

use std::collections::BTreeMap;

use seldon_runtime::{Candidates, Query, Recommend, Result};

use crate::interactions::{Interaction, Interactions};

/// A user who was held out.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What the model is told, as recent interactions.
    pub given: Vec<i64>,
    /// What it is to find.
    pub wanted: Vec<i64>,
}

/// Interactions to fit on, and users to judge by.
#[derive(Debug)]
pub struct Split {
    /// All interactions of the other users.
    pub train: Interactions,
    /// The users held out, ascending by id.
    pub cases: Vec<Case>,
}

impl Split {
    /// Holds out one user in `users_in`, and of each one item in `items_in`, at least one; a user of a
    /// single item stays. Who and which is decided by a hash of the ids and `seed`, so that it is the
    /// same every time.
    ///
    /// # Errors
    ///
    /// If nobody is left to fit on.
    pub fn new(all: &Interactions, users_in: u64, items_in: u64, seed: u64) -> Result<Self> {
        let mut train = Vec::new();
        let mut held_out: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for one in all.iter() {
            if hash([seed as i64, one.user]).is_multiple_of(users_in) {
                held_out.entry(one.user).or_default().push(one.item);
            } else {
                train.push(one);
            }
        }
        let mut cases = Vec::with_capacity(held_out.len());
        for (user, mut items) in held_out {
            if items.len() < 2 {
                train.extend(items.into_iter().map(|item| Interaction {
                    user,
                    item,
                    weight: 1.0,
                }));
                continue;
            }
            items.sort_by_key(|&item| (hash([seed as i64, user, item]), item));
            let wanted = (items.len() as u64 / items_in).clamp(1, items.len() as u64 - 1);
            let given = items.split_off(wanted as usize);
            cases.push(Case {
                given,
                wanted: items,
            });
        }
        Ok(Self {
            train: Interactions::new(train)?,
            cases,
        })
    }
}

/// How good a recommender is, each the mean over all cases: 0 is worst, 1 is best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// How much of what was wanted is among the first `k`: the hits over the lesser of `k` and the
    /// number wanted.
    pub recall: f64,
    /// The same, earlier hits counting more: normalised discounted cumulative gain, of which a hit at
    /// place `n`, counted from 1, adds `1 / log2(n + 1)`.
    pub ndcg: f64,
}

/// Asks `model` for `k` recommendations in each of `cases`.
///
/// # Errors
///
/// The model's.
pub fn evaluate(model: &impl Recommend, cases: &[Case], k: usize) -> Result<Quality> {
    let (mut recall, mut ndcg) = (0.0, 0.0);
    for Case { given, wanted } in cases {
        // A user that no model knows.
        let query = Query::new(i64::MIN, k).recent(given);
        let found = model.recommend(&query, &Candidates::all())?;
        let places = (0..).zip(&found).take(k);
        let hits = places.filter(|(_, found)| wanted.contains(&found.item));
        let (mut count, mut gain) = (0, 0.0);
        for (place, _) in hits {
            count += 1;
            gain += discount(place);
        }
        let most = wanted.len().min(k);
        let best: f64 = (0..most).map(discount).sum();
        recall += f64::from(count) / most as f64;
        ndcg += gain / best;
    }
    let cases = cases.len().max(1) as f64;
    Ok(Quality {
        recall: recall / cases,
        ndcg: ndcg / cases,
    })
}

/// What a hit is worth at `place`, counted from 0.
fn discount(place: usize) -> f64 {
    1.0 / (place as f64 + 2.0).log2()
}

/// FNV-1a, 64 bits, and a last mix, for its low bits alone are poor.
fn hash<const N: usize>(values: [i64; N]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in values.iter().flat_map(|value| value.to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seldon_runtime::Recommendation;

    struct Fixed(Vec<i64>);

    impl Recommend for Fixed {
        fn recommend(&self, _: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
            let items = self.0.iter();
            Ok(items
                .map(|&item| Recommendation { item, score: 1.0 })
                .collect())
        }
    }

    fn case(wanted: &[i64]) -> Case {
        Case {
            given: vec![1],
            wanted: wanted.to_vec(),
        }
    }

    fn quality(found: &[i64], wanted: &[i64], k: usize) -> Quality {
        evaluate(&Fixed(found.to_vec()), &[case(wanted)], k).expect("it never fails")
    }

    #[test]
    fn all_found_first_is_best() {
        let best = quality(&[7, 8, 9], &[8, 7], 3);
        assert_eq!((best.recall, best.ndcg), (1.0, 1.0));
        assert_eq!(quality(&[1, 2, 3], &[8, 7], 3).recall, 0.0);
    }

    #[test]
    fn later_hits_count_less() {
        // One of two, at the third place: 1 / log2(4) of 1 + 1 / log2(3).
        let found = quality(&[1, 2, 7], &[8, 7], 3);
        assert_eq!(found.recall, 0.5);
        assert!((found.ndcg - 0.5 / (1.0 + 1.0 / 3f64.log2())).abs() < 1e-12);
    }

    #[test]
    fn no_more_than_k_can_be_found() {
        assert_eq!(quality(&[1, 2, 3], &[1, 2, 3], 2).recall, 1.0);
    }

    #[test]
    fn a_split_takes_users_whole_and_loses_nothing() {
        let pairs = (0..500).flat_map(|user| (0..10).map(move |item| (user, (user + item) % 50)));
        let all = Interactions::of_pairs(pairs).expect("they are good");
        let split = Split::new(&all, 5, 5, 1).expect("many are left");
        assert!(
            (60..140).contains(&split.cases.len()),
            "{}",
            split.cases.len()
        );
        assert!(
            split
                .cases
                .iter()
                .all(|c| (c.given.len(), c.wanted.len()) == (8, 2))
        );
        assert_eq!(split.train.users().len() + split.cases.len(), 500);
        assert_eq!(split.train.iter().count(), 10 * split.train.users().len());
        let again = Split::new(&all, 5, 5, 1).expect("many are left");
        assert_eq!(again.cases, split.cases);
    }
}
