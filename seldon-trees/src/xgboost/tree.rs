//! One tree, as XGBoost describes it.

use std::collections::HashMap;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::grow::{Described, Sets, Split, Test, not_finite};
use crate::number::{Flag, Number};

/// Above this, an `f32` cannot tell two categories apart.
const MOST_CATEGORIES: i64 = 1 << 24;

/// What is known of each node, by its place; and which of them split on categories.
#[derive(Deserialize)]
pub(super) struct Tree {
    #[serde(default)]
    categories: Vec<i64>,
    #[serde(default)]
    categories_nodes: Vec<usize>,
    #[serde(default)]
    categories_segments: Vec<usize>,
    #[serde(default)]
    categories_sizes: Vec<usize>,
    default_left: Vec<Flag>,
    left_children: Vec<i32>,
    right_children: Vec<i32>,
    split_conditions: Vec<f32>,
    split_indices: Vec<u32>,
    /// Absent before there were categories.
    #[serde(default)]
    split_type: Vec<u8>,
    tree_param: TreeParameters,
}

#[derive(Deserialize)]
struct TreeParameters {
    size_leaf_vector: Option<Number<usize>>,
}

impl Tree {
    /// How many nodes there are, those included that no other leads to.
    pub(super) fn nodes(&self) -> usize {
        self.left_children.len()
    }

    /// Checks that all there is to know of each node is there.
    pub(super) fn check(&self) -> Result<()> {
        if self.tree_param.size_leaf_vector.is_some_and(|n| n.0 > 1) {
            return Err(Error::new(
                "its leaves are vectors (`multi_strategy=multi_output_tree`), which is not read; train with `one_output_per_tree`",
            ));
        }
        let nodes = self.left_children.len();
        for (name, count) in [
            ("default_left", self.default_left.len()),
            ("right_children", self.right_children.len()),
            ("split_conditions", self.split_conditions.len()),
            ("split_indices", self.split_indices.len()),
            ("split_type", self.split_type.len()),
        ] {
            if count != nodes && (count, name) != (0, "split_type") {
                return Err(Error::new(format!(
                    "it has {nodes} nodes, and `{name}` is for {count}"
                )));
            }
        }
        Ok(())
    }

    /// The sets of categories, and which is whose.
    pub(super) fn sets(&self) -> Result<(Sets, HashMap<usize, usize>)> {
        let (mut sets, mut set_of) = (Sets::default(), HashMap::new());
        let nodes = &self.categories_nodes;
        for (name, count) in [
            ("categories_segments", self.categories_segments.len()),
            ("categories_sizes", self.categories_sizes.len()),
        ] {
            if count != nodes.len() {
                return Err(Error::new(format!(
                    "{} of its nodes split on categories, and `{name}` is for {count}",
                    nodes.len()
                )));
            }
        }
        // None is in two sets, or a small file could ask for endless work.
        let total = self
            .categories_sizes
            .iter()
            .try_fold(0, |a: usize, b| a.checked_add(*b));
        if total.is_none_or(|total| total > self.categories.len()) {
            return Err(Error::new(format!(
                "its `categories_sizes` are more than its {} categories",
                self.categories.len()
            )));
        }
        let segments = self.categories_segments.iter().zip(&self.categories_sizes);
        for (node, (start, size)) in nodes.iter().zip(segments) {
            let place = |error: Error| error.of(format_args!("node {node}"));
            let end = start.checked_add(*size);
            let Some(categories) = end.and_then(|end| self.categories.get(*start..end)) else {
                return Err(place(Error::new(format!(
                    "its categories are {size} from {start}, and the tree has {}",
                    self.categories.len()
                ))));
            };
            if let Some(wrong) = categories
                .iter()
                .find(|c| !(0..MOST_CATEGORIES).contains(*c))
            {
                return Err(place(Error::new(format!(
                    "{wrong} is no category, they are from 0 to {}",
                    MOST_CATEGORIES - 1
                ))));
            }
            let set = sets
                .add(categories.iter().map(|c| *c as usize))
                .map_err(place)?;
            set_of.insert(*node, set);
        }
        Ok((sets, set_of))
    }

    pub(super) fn describe(
        &self,
        node: usize,
        weight: f32,
        set_of: &HashMap<usize, usize>,
    ) -> Result<Described<f32>> {
        let at = self.split_conditions[node];
        let (first, second) = (self.left_children[node], self.right_children[node]);
        if first == -1 {
            if !at.is_finite() {
                return Err(not_finite("its value", at));
            }
            return Ok(Described::Leaf(at * weight));
        }
        let test = match self.split_type.get(node) {
            None | Some(0) if at.is_finite() => Test::Below(at),
            None | Some(0) => return Err(not_finite("its threshold", at)),
            Some(1) => {
                let set = set_of.get(&node);
                let no_set = || Error::new("it splits on categories, and has none");
                Test::In(*set.ok_or_else(no_set)?)
            }
            Some(kind) => return Err(Error::new(format!("{kind} is no kind of split"))),
        };
        Ok(Described::Split(Split {
            feature: self.split_indices[node] as usize,
            test,
            missing_second: !self.default_left[node].0,
            children: [first.into(), second.into()],
        }))
    }
}
