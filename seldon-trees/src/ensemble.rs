//! The trees as one array of nodes, and the walk through them.

use std::array;
use std::ops::Range;

use crate::scalar::Scalar;
use crate::scalar::sealed::As;

/// The most features that a model may have: a row of them is 64 MiB.
pub(crate) const MOST_FEATURES: usize = 1 << 24;

/// In [`Node::split`], beside the index of the feature: a missing value goes to the second child.
pub(crate) const MISSING_SECOND: u32 = 1 << 31;
/// Zero is a missing value to this node.
pub(crate) const ZERO_IS_MISSING: u32 = 1 << 30;
/// `at` is the index of a set of categories: what is in it goes to the second child.
pub(crate) const CATEGORY: u32 = 1 << 29;
/// Not whether it is below `at` counts, but whether it equals it: to the first child if so. With
/// [`CATEGORY`], whether it is one of a set of numbers, whose bits are the set's words, in order.
pub(crate) const EQUAL: u32 = 1 << 28;
const FEATURE: u32 = EQUAL - 1;
const SPECIAL: u32 = CATEGORY | ZERO_IS_MISSING | EQUAL;

/// What LightGBM takes for a zero, on either side.
const ZERO: f64 = 1e-35_f32 as f64;

/// How many walks go side by side: the processor works on one while it waits for another's node.
const LANES: usize = 8;

/// How many rows go through one tree before the next is fetched.
pub(crate) const BLOCK: usize = 64;

/// A node. Its children are neighbours, so that one index and the outcome of one comparison lead
/// on. A leaf leads to itself: no number is at or above NaN, and a walk that has arrived stays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<T> {
    /// What the feature is compared with: below it to the first child, else to the second.
    pub(crate) at: T,
    /// The feature's index and the flags.
    pub(crate) split: u32,
    /// The first child.
    pub(crate) first: u32,
}

impl<T> Node<T> {
    pub(crate) fn feature(&self) -> usize {
        (self.split & FEATURE) as usize
    }
}

/// Trees that compute in `T`. What is asserted here by indexing, [`grow`](crate::grow) has checked.
#[derive(Debug, Clone)]
pub(crate) struct Ensemble<T> {
    /// Tree by tree; in each, a parent before its children.
    pub(crate) nodes: Vec<Node<T>>,
    /// What each node adds to its sum, if it is a leaf.
    pub(crate) values: Vec<T>,
    /// The first node of each tree.
    pub(crate) roots: Vec<u32>,
    /// The sum that each tree adds to.
    pub(crate) groups: Vec<u32>,
    /// Where the words of each set of categories are.
    pub(crate) sets: Vec<Range<u32>>,
    /// A bit for each category of each set.
    pub(crate) words: Vec<u32>,
}

// Not derived: that would ask for `T: Default`.
impl<T> Default for Ensemble<T> {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            values: Vec::new(),
            roots: Vec::new(),
            groups: Vec::new(),
            sets: Vec::new(),
            words: Vec::new(),
        }
    }
}

impl<T: Scalar> Ensemble<T> {
    /// Whether each node compares, and nothing more: the quicker walk.
    pub(crate) fn is_plain(&self) -> bool {
        let special = |node: &Node<T>| node.split & SPECIAL != 0;
        !self.nodes.iter().any(special)
    }

    /// Adds the leaves that `row` comes to, of the first `trees` trees and in their order, to `sums`.
    pub(crate) fn add<const PLAIN: bool, F: As<T>>(&self, row: &[F], trees: usize, sums: &mut [T]) {
        let groups = self.groups[..trees].chunks(LANES);
        for (roots, groups) in self.roots[..trees].chunks(LANES).zip(groups) {
            let mut at = [roots[0]; LANES];
            at[..roots.len()].copy_from_slice(roots);
            let at = self.walk::<PLAIN, F>(at, [row; LANES]);
            for (at, group) in at.into_iter().zip(groups) {
                sums[*group as usize] += self.values[at as usize];
            }
        }
    }

