//! TreeEnsemble, which replaces the two older operators: its inner nodes and its leaves are lists of
//! their own.

use std::sync::Arc;

use seldon_trees::{Comparison, Planted, PlantedNode, Planter};
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::attributes::ints;
use super::post::Post;
use super::trees::{Aggregate, Ensemble, MOST_TARGETS, Regressor, whole};
use super::{Operator, slice};

pub(super) fn ensemble(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    let targets = usize::try_from(node.get_attr_opt::<i64>("n_targets")?.unwrap_or(1)).unwrap_or(0);
    ensure!(
        (1..=MOST_TARGETS).contains(&targets),
        "it has {targets} scores, from 1 to {MOST_TARGETS} are taken"
    );
    let post = match node.get_attr_opt::<i64>("post_transform")?.unwrap_or(0) {
        0 => Post::None,
        // As onnxruntime numbers them; in the standard's text these two are the other way.
        1 => Post::Logistic,
        2 => Post::Softmax,
        3 => Post::SoftmaxZero,
        4 => Post::Probit,
        other => bail!("its `post_transform` is {other}, which ONNX does not know"),
    };
    let aggregate = match node.get_attr_opt::<i64>("aggregate_function")?.unwrap_or(1) {
        0 => Aggregate::Average,
        1 => Aggregate::Sum,
        2 => Aggregate::Least,
        3 => Aggregate::Most,
        other => bail!("its `aggregate_function` is {other}, which ONNX does not know"),
    };
    // Each leaf has one weight.
    let leaves = ints(node, "leaf_targetids")?;
    let values = whole(
        floats(context, node, "leaf_weights")?,
        "leaf_weights",
        leaves.len(),
    )?;
    let weight = |(target, value): (&i64, f32)| {
        let target = u32::try_from(*target)
            .ok()
            .filter(|target| (*target as usize) < targets);
        let target = target.context("a leaf adds to a score that is not there")?;
        Ok((target, value))
    };
    let weights = leaves
        .iter()
        .zip(values)
        .map(weight)
        .collect::<TractResult<Vec<_>>>()?;
    let planted = plant(context, node, leaves.len())?;
    let ends = (1..=leaves.len() as u32).collect();
    let ensemble = Ensemble::new(planted, ends, weights, targets, post);
    Ok(Arc::new(Regressor::new(
        "TreeEnsemble",
        ensemble,
        aggregate,
    )))
}

/// A tensor of floats; empty where there is none.
fn floats(context: &ParsingContext<'_>, node: &NodeProto, name: &str) -> TractResult<Vec<f32>> {
    let Some(tensor) = node.get_attr_opt(name)? else {
        return Ok(vec![]);
    };
    let tensor = context.load_tensor(tensor)?;
    ensure!(
        tensor.datum_type() == f32::datum_type(),
        "`{name}` is no list of floats: trees that compare doubles are not read, convert the model for inputs of \
         floats"
    );
    Ok(slice::<f32>(&tensor)?.to_vec())
}

/// The inner nodes, in the lists that the operator has of them.
struct Inner {
    features: Vec<i64>,
    splits: Vec<f32>,
    modes: Vec<u8>,
    children: [Vec<i64>; 2],
    /// Whether each child is a leaf.
    leaves: [Vec<i64>; 2],
    missing: Vec<i64>,
    /// The numbers of each node that asks whether a feature is among some.
    sets: Vec<Vec<f32>>,
}

