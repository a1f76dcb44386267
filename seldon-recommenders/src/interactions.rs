//! What users did: the data that recommenders are fitted on.

use seldon_runtime::{Error, Result};

use crate::sparse::Sparse;

/// That a user touched an item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interaction {
    /// The user's id.
    pub user: i64,
    /// The item's id.
    pub item: i64,
    /// How much it says, above 0: 1 for a click, a rating, seconds watched.
    pub weight: f32,
}

/// Interactions, checked and sorted: at least one, each user and item once.
#[derive(Debug, Clone)]
pub struct Interactions {
    users: Vec<i64>,
    items: Vec<i64>,
    by_user: Sparse,
    by_item: Sparse,
}

impl Interactions {
    /// Interactions in any order. Those of one user with one item become one, of their weights' sum.
    ///
    /// # Errors
    ///
    /// If there are none, a weight is not a finite number above 0, or there are more than 2³² − 1.
    pub fn new(interactions: impl IntoIterator<Item = Interaction>) -> Result<Self> {
        let mut all: Vec<Interaction> = interactions.into_iter().collect();
        if let Some(wrong) = all.iter().find(|one| !is_weight(one.weight)) {
            return Err(Error::setup(format!(
                "the weight of user {} with item {} is {}: a weight is a finite number above 0",
                wrong.user, wrong.item, wrong.weight
            )));
        }
        if all.is_empty() {
            return Err(Error::setup("there are no interactions to learn from"));
        }
        // Stable, so that weights are added in the order in which they came.
        all.sort_by_key(|one| (one.user, one.item));
        all.dedup_by(|next, kept| {
            let same = (next.user, next.item) == (kept.user, kept.item);
            if same {
                // Two finite weights may add up to infinity.
                kept.weight = (kept.weight + next.weight).min(f32::MAX);
            }
            same
        });
        let users = distinct(all.iter().map(|one| one.user));
        let items = distinct(all.iter().map(|one| one.item));
        if all.len() > Sparse::MOST {
            return Err(Error::setup(format!(
                "there are {} interactions, and at most {} can be learnt from",
                all.len(),
                Sparse::MOST
            )));
        }
        let rows = all
            .chunk_by(|a, b| a.user == b.user)
            .map(|row| row.iter().map(|one| (place(&items, one.item), one.weight)));
        let by_user = Sparse::from_rows(items.len() as u32, rows).map_err(Error::setup)?;
        Ok(Self {
            by_item: by_user.transposed(),
            users,
            items,
            by_user,
        })
    }

    /// Interactions of weight 1 each, from pairs of a user and an item.
    ///
    /// # Errors
    ///
    /// As [`Interactions::new`].
    pub fn of_pairs(pairs: impl IntoIterator<Item = (i64, i64)>) -> Result<Self> {
        Self::new(pairs.into_iter().map(|(user, item)| Interaction {
            user,
            item,
            weight: 1.0,
        }))
    }

    /// The users' ids, ascending.
    pub fn users(&self) -> &[i64] {
        &self.users
    }

    /// The items' ids, ascending.
    pub fn items(&self) -> &[i64] {
        &self.items
    }

    /// All of them, by user and then by item.
    pub fn iter(&self) -> impl Iterator<Item = Interaction> {
        self.users.iter().zip(0..).flat_map(move |(&user, row)| {
            self.by_user
                .row(row)
                .map(move |(item, weight)| Interaction {
                    user,
                    item: self.items[item as usize],
                    weight,
                })
        })
    }

    /// A row for each user, a column for each item.
    pub(crate) fn by_user(&self) -> &Sparse {
        &self.by_user
    }

    /// A row for each item, a column for each user.
    pub(crate) fn by_item(&self) -> &Sparse {
        &self.by_item
    }
}

fn is_weight(weight: f32) -> bool {
    weight.is_finite() && weight > 0.0
}

fn distinct(ids: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut ids: Vec<i64> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn place(ids: &[i64], id: i64) -> u32 {
    // The ids were collected from what is looked up here, so it is there.
    ids.partition_point(|&other| other < id) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interaction(user: i64, item: i64, weight: f32) -> Interaction {
        Interaction { user, item, weight }
    }

    #[test]
    fn they_are_sorted_and_repetitions_are_added_up() {
        let given = [
            interaction(2, 10, 1.0),
            interaction(-1, 30, 2.0),
            interaction(2, 10, 0.5),
            interaction(2, -5, 1.0),
        ];
        let interactions = Interactions::new(given).expect("they are good");
        let all: Vec<_> = interactions.iter().collect();
        let expected = [
            interaction(-1, 30, 2.0),
            interaction(2, -5, 1.0),
            interaction(2, 10, 1.5),
        ];
        assert_eq!(all, expected);
        assert_eq!(interactions.users(), [-1, 2]);
        assert_eq!(interactions.items(), [-5, 10, 30]);
        let by_item: Vec<_> = interactions.by_item().row(1).collect();
        assert_eq!(by_item, [(1, 1.5)]);
    }

    #[test]
    fn weights_that_say_nothing_are_refused() {
        for weight in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let error = Interactions::new([interaction(1, 2, weight)])
                .expect_err("must be refused")
                .to_string();
            assert!(
                error.starts_with("the weight of user 1 with item 2 is"),
                "{error}"
            );
        }
    }

    #[test]
    fn nothing_is_nothing_to_learn_from() {
        assert!(Interactions::new([]).is_err());
    }

    #[test]
    fn weights_never_add_up_to_infinity() {
        let given = [interaction(1, 1, f32::MAX), interaction(1, 1, f32::MAX)];
        let interactions = Interactions::new(given).expect("they are good");
        assert_eq!(
            interactions.iter().next().map(|one| one.weight),
            Some(f32::MAX)
        );
    }
}
