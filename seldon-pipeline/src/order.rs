//! From the columns that the steps leave to the values that a model takes.

use std::collections::HashMap;

use seldon_runtime::{Error, Result};

use crate::columns::{Columns, Kind, list, quoted};
use crate::model::{Batch, Model};
use crate::value::{Row, Value};

/// For each value that a model takes, the column that it is.
#[derive(Debug)]
pub(crate) struct Order {
    features: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    column: usize,
    name: String,
    to: To,
}

/// What the model takes of a column.
#[derive(Debug)]
enum To {
    Number,
    Text,
    /// The numbers of categories by their names, the column having texts.
    Category {
        numbers: HashMap<String, usize>,
        /// Whether any other name counts as missing.
        takes_unknown: bool,
    },
}

impl Order {
    /// By name where the model names its features and the columns have these names; by their order
    /// where they have none of them, and are as many.
    ///
    /// # Errors
    ///
    /// If the columns are not those that the model takes.
    pub(crate) fn new(columns: &Columns, model: &Model) -> Result<Self> {
        let names = model.feature_names();
        let count = model.features().unwrap_or(columns.len());
        let by_name: HashMap<&str, usize> = (columns.iter().enumerate())
            .map(|(at, column)| (column.name.as_str(), at))
            .collect();
        let found: Vec<Option<usize>> = (names.iter())
            .map(|name| by_name.get(name.as_str()).copied())
            .collect();
        let got = columns.len();
        let places: Vec<usize> = if found.iter().any(Option::is_some) {
            if let Some(lacking) = lacking(names, &found) {
                return Err(Error::setup(format!(
                    "the model takes {lacking}, and no feature or step makes a column of that name"
                )));
            }
            if got != count {
                let known: std::collections::HashSet<&str> =
                    names.iter().map(String::as_str).collect();
                let more = columns.iter().map(|column| column.name.as_str());
                let more = list(more.filter(|name| !known.contains(name)));
                return Err(Error::setup(format!(
                    "the model does not take {more}: leave it out, by a step `exclude`"
                )));
            }
            found.into_iter().flatten().collect()
        } else if got == count {
            (0..count).collect()
        } else {
            let has = list(columns.iter().map(|column| column.name.as_str()));
            return Err(Error::setup(format!(
                "the model takes {count} values, and features and steps make {got} ({has})"
            )));
        };
        let all: Vec<_> = columns.iter().collect();
        let place = |(feature, column): (usize, usize)| {
            let known = model.category_names(feature);
            let column_name = &all[column].name;
            let to = match (all[column].kind, model.kind(feature)) {
                (Kind::Text, Kind::Text) => To::Text,
                (Kind::Text, _) if known.is_empty() => {
                    return Err(Error::setup(format!(
                        "{} has texts, and the model takes numbers: a step must make some of them",
                        quoted(column_name)
                    )));
                }
                (Kind::Text, _) => To::Category {
                    numbers: known.iter().cloned().zip(0..).collect(),
                    takes_unknown: model.takes_unknown_categories(),
                },
                (kind, Kind::Text) => {
                    return Err(Error::setup(format!(
                        "{} has {kind}, and the model takes texts",
                        quoted(column_name)
                    )));
                }
                _ => To::Number,
            };
            Ok(Place {
                column,
                name: column_name.clone(),
                to,
            })
        };
        let features = places.into_iter().enumerate().map(place);
        Ok(Self {
            features: features.collect::<Result<_>>()?,
        })
    }

    /// Adds the values of `row` to `out`; none of them if there is an error.
    pub(crate) fn write(&self, row: &Row, out: &mut Batch) -> Result<()> {
        let (numbers, texts) = (out.numbers.len(), out.texts.len());
        for place in &self.features {
            let value = row.get(place.column);
            match (&place.to, value) {
                (To::Text, Some(Value::Text(text))) => out.texts.push(text.clone()),
                (To::Text, _) => out.texts.push(String::new()),
                (
                    To::Category {
                        numbers: known,
                        takes_unknown,
                    },
                    Some(Value::Text(text)),
                ) => match known.get(text) {
                    Some(number) => out.numbers.push(*number as f64),
                    None if *takes_unknown => out.numbers.push(f64::NAN),
                    None => {
                        out.numbers.truncate(numbers);
                        out.texts.truncate(texts);
                        return Err(Error::invalid_input(format!(
                            "{} must be one of the categories that the model was trained with, got {}",
                            quoted(&place.name),
                            quoted(text)
                        )));
                    }
                },
                (_, value) => {
                    let number = value.and_then(Value::number);
                    out.numbers.push(number.unwrap_or(f64::NAN));
                }
            }
        }
        out.rows += 1;
        Ok(())
    }
}

/// The names that were not found, for a sentence.
fn lacking(names: &[String], found: &[Option<usize>]) -> Option<String> {
    let lacking: Vec<&str> = (names.iter().zip(found))
        .filter(|(_, found)| found.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    (!lacking.is_empty()).then(|| list(lacking))
}
