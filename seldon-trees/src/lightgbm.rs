//! Reads LightGBM's models, which are text.
//!
//! What is peculiar to it, beside what its documentation says:
//!
//! * It computes in `f64`, and what is at a threshold goes to the first child.
//! * Each split says what is missing to it: nothing (NaN is then 0), zeros and NaN, or NaN.
//! * A category that is in a node's set goes to the first child, and NaN to the second.
//! * A random forest's answers are the mean of its rounds, not their sum.

use std::str::FromStr;

use crate::error::{Error, Result, quoted};
use crate::forest::{About, Forest, Library, Trees};
use crate::grow::{Described, Grower, Place, Sets, Split, Test, not_finite};
use crate::link::Link;

/// Versions of the format that are known.
const VERSIONS: [&str; 3] = ["v2", "v3", "v4"];

/// Bits of `decision_type`; the two above them are the kind of missing value.
const CATEGORY: u8 = 1;
const DEFAULT_LEFT: u8 = 2;

/// Reads a model that `save_model("model.txt")` wrote.
pub(crate) fn from_text(bytes: &[u8]) -> Result<Forest> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let byte = error.valid_up_to();
        Error::new(format!(
            "this is no LightGBM model: it is not UTF-8 at byte {byte}"
        ))
    })?;
    let mut lines = text.lines();
    if lines.next().map(str::trim_end) != Some("tree") {
        return Err(Error::new(
            "this is no LightGBM model: its first line is not `tree`",
        ));
    }
    let (head, mut end) = Section::read(&mut lines);
    let model = Model::of(&head)?;
    let mut grower = Grower::new(model.features, model.groups)?;
    let mut trees = 0;
    while let End::Tree(number) = end {
        let place = |error: Error| error.of(Place { tree: trees });
        if number.parse() != Ok(trees) {
            return Err(place(Error::new(format!(
                "it is called {}",
                quoted(number)
            ))));
        }
        let (section, after) = Section::read(&mut lines);
        if matches!(after, End::OfFile) {
            return Err(place(Error::new("the file is cut off in it")));
        }
        let tree = Tree::of(&section).map_err(place)?;
        let (leaves, sets) = (tree.leaves(), &tree.sets);
        grower.plant(trees % model.groups, leaves + (leaves - 1), sets, |node| {
            tree.describe(node)
        })?;
        trees += 1;
        end = after;
    }
    if matches!(end, End::OfFile) {
        return Err(Error::new(format!(
            "the file is cut off after {trees} trees: it has no line `end of trees`"
        )));
    }
    let sizes = head
        .get("tree_sizes")
        .map(|sizes| sizes.split_whitespace().count());
    if sizes.is_some_and(|sizes| sizes != trees) || !trees.is_multiple_of(model.groups) {
        return Err(Error::new(format!(
            "the file has {trees} trees, which is not what its head says"
        )));
    }
    let ensemble = grower.done()?;
    let rounds = (1..=trees / model.groups).map(|round| (round * model.groups) as u32);
    let base = vec![0.0; model.groups];
    Forest::new(model.about, rounds.collect(), Trees::double(ensemble, base))
}

/// Lines of `key=value` up to the next heading.
struct Section<'a>(Vec<(&'a str, &'a str)>);

/// What ends a section.
enum End<'a> {
    /// The tree of this number begins.
    Tree(&'a str),
    OfTrees,
    OfFile,
}

impl<'a> Section<'a> {
    fn read(lines: &mut std::str::Lines<'a>) -> (Self, End<'a>) {
        let mut pairs = Vec::new();
        for line in lines {
            let line = line.trim_end();
            if let Some(number) = line.strip_prefix("Tree=") {
                return (Self(pairs), End::Tree(number));
            }
            if line == "end of trees" {
                return (Self(pairs), End::OfTrees);
            }
            pairs.push(line.split_once('=').unwrap_or((line, "")));
        }
        (Self(pairs), End::OfFile)
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        let pair = self.0.iter().find(|(name, _)| *name == key);
        pair.map(|(_, value)| *value)
    }

    fn number<T: FromStr>(&self, key: &str) -> Result<T> {
        let missing = || Error::new(format!("`{key}` is missing"));
        number(key, self.get(key).ok_or_else(missing)?)
    }

    /// The numbers of a line, of which there must be `count`.
    fn numbers<T: FromStr>(&self, key: &str, count: usize) -> Result<Vec<T>> {
        let numbers = self.get(key).unwrap_or_default().split_whitespace();
        let numbers: Vec<T> = numbers
            .map(|text| number(key, text))
            .collect::<Result<_>>()?;
        if numbers.len() != count {
            return Err(Error::new(format!(
                "`{key}` is {} numbers, {count} are needed",
                numbers.len()
            )));
        }
        Ok(numbers)
    }
}

fn number<T: FromStr>(key: &str, text: &str) -> Result<T> {
    let wrong = |_| Error::new(format!("`{key}` holds {}, no such number", quoted(text)));
    text.trim().parse().map_err(wrong)
}

/// What the head says.
struct Model {
    about: About,
    features: usize,
    groups: usize,
}

impl Model {
    fn of(head: &Section<'_>) -> Result<Self> {
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

/// A tree as the file has it: splits and leaves are numbered apart, and a child below 0 is the leaf of
/// its complement.
struct Tree {
    features: Vec<usize>,
    thresholds: Vec<f64>,
    decisions: Vec<u8>,
    left: Vec<i64>,
    right: Vec<i64>,
    values: Vec<f64>,
    sets: Sets,
}

impl Tree {
    fn of(section: &Section<'_>) -> Result<Self> {
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

    fn leaves(&self) -> usize {
        self.values.len()
    }

    /// The node at `place`: splits first, then leaves.
    fn describe(&self, place: usize) -> Result<Described<f64>> {
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
