//! Reads XGBoost's models, of which JSON and UBJSON are two forms.
//!
//! What is peculiar to it, beside what its documentation says:
//!
//! * It computes in `f32`: features, thresholds and sums.
//! * `base_score` is a number in a text, since version 3.1 a list of them in a text, and in the
//!   unit of the predictions: a probability where those are.
//! * Early stopping keeps all rounds in the file and the best one's index in an attribute.
//! * A category that is in a node's set goes to the second child.

use std::collections::HashMap;

use serde::Deserialize;

use crate::ensemble::Ensemble;
use crate::error::{Error, Result, quoted};
use crate::forest::{About, Forest, Library, Trees};
use crate::grow::{Described, Grower, Place, Sets, Split, Test, not_finite};
use crate::json;
use crate::link::Link;
use crate::number::{Flag, Number, Numbers};
use crate::ubjson;

/// Above this, an `f32` cannot tell two categories apart.
const MOST_CATEGORIES: i64 = 1 << 24;

/// Reads a model that `save_model("model.json")` wrote.
pub(crate) fn from_json(bytes: &[u8]) -> Result<Forest> {
    let file: File = json::from_slice(bytes)
        .map_err(|error| Error::new(format!("this is no XGBoost model in JSON: {error}")))?;
    file.forest()
}

/// Reads a model that `save_model("model.ubj")` wrote.
pub(crate) fn from_ubj(bytes: &[u8]) -> Result<Forest> {
    let file: File = ubjson::from_slice(bytes)
        .map_err(|error| Error::new(format!("this is no XGBoost model in UBJSON: {error}")))?;
    file.forest()
}

#[derive(Deserialize)]
struct File {
    learner: Learner,
    #[serde(default)]
    version: Vec<u32>,
}

#[derive(Deserialize)]
struct Learner {
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    feature_names: Vec<String>,
    gradient_booster: Booster,
    learner_model_param: Parameters,
    objective: Objective,
}

#[derive(Deserialize, Default)]
struct Attributes {
    best_iteration: Option<Number<usize>>,
}

#[derive(Deserialize)]
struct Parameters {
    base_score: Numbers,
    num_class: Number<usize>,
    num_feature: Number<usize>,
    num_target: Option<Number<usize>>,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

#[derive(Deserialize)]
struct Booster {
    name: String,
    model: Option<Model>,
    /// Where dart keeps its model.
    gbtree: Option<Inner>,
    weight_drop: Option<Vec<f32>>,
}

#[derive(Deserialize)]
struct Inner {
    model: Model,
}

// Without trees, because gblinear's has none, and is refused by its name.
#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    gbtree_model_param: ModelParameters,
    iteration_indptr: Option<Vec<usize>>,
    #[serde(default)]
    tree_info: Vec<i64>,
    #[serde(default)]
    trees: Vec<Tree>,
}

#[derive(Deserialize, Default)]
struct ModelParameters {
    num_parallel_tree: Option<Number<usize>>,
}

#[derive(Deserialize)]
struct Tree {
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

impl File {
    fn forest(self) -> Result<Forest> {
        let Learner {
            attributes,
            feature_names,
            gradient_booster,
            learner_model_param: parameters,
            objective,
        } = self.learner;
        let kind = Kind::of(&objective.name)?;
        let (model, weights) = gradient_booster.open()?;
        let features = parameters.num_feature.0;
        let groups = (parameters.num_class.0)
            .max(parameters.num_target.map_or(1, |number| number.0))
            .max(1);
        // Each takes a tree at least: a length of which memory depends is not simply believed.
        if groups > model.trees.len().max(1) {
            return Err(Error::new(format!(
                "the model has {groups} outputs, and {} trees",
                model.trees.len()
            )));
        }
        let round_ends = model.round_ends(groups)?;
        let ensemble = model.plant(features, groups, weights.as_deref())?;
        let base = kind.margins(&parameters.base_score.0, groups)?;
        let version: Vec<String> = self.version.iter().map(u32::to_string).collect();
        let best_iteration = attributes.best_iteration.map(|number| number.0);
        Forest::new(
            About {
                library: Library::XGBoost,
                version: version.join("."),
                objective: objective.name,
                features,
                feature_names,
                classes: kind.classes.then_some(groups.max(2)),
                best_iteration,
                link: kind.link,
                average: false,
            },
            round_ends,
            Trees::single(ensemble, base),
        )
    }
}

impl Booster {
    /// The model, and the weights of its trees where they have some.
    fn open(self) -> Result<(Model, Option<Vec<f32>>)> {
        match (self.name.as_str(), self.model, self.gbtree) {
            ("gbtree", Some(model), _) => Ok((model, None)),
            ("dart", _, Some(inner)) => {
                let weights = self.weight_drop.unwrap_or_default();
                let (trees, count) = (inner.model.trees.len(), weights.len());
                if count != trees {
                    return Err(Error::new(format!(
                        "the model has {trees} trees, and `weight_drop` is for {count}"
                    )));
                }
                Ok((inner.model, Some(weights)))
            }
            ("gblinear", ..) => Err(Error::new(
                "the model is linear (`gblinear`): it has no trees",
            )),
            (name @ ("gbtree" | "dart"), ..) => {
                Err(Error::new(format!("the booster `{name}` has no model")))
            }
            (name, ..) => Err(Error::new(format!(
                "the booster is {}, only gbtree and dart are read",
                quoted(name)
            ))),
        }
    }
}

impl Model {
    /// How many trees the first round has, the first two, and so on.
    fn round_ends(&self, groups: usize) -> Result<Vec<u32>> {
        let trees = self.trees.len();
        let ends: Vec<usize> = match &self.iteration_indptr {
            Some(starts) if starts.first() == Some(&0) => starts[1..].to_vec(),
            Some(_) => return Err(Error::new("`iteration_indptr` does not begin with 0")),
            None => {
                // Before version 2, each round has the same number of trees.
                let parallel = self.gbtree_model_param.num_parallel_tree;
                let parallel = parallel.map_or(1, |number| number.0).max(1);
                let round = parallel.saturating_mul(groups);
                if !trees.is_multiple_of(round) {
                    return Err(Error::new(format!(
                        "the model has {trees} trees, which is no multiple of the {round} of a round"
                    )));
                }
                (1..=trees / round).map(|n| n * round).collect()
            }
        };
        if !ends.is_sorted() || ends.last().copied().unwrap_or(0) != trees {
            return Err(Error::new(format!(
                "`iteration_indptr` does not lead up to the {trees} trees"
            )));
        }
        Ok(ends.into_iter().map(|end| end as u32).collect())
    }

