//! What goes into a graph and what comes out: tensors, and their types.

use std::fmt;

/// The type of a tensor's elements, by Rust's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it")]
pub enum Element {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    F32,
    F64,
    Text,
}

impl Element {
    /// Whether it is a number, and not a text.
    pub fn is_number(self) -> bool {
        self != Self::Text
    }

    /// Whether it is a number with a fraction.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Text => "text",
        })
    }
}

/// Elements, one after the other, the last dimension the quickest.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "they say it")]
pub enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
    I64(Vec<i64>),
    Bool(Vec<bool>),
    Text(Vec<String>),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their type.
    pub fn element(&self) -> Element {
        match self {
            Self::F32(_) => Element::F32,
            Self::F64(_) => Element::F64,
            Self::I64(_) => Element::I64,
            Self::Bool(_) => Element::Bool,
            Self::Text(_) => Element::Text,
        }
    }
}

macro_rules! from {
    ($($kind:ident($element:ty))*) => {$(
        impl From<Vec<$element>> for Values {
            fn from(values: Vec<$element>) -> Self {
                Self::$kind(values)
            }
        }

        impl From<&[$element]> for Values {
            fn from(values: &[$element]) -> Self {
                Self::$kind(values.to_vec())
            }
        }
    )*};
}

from!(F32(f32) F64(f64) I64(i64) Bool(bool) Text(String));

impl From<&[&str]> for Values {
    fn from(texts: &[&str]) -> Self {
        Self::Text(texts.iter().map(|text| (*text).to_owned()).collect())
    }
}

/// Values with a shape: the rows, and what each has.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values,
}

impl Tensor {
    /// How long each dimension is; the first counts the rows.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, row after row.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// How many elements a row has.
    pub fn columns(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// The elements as numbers, row after row; `None` where they are texts.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        Some(match &self.values {
            Values::F32(values) => values.iter().copied().map(f64::from).collect(),
            Values::F64(values) => values.clone(),
            Values::I64(values) => values.iter().map(|value| *value as f64).collect(),
            Values::Bool(values) => values
                .iter()
                .copied()
                .map(u8::from)
                .map(f64::from)
                .collect(),
            Values::Text(_) => return None,
        })
    }

    /// The elements as texts, row after row: what a label is called.
    pub fn to_texts(&self) -> Vec<String> {
        match &self.values {
            Values::F32(values) => values.iter().map(f32::to_string).collect(),
            Values::F64(values) => values.iter().map(f64::to_string).collect(),
            Values::I64(values) => values.iter().map(i64::to_string).collect(),
            Values::Bool(values) => values.iter().map(bool::to_string).collect(),
            Values::Text(values) => values.clone(),
        }
    }
}

/// What a graph is asked: some rows, with values for each of its inputs by name.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    pub(crate) rows: usize,
    pub(crate) values: Vec<(String, Values, Option<Vec<usize>>)>,
}

impl Inputs {
    /// For so many rows.
    pub fn rows(rows: usize) -> Self {
        Self {
            rows,
            values: vec![],
        }
    }

    /// With an input's values, row after row.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, values: impl Into<Values>) -> Self {
        self.values.push((name.into(), values.into(), None));
        self
    }

    /// The same with the shape of a row, for a graph that leaves more than one dimension of it open.
    #[must_use]
    pub fn with_shape(
        mut self,
        name: impl Into<String>,
        row: &[usize],
        values: impl Into<Values>,
    ) -> Self {
        self.values
            .push((name.into(), values.into(), Some(row.to_vec())));
        self
    }
}

/// What a graph answers: its outputs by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    pub(crate) tensors: Vec<(String, Tensor)>,
    pub(crate) label: Option<usize>,
    pub(crate) scores: Option<usize>,
}

impl Outputs {
    /// An output by its name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.iter()
            .find(|(of, _)| *of == name)
            .map(|(_, tensor)| tensor)
    }

    /// All outputs in the graph's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (&**name, tensor))
    }

    /// The class that each row is of; `None` where the graph is no classifier.
    pub fn label(&self) -> Option<&Tensor> {
        self.label.map(|index| &self.tensors[index].1)
    }

    /// The numbers that each row is answered with: a classifier's probabilities, in the order of the
    /// classes, or what a regressor predicts.
    pub fn scores(&self) -> Option<&Tensor> {
        self.scores.map(|index| &self.tensors[index].1)
    }
}
