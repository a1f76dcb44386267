//! One tree, as LightGBM describes it.

use crate::error::{Error, Result};
use crate::grow::{Described, Sets, Split, Test, not_finite};

use super::section::{Section, number};

/// Bits of `decision_type`; the two above them are the kind of missing value.
const CATEGORY: u8 = 1;
const DEFAULT_LEFT: u8 = 2;

/// A tree as the file has it: splits and leaves are numbered apart, and a child below 0 is the leaf of
/// its complement.
pub(super) struct Tree {
    features: Vec<usize>,
    thresholds: Vec<f64>,
    decisions: Vec<u8>,
    left: Vec<i64>,
    right: Vec<i64>,
    values: Vec<f64>,
    pub(super) sets: Sets,
}

impl Tree {
    pub(super) fn of(section: &Section<'_>) -> Result<Self> {
        let leaves: usize = section.number("num_leaves")?;
        if leaves == 0 {
            return Err(Error::new("`num_leaves` is 0"));
        }
        if section.get("is_linear").is_some_and(|linear| linear != "0") {
            return Err(Error::new(
                "its leaves are linear models (`linear_tree`), which are not read",
            ));
        }
        let splits = leaves - 1;
        let cats = match section.get("num_cat") {
            Some(count) => number("num_cat", count)?,
            None => 0,
        };
        let sets = if cats == 0 {
            Sets::default()
        } else {
            sets(section, cats)?
        };
        Ok(Self {
            features: section.numbers("split_feature", splits)?,
            thresholds: section.numbers("threshold", splits)?,
            decisions: section.numbers("decision_type", splits)?,
            left: section.numbers("left_child", splits)?,
            right: section.numbers("right_child", splits)?,
            values: section.numbers("leaf_value", leaves)?,
            sets,
        })
    }

    /// How many leaves there are, one more than splits.
    pub(super) fn leaves(&self) -> usize {
        self.values.len()
    }

    /// The node at `place`: splits first, then leaves.
    pub(super) fn describe(&self, place: usize) -> Result<Described<f64>> {
        let splits = self.features.len();
        if place >= splits {
            return Ok(Described::Leaf(self.values[place - splits]));
        }
        let child = |child: i64| {
            if child < 0 {
                (splits as i64).saturating_add(!child)
            } else if child < splits as i64 {
                child
            } else {
                // One that is no split must not be taken for a leaf.
                i64::MAX
            }
        };
        let (left, right) = (child(self.left[place]), child(self.right[place]));
        let (threshold, decision) = (self.thresholds[place], self.decisions[place]);
        let default_right = decision & DEFAULT_LEFT == 0;
        if decision & CATEGORY != 0 {
            let set = threshold as usize;
            if set as f64 != threshold {
                return Err(Error::new(format!("{threshold} is no set of categories")));
            }
            return Ok(Described::Split(Split {
                feature: self.features[place],
                test: Test::In(set),
                // The other way round: what is in a set goes to the second child here.
                children: [right, left],
                missing_second: false,
            }));
        }
        if !threshold.is_finite() {
            return Err(not_finite("its threshold", threshold));
        }
        // What is at the threshold goes left: below the next number.
        let below = threshold.next_up();
        let (test, missing_second) = match decision >> 2 & 3 {
            0 => (Test::Below(below), 0.0 >= below),
            1 => (Test::BelowZeroMissing(below), default_right),
            2 => (Test::Below(below), default_right),
            kind => return Err(Error::new(format!("{kind} is no kind of missing value"))),
        };
        Ok(Described::Split(Split {
            feature: self.features[place],
            test,
            missing_second,
            children: [left, right],
        }))
    }
}

fn sets(section: &Section<'_>, count: usize) -> Result<Sets> {
    let bounds: Vec<usize> = section.numbers("cat_boundaries", count.saturating_add(1))?;
    let last = *bounds.last().expect("there is one more than sets");
    let words: Vec<u32> = section.numbers("cat_threshold", last)?;
    if !bounds.is_sorted() {
        return Err(Error::new("`cat_boundaries` go back"));
    }
    let mut sets = Sets::default();
    for bounds in bounds.windows(2) {
        sets.add_words(&words[bounds[0]..bounds[1]]);
    }
    Ok(sets)
}
