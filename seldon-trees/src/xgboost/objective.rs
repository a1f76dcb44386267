//! What XGBoost's objectives mean for the predictions.

use crate::error::{Error, Result, quoted};
use crate::link::Link;

/// What an objective means for the predictions.
pub(super) struct Kind {
    pub(super) link: Link,
    base: Base,
    /// Whether it is about classes.
    pub(super) classes: bool,
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
    pub(super) fn of(objective: &str) -> Result<Self> {
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
    pub(super) fn margins(&self, scores: &[f32], groups: usize) -> Result<Vec<f32>> {
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
