//! The columns of a row: their names, and what kinds of value they have.

use std::collections::{HashMap, HashSet};
use std::fmt;

use seldon_runtime::{Error, Result};
use serde::{Deserialize, Serialize};

/// What kind of value a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Numbers.
    #[default]
    Number,
    /// Texts.
    Text,
    /// True and false, which count as 1 and 0 where numbers are asked for.
    Flag,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "numbers",
            Self::Text => "texts",
            Self::Flag => "flags",
        })
    }
}

/// A column of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, that no other column has.
    pub name: String,
    /// What kind of value it has.
    pub kind: Kind,
}

impl Column {
    /// A column of numbers.
    pub fn number(name: impl Into<String>) -> Self {
        Self::of(name, Kind::Number)
    }

    /// A column of texts.
    pub fn text(name: impl Into<String>) -> Self {
        Self::of(name, Kind::Text)
    }

    /// A column of that kind.
    pub fn of(name: impl Into<String>, kind: Kind) -> Self {
        let name = name.into();
        Self { name, kind }
    }
}

/// The columns of a row, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns(Vec<Column>);

impl Columns {
    /// The most columns that a row may have on its way to the model.
    pub const MOST: usize = 65_536;

    /// These columns.
    ///
    /// # Errors
    ///
    /// If two have one name, or there are over [`MOST`](Self::MOST).
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Result<Self> {
        let columns = Self(columns.into_iter().collect());
        columns.check()?;
        Ok(columns)
    }

    fn check(&self) -> Result<()> {
        if self.0.len() > Self::MOST {
            return Err(Error::setup(format!(
                "there are {} columns, and {} are the most",
                self.0.len(),
                Self::MOST
            )));
        }
        let mut seen = HashMap::with_capacity(self.0.len());
        for (at, column) in self.0.iter().enumerate() {
            if seen.insert(&column.name, at).is_some() {
                let name = quoted(&column.name);
                return Err(Error::setup(format!("two columns are called {name}")));
            }
        }
        Ok(())
    }

    /// The columns in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Column> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the column `name` is.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn find(&self, name: &str) -> Result<usize> {
        self.0
            .iter()
            .position(|column| column.name == name)
            .ok_or_else(|| {
                let known = self.0.iter().map(|column| column.name.as_str());
                Error::setup(format!(
                    "there is no column {} ({})",
                    quoted(name),
                    list(known)
                ))
            })
    }

    /// Where the columns `names` are, all of which must have one of `kinds`.
    ///
    /// # Errors
    ///
    /// If one is not there, or of another kind.
    pub fn find_all(&self, names: &[String], kinds: &[Kind]) -> Result<Vec<usize>> {
        if names.is_empty() {
            return Err(Error::setup("`features` names no column"));
        }
        let places: HashMap<&str, usize> = (self.0.iter().enumerate())
            .map(|(at, column)| (column.name.as_str(), at))
            .collect();
        let (mut all, mut seen) = (Vec::with_capacity(names.len()), HashSet::new());
        for name in names {
            let at = match places.get(name.as_str()) {
                Some(at) => *at,
                None => self.find(name)?,
            };
            let kind = self.0[at].kind;
            if !kinds.contains(&kind) {
                let wanted: Vec<String> = kinds.iter().map(Kind::to_string).collect();
                return Err(Error::setup(format!(
                    "{} has {kind}, and {} are wanted",
                    quoted(name),
                    wanted.join(" or ")
                )));
            }
            if !seen.insert(at) {
                let name = quoted(name);
                return Err(Error::setup(format!("`features` names {name} twice")));
            }
            all.push(at);
        }
        Ok(all)
    }

    /// The kind of the column at `at`.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn kind(&self, at: usize) -> Kind {
        self.0[at].kind
    }

    /// Gives the column at `at` another kind, if there is one.
    pub fn set_kind(&mut self, at: usize, kind: Kind) {
        if let Some(column) = self.0.get_mut(at) {
            column.kind = kind;
        }
    }

    /// Replaces all columns.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn replace(&mut self, columns: impl IntoIterator<Item = Column>) -> Result<()> {
        *self = Self::new(columns)?;
        Ok(())
    }
}

/// Names for a sentence, the first twenty of them.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 20;
    let mut names = names.into_iter();
    let mut parts: Vec<String> = names.by_ref().take(MOST).map(quoted).collect();
    let more = names.count();
    if more > 0 {
        parts.push(format!("… {more} more"));
    }
    parts.join(", ")
}

/// A text as a sentence quotes it: escaped, and cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    const MOST: usize = 64;
    let mut quoted = String::from("`");
    for (count, c) in text.chars().enumerate() {
        match c {
            _ if count == MOST => {
                quoted.push('…');
                break;
            }
            c if c.is_control() => quoted.extend(c.escape_default()),
            c => quoted.push(c),
        }
    }
    quoted.push('`');
    quoted
}
