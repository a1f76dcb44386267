//! Items that the same users touched.

use seldon_runtime::{Candidates, Error, Query, Recommend, Recommendation, Result};
use serde::{Deserialize, Serialize};

use crate::interactions::Interactions;
use crate::parallel::for_each_chunk;
use crate::popular::MostPopular;
use crate::progress;
use crate::seen::Seen;
use crate::sparse::Sparse;
use crate::top::Top;

/// How [`ItemKnn`] is fitted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ItemKnnParameters {
    /// How many of each item's nearest neighbours are kept, at least 1; 100 by default, in the
    /// range that Ferrari Dacrema, Cremonesi and Jannach searched ("Are we really making much
    /// progress?", RecSys 2019: 5 to 1000). More is larger, slower, and seldom better.
    pub neighbours: usize,
    /// Added to the denominator of the cosine, from 0; 10 by default (the same search: 0 to 1000).
    /// Without it two items that one user joined are as alike as can be; with it, likeness has to be
    /// seen often to be believed (Bell and Koren, ICDM 2007).
    pub shrinkage: f32,
}

impl Default for ItemKnnParameters {
    fn default() -> Self {
        Self {
            neighbours: 100,
            shrinkage: 10.0,
        }
    }
}

/// Recommends the neighbours of what the user touched: item-to-item cosine with shrinkage.
///
/// The likeness of items `i` and `j` is `r_i · r_j / (|r_i| |r_j| + shrinkage)`, where `r_i` has
/// the weight of each user's interaction with `i` (Deshpande and Karypis, "Item-based top-N
/// recommendation algorithms", TOIS 2004). An item's score is the sum of its likenesses to the items
/// that the user touched, of which each counts the same, and so not bounded by 1: the attribute's
/// argument is `scores = best`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct ItemKnn {
    popular: MostPopular,
    /// A row for each item, with the likeness of each neighbour.
    neighbours: Sparse,
}

#[derive(Deserialize)]
struct Unchecked {
    popular: MostPopular,
    neighbours: Sparse,
}

impl ItemKnn {
    /// Finds the neighbours of each item. It takes time with the square of the longest history:
    /// leave out users who touched nearly everything, they say little.
    ///
    /// # Errors
    ///
    /// If a parameter is out of its range, or the neighbours are more than 2³² − 1.
    pub fn fit(interactions: &Interactions, parameters: &ItemKnnParameters) -> Result<Self> {
        let &ItemKnnParameters {
            neighbours,
            shrinkage,
        } = parameters;
        if neighbours == 0 {
            return Err(Error::setup("`neighbours` must be at least 1, got 0"));
        }
        if !(shrinkage.is_finite() && shrinkage >= 0.0) {
            return Err(Error::setup(format!(
                "`shrinkage` must be a finite number from 0, got {shrinkage}"
            )));
        }
        let (by_user, by_item) = (interactions.by_user(), interactions.by_item());
        let items = by_item.rows();
        let norms: Vec<f64> = (0..items as u32)
            .map(|item| by_item.row(item).map(|(_, w)| f64::from(w).powi(2)).sum())
            .map(f64::sqrt)
            .collect();
        let mut found: Vec<Vec<(u32, f32)>> = vec![Vec::new(); items];
        let bar = progress::bar(items, "neighbours");
        for_each_chunk(
            &mut found,
            1,
            || (vec![0.0f64; items], Vec::new()),
            |(products, touched), item, out| {
                for (user, weight) in by_item.row(item) {
                    for (other, other_weight) in by_user.row(user) {
                        let product = &mut products[other as usize];
                        if *product == 0.0 {
                            touched.push(other);
                        }
                        *product += f64::from(weight) * f64::from(other_weight);
                    }
                }
                let norm = norms[item as usize];
                let mut likenesses = Vec::with_capacity(touched.len());
                for other in touched.drain(..) {
                    let product = std::mem::take(&mut products[other as usize]);
                    let among = norm * norms[other as usize] + f64::from(shrinkage);
                    // At most 1, rounding aside.
                    let likeness = (product / among).min(1.0) as f32;
                    // Weights may be so small that nothing is left of the likeness.
                    if other != item && likeness > 0.0 {
                        likenesses.push((other, likeness));
                    }
                }
                likenesses.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                likenesses.truncate(neighbours);
                likenesses.sort_unstable_by_key(|&(other, _)| other);
                out[0] = likenesses;
                bar.inc(1);
            },
        );
        bar.finish_and_clear();
        Ok(Self {
            popular: MostPopular::fit(interactions),
            neighbours: Sparse::from_rows(items as u32, found).map_err(Error::setup)?,
        })
    }

    /// The neighbours of `item`, most alike first; none where it is not known.
    pub fn neighbours(&self, item: i64) -> Vec<Recommendation> {
        let Some(row) = self.popular.index().row(item) else {
            return Vec::new();
        };
        let neighbours = self.neighbours.row(row);
        let mut top = Top::new(neighbours.len(), neighbours.len());
        for (other, likeness) in neighbours {
            top.offer(other, likeness, |_| true);
        }
        top.into_recommendations(self.popular.index())
    }
}

impl Recommend for ItemKnn {
    fn recommend(&self, query: &Query<'_>, candidates: &Candidates) -> Result<Vec<Recommendation>> {
        let index = self.popular.index();
        let seen = Seen::new(query, index);
        // One array for all items, of which the system gives zeros: cheaper than a map.
        let mut scores = vec![0.0f32; self.neighbours.rows()];
        let mut touched = Vec::new();
        for &recent in seen.recent() {
            for (other, likeness) in self.neighbours.row(recent) {
                let score = &mut scores[other as usize];
                if *score == 0.0 {
                    touched.push(other);
                }
                *score += likeness;
            }
        }
        let mut top = Top::new(query.limit, touched.len());
        for row in touched {
            top.offer(row, scores[row as usize], |row| {
                seen.admits(row) && candidates.contains(index.ids()[row as usize])
            });
        }
        let found = top.into_recommendations(index);
        if found.is_empty() {
            return self.popular.recommend(query, candidates);
        }
        Ok(found)
    }
}

impl TryFrom<Unchecked> for ItemKnn {
    type Error = String;

    fn try_from(read: Unchecked) -> Result<Self, String> {
        let Unchecked {
            popular,
            neighbours,
        } = read;
        let items = popular.index().ids().len();
        if (neighbours.rows(), neighbours.columns() as usize) != (items, items) {
            return Err(format!(
                "{items} items have neighbours in {} rows and {} columns",
                neighbours.rows(),
                neighbours.columns()
            ));
        }
        let mut likenesses = neighbours.values().iter();
        if let Some(wrong) = likenesses.find(|&&likeness| !(likeness > 0.0 && likeness <= 1.0)) {
            return Err(format!(
                "a likeness of two items is {wrong}, which is not above 0 and up to 1"
            ));
        }
        Ok(Self {
            popular,
            neighbours,
        })
    }
}
