//! A forest as serde sees it, and the checks of one that comes back.

use serde::{Deserialize, Serialize};

use crate::ensemble::{CATEGORY, Ensemble, MOST_FEATURES, Node, set_of};
use crate::error::{Error, Result};
use crate::forest::{About, Forest, Stand, Trees};
use crate::grow::Place;
use crate::packed;
use crate::scalar::Scalar;

/// In a stored node's `split`: it is a leaf, and `at` its value.
const LEAF: u32 = u32::MAX;

/// The file's form. Numbers are one run of bytes each, which load at the speed of memory.
#[derive(Serialize, Deserialize)]
pub(crate) struct Stored {
    about: About,
    #[serde(with = "packed")]
    round_ends: Vec<u32>,
    rounds: usize,
    trees: StoredTrees,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredTrees {
    Single(StoredStand<f32>),
    Double(StoredStand<f64>),
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "T: packed::Number")]
struct StoredStand<T> {
    #[serde(with = "packed")]
    base: Vec<T>,
    /// The threshold of a split, the value of a leaf.
    #[serde(with = "packed")]
    at: Vec<T>,
    #[serde(with = "packed")]
    split: Vec<u32>,
    #[serde(with = "packed")]
    first: Vec<u32>,
    #[serde(with = "packed")]
    roots: Vec<u32>,
    #[serde(with = "packed")]
    groups: Vec<u32>,
    #[serde(with = "packed")]
    set_ends: Vec<u32>,
    #[serde(with = "packed")]
    words: Vec<u32>,
}

impl From<Forest> for Stored {
    fn from(forest: Forest) -> Self {
        Self {
            about: forest.about,
            round_ends: forest.round_ends,
            rounds: forest.rounds,
            trees: match forest.trees {
                Trees::Single(stand) => StoredTrees::Single(stand.into()),
                Trees::Double(stand) => StoredTrees::Double(stand.into()),
            },
        }
    }
}

impl<T: Scalar> From<Stand<T>> for StoredStand<T> {
    fn from(stand: Stand<T>) -> Self {
        let Ensemble {
            nodes,
            values,
            roots,
            groups,
            sets,
            words,
        } = stand.ensemble;
        let pairs = || nodes.iter().zip(&values);
        let is_leaf = |node: &Node<T>| node.at.is_nan();
        Self {
            base: stand.base,
            at: pairs()
                .map(|(node, value)| if is_leaf(node) { *value } else { node.at })
                .collect(),
            split: (nodes.iter())
                .map(|node| if is_leaf(node) { LEAF } else { node.split })
                .collect(),
            first: nodes.iter().map(|node| node.first).collect(),
            roots,
            groups,
            set_ends: sets.iter().map(|set| set.end).collect(),
            words,
        }
    }
}

impl TryFrom<Stored> for Forest {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        let Stored {
            about,
            round_ends,
            rounds,
            trees,
        } = stored;
        if !(1..=MOST_FEATURES).contains(&about.features) {
            return Err(Error::new("the forest's number of features is wrong"));
        }
        let (trees, count, groups) = match trees {
            StoredTrees::Single(stand) => {
                let (count, groups) = (stand.roots.len(), stand.base.len());
                let (ensemble, base) = stand.check(about.features)?;
                (Trees::single(ensemble, base), count, groups)
            }
            StoredTrees::Double(stand) => {
                let (count, groups) = (stand.roots.len(), stand.base.len());
                let (ensemble, base) = stand.check(about.features)?;
                (Trees::double(ensemble, base), count, groups)
            }
        };
        let rounds_fit = (1..=round_ends.len()).contains(&rounds)
            && round_ends.is_sorted()
            && round_ends.last().copied() == Some(count as u32);
        if !rounds_fit {
            return Err(Error::new("the forest's rounds are not those of its trees"));
        }
        if about
            .classes
            .is_some_and(|classes| classes != groups.max(2))
        {
            return Err(Error::new(
                "the forest's classes are not those of its trees",
            ));
        }
        Ok(Forest::new(about, round_ends, trees)?.with_rounds(rounds))
    }
}

impl<T: Scalar> StoredStand<T> {
    /// The trees, if the walk through them ends and stays inside of what is there.
    fn check(self, features: usize) -> Result<(Ensemble<T>, Vec<T>)> {
        let wrong = |what: &str| Err(Error::new(format!("the forest's {what}")));
        let count = self.at.len();
        if self.split.len() != count || self.first.len() != count {
            return wrong("nodes are not whole");
        }
        let trees = self.roots.len();
        if self.roots.first() != Some(&0)
            || !self.roots.is_sorted_by(|a, b| a < b)
            || *self.roots.last().expect("there is a first") as usize >= count
            || count > u32::MAX as usize
        {
            return wrong("trees are not its nodes'");
        }
        let groups = self.base.len();
        if self.groups.len() != trees || self.groups.iter().any(|g| *g as usize >= groups) {
            return wrong("trees add to no output");
        }
        if !self.base.iter().all(|base| base.is_finite()) {
            return wrong("sums begin with no finite number");
        }
        let words = self.words.len();
        if !self.set_ends.is_sorted()
            || self.set_ends.last().copied().unwrap_or(0) as usize != words
        {
            return wrong("sets of categories are not its words'");
        }
        let starts = std::iter::once(0).chain(self.set_ends.iter().copied());
        let sets: Vec<_> = starts
            .zip(&self.set_ends)
            .map(|(start, end)| start..*end)
            .collect();

        let mut ensemble = Ensemble {
            nodes: Vec::with_capacity(count),
            values: Vec::with_capacity(count),
            roots: self.roots,
            groups: self.groups,
            sets,
            words: self.words,
        };
        for tree in 0..trees {
            let start = ensemble.roots[tree] as usize;
            let end = ensemble
                .roots
                .get(tree + 1)
                .map_or(count, |next| *next as usize);
            for index in start..end {
                let (at, split, first) = (self.at[index], self.split[index], self.first[index]);
                let leaf = split == LEAF;
                let node = Node {
                    at: if leaf { T::NAN } else { at },
                    split: if leaf { 0 } else { split },
                    first: if leaf { index as u32 } else { first },
                };
                let place = |what: &str| {
                    let error = Error::new(what).of(format_args!("node {}", index - start));
                    Err(error.of(Place { tree }))
                };
                if at.is_nan() || leaf && !at.is_finite() {
                    return place("its number is not finite");
                }
                // Forward only, so that no walk goes on for ever.
                let first = node.first as usize;
                if !leaf && (first <= index || first + 1 >= end || node.feature() >= features) {
                    return place("it leads nowhere");
                }
                if !leaf && split & CATEGORY != 0 {
                    let set = set_of(node);
                    if set >= ensemble.sets.len() {
                        return place("its set of categories is missing");
                    }
                }
                ensemble.nodes.push(node);
                ensemble.values.push(if leaf { at } else { T::default() });
            }
        }
        Ok((ensemble, self.base))
    }
}
