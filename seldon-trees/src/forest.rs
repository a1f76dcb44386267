//! A model: what is known of it, and its answers.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ensemble::{BLOCK, Ensemble};
use crate::error::{Error, Result};
use crate::link::{Link, copy, softmax};
use crate::scalar::sealed::As;
use crate::scalar::{Feature, Scalar};
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
    plain: bool,
}

impl Trees {
    pub(crate) fn single(ensemble: Ensemble<f32>, base: Vec<f32>) -> Self {
        Self::Single(Stand::new(ensemble, base))
    }

    pub(crate) fn double(ensemble: Ensemble<f64>, base: Vec<f64>) -> Self {
        Self::Double(Stand::new(ensemble, base))
    }
}

#[derive(Clone, Copy)]
enum Answer {
    Raw,
    Predict,
    Probabilities,
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

/// # Answers
impl Forest {
    /// What `Booster.predict` answers for a row: a probability for a binary objective, one for each
    /// class for a multi-class one (the class's index for `multi:softmax`), else a number for each
    /// target.
    ///
    /// # Errors
    ///
    /// If the row is not as long as there are features.
    pub fn predict<F: Feature>(&self, row: &[F]) -> Result<Vec<f64>> {
        let mut out = vec![0.0; self.outputs()];
        self.answer(row, Answer::Predict, &mut out)?;
        Ok(out)
    }

    /// The same without an allocation, in the first [`outputs`](Self::outputs) numbers of `out`.
    ///
    /// # Errors
    ///
    /// If the row is not as long as there are features, or `out` is too short.
    pub fn predict_into<F: Feature>(&self, row: &[F], out: &mut [f64]) -> Result<()> {
        let (outputs, room) = (self.outputs(), out.len());
        let out = out.get_mut(..outputs).ok_or_else(|| {
            Error::new(format!(
                "the answer is {outputs} numbers, and there is room for {room}"
            ))
        })?;
        self.answer(row, Answer::Predict, out)
    }

    /// The sums of the leaves: what `Booster.predict` answers with `output_margin=True` (XGBoost) or
    /// `raw_score=True` (LightGBM).
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict).
    pub fn predict_raw<F: Feature>(&self, row: &[F]) -> Result<Vec<f64>> {
        let mut out = vec![0.0; self.groups()];
        self.answer(row, Answer::Raw, &mut out)?;
        Ok(out)
    }

