//! From the columns that the steps leave to the numbers that a model takes.

use std::collections::HashMap;

use seldon_runtime::{Error, Result};

use crate::columns::{Columns, Kind, list, quoted};
use crate::model::Model;
use crate::value::{Row, Value};

/// For each number that a model takes, the column that it is.
#[derive(Debug)]
pub(crate) struct Order {
    features: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    column: usize,
    name: String,
    /// The numbers of categories by their names, where the column has texts.
    categories: Option<HashMap<String, usize>>,
    takes_unknown: bool,
}

impl Order {
    /// By name where the model names its features and the columns have these names; by their order
    /// where they have none of them, and are as many.
    ///
    /// # Errors
    ///
    /// If the columns are not those that the model takes.
    pub(crate) fn new(columns: &Columns, model: &Model) -> Result<Self> {
        let (count, names) = (model.features(), model.feature_names());
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
                "the model takes {count} numbers, and features and steps make {got} ({has})"
            )));
        };
        let all: Vec<_> = columns.iter().collect();
        let place = |(feature, column): (usize, usize)| {
            let known = model.category_names(feature);
            let column_name = &all[column].name;
            let categories = match (all[column].kind, known.is_empty()) {
                (Kind::Text, true) => {
                    return Err(Error::setup(format!(
                        "{} has texts, and the model takes numbers: a step must make some of them",
                        quoted(column_name)
                    )));
                }
                (Kind::Text, false) => {
                    let numbered = known.iter().cloned().zip(0..);
                    Some(numbered.collect())
                }
                _ => None,
            };
            Ok(Place {
                column,
                name: column_name.clone(),
                categories,
                takes_unknown: model.takes_unknown_categories(),
            })
        };
        let features = places.into_iter().enumerate().map(place);
        Ok(Self {
            features: features.collect::<Result<_>>()?,
        })
    }

    /// Adds the numbers of `row` to `out`; none of them if there is an error.
    pub(crate) fn write(&self, row: &Row, out: &mut Vec<f64>) -> Result<()> {
        let before = out.len();
        for place in &self.features {
            let number = match (row.get(place.column), &place.categories) {
                (Some(Value::Text(text)), Some(categories)) => match categories.get(text) {
                    Some(number) => *number as f64,
                    None if place.takes_unknown => f64::NAN,
                    None => {
                        out.truncate(before);
                        return Err(Error::invalid_input(format!(
                            "{} must be one of the categories that the model was trained with, got {}",
                            quoted(&place.name),
                            quoted(text)
                        )));
                    }
                },
                (Some(value), _) => value.number().unwrap_or(f64::NAN),
                (None, _) => f64::NAN,
            };
            out.push(number);
        }
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
