//! Reads XGBoost's models, of which JSON and UBJSON are two forms.
//!
//! What is peculiar to it, beside what its documentation says:
//!
//! * It computes in `f32`: features, thresholds and sums.
//! * `base_score` is a number in a text, since version 3.1 a list of them in a text, and in the
//!   unit of the predictions: a probability where those are.
//! * Early stopping keeps all rounds in the file and the best one's index in an attribute.
//! * A category that is in a node's set goes to the second child.

mod categories;
mod objective;
mod tree;

use serde::Deserialize;

use crate::ensemble::Ensemble;
use crate::error::{Error, Result, quoted};
use crate::forest::{About, Forest, Library, Trees};
use crate::grow::{Grower, Place, not_finite};
use crate::json;
use crate::number::{Number, Numbers};
use crate::ubjson;

use categories::Categories;
use objective::Kind;
use tree::Tree;

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
    cats: Categories,
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
        let (mut model, weights) = gradient_booster.open()?;
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
        let categories = std::mem::take(&mut model.cats).names(features)?;
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
                categories,
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
            let count = tree.nodes();
            grower.plant(group, count, &sets, |node| {
                tree.describe(node, weight, &set_of)
            })?;
        }
        grower.done()
    }
}
