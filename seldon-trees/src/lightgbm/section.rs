//! The text: sections of `key=value`, a heading between each and the next.

use std::str::FromStr;

use crate::error::{Error, Result, quoted};

/// Lines of `key=value` up to the next heading.
pub(super) struct Section<'a>(Vec<(&'a str, &'a str)>);

/// What ends a section.
pub(super) enum End<'a> {
    /// The tree of this number begins.
    Tree(&'a str),
    OfTrees,
    OfFile,
}

impl<'a> Section<'a> {
    pub(super) fn read(lines: &mut std::str::Lines<'a>) -> (Self, End<'a>) {
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

    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        let pair = self.0.iter().find(|(name, _)| *name == key);
        pair.map(|(_, value)| *value)
    }

    pub(super) fn number<T: FromStr>(&self, key: &str) -> Result<T> {
        let missing = || Error::new(format!("`{key}` is missing"));
        number(key, self.get(key).ok_or_else(missing)?)
    }

    /// The numbers of a line, of which there must be `count`.
    pub(super) fn numbers<T: FromStr>(&self, key: &str, count: usize) -> Result<Vec<T>> {
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

/// The number that `text`, the value of `key`, is.
pub(super) fn number<T: FromStr>(key: &str, text: &str) -> Result<T> {
    let wrong = |_| Error::new(format!("`{key}` holds {}, no such number", quoted(text)));
    text.trim().parse().map_err(wrong)
}
