//! The weights of a text's terms.

use std::collections::{HashMap, HashSet};

use regex::Regex;
use seldon_runtime::{Error, Result};
use serde::{Deserialize, Serialize};

use super::one_each;
use crate::columns::{Column, Columns, Kind, quoted};
use crate::transform::Transform;
use crate::value::{Row, Value};

/// scikit-learn's `TfidfVectorizer` of words, with its `vocabulary_` and `idf_`: in the place of a
/// text, a column for each term of the vocabulary. Without `idf` it is a `CountVectorizer`, whose
/// counts a `norm` may still bring to one length. A missing text has no terms.
///
/// With `select`, only these columns of the vocabulary stay: what `SelectKBest(chi2)` kept, by
/// `get_support(indices=True)`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tfidf {
    feature: String,
    /// The terms in the order of their columns.
    vocabulary: Terms,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idf: Option<Vec<f64>>,
    #[serde(default = "yes")]
    lowercase: bool,
    #[serde(default = "default_pattern")]
    token_pattern: String,
    #[serde(default = "words_alone")]
    ngram_range: [usize; 2],
    #[serde(default)]
    stop_words: Vec<String>,
    #[serde(default)]
    sublinear_tf: bool,
    #[serde(default)]
    binary: bool,
    #[serde(default)]
    norm: Norm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    select: Option<Vec<usize>>,
    #[serde(skip)]
    prepared: Option<Box<Prepared>>,
}

/// Terms as a list, or as an object of their columns, as `vocabulary_` is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Terms {
    List(Vec<String>),
    Columns(HashMap<String, usize>),
}

/// What the weights of a text are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// The root of the sum of their squares.
    #[default]
    L2,
    /// Their sum.
    L1,
    /// Nothing: `norm=None`.
    None,
}

#[derive(Debug, Clone)]
struct Prepared {
    at: usize,
    tokens: Regex,
    columns: HashMap<String, u32>,
    stop: HashSet<String>,
    /// For each column of the vocabulary where it goes.
    to: Option<Vec<Option<u32>>>,
    width: usize,
}

/// Words of two letters and more.
const DEFAULT_PATTERN: &str = r"(?u)\b\w\w+\b";

fn yes() -> bool {
    true
}

fn default_pattern() -> String {
    DEFAULT_PATTERN.to_owned()
}

fn words_alone() -> [usize; 2] {
    [1, 1]
}

impl Tfidf {
    /// The most terms of a vocabulary.
    pub const MOST_TERMS: usize = 1_000_000;
    /// The most words of a term.
    pub const MOST_WORDS: usize = 8;

    /// Weighs the terms of `vocabulary` in the texts of `feature`, by their `idf`.
    pub fn new(
        feature: impl Into<String>,
        vocabulary: impl IntoIterator<Item = impl Into<String>>,
        idf: impl IntoIterator<Item = f64>,
    ) -> Self {
        Self {
            feature: feature.into(),
            vocabulary: Terms::List(vocabulary.into_iter().map(Into::into).collect()),
            idf: Some(idf.into_iter().collect()),
            lowercase: true,
            token_pattern: default_pattern(),
            ngram_range: words_alone(),
            stop_words: Vec::new(),
            sublinear_tf: false,
            binary: false,
            norm: Norm::L2,
            select: None,
            prepared: None,
        }
    }

    /// The terms in the order of their columns.
    fn terms(&self) -> Result<Vec<&str>> {
        let count = match &self.vocabulary {
            Terms::List(terms) => terms.len(),
            Terms::Columns(columns) => columns.len(),
        };
        if count == 0 || count > Self::MOST_TERMS {
            return Err(Error::setup(format!(
                "`vocabulary` has {count} terms, and 1 to {} are taken",
                Self::MOST_TERMS
            )));
        }
        match &self.vocabulary {
            Terms::List(terms) => Ok(terms.iter().map(String::as_str).collect()),
            Terms::Columns(columns) => {
                let mut terms = vec![None; count];
                for (term, column) in columns {
                    match terms.get_mut(*column) {
                        Some(place @ None) => *place = Some(term.as_str()),
                        _ => {
                            return Err(Error::setup(format!(
                                "`vocabulary` gives {} column {column}, and its columns must be 0 to {}, each once",
                                quoted(term),
                                count - 1
                            )));
                        }
                    }
                }
                Ok(terms.into_iter().flatten().collect())
            }
        }
    }

    fn pattern(&self) -> Result<Regex> {
        let wrong = |why: &dyn std::fmt::Display| {
            Error::setup(format!("`token_pattern` cannot be used: {why}"))
        };
        // Python's `\w`, which marks and joiners are none of; and no `\b`, as a run of at least two
        // is the longest that there is.
        let pattern = match &*self.token_pattern {
            DEFAULT_PATTERN => r"[\p{L}\p{N}_]{2,}",
            r"(?u)\b\w+\b" | r"\w+" => r"[\p{L}\p{N}_]+",
            other if other.len() > 1024 => return Err(wrong(&"it is longer than 1,024 bytes")),
            other => other,
        };
        let regex = Regex::new(pattern).map_err(|e| wrong(&e))?;
        match regex.captures_len() {
            1 | 2 => Ok(regex),
            groups => Err(wrong(&format!(
                "it has {} groups, and one is taken at most",
                groups - 1
            ))),
        }
    }

