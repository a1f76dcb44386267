//! Plants trees that a file describes, or refuses them: the file is input.

use std::fmt;

use crate::ensemble::{
    CATEGORY, EQUAL, Ensemble, MISSING_SECOND, MOST_FEATURES, Node, ZERO_IS_MISSING,
};
use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// The deepest tree that is taken. A tree grown leaf by leaf without a limit stays far below.
const MOST_DEPTH: usize = 4096;

/// The most nodes of all trees together: their indices are `u32`.
const MOST_NODES: usize = u32::MAX as usize - 2;

/// The most sets of categories: their indices are whole numbers of an `f32`.
const MOST_SETS: usize = 1 << 24;

/// The most words of all sets of categories: 64 MiB.
const MOST_WORDS: usize = 1 << 24;

/// A node as a file has it, with children by their place in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Described<T> {
    Leaf(T),
    Split(Split<T>),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Split<T> {
    pub(crate) feature: usize,
    pub(crate) test: Test<T>,
    /// Whether a missing value goes to the second child.
    pub(crate) missing_second: bool,
    pub(crate) children: [i64; 2],
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Test<T> {
    /// Below goes to the first child.
    Below(T),
    /// The same, and a zero counts as missing.
    BelowZeroMissing(T),
    /// What is in this set goes to the second child: its number in the tree.
    In(usize),
    /// What equals it goes to the first child.
    Equal(T),
    /// What is in this set of numbers goes to the first child: its number in the tree.
    Among(usize),
    /// Every number goes to the first child.
    Always,
}

/// Trees in the making.
#[derive(Debug)]
pub(crate) struct Grower<T> {
    ensemble: Ensemble<T>,
    features: usize,
    groups: usize,
}

impl<T: Scalar> Grower<T> {
    /// For trees of a model with so many features and sums.
    pub(crate) fn new(features: usize, groups: usize) -> Result<Self> {
        if features == 0 {
            return Err(Error::new("the model takes no features"));
        }
        if features > MOST_FEATURES {
            return Err(Error::new(format!(
                "the model takes {features} features, at most {MOST_FEATURES} are read"
            )));
        }
        Ok(Self {
            ensemble: Ensemble::default(),
            features,
            groups,
        })
    }

    /// Adds a tree of `count` nodes, of which the one at 0 is the root, with its `sets` of categories.
    pub(crate) fn plant(
        &mut self,
        group: usize,
        count: usize,
        sets: &Sets,
        describe: impl Fn(usize) -> Result<Described<T>>,
    ) -> Result<()> {
        let tree = self.ensemble.roots.len();
        self.tree(group, count, sets, describe)
            .map_err(|error| error.of(Place { tree }))
    }

    fn tree(
        &mut self,
        group: usize,
        count: usize,
        sets: &Sets,
        describe: impl Fn(usize) -> Result<Described<T>>,
    ) -> Result<()> {
        if group >= self.groups {
            return Err(Error::new(format!(
                "it adds to output {group}, and there are {}",
                self.groups
            )));
        }
        if count == 0 {
            return Err(Error::new("it has no nodes"));
        }
        let first_set = self.add_sets(&sets.sets)?;
        let root = self.ensemble.nodes.len();
        if count > MOST_NODES - root {
            return Err(Error::new("all trees together have too many nodes"));
        }
        self.ensemble.roots.push(root as u32);
        self.ensemble.groups.push(group as u32);

        // Level by level. A node's place in the file and its place here grow together: `order[n]` is
        // where node `root + n` is described.
        let mut reached = vec![false; count];
        reached[0] = true;
        let mut order = vec![0];
        let (mut next, mut level_end, mut depth) = (0, 1, 0);
        while next < order.len() {
            if next == level_end {
                level_end = order.len();
                depth += 1;
                if depth > MOST_DEPTH {
                    return Err(Error::new(format!("it is more than {MOST_DEPTH} deep")));
                }
            }
            let index: usize = order[next];
            let place = |error: Error| error.of(format_args!("node {index}"));
            match describe(index).map_err(place)? {
                Described::Leaf(value) => {
                    if !value.is_finite() {
                        return Err(place(not_finite("its value", value)));
                    }
                    self.leaf(value);
                }
                Described::Split(split) => {
                    for child in split.children {
                        let child = usize::try_from(child).ok().filter(|child| *child < count);
                        let Some(child) = child else {
                            return Err(place(Error::new(format!(
                                "its children are {:?}, and the tree has {count} nodes",
                                split.children
                            ))));
                        };
                        if reached[child] {
                            return Err(place(Error::new(format!(
                                "its child {child} is reached a second time: that is no tree"
                            ))));
                        }
                        reached[child] = true;
                        order.push(child);
                    }
                    let first = root + order.len() - 2;
                    self.split(&split, first, first_set, sets.sets.len())
                        .map_err(place)?;
                }
            }
            next += 1;
        }
        Ok(())
    }

    fn leaf(&mut self, value: T) {
        let itself = self.ensemble.nodes.len() as u32;
        self.ensemble.nodes.push(Node {
            at: T::NAN,
            split: 0,
            first: itself,
        });
        self.ensemble.values.push(value);
    }

    fn split(
        &mut self,
        split: &Split<T>,
        first: usize,
        first_set: usize,
        sets: usize,
    ) -> Result<()> {
        if split.feature >= self.features {
            return Err(Error::new(format!(
                "it splits on feature {}, and there are {}",
                split.feature, self.features
            )));
        }
        let mut flags = if split.missing_second {
            MISSING_SECOND
        } else {
            0
        };
        let at = match split.test {
            Test::Below(at) => at,
            Test::BelowZeroMissing(at) => {
                flags |= ZERO_IS_MISSING;
                at
            }
            Test::Equal(at) => {
                flags |= EQUAL;
                at
            }
            // No number is at or above it.
            Test::Always => T::NAN,
            Test::In(set) | Test::Among(set) => {
                flags |= CATEGORY;
                if matches!(split.test, Test::Among(_)) {
                    flags |= EQUAL;
                }
                if set >= sets {
                    return Err(Error::new(format!(
                        "it asks for set {set} of categories, and the tree has {sets}"
                    )));
                }
                T::from_f64((first_set + set) as f64)
            }
        };
        if at.is_nan() && !matches!(split.test, Test::Always) {
            return Err(not_finite("its threshold", at));
        }
        self.ensemble.nodes.push(Node {
            at,
            split: split.feature as u32 | flags,
            first: first as u32,
        });
        self.ensemble.values.push(T::default());
        Ok(())
    }

    fn add_sets(&mut self, sets: &[Vec<u32>]) -> Result<usize> {
        let ensemble = &mut self.ensemble;
        let first = ensemble.sets.len();
        if sets.len() > MOST_SETS - first {
            return Err(Error::new(format!(
                "there are more than {MOST_SETS} splits on categories"
            )));
        }
        for set in sets {
            let start = ensemble.words.len();
            if set.len() > MOST_WORDS - start {
                return Err(too_many_words());
            }
            ensemble.words.extend_from_slice(set);
            ensemble
                .sets
                .push(start as u32..ensemble.words.len() as u32);
        }
        Ok(first)
    }

    /// How many nodes there are so far.
    pub(crate) fn nodes(&self) -> usize {
        self.ensemble.nodes.len()
    }

    /// The trees, of which there must be one.
    pub(crate) fn done(self) -> Result<Ensemble<T>> {
        if self.ensemble.roots.is_empty() {
            return Err(Error::new("the model has no trees"));
        }
        Ok(self.ensemble)
    }
}

pub(crate) fn not_finite<T: Scalar>(what: &str, value: T) -> Error {
    let value: f64 = value.into();
    Error::new(format!("{what} is {value}, a finite number is needed"))
}

/// The sets of categories of one tree, as words of bits.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    sets: Vec<Vec<u32>>,
    words: usize,
}

