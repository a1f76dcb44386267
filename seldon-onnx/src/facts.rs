//! What is known of a graph's inputs and outputs.

use std::fmt;

use crate::values::Element;

/// An input that a caller must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    pub(crate) name: String,
    pub(crate) element: Element,
    pub(crate) dims: Vec<Dim>,
}

/// A dimension as the graph declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dim {
    Fixed(usize),
    /// The same wherever it has that name.
    Named(String),
    Open,
}

impl Input {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of its elements.
    pub fn element(&self) -> Element {
        self.element
    }

    /// The shape of a row: each dimension but the first, which counts the rows. `None` where the graph
    /// takes any length.
    pub fn row(&self) -> impl Iterator<Item = Option<usize>> {
        self.dims[1..].iter().map(Dim::fixed)
    }

    /// How many elements a row has; `None` where the graph takes any number.
    pub fn width(&self) -> Option<usize> {
        self.row()
            .try_fold(1usize, |product, dim| product.checked_mul(dim?))
    }
}

impl Dim {
    pub(crate) fn fixed(&self) -> Option<usize> {
        match self {
            Self::Fixed(dim) => Some(*dim),
            Self::Named(_) | Self::Open => None,
        }
    }
}

/// As an error tells it: `sepal: f32, 4 columns`.
impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.element)?;
        match self.row().collect::<Vec<_>>()[..] {
            [] | [Some(1)] => write!(f, ", 1 column"),
            [Some(width)] => write!(f, ", {width} columns"),
            [None] => write!(f, ", any number of columns"),
            ref dims => {
                f.write_str(", rows of ")?;
                for (index, dim) in dims.iter().enumerate() {
                    let times = if index == 0 { "" } else { "×" };
                    match dim {
                        Some(dim) => write!(f, "{times}{dim}")?,
                        None => write!(f, "{times}?")?,
                    }
                }
                Ok(())
            }
        }
    }
}

/// An output of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub(crate) name: String,
    pub(crate) element: Element,
    pub(crate) columns: Option<usize>,
}

impl Output {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of its elements: one of those of [`Values`](crate::Values).
    pub fn element(&self) -> Element {
        self.element
    }

    /// How many elements a row is answered with, where that is known before.
    pub fn columns(&self) -> Option<usize> {
        self.columns
    }
}

/// Which output is the label and which holds the scores.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Roles {
    pub(crate) label: Option<usize>,
    pub(crate) scores: Option<usize>,
}

impl Roles {
    /// Finds them by type and name; `zipped` is what a ZipMap made.
    pub(crate) fn find(outputs: &[Output], zipped: Option<usize>) -> Self {
        let named = |index: usize, parts: &[&str]| {
            let name = outputs[index].name.to_lowercase();
            parts.iter().any(|part| name.contains(part))
        };
        let floats = |index: &usize| outputs[*index].element.is_float();
        let all = || 0..outputs.len();
        let scores = zipped
            .or_else(|| all().filter(floats).find(|index| named(*index, &["prob"])))
            .or_else(|| all().filter(floats).find(|index| named(*index, &["score"])))
            .or_else(|| all().find(floats));
        let others = || all().filter(|index| Some(*index) != scores && !floats(index));
        let label = others().find(|index| named(*index, &["label", "class"]));
        Self {
            label: label.or_else(|| others().next()),
            scores,
        }
    }
}