impl Inner {
    fn read(context: &ParsingContext<'_>, node: &NodeProto) -> TractResult<Self> {
        let features = ints(node, "nodes_featureids")?;
        let count = features.len();
        let list = |name: &str| whole(ints(node, name)?, name, count);
        let modes = context.load_tensor(node.get_attr("nodes_modes")?)?;
        let modes = whole(slice::<u8>(&modes)?.to_vec(), "nodes_modes", count)?;
        let mut missing = ints(node, "nodes_missing_value_tracks_true")?;
        if missing.is_empty() {
            missing = vec![0; count];
        }
        // One after the other, each with a NaN at its end.
        let members = floats(context, node, "membership_values")?;
        let mut sets = members.split(|number| number.is_nan()).map(<[f32]>::to_vec);
        let each = modes.iter().map(|mode| match mode {
            6 => sets.next().context("`membership_values` has too few sets"),
            _ => Ok(vec![]),
        });
        Ok(Self {
            sets: each.collect::<TractResult<_>>()?,
            splits: whole(
                floats(context, node, "nodes_splits")?,
                "nodes_splits",
                count,
            )?,
            children: [list("nodes_truenodeids")?, list("nodes_falsenodeids")?],
            leaves: [list("nodes_trueleafs")?, list("nodes_falseleafs")?],
            missing: whole(missing, "nodes_missing_value_tracks_true", count)?,
            features,
            modes,
        })
    }

    /// A node, with its children by their places.
    fn describe(&self, index: usize, children: [usize; 2]) -> TractResult<PlantedNode> {
        let feature = usize::try_from(self.features[index]).unwrap_or(usize::MAX);
        let missing_holds = self.missing[index] == 1;
        let comparison = match self.modes[index] {
            0 => Comparison::LessOrEqual,
            1 => Comparison::Less,
            2 => Comparison::GreaterOrEqual,
            3 => Comparison::Greater,
            4 => Comparison::Equal,
            5 => Comparison::NotEqual,
            6 => {
                return Ok(PlantedNode::Among {
                    feature,
                    numbers: self.sets[index].clone(),
                    missing_holds,
                    children,
                });
            }
            other => bail!("`nodes_modes` has {other}, which ONNX does not know"),
        };
        Ok(PlantedNode::Split {
            feature,
            comparison,
            threshold: self.splits[index],
            missing_holds,
            children,
        })
    }
}

fn plant(context: &ParsingContext<'_>, node: &NodeProto, leaves: usize) -> TractResult<Planted> {
    let inner = Inner::read(context, node)?;
    let most = inner.features.iter().max().copied().unwrap_or(0);
    let mut planter = Planter::new(usize::try_from(most).unwrap_or(0).saturating_add(1))?;
    let mut reached = vec![false; inner.features.len()];
    for (tree, root) in ints(node, "tree_roots")?.into_iter().enumerate() {
        let nodes = gather(&inner, root, leaves, &mut reached)
            .map_err(|error| error.context(format!("tree {tree}")))?;
        planter.plant(nodes.len(), |index| Ok(nodes[index].clone()))?;
    }
    Ok(planter.done()?)
}

/// The nodes of a tree from its root on, leaves with them.
fn gather(
    inner: &Inner,
    root: i64,
    leaves: usize,
    reached: &mut [bool],
) -> TractResult<Vec<PlantedNode>> {
    /// What takes a place in the tree: an inner node or a leaf.
    enum Place {
        Inner(usize),
        Leaf(u32),
    }
    let mut place = |index: i64, leaf: bool| {
        let most = if leaf { leaves } else { inner.features.len() };
        let at = usize::try_from(index).ok().filter(|at| *at < most);
        let at = at.with_context(|| format!("it leads to {index}, and there are {most}"))?;
        if leaf {
            return Ok(Place::Leaf(at as u32));
        }
        ensure!(
            !std::mem::replace(&mut reached[at], true),
            "node {at} is reached a second time: that is no tree"
        );
        Ok(Place::Inner(at))
    };
    let mut places = vec![place(root, false)?];
    let mut nodes = vec![];
    while nodes.len() < places.len() {
        let node = match places[nodes.len()] {
            Place::Leaf(leaf) => PlantedNode::Leaf(leaf),
            Place::Inner(index) => {
                let first = places.len();
                for side in 0..2 {
                    let leaf = inner.leaves[side][index] != 0;
                    places.push(place(inner.children[side][index], leaf)?);
                }
                inner.describe(index, [first, first + 1])?
            }
        };
        nodes.push(node);
    }
    Ok(nodes)
}