impl Sets {
    /// Adds a set of `categories`, and gives its number.
    pub(crate) fn add(&mut self, categories: impl IntoIterator<Item = usize>) -> Result<usize> {
        let mut set = Vec::new();
        for category in categories {
            let word = category / 32;
            if word >= set.len() {
                // Before it is allocated: one category far off is a large set.
                self.words = self.words.saturating_add(word + 1 - set.len());
                if self.words > MOST_WORDS {
                    return Err(too_many_words());
                }
                set.resize(word + 1, 0);
            }
            set[word] |= 1u32 << (category % 32);
        }
        self.sets.push(set);
        Ok(self.sets.len() - 1)
    }

    /// Adds a set of numbers, of which none is NaN, and gives its number.
    pub(crate) fn add_numbers(&mut self, numbers: impl IntoIterator<Item = f32>) -> Result<usize> {
        // Adding zero makes one zero of the two.
        let mut numbers: Vec<f32> = numbers.into_iter().map(|number| number + 0.0).collect();
        numbers.sort_by(f32::total_cmp);
        numbers.dedup();
        self.words = self.words.saturating_add(numbers.len());
        if self.words > MOST_WORDS {
            return Err(too_many_words());
        }
        self.sets
            .push(numbers.into_iter().map(f32::to_bits).collect());
        Ok(self.sets.len() - 1)
    }

    /// Adds a set that is words already.
    pub(crate) fn add_words(&mut self, words: &[u32]) {
        self.sets.push(words.to_vec());
    }
}

fn too_many_words() -> Error {
    Error::new("the sets of categories take more than 64 MiB")
}

/// Which tree an error is about.
pub(crate) struct Place {
    pub(crate) tree: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tree {}", self.tree)
    }
}
