//! TreeEnsembleClassifier and TreeEnsembleRegressor: the walk is seldon-trees', what leaves add up
//! to is onnxruntime's.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use seldon_trees::{Comparison, Planted, PlantedNode, Planter};
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::attributes::{self, Labels};
use super::linear::greatest;
use super::post::{Post, Second};
use super::{Known, Operator, floats, rows, slice};

/// What the leaves that a row comes to do to each score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregate {
    Sum,
    Average,
    Least,
    Most,
}

/// Trees with what their leaves add to which score.
#[derive(Debug)]
pub(super) struct Ensemble {
    planted: Planted,
    /// Where the weights of each leaf end; they begin where those of the one before end.
    ends: Vec<u32>,
    weights: Vec<(u32, f32)>,
    targets: usize,
    base: Vec<f32>,
    post: Post,
}

/// The most scores of an ensemble.
pub(super) const MOST_TARGETS: usize = 1 << 16;

impl Ensemble {
    /// Of trees that are planted: each leaf's weights end where `ends` says, and there are no base values.
    pub(super) fn new(
        planted: Planted,
        ends: Vec<u32>,
        weights: Vec<(u32, f32)>,
        targets: usize,
        post: Post,
    ) -> Self {
        Self {
            planted,
            ends,
            weights,
            targets,
            base: vec![],
            post,
        }
    }

    /// Reads the lists of nodes and, by the prefix of their names, of weights.
    fn read(node: &NodeProto, prefix: &str, targets: usize) -> TractResult<Self> {
        ensure!(
            (1..=MOST_TARGETS).contains(&targets),
            "it has {targets} scores, from 1 to {MOST_TARGETS} are taken"
        );
        let doubles = ["nodes_values", "base_values", &format!("{prefix}_weights")]
            .map(|name| format!("{name}_as_tensor"));
        for name in doubles {
            ensure!(
                node.attribute
                    .iter()
                    .all(|attribute| attribute.name != name),
                "it has `{name}`: trees that compare doubles are not read, convert the model for inputs of \
                 floats"
            );
        }
        let (ends, weights, leaf_of) = weights(node, prefix, targets)?;
        let base = attributes::floats(node, "base_values")?;
        ensure!(
            base.len() <= targets,
            "it has {} `base_values` for {targets} scores",
            base.len()
        );
        Ok(Self {
            planted: plant(node, &leaf_of)?,
            ends,
            weights,
            targets,
            base,
            post: Post::read(node)?,
        })
    }

    fn weights(&self, leaf: u32) -> &[(u32, f32)] {
        let leaf = leaf as usize;
        let start = leaf.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.weights[start as usize..self.ends[leaf] as usize]
    }

    /// The scores of each row, and whether a leaf had one; sums are in the order of the trees.
    fn scores(&self, input: &Tensor, aggregate: Aggregate) -> TractResult<Scores> {
        let (rows, width) = rows(input)?;
        ensure!(
            width >= self.planted.features(),
            "its trees use {} columns, and there are {width}",
            self.planted.features()
        );
        let mut scores = vec![0f32; rows * self.targets];
        let mut scored = vec![false; rows * self.targets];
        let input = floats(input)?;
        self.planted.arrive(slice(&input)?, width, |row, _, leaf| {
            for (target, weight) in self.weights(leaf) {
                let index = row * self.targets + *target as usize;
                let score = &mut scores[index];
                *score = match aggregate {
                    Aggregate::Sum | Aggregate::Average => *score + weight,
                    Aggregate::Least if scored[index] => score.min(*weight),
                    Aggregate::Most if scored[index] => score.max(*weight),
                    Aggregate::Least | Aggregate::Most => *weight,
                };
                scored[index] = true;
            }
        })?;
        Ok(Scores {
            rows,
            scores,
            scored,
        })
    }
}

struct Scores {
    rows: usize,
    scores: Vec<f32>,
    scored: Vec<bool>,
}

/// A list that has one entry for each of `count` nodes or weights.
pub(super) fn whole<T>(list: Vec<T>, name: &str, count: usize) -> TractResult<Vec<T>> {
    ensure!(
        list.len() == count,
        "`{name}` has {} entries, and {count} are needed",
        list.len()
    );
    Ok(list)
}

