//! The categories of a feature, by number.

use std::collections::HashMap;

use seldon_runtime::{Error, Result};

use crate::columns::{Column, Columns, Kind, quoted};
use crate::value::Value;

/// The categories of one feature, in the order of their numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Categories {
    texts: HashMap<String, usize>,
    /// By their bits.
    numbers: HashMap<u64, usize>,
    missing: Option<usize>,
}

/// Lists of categories, of which none is that of what is missing.
pub(super) fn values<C: IntoIterator<Item = impl Into<Value>>>(
    lists: impl IntoIterator<Item = C>,
) -> Vec<Vec<Option<Value>>> {
    let values = |list: C| list.into_iter().map(|value| Some(value.into())).collect();
    lists.into_iter().map(values).collect()
}

/// The places of the `features` that have categories, of which there are so many `lists`.
pub(super) fn find_all(columns: &Columns, features: &[String], lists: usize) -> Result<Vec<usize>> {
    let at = columns.find_all(features, &[Kind::Number, Kind::Text, Kind::Flag])?;
    match lists == at.len() {
        true => Ok(at),
        false => Err(Error::setup(format!(
            "`categories` has {lists} lists for {} features",
            at.len()
        ))),
    }
}

impl Categories {
    /// Those of `column`; null is the category of what is missing.
    pub(super) fn new(column: &Column, all: &[Option<Value>]) -> Result<Self> {
        let mut categories = Self::default();
        for (number, category) in all.iter().enumerate() {
            let fits = matches!(
                (column.kind, category),
                (Kind::Number, Some(Value::Number(_)))
                    | (Kind::Text, Some(Value::Text(_)))
                    | (Kind::Flag, Some(Value::Flag(_) | Value::Number(_)))
                    | (_, None)
            );
            if !fits {
                return Err(Error::setup(format!(
                    "{} has {}, and its category {number} is none of these",
                    quoted(&column.name),
                    column.kind
                )));
            }
            let before = match category {
                Some(Value::Text(text)) => categories.texts.insert(text.clone(), number),
                Some(value) => match value.number() {
                    Some(n) => categories.numbers.insert(bits(n), number),
                    None => categories.missing.replace(number),
                },
                None => categories.missing.replace(number),
            };
            if before.is_some() {
                return Err(Error::setup(format!(
                    "category {number} of {} is one that came before",
                    quoted(&column.name)
                )));
            }
        }
        Ok(categories)
    }

    /// The number of the category of `value`.
    pub(super) fn find(&self, value: Option<&Value>) -> Option<usize> {
        match value {
            Some(Value::Text(text)) => self.texts.get(text).copied(),
            Some(value) => match value.number() {
                Some(number) => self.numbers.get(&bits(number)).copied(),
                None => self.missing,
            },
            None => self.missing,
        }
    }
}

fn bits(number: f64) -> u64 {
    // Both zeros are one.
    (number + 0.0).to_bits()
}

/// A category as part of a column's name.
pub(super) fn name(category: Option<&Value>) -> String {
    match category {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Flag(flag)) => flag.to_string(),
        None => "missing".to_owned(),
    }
}

/// The row's error where a value is none of the categories.
pub(super) fn unknown(feature: &str, value: Option<&Value>) -> Error {
    let got = match value {
        Some(Value::Text(text)) => quoted(text),
        value => name(value),
    };
    Error::invalid_input(format!(
        "{} must be one of the categories that the model was trained with, got {got}",
        quoted(feature)
    ))
}