    fn check(&self, terms: usize) -> Result<()> {
        if let Some(idf) = &self.idf {
            one_each("idf", idf, terms)?;
        }
        let [least, most] = self.ngram_range;
        if least == 0 || least > most || most > Self::MOST_WORDS {
            return Err(Error::setup(format!(
                "`ngram_range` must be two numbers of words, the smaller first, of 1 to {}",
                Self::MOST_WORDS
            )));
        }
        Ok(())
    }

    /// How often each term is in `text`, by their columns.
    fn counts(&self, prepared: &Prepared, text: &str) -> Vec<(u32, f64)> {
        let lower;
        let text = match self.lowercase {
            true => {
                lower = text.to_lowercase();
                &lower
            }
            false => text,
        };
        let group = prepared.tokens.captures_len() - 1;
        let mut tokens: Vec<&str> = if group == 0 {
            prepared
                .tokens
                .find_iter(text)
                .map(|m| m.as_str())
                .collect()
        } else {
            let all = prepared.tokens.captures_iter(text);
            all.map(|c| c.get(1).map_or("", |m| m.as_str())).collect()
        };
        if !prepared.stop.is_empty() {
            tokens.retain(|token| !prepared.stop.contains(*token));
        }
        let mut found = Vec::new();
        let [least, most] = self.ngram_range;
        let mut term = String::new();
        for from in 0..tokens.len() {
            if most == 1 {
                found.extend(prepared.columns.get(tokens[from]));
                continue;
            }
            term.clear();
            for (more, token) in tokens[from..].iter().take(most).enumerate() {
                if more > 0 {
                    term.push(' ');
                }
                term.push_str(token);
                if more + 1 >= least {
                    found.extend(prepared.columns.get(&term));
                }
            }
        }
        found.sort_unstable();
        let runs = found.chunk_by(|a, b| a == b);
        runs.map(|run| (run[0], run.len() as f64)).collect()
    }

    fn weigh(&self, counts: &mut [(u32, f64)]) {
        for (column, weight) in counts.iter_mut() {
            if self.binary {
                *weight = 1.0;
            }
            if self.sublinear_tf {
                *weight = weight.ln() + 1.0;
            }
            if let Some(idf) = &self.idf {
                *weight *= idf[*column as usize];
            }
        }
        let weights = counts.iter().map(|(_, weight)| *weight);
        let length = match self.norm {
            Norm::L2 => weights.map(|weight| weight * weight).sum::<f64>().sqrt(),
            Norm::L1 => weights.map(f64::abs).sum(),
            Norm::None => return,
        };
        if length > 0.0 {
            counts.iter_mut().for_each(|(_, weight)| *weight /= length);
        }
    }
}

impl Transform for Tfidf {
    fn prepare(&mut self, columns: &mut Columns) -> Result<()> {
        let at = columns.find_all(std::slice::from_ref(&self.feature), &[Kind::Text])?[0];
        let terms = self.terms()?;
        self.check(terms.len())?;
        let mut places = HashMap::with_capacity(terms.len());
        for (column, term) in terms.iter().enumerate() {
            // There are at most a million.
            if places.insert((*term).to_owned(), column as u32).is_some() {
                let term = quoted(term);
                return Err(Error::setup(format!("`vocabulary` has {term} twice")));
            }
        }
        let (to, kept) = match &self.select {
            None => (None, terms.clone()),
            Some(select) => {
                let mut to = vec![None; terms.len()];
                let mut kept = Vec::with_capacity(select.len().min(terms.len()));
                for column in select {
                    match to.get_mut(*column) {
                        Some(place @ None) => *place = Some(kept.len() as u32),
                        _ => {
                            return Err(Error::setup(format!(
                                "`select` has {column}: columns are 0 to {}, each once",
                                terms.len() - 1
                            )));
                        }
                    }
                    kept.push(terms[*column]);
                }
                (Some(to), kept)
            }
        };
        if kept.len() > Columns::MOST {
            return Err(Error::setup(format!(
                "`vocabulary` makes {} columns, and {} are the most: `select` the best ones",
                kept.len(),
                Columns::MOST
            )));
        }
        let weights = kept
            .iter()
            .map(|term| Column::number(format!("{}_{term}", self.feature)));
        let (before, after) = (columns.iter().take(at), columns.iter().skip(at + 1));
        let all: Vec<Column> = before
            .cloned()
            .chain(weights)
            .chain(after.cloned())
            .collect();
        let prepared = Prepared {
            at,
            tokens: self.pattern()?,
            columns: places,
            stop: self.stop_words.iter().cloned().collect(),
            to,
            width: kept.len(),
        };
        self.prepared = Some(Box::new(prepared));
        columns.replace(all)
    }

    fn apply(&self, row: &mut Row) -> Result<()> {
        let prepared = self
            .prepared
            .as_ref()
            .expect("rows come to a step that is prepared");
        let mut counts = match row.text(prepared.at) {
            Some(text) => self.counts(prepared, text),
            None => Vec::new(),
        };
        self.weigh(&mut counts);
        let mut out = Row::with_room(row.len() + prepared.width);
        for at in 0..prepared.at {
            out.push(row.take(at));
        }
        let first = out.len();
        for _ in 0..prepared.width {
            out.push(Value::Number(0.0));
        }
        for (column, weight) in counts {
            let place = match &prepared.to {
                None => Some(column),
                Some(to) => to[column as usize],
            };
            if let Some(place) = place {
                out.set(first + place as usize, Value::Number(weight));
            }
        }
        for at in prepared.at + 1..row.len() {
            out.push(row.take(at));
        }
        *row = out;
        Ok(())
    }
}