type Weights = (Vec<u32>, Vec<(u32, f32)>, HashMap<(i64, i64), u32>);

/// The weights leaf by leaf, where those of each end, and which node is which leaf.
fn weights(node: &NodeProto, prefix: &str, targets: usize) -> TractResult<Weights> {
    let ints = |name: &str| {
        let name = format!("{prefix}_{name}");
        TractResult::Ok((attributes::ints(node, &name)?, name))
    };
    let (ids, _) = ints("ids")?;
    let count = ids.len();
    let (trees, name) = ints("treeids")?;
    let trees = whole(trees, &name, count)?;
    let (nodes, name) = ints("nodeids")?;
    let nodes = whole(nodes, &name, count)?;
    let name = format!("{prefix}_weights");
    let values = whole(attributes::floats(node, &name)?, &name, count)?;

    let mut leaf_of = HashMap::new();
    let mut leaves: Vec<Vec<(u32, f32)>> = vec![];
    for (((id, tree), node), value) in ids.iter().zip(&trees).zip(&nodes).zip(&values) {
        let target = usize::try_from(*id).ok().filter(|target| *target < targets);
        let Some(target) = target else {
            bail!("tree {tree}, node {node}: it adds to score {id}, and there are {targets}");
        };
        let leaf = *leaf_of.entry((*tree, *node)).or_insert(leaves.len() as u32);
        if leaf as usize == leaves.len() {
            leaves.push(vec![]);
        }
        leaves[leaf as usize].push((target as u32, *value));
    }
    // The last one is that of all leaves without weights.
    leaves.push(vec![]);
    let mut ends = Vec::with_capacity(leaves.len());
    let mut weights = Vec::with_capacity(count);
    for leaf in leaves {
        weights.extend(leaf);
        ends.push(weights.len() as u32);
    }
    Ok((ends, weights, leaf_of))
}

fn plant(node: &NodeProto, leaf_of: &HashMap<(i64, i64), u32>) -> TractResult<Planted> {
    let ids = attributes::ints(node, "nodes_nodeids")?;
    let ints = |name: &str| whole(attributes::ints(node, name)?, name, ids.len());
    let trees = ints("nodes_treeids")?;
    let features = ints("nodes_featureids")?;
    let [holds, other] = [ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?];
    let values = whole(
        attributes::floats(node, "nodes_values")?,
        "nodes_values",
        ids.len(),
    )?;
    let modes = whole(
        attributes::strings(node, "nodes_modes")?,
        "nodes_modes",
        ids.len(),
    )?;
    const MODES: [&str; 7] = [
        "LEAF",
        "BRANCH_LEQ",
        "BRANCH_LT",
        "BRANCH_GTE",
        "BRANCH_GT",
        "BRANCH_EQ",
        "BRANCH_NEQ",
    ];
    if let Some(mode) = modes.iter().find(|mode| !MODES.contains(&&***mode)) {
        bail!("`nodes_modes` has `{mode}`, which ONNX does not know");
    }
    let mut missing = attributes::ints(node, "nodes_missing_value_tracks_true")?;
    if missing.is_empty() {
        missing = vec![0; ids.len()];
    }
    let missing = whole(missing, "nodes_missing_value_tracks_true", ids.len())?;

    // Nodes tree by tree, in the order in which trees begin.
    let mut place = HashMap::new();
    let mut members: Vec<Vec<usize>> = vec![];
    for (index, tree) in trees.iter().enumerate() {
        let tree = *place.entry(*tree).or_insert(members.len());
        if tree == members.len() {
            members.push(vec![]);
        }
        members[tree].push(index);
    }
    let splits = (0..ids.len()).filter(|index| modes[*index] != "LEAF");
    let most = splits.map(|index| features[index]).max().unwrap_or(0);
    let mut planter = Planter::new(usize::try_from(most).unwrap_or(0).saturating_add(1))?;
    for mut members in members {
        let tree = trees[members[0]];
        root_first(&mut members, &ids, &modes, [&holds, &other])
            .map_err(|error| error.context(format!("tree {tree}")))?;
        let mut local = HashMap::with_capacity(members.len());
        for (place, index) in members.iter().enumerate() {
            let twice = local.insert(ids[*index], place).is_some();
            ensure!(!twice, "tree {tree}: it has two nodes {}", ids[*index]);
        }
        let before = planter.nodes();
        planter.plant(members.len(), |place| {
            let index = members[place];
            let comparison = match &*modes[index] {
                "LEAF" => {
                    let none = leaf_of.len() as u32;
                    let leaf = leaf_of.get(&(tree, ids[index])).copied();
                    return Ok(PlantedNode::Leaf(leaf.unwrap_or(none)));
                }
                "BRANCH_LEQ" => Comparison::LessOrEqual,
                "BRANCH_LT" => Comparison::Less,
                "BRANCH_GTE" => Comparison::GreaterOrEqual,
                "BRANCH_GT" => Comparison::Greater,
                "BRANCH_EQ" => Comparison::Equal,
                "BRANCH_NEQ" => Comparison::NotEqual,
                other => unreachable!("the mode {other} was refused"),
            };
            // What is not there is no index: the planter refuses it.
            let child = |id: i64| local.get(&id).copied().unwrap_or(usize::MAX);
            Ok(PlantedNode::Split {
                feature: usize::try_from(features[index]).unwrap_or(usize::MAX),
                comparison,
                threshold: values[index],
                missing_holds: missing[index] == 1,
                children: [child(holds[index]), child(other[index])],
            })
        })?;
        // A part of it that goes round in circles has no root.
        let reached = planter.nodes() - before;
        ensure!(
            reached == members.len(),
            "tree {tree}: its root leads to {reached} of its {} nodes: that is no tree",
            members.len()
        );
    }
    Ok(planter.done()?)
}

