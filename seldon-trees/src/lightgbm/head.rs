//! What the head of the file says.

use crate::error::{Error, Result, quoted};
use crate::forest::{About, Library};
use crate::link::Link;

use super::section::{Section, number};

/// Versions of the format that are known.
const VERSIONS: [&str; 3] = ["v2", "v3", "v4"];

/// What the head says.
pub(super) struct Model {
    pub(super) about: About,
    pub(super) features: usize,
    /// How many sums there are, and trees of a round.
    pub(super) groups: usize,
}

impl Model {
    pub(super) fn of(head: &Section<'_>) -> Result<Self> {
        let version = head.get("version").unwrap_or_default();
        if !VERSIONS.contains(&version) {
            return Err(Error::new(format!(
                "the model's format is {}, and {} are known",
                quoted(version),
                VERSIONS.join(", ")
            )));
        }
        let last: usize = head.number("max_feature_idx")?;
        let features = last.saturating_add(1);
        let groups: usize = head.number("num_tree_per_iteration")?;
        // Each of them takes a tree, so that more of them than bytes are a lie.
        let trees = head
            .get("tree_sizes")
            .map(|sizes| sizes.split_whitespace().count());
        if groups == 0 || trees.is_some_and(|trees| groups > trees.max(1)) {
            return Err(Error::new(format!(
                "`num_tree_per_iteration` is {groups}, and there are {} trees",
                trees.unwrap_or_default()
            )));
        }
        if groups > u16::MAX.into() {
            return Err(Error::new(format!(
                "the model has {groups} outputs, too many"
            )));
        }
        let objective = head.get("objective").unwrap_or("custom");
        let (link, classes) = link(objective)?;
        let names = head.get("feature_names").unwrap_or_default();
        let about = About {
            library: Library::LightGBM,
            version: version.to_owned(),
            objective: objective.to_owned(),
            features,
            feature_names: names.split_whitespace().map(str::to_owned).collect(),
            categories: Vec::new(),
            classes: classes.then_some(groups.max(2)),
            best_iteration: None,
            link,
            average: head.get("average_output").is_some(),
        };
        Ok(Self {
            about,
            features,
            groups,
        })
    }
}

/// The features that are categories: the others have a range in `feature_infos`, or nothing.
pub(super) fn categorical(head: &Section<'_>) -> Vec<usize> {
    let infos = head.get("feature_infos").unwrap_or_default();
    let is_category = |info: &str| !info.starts_with('[') && info != "none";
    let infos = infos.split_whitespace().enumerate();
    let categorical = infos.filter(|(_, info)| is_category(info));
    categorical.map(|(feature, _)| feature).collect()
}

/// What an objective does to the sums, and whether it is about classes.
fn link(objective: &str) -> Result<(Link, bool)> {
    let mut words = objective.split_whitespace();
    let name = words.next().unwrap_or_default();
    let option = |name: &str| -> Option<&str> {
        let mut options = objective.split_whitespace().skip(1);
        options.find_map(|word| word.strip_prefix(name)?.strip_prefix(':'))
    };
    let slope = || -> Result<f64> {
        let slope = number("sigmoid", option("sigmoid").unwrap_or("1"))?;
        if !(slope > 0.0 && slope < f64::INFINITY) {
            return Err(Error::new(format!(
                "`sigmoid` is {slope}, it must be above 0"
            )));
        }
        Ok(slope)
    };
    Ok(match name {
        "binary" => (Link::Sigmoid { slope: slope()? }, true),
        "multiclass" => (Link::Softmax, true),
        "multiclassova" => (Link::Sigmoid { slope: slope()? }, true),
        "cross_entropy" => (Link::Sigmoid { slope: 1.0 }, false),
        "cross_entropy_lambda" => (Link::Softplus, false),
        "poisson" | "gamma" | "tweedie" => (Link::Exponential, false),
        _ if words.any(|word| word == "sqrt") => (Link::SignedSquare, false),
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank"
        | "rank_xendcg" | "custom" | "none" => (Link::Identity, false),
        unknown => {
            return Err(Error::new(format!(
                "the objective {} is not known",
                quoted(unknown)
            )));
        }
    })
}
