//! What a forest answers.

use crate::ensemble::BLOCK;
use crate::error::{Error, Result};
use crate::forest::{Forest, Stand, Trees};
use crate::link::{Link, copy, softmax};
use crate::scalar::sealed::As;
use crate::scalar::{Feature, Scalar};

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

#[derive(Clone, Copy)]
enum Answer {
    Raw,
    Predict,
    Probabilities,
}

impl<T: Scalar> Stand<T> {
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
