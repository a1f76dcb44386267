//! The kinds of model at the end of a pipeline.

use seldon_runtime::{Error, Result};
#[cfg(feature = "trees")]
use seldon_trees::{Forest, Library};
use serde::{Deserialize, Serialize};

use crate::columns::quoted;

/// A model, which makes numbers of numbers.
// Matched by place: without any kind it has no value, and there is nothing to match.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Model {
    /// XGBoost's or LightGBM's.
    #[cfg(feature = "trees")]
    Trees(Forest),
}

/// The kinds, and the features that they need.
const KINDS: [(&str, &str, bool); 2] = [
    ("trees", "trees", cfg!(feature = "trees")),
    ("onnx", "onnx", false),
];

impl Model {
    /// The model in the file `name`, of the kind that is said, or that its name and bytes tell.
    pub(crate) fn from_bytes(name: &str, bytes: &[u8], kind: Option<&str>) -> Result<Self> {
        let kind = match kind {
            Some(kind) => kind,
            None if name.to_ascii_lowercase().ends_with(".onnx") => "onnx",
            None => "trees",
        };
        let Some((kind, feature, is_built_in)) = KINDS.iter().find(|known| known.0 == kind) else {
            let known: Vec<String> = KINDS.iter().map(|known| quoted(known.0)).collect();
            return Err(Error::setup(format!(
                "`kind` must be one of {}, got {}",
                known.join(", "),
                quoted(kind)
            )));
        };
        if !is_built_in {
            return Err(Error::setup(format!(
                "{} is a model of the kind `{kind}`, which this program is built without: it takes the feature `{feature}`",
                quoted(name)
            )));
        }
        match *kind {
            #[cfg(feature = "trees")]
            "trees" => Forest::from_bytes(bytes)
                .map(Self::Trees)
                .map_err(|e| Error::setup(format!("{} is no model: {e}", quoted(name)))),
            _ => {
                let _ = bytes;
                Err(Error::setup(format!("`{kind}` is not read here")))
            }
        }
    }

    /// How many numbers it takes.
    pub(crate) fn features(&self) -> usize {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => forest.features(),
        }
    }

    /// What it calls them, if it does.
    pub(crate) fn feature_names(&self) -> &[String] {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => forest.feature_names(),
        }
    }

    /// The names of a feature's categories, in the order of their numbers; empty where it has none.
    pub(crate) fn category_names(&self, feature: usize) -> &[String] {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => forest.category_names(feature),
        }
    }

    /// Whether a category that it does not know counts as missing, as it does to LightGBM.
    pub(crate) fn takes_unknown_categories(&self) -> bool {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => forest.library() == Library::LightGBM,
        }
    }

    /// How many numbers it answers with.
    pub(crate) fn outputs(&self) -> usize {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => forest.classes().unwrap_or(forest.outputs()),
        }
    }

    /// The classes' names, if the file has some.
    pub(crate) fn classes(&self) -> &[String] {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(_) => &[],
        }
    }

    /// Its answers to the rows, one after the other in `rows`; NaN is what is missing.
    pub(crate) fn answer(&self, rows: &[f64]) -> Result<Vec<f64>> {
        let answer = match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => match forest.classes() {
                Some(_) => forest.probabilities_batch(rows),
                None => forest.predict_batch(rows),
            },
        };
        Ok(answer?)
    }

    /// What is to be known of it, by name.
    pub(crate) fn about(&self) -> Vec<(&'static str, String)> {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => {
                let library = match forest.library() {
                    Library::XGBoost => "XGBoost",
                    Library::LightGBM => "LightGBM",
                };
                vec![
                    (
                        "library",
                        format!("{library} {}", forest.version())
                            .trim_end()
                            .to_owned(),
                    ),
                    ("objective", forest.objective().to_owned()),
                    ("trees", forest.trees().to_string()),
                    ("nodes", forest.nodes().to_string()),
                    ("rounds", forest.rounds().to_string()),
                ]
            }
        }
    }
}