    fn plant(
        self,
        features: usize,
        groups: usize,
        weights: Option<&[f32]>,
    ) -> Result<Ensemble<f32>> {
        if self.tree_info.len() != self.trees.len() {
            return Err(Error::new(format!(
                "the model has {} trees, and `tree_info` is for {}",
                self.trees.len(),
                self.tree_info.len()
            )));
        }
        let mut grower = Grower::new(features, groups)?;
        for (index, (tree, group)) in self.trees.iter().zip(&self.tree_info).enumerate() {
            let place = |error: Error| error.of(Place { tree: index });
            let (sets, set_of) = tree.check().and_then(|()| tree.sets()).map_err(place)?;
            let weight = weights.map_or(1.0, |weights| weights[index]);
            if !weight.is_finite() {
                return Err(place(not_finite("its weight", weight)));
            }
            let group = usize::try_from(*group).unwrap_or(usize::MAX);
            let count = tree.left_children.len();
            grower.plant(group, count, &sets, |node| {
                tree.describe(node, weight, &set_of)
            })?;
        }
        grower.done()
    }
}

impl Tree {
    /// Checks that all there is to know of each node is there.
    fn check(&self) -> Result<()> {
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
    fn sets(&self) -> Result<(Sets, HashMap<usize, usize>)> {
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

    fn describe(
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

/// What an objective means for the predictions.
struct Kind {
    link: Link,
    base: Base,
    classes: bool,
}

/// In which unit `base_score` is.
#[derive(Clone, Copy)]
enum Base {
    /// That of the sums.
    Sum,
    Probability,
    /// Its logarithm is in that of the sums.
    Exponential,
}

impl Kind {
    fn of(objective: &str) -> Result<Self> {
        const LOGISTIC: Link = Link::Sigmoid { slope: 1.0 };
        let (link, base, classes) = match objective {
            "binary:logistic" => (LOGISTIC, Base::Probability, true),
            "reg:logistic" => (LOGISTIC, Base::Probability, false),
            "binary:logitraw" => (Link::Identity, Base::Sum, false),
            "binary:hinge" => (Link::Step, Base::Sum, true),
            "multi:softprob" => (Link::Softmax, Base::Sum, true),
            "multi:softmax" => (Link::Greatest, Base::Sum, true),
            "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => {
                (Link::Exponential, Base::Exponential, false)
            }
            "reg:squarederror"
            | "reg:linear"
            | "reg:squaredlogerror"
            | "reg:pseudohubererror"
            | "reg:absoluteerror"
            | "reg:quantileerror"
            | "reg:expectileerror"
            | "rank:pairwise"
            | "rank:ndcg"
            | "rank:map" => (Link::Identity, Base::Sum, false),
            unknown => {
                return Err(Error::new(format!(
                    "the objective {} is not known",
                    quoted(unknown)
                )));
            }
        };
        Ok(Self {
            link,
            base,
            classes,
        })
    }

    /// What the sums begin with.
    fn margins(&self, scores: &[f32], groups: usize) -> Result<Vec<f32>> {
        if scores.len() != 1 && scores.len() != groups {
            return Err(Error::new(format!(
                "`base_score` is {} numbers, and the model has {groups} outputs",
                scores.len()
            )));
        }
        let margin = |score: &f32| {
            let margin = match self.base {
                Base::Sum => *score,
                Base::Probability => -(1.0 / score - 1.0).ln(),
                Base::Exponential => score.ln(),
            };
            let wrong = || Error::new(format!("`base_score` is {score}, out of its range"));
            margin.is_finite().then_some(margin).ok_or_else(wrong)
        };
        let mut margins = scores.iter().map(margin).collect::<Result<Vec<f32>>>()?;
        margins.resize(groups, margins[0]);
        Ok(margins)
    }
}
