//! What is wrong with a model file or with a row, in one sentence.

use std::fmt;

/// What is wrong: which file, tree and node, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

/// What reading and predicting give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// The same, said of a part of the file.
    pub(crate) fn of(self, part: impl fmt::Display) -> Self {
        Self(format!("{part}: {}", self.0))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// A text of the file as an error quotes it: escaped, and cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    const MOST: usize = 40;
    let mut quoted: String = text
        .chars()
        .take(MOST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(MOST).is_some() {
        quoted.push('…');
    }
    format!("`{quoted}`")
}
