//! The kinds of model at the end of a pipeline.

#[cfg(feature = "onnx")]
mod onnx;

use seldon_runtime::{Error, Result};
#[cfg(feature = "trees")]
use seldon_trees::{Forest, Library};
use serde::{Deserialize, Serialize};

use crate::columns::{Kind, quoted};

/// A model, which makes numbers of numbers and texts.
// Matched by place: without any kind it has no value, and there is nothing to match.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Model {
    /// XGBoost's or LightGBM's.
    #[cfg(feature = "trees")]
    Trees(Box<Forest>),
    /// A graph, of whichever library.
    #[cfg(feature = "onnx")]
    Onnx(onnx::Graph),
}

/// Rows for a model: the numbers of each, one row after the other, and its texts.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) rows: usize,
    /// NaN is what is missing.
    pub(crate) numbers: Vec<f64>,
    pub(crate) texts: Vec<String>,
}

/// The kinds, and the features that they need.
const KINDS: [(&str, &str, bool); 2] = [
    ("trees", "trees", cfg!(feature = "trees")),
    ("onnx", "onnx", cfg!(feature = "onnx")),
];

#[cfg_attr(
    not(any(feature = "trees", feature = "onnx")),
    expect(unused_variables, reason = "there is no kind to ask")
)]
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
        let read = match *kind {
            #[cfg(feature = "trees")]
            "trees" => Forest::from_bytes(bytes)
                .map(|forest| Self::Trees(Box::new(forest)))
                .map_err(|e| e.to_string()),
            #[cfg(feature = "onnx")]
            "onnx" => onnx::Graph::from_bytes(bytes).map(Self::Onnx),
            _ => Err(format!("{} bytes of no kind that is read", bytes.len())),
        };
        read.map_err(|e| Error::setup(format!("{} is no model: {e}", quoted(name))))
    }

    /// How many values it takes; `None` where it takes any number of them.
    pub(crate) fn features(&self) -> Option<usize> {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => Some(forest.features()),
            #[cfg(feature = "onnx")]
            Self::Onnx(ref graph) => graph.features(),
        }
    }

    /// What it calls them, if it does.
    pub(crate) fn feature_names(&self) -> &[String] {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => forest.feature_names(),
            #[cfg(feature = "onnx")]
            Self::Onnx(ref graph) => graph.feature_names(),
        }
    }

    /// What kind of value one of them is, as the model takes it.
    pub(crate) fn kind(&self, feature: usize) -> Kind {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(_) => {
                let _ = feature;
                Kind::Number
            }
            #[cfg(feature = "onnx")]
            Self::Onnx(ref graph) => graph.kind(feature),
        }
    }

    /// The names of a feature's categories, in the order of their numbers; empty where it has none.
    pub(crate) fn category_names(&self, feature: usize) -> &[String] {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => forest.category_names(feature),
            #[cfg(feature = "onnx")]
            Self::Onnx(_) => {
                let _ = feature;
                &[]
            }
        }
    }

    /// Whether a category that it does not know counts as missing, as it does to LightGBM.
    pub(crate) fn takes_unknown_categories(&self) -> bool {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => forest.library() == Library::LightGBM,
            #[cfg(feature = "onnx")]
            Self::Onnx(_) => false,
        }
    }

    /// How many numbers it answers with.
    pub(crate) fn outputs(&self) -> usize {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => forest.classes().unwrap_or(forest.outputs()),
            #[cfg(feature = "onnx")]
            Self::Onnx(ref graph) => graph.outputs(),
        }
    }

    /// The classes' names, if the file has some.
    pub(crate) fn classes(&self) -> &[String] {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(_) => &[],
            #[cfg(feature = "onnx")]
            Self::Onnx(ref graph) => graph.classes(),
        }
    }

    /// Its answers to the rows, one after the other.
    pub(crate) fn answer(&self, batch: Batch) -> Result<Vec<f64>> {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(ref forest) => Ok(match forest.classes() {
                Some(_) => forest.probabilities_batch(&batch.numbers)?,
                None => forest.predict_batch(&batch.numbers)?,
            }),
            #[cfg(feature = "onnx")]
            Self::Onnx(ref graph) => graph.answer(batch),
        }
    }

    /// Whether a row may take it so long that others should not wait for it.
    pub(crate) fn may_be_slow(&self) -> bool {
        match *self {
            #[cfg(feature = "trees")]
            Self::Trees(_) => false,
            #[cfg(feature = "onnx")]
            Self::Onnx(_) => true,
        }
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
                let library = format!("{library} {}", forest.version());
                vec![
                    ("library", library.trim_end().to_owned()),
                    ("objective", forest.objective().to_owned()),
                    ("trees", forest.trees().to_string()),
                    ("nodes", forest.nodes().to_string()),
                    ("rounds", forest.rounds().to_string()),
                ]
            }
            #[cfg(feature = "onnx")]
            Self::Onnx(ref graph) => graph.about(),
        }
    }
}
