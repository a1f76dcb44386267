//! Trees that another format's reader plants here: the walk is shared, what a leaf means is the
//! reader's.

use crate::ensemble::{BLOCK, Ensemble};
use crate::error::{Error, Result};
use crate::grow::{Described, Grower, Sets, Split, Test};

/// How a feature is compared with a split's threshold, in `f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it")]
pub enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// A node of a tree that is planted. Children and leaves are indices.
#[derive(Debug, Clone, PartialEq)]
pub enum PlantedNode {
    /// An end: a number that means something to who planted it.
    Leaf(u32),
    /// A feature is compared with a threshold. A NaN among them compares as in IEEE 754: it is not
    /// equal, and nothing else.
    Split {
        /// The feature's index.
        feature: usize,
        /// How they are compared.
        comparison: Comparison,
        /// What the feature is compared with.
        threshold: f32,
        /// Whether a missing feature, NaN, goes where the comparison holds, whatever it says.
        missing_holds: bool,
        /// The child where the comparison holds, and the other.
        children: [usize; 2],
    },
    /// A feature is looked up in a set of numbers.
    Among {
        /// The feature's index.
        feature: usize,
        /// The set. NaN in it is never found.
        numbers: Vec<f32>,
        /// Whether a missing feature, NaN, goes where what is found goes.
        missing_holds: bool,
        /// The child of what is in the set, and the other.
        children: [usize; 2],
    },
}

/// Plants trees, one after the other.
#[derive(Debug)]
pub struct Planter {
    grower: Grower<f32>,
    features: usize,
}

/// Trees of `f32` comparisons that tell at which leaf a row arrives.
#[derive(Debug, Clone)]
pub struct Planted {
    ensemble: Ensemble<f32>,
    /// What each node is to who planted it, if it is a leaf.
    leaves: Vec<u32>,
    features: usize,
    plain: bool,
}

impl Planter {
    /// For trees of rows with at least so many features.
    ///
    /// # Errors
    ///
    /// If that is none, or more than 2^24.
    pub fn new(features: usize) -> Result<Self> {
        Ok(Self {
            grower: Grower::new(features, 1)?,
            features,
        })
    }

    /// Plants a tree of `count` nodes, of which the one at 0 is the root, as `describe` describes them.
    /// What the root does not lead to is left out.
    ///
    /// # Errors
    ///
    /// If it is no tree: a child is not there or reached twice, a feature is not there, it is deeper than
    /// 4096; or if `describe` fails. The sentence names tree and node.
    pub fn plant(
        &mut self,
        count: usize,
        mut describe: impl FnMut(usize) -> Result<PlantedNode>,
    ) -> Result<()> {
        let mut sets = Sets::default();
        let mut nodes = Vec::with_capacity(count.min(1 << 20));
        for index in 0..count {
            let place = |error: Error| error.of(format_args!("node {index}"));
            let node = describe(index).and_then(|node| described(node, &mut sets));
            nodes.push(node.map_err(place)?);
        }
        self.grower.plant(0, count, &sets, |index| Ok(nodes[index]))
    }

    /// How many nodes there are so far, without what no root led to.
    pub fn nodes(&self) -> usize {
        self.grower.nodes()
    }

    /// The trees, of which there must be one.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn done(self) -> Result<Planted> {
        let mut ensemble = self.grower.done()?;
        let values = std::mem::take(&mut ensemble.values);
        Ok(Planted {
            plain: ensemble.is_plain(),
            leaves: values.into_iter().map(f32::to_bits).collect(),
            ensemble,
            features: self.features,
        })
    }
}

impl Planted {
    /// How many numbers a row has at the least.
    pub fn features(&self) -> usize {
        self.features
    }

    /// How many trees there are.
    pub fn trees(&self) -> usize {
        self.ensemble.roots.len()
    }

    /// How many nodes they have, leaves included.
    pub fn nodes(&self) -> usize {
        self.leaves.len()
    }

    /// Tells `each` the row, the tree and the leaf at which the row arrives there, for rows of `width`
    /// numbers. A row's trees come in their order.
    ///
    /// # Errors
    ///
    /// If rows are shorter than [`features`](Self::features), or the last is not whole.
    pub fn arrive(
        &self,
        rows: &[f32],
        width: usize,
        mut each: impl FnMut(usize, usize, u32),
    ) -> Result<()> {
        if width < self.features || !rows.len().is_multiple_of(width) {
            return Err(Error::new(format!(
                "there are {} numbers in rows of {width}, and the trees take at least {} in each",
                rows.len(),
                self.features
            )));
        }
        if rows.len() == width {
            let each = |tree, at: u32| each(0, tree, self.leaves[at as usize]);
            match self.plain {
                true => self.ensemble.arrive::<true, f32>(rows, each),
                false => self.ensemble.arrive::<false, f32>(rows, each),
            }
            return Ok(());
        }
        for (block, rows) in rows.chunks(width * BLOCK).enumerate() {
            let first = block * BLOCK;
            let each = |row, tree, at: u32| each(first + row, tree, self.leaves[at as usize]);
            match self.plain {
                true => self.ensemble.arrive_block::<true, f32>(rows, width, each),
                false => self.ensemble.arrive_block::<false, f32>(rows, width, each),
            }
        }
        Ok(())
    }
}

/// The same in the terms of the walk, in which what is below goes to the first child.
fn described(node: PlantedNode, sets: &mut Sets) -> Result<Described<f32>> {
    let (feature, test, swap, missing_holds, [holds, other]) = match node {
        // Every pattern of bits but those of NaN and infinity is a leaf's value.
        PlantedNode::Leaf(leaf) => {
            let value = f32::from_bits(leaf);
            if !value.is_finite() {
                return Err(Error::new("there are too many leaves"));
            }
            return Ok(Described::Leaf(value));
        }
        PlantedNode::Split {
            feature,
            comparison,
            threshold,
            missing_holds,
            children,
        } => {
            // Whether what is below goes where the comparison does not hold.
            let swap = matches!(
                comparison,
                Comparison::Greater | Comparison::GreaterOrEqual | Comparison::NotEqual
            );
            let test = match comparison {
                _ if threshold.is_nan() => Test::Always,
                Comparison::Less | Comparison::GreaterOrEqual => Test::Below(threshold),
                Comparison::LessOrEqual | Comparison::Greater if threshold == f32::INFINITY => {
                    Test::Always
                }
                Comparison::LessOrEqual | Comparison::Greater => Test::Below(threshold.next_up()),
                Comparison::Equal | Comparison::NotEqual => Test::Equal(threshold),
            };
            // Nothing holds of a NaN but that it is not equal.
            let swap = if threshold.is_nan() {
                comparison != Comparison::NotEqual
            } else {
                swap
            };
            let missing_holds = missing_holds || comparison == Comparison::NotEqual;
            (feature, test, swap, missing_holds, children)
        }
        PlantedNode::Among {
            feature,
            numbers,
            missing_holds,
            children,
        } => {
            let numbers = numbers.into_iter().filter(|number| !number.is_nan());
            let test = Test::Among(sets.add_numbers(numbers)?);
            (feature, test, false, missing_holds, children)
        }
    };
    let children = if swap { [other, holds] } else { [holds, other] };
    let index = |child: usize| i64::try_from(child).unwrap_or(i64::MAX);
    Ok(Described::Split(Split {
        feature,
        test,
        missing_second: missing_holds == swap,
        children: children.map(index),
    }))
}
