//! How a folder and its files are called in sentences.

use std::fmt;
use std::path::Path;

/// A folder's name, or a single file's.
#[derive(Debug, Clone)]
pub(super) struct Called {
    name: String,
    is_file: bool,
    separator: char,
}

impl Called {
    pub(super) fn by_path(path: &Path) -> Self {
        Self {
            name: path.display().to_string(),
            is_file: path.is_file(),
            separator: std::path::MAIN_SEPARATOR,
        }
    }

    /// By a URL without a slash at its end.
    #[cfg(feature = "remote")]
    pub(super) fn elsewhere(name: String, is_file: bool) -> Self {
        Self {
            name,
            is_file,
            separator: '/',
        }
    }

    /// The file `name` in it.
    pub(super) fn file(&self, name: &str) -> String {
        if self.is_file {
            return self.name.clone();
        }
        format!("{}{}{name}", self.name, self.separator)
    }
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