/// Brings the node that is no other's child to the front.
fn root_first(
    members: &mut [usize],
    ids: &[i64],
    modes: &[String],
    children: [&[i64]; 2],
) -> TractResult<()> {
    let splits = members.iter().filter(|index| modes[**index] != "LEAF");
    let children: HashSet<i64> = splits
        .flat_map(|index| children.map(|children| children[*index]))
        .collect();
    let mut roots = (0..members.len()).filter(|place| !children.contains(&ids[members[*place]]));
    let Some(root) = roots.next() else {
        bail!("each of its nodes is another's child: that is no tree");
    };
    if let Some(second) = roots.next() {
        let [a, b] = [root, second].map(|place| ids[members[place]]);
        bail!("it has two roots, {a} and {b}");
    }
    members.swap(0, root);
    Ok(())
}

#[derive(Debug)]
struct Classifier {
    ensemble: Ensemble,
    labels: Labels,
    /// Two classes, and weights of only one of them.
    single: bool,
    /// Whether no weight is below zero: the score of a single class is a probability then.
    positive: bool,
}

pub(super) fn classifier(
    _: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    let labels = Labels::read(node, "classlabels_int64s")?;
    let ensemble = Ensemble::read(node, "class", labels.len())?;
    let first = ensemble.weights.first().map(|(class, _)| *class);
    let single = labels.len() == 2
        && ensemble
            .weights
            .iter()
            .all(|(class, _)| Some(*class) == first);
    let positive = ensemble.weights.iter().all(|(_, weight)| *weight >= 0.0);
    Ok(Arc::new(Classifier {
        ensemble,
        labels,
        single,
        positive,
    }))
}

impl Classifier {
    /// The class of a row, whose scores are brought to what is answered.
    fn finish(&self, scores: &mut [f32], scored: &[bool]) -> usize {
        let (base, post) = (&*self.ensemble.base, self.ensemble.post);
        if scores.len() != 2 {
            scores
                .iter_mut()
                .zip(base)
                .for_each(|(score, base)| *score += base);
            let chosen = if base.is_empty() {
                greatest_of(scores, scored)
            } else {
                greatest(scores)
            };
            post.apply(scores);
            return chosen;
        }
        // Two classes. With weights of both it is as with many; else a score stands for both.
        let second = scored[1];
        match base {
            [_, base] if second => {
                scores[1] = base + scores[0];
                scores[0] = -scores[1];
            }
            [first, second] => {
                scores[0] += first;
                scores[1] += second;
            }
            [base] => scores[0] += base,
            _ => {}
        }
        let weight = if second { scores[1] } else { scores[0] };
        let chosen = match (self.single, self.positive) {
            (true, true) => usize::from(weight > 0.5),
            (true, false) => usize::from(weight > 0.0),
            (false, _) if second => greatest(scores),
            (false, _) => usize::from(weight > 0.0),
        };
        if second || base.len() == 2 {
            post.apply(scores);
        } else {
            let kind = if self.single && self.positive {
                Second::Rest
            } else {
                Second::Negative
            };
            scores.copy_from_slice(&post.two(scores[0], kind));
        }
        chosen
    }
}

