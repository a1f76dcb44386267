//! Candidate lists in the process.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{CandidateSource, Fetched, List, ids};
use crate::config::Config;
use crate::error::{Error, Result, echo};

/// Candidate lists in the process: from the file `candidates.json` of the model folder, or from code.
///
/// The file is a JSON object of lists by key, each as memcached would hold it, so that the same requests
/// have the same answers:
///
/// ```json
/// {"popular": [16, 260, 31742], "new": [{"item": 7, "score": 0.5}]}
/// ```
///
/// It stands beside the model and is no field of it: the manifest need not list it, and saving the
/// model does not write it.
#[derive(Debug, Clone, Default)]
pub struct InMemory {
    lists: HashMap<Box<str>, Arc<List>>,
}

impl InMemory {
    /// The file's name in the model folder.
    pub const FILE: &'static str = "candidates.json";

    /// The lists in the JSON file at `path`.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is no JSON object of lists of item ids.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|e| {
            Error::setup(format!("{} cannot be read", path.display())).with_cause(e)
        })?;
        Self::parse(&bytes, &path.display())
    }

    /// The lists in the model folder, if they are there.
    pub(super) fn find(config: &Config) -> Result<Option<Self>> {
        let Some(bytes) = config.model.read(Self::FILE, &config.storage)? else {
            return Ok(None);
        };
        let name = format!("the {} of {}", Self::FILE, config.model);
        Self::parse(&bytes, &name).map(Some)
    }

    fn parse(bytes: &[u8], name: &dyn fmt::Display) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|e| {
            Error::setup(format!("{name} is no JSON object of lists of item ids")).with_cause(e)
        })
    }
}

impl<K: Into<Box<str>>> FromIterator<(K, Vec<i64>)> for InMemory {
    fn from_iter<I: IntoIterator<Item = (K, Vec<i64>)>>(lists: I) -> Self {
        let lists = (lists.into_iter())
            .map(|(key, ids)| (key.into(), Arc::new(List::new(ids))))
            .collect();
        Self { lists }
    }
}

impl CandidateSource for InMemory {
    async fn open(config: &Config) -> Result<Self> {
        let found = Self::find(config)?;
        found.ok_or_else(|| Error::setup(format!("there is no {} in {}", Self::FILE, config.model)))
    }

    async fn fetch(&self, keys: &[&str]) -> Result<Fetched> {
        let held = keys.iter().filter_map(|key| self.lists.get(*key));
        Ok(Fetched {
            lists: held.cloned().collect(),
            degraded: false,
        })
    }
}

impl<'de> Deserialize<'de> for InMemory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ListsVisitor)
    }
}

struct ListsVisitor;

impl<'de> Visitor<'de> for ListsVisitor {
    type Value = InMemory;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of lists of item ids")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InMemory, A::Error> {
        let mut lists = HashMap::new();
        while let Some((key, json)) = map.next_entry::<Box<str>, &RawValue>()? {
            let name = echo(&key);
            let ids = ids::parse(json.get().as_bytes())
                .map_err(|e| A::Error::custom(format!("the list `{name}`: {e}")))?;
            if lists.insert(key, Arc::new(List::new(ids))).is_some() {
                return Err(A::Error::custom(format!(
                    "the list `{name}` is there twice"
                )));
            }
        }
        Ok(InMemory { lists })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<InMemory> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(InMemory::FILE);
        fs::write(&path, json)?;
        InMemory::read(path)
    }

    #[tokio::test]
    async fn lists_come_in_the_order_of_the_keys_and_missing_ones_not_at_all() {
        let source =
            read(r#"{"a": [3, 1, 3], "b": [{"item": 7, "score": 0.5}], "c": []}"#).expect("a file");
        let fetched = source.fetch(&["b", "none", "a"]).await.expect("held here");
        let ids: Vec<_> = fetched.lists.iter().map(|list| list.ids()).collect();
        assert_eq!(ids, [&[7][..], &[1, 3]]);
        assert!(!fetched.degraded);
    }

    #[tokio::test]
    async fn lists_come_from_code_too() {
        let source = InMemory::from_iter([("a", vec![2, 1])]);
        let fetched = source.fetch(&["a"]).await.expect("held here");
        assert_eq!(fetched.lists[0].ids(), [1, 2]);
    }

    #[test]
    fn a_wrong_file_is_said_in_words() {
        for (json, word) in [
            ("[1]", "an object of lists"),
            (r#"{"a": [1], "a": [2]}"#, "`a` is there twice"),
            (r#"{"a": [1.5]}"#, "the list `a`"),
            (r#"{"a": [1]"#, "EOF"),
        ] {
            let error = read(json).expect_err(json).to_string();
            assert!(
                error.contains("candidates.json") && error.contains(word),
                "{error}"
            );
        }
        let error = InMemory::read("none/candidates.json").expect_err("there is none");
        assert!(
            error
                .detail()
                .contains("none/candidates.json cannot be read")
        );
    }
}
