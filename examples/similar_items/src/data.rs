//! The data set: which Debian package depends on which others.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use seldon::recommenders::Interactions;
use seldon::{Error, Result};

const ITEMS: &str = include_str!("../data/items.txt");
const INTERACTIONS: &[u8] = include_bytes!("../data/interactions.txt.gz");

/// Names by id.
pub(crate) fn names() -> BTreeMap<i64, String> {
    (1..).zip(ITEMS.lines().map(str::to_owned)).collect()
}

/// Users are numbered by line.
pub(crate) fn interactions() -> Result<Interactions> {
    let mut lines = String::new();
    GzDecoder::new(INTERACTIONS).read_to_string(&mut lines)?;
    let mut pairs = Vec::new();
    for (user, line) in (1..).zip(lines.lines()) {
        for item in line.split(' ') {
            let item = item
                .parse()
                .map_err(|_| Error::setup(format!("line {user} of the data has `{item}`")))?;
            pairs.push((user, item));
        }
    }
    Interactions::of_pairs(pairs)
}
