//! The names that a data frame had for categories, which XGBoost keeps since version 3.1.

use serde::Deserialize;

use crate::error::{Error, Result};

/// Beyond this, a double is no whole number any more.
const MOST_WHOLE: f64 = (1u64 << 53) as f64;

#[derive(Deserialize, Default)]
pub(super) struct Categories {
    /// For each feature; or empty, where none has names.
    #[serde(default)]
    enc: Vec<Encoding>,
}

/// Numbers; or texts, all bytes in one list and the offsets where one ends and the next begins.
#[derive(Deserialize)]
struct Encoding {
    offsets: Option<Vec<usize>>,
    #[serde(default)]
    values: Vec<f64>,
}

impl Categories {
    /// The names of each feature's categories; empty where there are none at all.
    pub(super) fn names(self, features: usize) -> Result<Vec<Vec<String>>> {
        if self.enc.is_empty() {
            return Ok(Vec::new());
        }
        if self.enc.len() != features {
            return Err(Error::new(format!(
                "the model takes {features} features, and has categories for {}",
                self.enc.len()
            )));
        }
        let names = self.enc.into_iter().enumerate().map(|(feature, encoding)| {
            let place =
                |error: Error| error.of(format_args!("the categories of feature {feature}"));
            encoding.names().map_err(place)
        });
        names.collect()
    }
}

impl Encoding {
    fn names(self) -> Result<Vec<String>> {
        let Some(offsets) = self.offsets else {
            let whole = self.values.iter().all(|value| value.abs() < MOST_WHOLE);
            let exact = whole
                .then_some(self.values)
                .ok_or_else(|| Error::new("one is too great"))?;
            return Ok(exact.iter().map(f64::to_string).collect());
        };
        // XGBoost 3.2 counts characters where bytes count: beyond ASCII, the names are lost.
        let byte = |value: &f64| (0.0..128.0).contains(value).then_some(*value as u8);
        let Some(text) = self.values.iter().map(byte).collect::<Option<Vec<u8>>>() else {
            return Ok(Vec::new());
        };
        let text = String::from_utf8(text).expect("ASCII is UTF-8");
        // None is in two names, or a small file could ask for much memory.
        if !offsets.is_sorted() {
            return Err(Error::new("their offsets go back"));
        }
        let names = offsets.windows(2).map(|bounds| {
            let name = text.get(bounds[0]..bounds[1]).map(str::to_owned);
            name.ok_or_else(|| Error::new("they lie outside of their texts"))
        });
        names.collect()
    }
}
