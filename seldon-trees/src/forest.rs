//! A model: how it is read, and what is known of it.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::link::Link;
use crate::scalar::Scalar;
use crate::{detect, lightgbm, xgboost};

/// The largest file that is read.
const MOST_BYTES: u64 = 1 << 30;

/// What wrote a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Library {
    /// `xgboost`, which computes in `f32`.
    XGBoost,
    /// `lightgbm`, which computes in `f64`.
    LightGBM,
}

/// An ensemble of trees, trained by XGBoost or LightGBM, that answers as Python does.
///
/// A row is a number for each feature, in the order of the training data, `f32` or `f64`; NaN is a
/// missing value. LightGBM compares doubles, so that a row which is doubles in Python is best given as
/// `f64`: a decimal that is just a threshold may round to its other side.
///
/// A forest is a value of serde's, so that it can be a field of a model: saving it and loading it
/// gives the same answers. What was changed in between is refused if it is no forest any more.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "crate::stored::Stored", into = "crate::stored::Stored")]
pub struct Forest {
    pub(crate) about: About,
    /// How many trees the first round has, the first two, and so on.
    pub(crate) round_ends: Vec<u32>,
    /// How many rounds count.
    pub(crate) rounds: usize,
    pub(crate) trees: Trees,
}

/// Says what is known of it, and spares the reader its nodes.
impl fmt::Debug for Forest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forest")
            .field("about", &self.about)
            .field("rounds", &self.rounds)
            .field("trees", &self.trees())
            .field("nodes", &self.nodes())
            .finish_non_exhaustive()
    }
}

/// What a file says of its model beside the trees.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) library: Library,
    pub(crate) version: String,
    pub(crate) objective: String,
    pub(crate) features: usize,
    pub(crate) feature_names: Vec<String>,
    /// The names of each feature's categories, in the order of their codes. Empty where there are none.
    #[serde(default)]
    pub(crate) categories: Vec<Vec<String>>,
    pub(crate) classes: Option<usize>,
    pub(crate) best_iteration: Option<usize>,
    pub(crate) link: Link,
    /// Whether the sums are divided by the number of rounds.
    pub(crate) average: bool,
}

#[derive(Clone)]
pub(crate) enum Trees {
    Single(Stand<f32>),
    Double(Stand<f64>),
}

/// Trees, and what their sums begin with.
#[derive(Clone)]
pub(crate) struct Stand<T> {
    pub(crate) ensemble: Ensemble<T>,
    pub(crate) base: Vec<T>,
    pub(crate) plain: bool,
}

impl Trees {
    pub(crate) fn single(ensemble: Ensemble<f32>, base: Vec<f32>) -> Self {
        Self::Single(Stand::new(ensemble, base))
    }

    pub(crate) fn double(ensemble: Ensemble<f64>, base: Vec<f64>) -> Self {
        Self::Double(Stand::new(ensemble, base))
    }
}

/// # Reading
impl Forest {
    /// Reads a model file in any of the formats, which its content tells: XGBoost's JSON and UBJSON,
    /// LightGBM's text.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is larger than 1 GiB, or holds no model that is known; in one
    /// sentence with the place.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = || path.display();
        let io = |error: std::io::Error| Error::new(error.to_string()).of(name());
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(io)?;
        file.take(MOST_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        Self::from_bytes(&bytes).map_err(|error| error.of(name()))
    }

