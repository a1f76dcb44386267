//! What is wrong with a graph or with what it is asked, in one sentence.

use std::fmt;

/// What is wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    sentence: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Graph,
    /// Nothing is wrong with the graph, as far as is known.
    Unknown,
    Input,
}

/// What loading and running give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The graph's fault.
    pub(crate) fn graph(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            kind: Kind::Graph,
        }
    }

    /// The graph may be right, and is not known here: onnxruntime may know it.
    pub(crate) fn unknown(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            kind: Kind::Unknown,
        }
    }

    /// The caller's fault.
    pub(crate) fn input(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            kind: Kind::Input,
        }
    }

    /// The same, said of a part.
    pub(crate) fn of(self, part: impl fmt::Display) -> Self {
        Self {
            sentence: format!("{part}: {}", self.sentence),
            ..self
        }
    }

    /// Whether what was asked is wrong, a name, a width, a type, and not the model.
    pub fn is_input(&self) -> bool {
        self.kind == Kind::Input
    }

    #[cfg(feature = "onnx-runtime")]
    pub(crate) fn is_unknown(&self) -> bool {
        self.kind == Kind::Unknown
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Error {}

/// A text of the graph as an error quotes it: escaped, and cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", cut(text, 64))
}

/// At most so many characters of a text, escaped.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let mut cut: String = text
        .chars()
        .take(most)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(most).is_some() {
        cut.push('…');
    }
    cut
}
