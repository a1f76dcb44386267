//! A row of values.

use serde::{Deserialize, Serialize};

/// What a feature of one row is; where it is missing there is none.
#[derive(Clone, PartialEq, prost::Oneof, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A number. NaN is taken for a missing value.
    #[prost(double, tag = "1")]
    Number(f64),
    /// A text.
    #[prost(string, tag = "2")]
    Text(String),
    /// True or false.
    #[prost(bool, tag = "3")]
    Flag(bool),
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl Value {
    /// The number that it is: true is 1, and false 0. `None` for a text and for NaN.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number).filter(|number| !number.is_nan()),
            Self::Flag(flag) => Some(f64::from(*flag)),
            Self::Text(_) => None,
        }
    }
}

/// The values of one row, in the order of its columns.
///
/// ```
/// use seldon_pipeline::{Row, Value};
///
/// let row: Row = [Some(Value::from(5.1)), Some("blue".into()), None].into_iter().collect();
/// assert_eq!(row.number(0), Some(5.1));
/// assert_eq!(row.text(1), Some("blue"));
/// assert_eq!(row.get(2), None);
/// ```
// A message, as what a predictor takes is. Nobody sends it: pipelines read their own messages.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Row {
    #[prost(message, repeated, tag = "1")]
    cells: Vec<Cell>,
}

#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(transparent)]
struct Cell {
    #[prost(oneof = "Value", tags = "1, 2, 3")]
    value: Option<Value>,
}

impl Row {
    /// A row of nothing yet, with room for `columns`.
    pub fn with_room(columns: usize) -> Self {
        Self {
            cells: Vec::with_capacity(columns),
        }
    }

    /// A row of `columns` missing values.
    pub fn missing(columns: usize) -> Self {
        std::iter::repeat_n(None, columns).collect()
    }

    /// How many columns it has.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The value of a column; `None` where it is missing, or there is no such column.
    pub fn get(&self, column: usize) -> Option<&Value> {
        self.cells.get(column)?.value.as_ref()
    }

    /// The number in a column: see [`Value::number`].
    pub fn number(&self, column: usize) -> Option<f64> {
        self.get(column)?.number()
    }

    /// The text in a column.
    pub fn text(&self, column: usize) -> Option<&str> {
        match self.get(column)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Replaces the value of a column, if there is one.
    pub fn set(&mut self, column: usize, value: impl Into<Option<Value>>) {
        if let Some(cell) = self.cells.get_mut(column) {
            cell.value = value.into();
        }
    }

    /// Adds a column at the end.
    pub fn push(&mut self, value: impl Into<Option<Value>>) {
        let value = value.into();
        self.cells.push(Cell { value });
    }

    /// Takes the value of a column out of the row, which then misses it.
    pub fn take(&mut self, column: usize) -> Option<Value> {
        self.cells.get_mut(column)?.value.take()
    }

    /// The values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&Value>> {
        self.cells.iter().map(|cell| cell.value.as_ref())
    }
}

impl FromIterator<Option<Value>> for Row {
    fn from_iter<I: IntoIterator<Item = Option<Value>>>(values: I) -> Self {
        let cells = values.into_iter().map(|value| Cell { value });
        Self {
            cells: cells.collect(),
        }
    }
}

impl FromIterator<f64> for Row {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        numbers
            .into_iter()
            .map(|n| Some(Value::Number(n)))
            .collect()
    }
}
