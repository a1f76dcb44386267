//! Reads LightGBM's models, which are text.
//!
//! What is peculiar to it, beside what its documentation says:
//!
//! * It computes in `f64`, and what is at a threshold goes to the first child.
//! * Each split says what is missing to it: nothing (NaN is then 0), zeros and NaN, or NaN.
//! * A category that is in a node's set goes to the first child, and NaN to the second.
//! * A random forest's answers are the mean of its rounds, not their sum.

mod head;
mod section;
mod tree;

use serde::Deserialize;

use crate::error::{Error, Result, quoted};
use crate::forest::{Forest, Trees};
use crate::grow::{Grower, Place};

use head::Model;
use section::{End, Section};
use tree::Tree;

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
    let mut model = Model::of(&head)?;
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
    model.about.categories = names(lines, &head::categorical(&head), model.features);
    let rounds = (1..=trees / model.groups).map(|round| (round * model.groups) as u32);
    let base = vec![0.0; model.groups];
    Forest::new(model.about, rounds.collect(), Trees::double(ensemble, base))
}

/// The names that pandas had for categories, from the last line. They are lists without the features
/// that they are for, and so left where these cannot be told.
fn names(
    mut lines: std::str::Lines<'_>,
    categorical: &[usize],
    features: usize,
) -> Vec<Vec<String>> {
    let last = lines.find_map(|line| line.strip_prefix("pandas_categorical:"));
    let lists: Option<Vec<Vec<Name>>> = last.and_then(|list| serde_json::from_str(list).ok());
    let lists = lists.unwrap_or_default();
    if lists.is_empty() || lists.len() != categorical.len() {
        return Vec::new();
    }
    let mut names = vec![Vec::new(); features];
    for (feature, list) in categorical.iter().zip(lists) {
        if let Some(names) = names.get_mut(*feature) {
            *names = list.into_iter().map(Name::text).collect();
        }
    }
    names
}

/// A category as pandas has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Flag(bool),
    Number(serde_json::Number),
}

impl Name {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}