    /// The same for at most [`BLOCK`] rows of `width` features, with `stride` sums each.
    pub(crate) fn add_block<const PLAIN: bool, F: As<T>>(
        &self,
        rows: &[F],
        width: usize,
        trees: usize,
        sums: &mut [T],
        stride: usize,
    ) {
        for (root, group) in self.roots[..trees].iter().zip(&self.groups) {
            let lanes = rows.chunks(width * LANES);
            for (rows, sums) in lanes.zip(sums.chunks_mut(stride * LANES)) {
                let mut lanes = [&rows[..width]; LANES];
                for (lane, row) in lanes.iter_mut().zip(rows.chunks_exact(width)) {
                    *lane = row;
                }
                let at = self.walk::<PLAIN, F>([*root; LANES], lanes);
                for (at, sums) in at.into_iter().zip(sums.chunks_exact_mut(stride)) {
                    sums[*group as usize] += self.values[at as usize];
                }
            }
        }
    }

    /// Tells `each` the leaf, a node's index, that `row` comes to in each tree, in their order.
    pub(crate) fn arrive<const PLAIN: bool, F: As<T>>(
        &self,
        row: &[F],
        mut each: impl FnMut(usize, u32),
    ) {
        for (chunk, roots) in self.roots.chunks(LANES).enumerate() {
            let mut at = [roots[0]; LANES];
            at[..roots.len()].copy_from_slice(roots);
            let at = self.walk::<PLAIN, F>(at, [row; LANES]);
            for (lane, at) in at.into_iter().take(roots.len()).enumerate() {
                each(chunk * LANES + lane, at);
            }
        }
    }

    /// The same for at most [`BLOCK`] rows of `width` features: `each` is told row, tree and leaf, tree
    /// after tree.
    pub(crate) fn arrive_block<const PLAIN: bool, F: As<T>>(
        &self,
        rows: &[F],
        width: usize,
        mut each: impl FnMut(usize, usize, u32),
    ) {
        for (tree, root) in self.roots.iter().enumerate() {
            for (chunk, rows) in rows.chunks(width * LANES).enumerate() {
                let mut lanes = [&rows[..width]; LANES];
                let count = rows.len() / width;
                for (lane, row) in lanes.iter_mut().zip(rows.chunks_exact(width)) {
                    *lane = row;
                }
                let at = self.walk::<PLAIN, F>([*root; LANES], lanes);
                for (lane, at) in at.into_iter().take(count).enumerate() {
                    each(chunk * LANES + lane, tree, at);
                }
            }
        }
    }

    /// Walks until all have arrived, which a step that moves none shows.
    #[inline(always)]
    fn walk<const PLAIN: bool, F: As<T>>(
        &self,
        mut at: [u32; LANES],
        rows: [&[F]; LANES],
    ) -> [u32; LANES] {
        loop {
            let next = array::from_fn(|lane| self.step::<PLAIN, F>(at[lane], rows[lane]));
            if next == at {
                return at;
            }
            at = next;
        }
    }

    #[inline(always)]
    fn step<const PLAIN: bool, F: As<T>>(&self, at: u32, row: &[F]) -> u32 {
        let node = self.nodes[at as usize];
        let x = row[node.feature()].as_scalar();
        if !PLAIN && node.split & SPECIAL != 0 {
            return node.first + u32::from(self.is_second(node, x));
        }
        // No branch: which way a row goes cannot be foretold.
        let second = (x >= node.at) | (x.is_nan() & (node.split & MISSING_SECOND != 0));
        node.first + u32::from(second)
    }

    /// Where a node is of the rarer kinds.
    fn is_second(&self, node: Node<T>, x: T) -> bool {
        let value: f64 = x.into();
        let missing = value.is_nan() || node.split & ZERO_IS_MISSING != 0 && value.abs() <= ZERO;
        if missing {
            return node.split & MISSING_SECOND != 0;
        }
        if node.split & SPECIAL == EQUAL {
            return x != node.at;
        }
        if node.split & CATEGORY == 0 {
            return x >= node.at;
        }
        let set = &self.sets[set_of(node)];
        let words = &self.words[set.start as usize..set.end as usize];
        if node.split & EQUAL != 0 {
            let among = |bits: &u32| f64::from(f32::from_bits(*bits)).total_cmp(&(value + 0.0));
            return words.binary_search_by(among).is_err();
        }
        let has = |category: usize| {
            let word = words.get(category / 32)?;
            Some(word >> (category % 32) & 1 == 1)
        };
        x.category().and_then(has).unwrap_or(false)
    }
}

/// The index of a node's set of categories, which is exact: [`grow`](crate::grow) makes fewer sets
/// than there are whole numbers in an `f32`.
pub(crate) fn set_of<T: Scalar>(node: Node<T>) -> usize {
    node.at.into() as usize
}