    /// The probability of each class: what `predict_proba` of `XGBClassifier` and `LGBMClassifier`
    /// answers. It is there for `multi:softmax`, too.
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict), and if it is no classifier.
    pub fn probabilities<F: Feature>(&self, row: &[F]) -> Result<Vec<f64>> {
        let mut out = vec![0.0; self.class_count()?];
        self.answer(row, Answer::Probabilities, &mut out)?;
        Ok(out)
    }

    /// [`predict`](Self::predict) for many rows, one after the other in `rows`, and so are their
    /// answers. Trees are fetched once for a block of rows: the quicker way from a few rows on.
    ///
    /// # Errors
    ///
    /// If the last row is not as long as there are features.
    pub fn predict_batch<F: Feature>(&self, rows: &[F]) -> Result<Vec<f64>> {
        self.batch(rows, Answer::Predict, self.outputs())
    }

    /// [`predict_raw`](Self::predict_raw) for many rows, as [`predict_batch`](Self::predict_batch).
    ///
    /// # Errors
    ///
    /// As [`predict_batch`](Self::predict_batch).
    pub fn predict_raw_batch<F: Feature>(&self, rows: &[F]) -> Result<Vec<f64>> {
        self.batch(rows, Answer::Raw, self.groups())
    }

    /// [`probabilities`](Self::probabilities) for many rows, as
    /// [`predict_batch`](Self::predict_batch).
    ///
    /// # Errors
    ///
    /// As [`predict_batch`](Self::predict_batch), and if it is no classifier.
    pub fn probabilities_batch<F: Feature>(&self, rows: &[F]) -> Result<Vec<f64>> {
        self.batch(rows, Answer::Probabilities, self.class_count()?)
    }

    fn class_count(&self) -> Result<usize> {
        self.about.classes.ok_or_else(|| {
            Error::new(format!(
                "the objective `{}` has no classes, and so no probabilities of them",
                self.about.objective
            ))
        })
    }

    fn answer<F: Feature>(&self, row: &[F], answer: Answer, out: &mut [f64]) -> Result<()> {
        let features = self.about.features;
        if row.len() != features {
            return Err(Error::new(format!(
                "the row has {} features, and the model takes {features}",
                row.len()
            )));
        }
        match &self.trees {
            Trees::Single(stand) => self.answer_in(stand, row, answer, out),
            Trees::Double(stand) => self.answer_in(stand, row, answer, out),
        }
        Ok(())
    }

    fn answer_in<T: Scalar, F: As<T>>(
        &self,
        stand: &Stand<T>,
        row: &[F],
        answer: Answer,
        out: &mut [f64],
    ) {
        // Few enough sums for the stack, or else as many as there are.
        let (mut few, mut many) = ([T::default(); 16], Vec::new());
        let groups = stand.base.len();
        let sums = if groups <= few.len() {
            &mut few[..groups]
        } else {
            many.resize(groups, T::default());
            &mut many
        };
        sums.copy_from_slice(&stand.base);
        stand.add(row, self.used(), sums);
        self.finish(sums, answer, out);
    }

    fn batch<F: Feature>(&self, rows: &[F], answer: Answer, outputs: usize) -> Result<Vec<f64>> {
        let features = self.about.features;
        if !rows.len().is_multiple_of(features) {
            return Err(Error::new(format!(
                "the last row has {} features, and the model takes {features}",
                rows.len() % features
            )));
        }
        let mut out = vec![0.0; rows.len() / features * outputs];
        match &self.trees {
            Trees::Single(stand) => self.batch_in(stand, rows, answer, &mut out, outputs),
            Trees::Double(stand) => self.batch_in(stand, rows, answer, &mut out, outputs),
        }
        Ok(out)
    }

    fn batch_in<T: Scalar, F: As<T>>(
        &self,
        stand: &Stand<T>,
        rows: &[F],
        answer: Answer,
        out: &mut [f64],
        outputs: usize,
    ) {
        let (features, groups) = (self.about.features, stand.base.len());
        let blocks = rows.chunks(features * BLOCK);
        let mut sums = Vec::with_capacity(groups * BLOCK.min(rows.len() / features));
        for (rows, out) in blocks.zip(out.chunks_mut(outputs * BLOCK)) {
            let count = rows.len() / features;
            sums.clear();
            (0..count).for_each(|_| sums.extend_from_slice(&stand.base));
            stand.add_block(rows, features, self.used(), &mut sums);
            for (sums, out) in sums
                .chunks_exact_mut(groups)
                .zip(out.chunks_exact_mut(outputs))
            {
                self.finish(sums, answer, out);
            }
        }
    }

    /// How many trees count.
    fn used(&self) -> usize {
        self.round_ends[self.rounds - 1] as usize
    }

    /// Writes the answer that `sums`, which are used up, lead to.
    fn finish<T: Scalar>(&self, sums: &mut [T], answer: Answer, out: &mut [f64]) {
        // LightGBM's raw scores are sums, even where its predictions are means.
        if self.about.average && !matches!(answer, Answer::Raw) {
            let rounds = T::from_f64(self.rounds as f64);
            sums.iter_mut().for_each(|sum| *sum /= rounds);
        }
        match (answer, self.about.link) {
            (Answer::Raw, _) => copy(sums, out),
            (Answer::Predict, link) => link.apply(sums, out),
            (Answer::Probabilities, Link::Greatest) => {
                softmax(sums);
                copy(sums, out);
            }
            // Of two classes the sum is about the second; the first has what is left.
            (Answer::Probabilities, link) if out.len() > sums.len() => {
                link.apply(sums, &mut out[1..]);
                let first: T = T::from_f64(1.0 - out[1]);
                out[0] = first.into();
            }
            (Answer::Probabilities, link) => link.apply(sums, out),
        }
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

    fn add<F: As<T>>(&self, row: &[F], trees: usize, sums: &mut [T]) {
        if self.plain {
            self.ensemble.add::<true, F>(row, trees, sums);
        } else {
            self.ensemble.add::<false, F>(row, trees, sums);
        }
    }

    fn add_block<F: As<T>>(&self, rows: &[F], width: usize, trees: usize, sums: &mut [T]) {
        let stride = self.base.len();
        if self.plain {
            self.ensemble
                .add_block::<true, F>(rows, width, trees, sums, stride);
        } else {
            self.ensemble
                .add_block::<false, F>(rows, width, trees, sums, stride);
        }
    }
}
