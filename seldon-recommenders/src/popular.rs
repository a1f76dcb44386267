//! What most users touched.

use seldon_runtime::{Candidates, ItemIndex, Query, Recommend, Recommendation, Result};
use serde::{Deserialize, Serialize};

use crate::interactions::Interactions;
use crate::little_endian;
use crate::seen::Seen;
use crate::top::Top;

/// Recommends what most users touched, to everybody alike: the yardstick for all others, and what
/// they answer where they know nothing of the user.
///
/// A score is a number of users, so the attribute's argument is `scores = best`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct MostPopular {
    #[serde(serialize_with = "little_endian::ids", rename = "items")]
    index: ItemIndex,
    /// How many users touched the item.
    #[serde(with = "little_endian")]
    users: Vec<u32>,
}

#[derive(Deserialize)]
struct Unchecked {
    #[serde(with = "little_endian")]
    items: Vec<i64>,
    #[serde(with = "little_endian")]
    users: Vec<u32>,
}

impl MostPopular {
    /// Counts the users of each item; weights make no difference.
    pub fn fit(interactions: &Interactions) -> Self {
        let by_item = interactions.by_item();
        let users = (0..by_item.rows() as u32).map(|item| by_item.row(item).len() as u32);
        Self {
            index: ItemIndex::new(interactions.items().to_vec())
                .expect("the items of interactions ascend"),
            users: users.collect(),
        }
    }

    /// The items known, and their rows.
    pub fn index(&self) -> &ItemIndex {
        &self.index
    }

    /// How many users touched `item`; 0 where it is not known.
    pub fn users(&self, item: i64) -> u32 {
        self.index
            .row(item)
            .map_or(0, |row| self.users[row as usize])
    }

    /// Items with the number of their users, ascending by item.
    ///
    /// `None` if they do not ascend.
    pub(crate) fn from_counts(counts: impl IntoIterator<Item = (i64, u32)>) -> Option<Self> {
        let (items, users) = counts.into_iter().unzip();
        Some(Self {
            index: ItemIndex::new(items)?,
            users,
        })
    }
}

impl Recommend for MostPopular {
    fn recommend(&self, query: &Query<'_>, candidates: &Candidates) -> Result<Vec<Recommendation>> {
        let seen = Seen::new(query, &self.index);
        let mut top = Top::new(query.limit, self.users.len());
        // A count above 2^24 loses its last digits in f32, and ties are then by item id.
        let mut offer = |row: u32| {
            let users = self.users[row as usize] as f32;
            top.offer(row, users, |row| seen.admits(row));
        };
        match candidates.rows(&self.index) {
            Some(rows) => rows.iter().copied().for_each(&mut offer),
            None => (0..self.users.len() as u32).for_each(&mut offer),
        }
        Ok(top.into_recommendations(&self.index))
    }
}

impl TryFrom<Unchecked> for MostPopular {
    type Error = String;

    fn try_from(read: Unchecked) -> Result<Self, String> {
        if read.items.len() != read.users.len() {
            return Err(format!(
                "{} items have {} counts of users",
                read.items.len(),
                read.users.len()
            ));
        }
        Self::from_counts(read.items.into_iter().zip(read.users))
            .ok_or_else(|| "the ids of the items do not ascend".to_owned())
    }
}