/// The greatest of the scores that a leaf had.
fn greatest_of(scores: &[f32], scored: &[bool]) -> usize {
    let mut greatest: Option<usize> = None;
    for (index, score) in scores.iter().enumerate() {
        if scored[index] && greatest.is_none_or(|greatest| *score > scores[greatest]) {
            greatest = Some(index);
        }
    }
    greatest.unwrap_or(0)
}

impl Operator for Classifier {
    fn name(&self) -> &'static str {
        "TreeEnsembleClassifier"
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        let rows = inputs[0].rows();
        Ok(tvec![
            Known::new(self.labels.kind(), [rows.clone()]),
            Known::new(f32::datum_type(), [rows, self.labels.len().to_dim()]),
        ])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let Scores {
            rows,
            mut scores,
            scored,
        } = self.ensemble.scores(inputs[0], Aggregate::Sum)?;
        let classes = self.labels.len();
        let each = scores
            .chunks_exact_mut(classes)
            .zip(scored.chunks_exact(classes));
        let chosen: Vec<usize> = each
            .map(|(scores, scored)| self.finish(scores, scored))
            .collect();
        Ok(tvec![
            self.labels.tensor(&chosen),
            Tensor::from_shape(&[rows, classes], &scores)?
        ])
    }
}

#[derive(Debug)]
pub(super) struct Regressor {
    name: &'static str,
    ensemble: Ensemble,
    aggregate: Aggregate,
}

pub(super) fn regressor(
    _: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    let targets = node.get_attr_opt::<i64>("n_targets")?.unwrap_or(1);
    Ok(Arc::new(Regressor {
        name: "TreeEnsembleRegressor",
        ensemble: Ensemble::read(node, "target", usize::try_from(targets).unwrap_or(0))?,
        aggregate: match &*attributes::string(node, "aggregate_function", "SUM")? {
            "SUM" => Aggregate::Sum,
            "AVERAGE" => Aggregate::Average,
            "MIN" => Aggregate::Least,
            "MAX" => Aggregate::Most,
            other => bail!("its `aggregate_function` is `{other}`, which ONNX does not know"),
        },
    }))
}

impl Regressor {
    pub(super) fn new(name: &'static str, ensemble: Ensemble, aggregate: Aggregate) -> Self {
        Self {
            name,
            ensemble,
            aggregate,
        }
    }
}

impl Operator for Regressor {
    fn name(&self) -> &'static str {
        self.name
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        let targets = self.ensemble.targets.to_dim();
        Ok(tvec![Known::new(
            f32::datum_type(),
            [inputs[0].rows(), targets]
        )])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let Scores {
            rows,
            mut scores,
            scored,
        } = self.ensemble.scores(inputs[0], self.aggregate)?;
        let Ensemble {
            targets,
            base,
            post,
            planted,
            ..
        } = &self.ensemble;
        // Fewer base values than targets are none.
        let base = if base.len() == *targets { &**base } else { &[] };
        // Of several targets, one that no leaf adds to is zero, but to a softmax.
        let zero = *targets > 1 && !matches!(post, Post::Softmax | Post::SoftmaxZero);
        for (scores, scored) in scores
            .chunks_exact_mut(*targets)
            .zip(scored.chunks_exact(*targets))
        {
            if self.aggregate == Aggregate::Average {
                let trees = planted.trees() as f32;
                scores.iter_mut().for_each(|score| *score /= trees);
            }
            for ((score, base), scored) in scores.iter_mut().zip(base).zip(scored) {
                if *scored || !zero {
                    *score += base;
                }
            }
            // Of a single target, only PROBIT is applied.
            if *targets > 1 || *post == Post::Probit {
                post.apply(scores);
            }
        }
        Ok(tvec![Tensor::from_shape(&[rows, *targets], &scores)?])
    }
}