    /// The same from what a file holds.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        match detect::format(bytes)? {
            detect::Format::Json => Self::from_xgboost_json(bytes),
            detect::Format::Ubj => Self::from_xgboost_ubj(bytes),
            detect::Format::Text => Self::from_lightgbm(bytes),
        }
    }

    /// Reads what XGBoost's `save_model("model.json")` wrote.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn from_xgboost_json(bytes: &[u8]) -> Result<Self> {
        bounded(bytes)?;
        xgboost::from_json(bytes)
    }

    /// Reads what XGBoost's `save_model("model.ubj")` wrote, and since version 2.1 any name but one
    /// in `.json`.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn from_xgboost_ubj(bytes: &[u8]) -> Result<Self> {
        bounded(bytes)?;
        xgboost::from_ubj(bytes)
    }

    /// Reads what LightGBM's `save_model("model.txt")` wrote.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn from_lightgbm(bytes: &[u8]) -> Result<Self> {
        bounded(bytes)?;
        lightgbm::from_text(bytes)
    }

    pub(crate) fn new(about: About, round_ends: Vec<u32>, trees: Trees) -> Result<Self> {
        let names = about.feature_names.len();
        if names != 0 && names != about.features {
            return Err(Error::new(format!(
                "the model takes {} features, and has names for {names}",
                about.features
            )));
        }
        let all = round_ends.len();
        let best = about.best_iteration;
        Ok(Self {
            rounds: best.map_or(all, |best| best.saturating_add(1).min(all)),
            about,
            round_ends,
            trees,
        })
    }

    /// Uses the first `rounds` rounds, at least one and at most all: `usize::MAX` is what XGBoost's
    /// `Booster.predict` does by itself, where `XGBClassifier.predict` and `XGBRegressor.predict` go
    /// no further than the best iteration of early stopping, as a forest does that was just read.
    #[must_use]
    pub fn with_rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds.clamp(1, self.round_ends.len());
        self
    }
}

fn bounded(bytes: &[u8]) -> Result<()> {
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Error::new("the model is larger than 1 GiB"));
    }
    Ok(())
}

/// # What is known of it
impl Forest {
    /// What wrote it.
    pub fn library(&self) -> Library {
        self.about.library
    }

    /// The version of XGBoost, or of LightGBM's format, that wrote it: `3.2.0`, `v4`. Empty where the
    /// file does not say.
    pub fn version(&self) -> &str {
        &self.about.version
    }

    /// What it was trained for, by its library's name: `binary:logistic`, `regression`.
    pub fn objective(&self) -> &str {
        &self.about.objective
    }

    /// How many numbers a row has.
    pub fn features(&self) -> usize {
        self.about.features
    }

    /// The names of the features in order; empty where the file has none. LightGBM makes up names
    /// (`Column_0`) where it was given none.
    pub fn feature_names(&self) -> &[String] {
        &self.about.feature_names
    }

    /// The names of a feature's categories, where it was trained on a data frame that had some: a row
    /// holds the index of the name. Empty where the feature is a number or the file has no names, as
    /// that of XGBoost before 3.1.
    pub fn category_names(&self, feature: usize) -> &[String] {
        self.about
            .categories
            .get(feature)
            .map_or(&[], Vec::as_slice)
    }

    /// How many classes it tells apart, 2 for a binary one; `None` where it is no classifier.
    pub fn classes(&self) -> Option<usize> {
        self.about.classes
    }

    /// How many numbers [`predict`](Self::predict) answers a row with.
    pub fn outputs(&self) -> usize {
        self.about.link.outputs(self.groups())
    }

    /// How many numbers [`predict_raw`](Self::predict_raw) answers a row with.
    pub fn groups(&self) -> usize {
        match &self.trees {
            Trees::Single(stand) => stand.base.len(),
            Trees::Double(stand) => stand.base.len(),
        }
    }

    /// How many trees the file holds.
    pub fn trees(&self) -> usize {
        self.round_ends.last().map_or(0, |end| *end as usize)
    }

    /// How many nodes they have, leaves included.
    pub fn nodes(&self) -> usize {
        match &self.trees {
            Trees::Single(stand) => stand.ensemble.nodes.len(),
            Trees::Double(stand) => stand.ensemble.nodes.len(),
        }
    }

    /// How many rounds of boosting count: those up to [`best_iteration`](Self::best_iteration) where
    /// there is one, else all. See [`with_rounds`](Self::with_rounds).
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// The round, from 0, after which early stopping found no better one. LightGBM writes no later
    /// rounds and does not say; nor does XGBoost without early stopping.
    pub fn best_iteration(&self) -> Option<usize> {
        self.about.best_iteration
    }
}

impl<T: Scalar> Stand<T> {
    fn new(ensemble: Ensemble<T>, base: Vec<T>) -> Self {
        Self {
            plain: ensemble.is_plain(),
            ensemble,
            base,
        }
    }
}
