//! How often folders are looked at, as people say it.

use std::time::Duration;

use humantime_serde::re::humantime::parse_duration;
use serde::{Deserialize, Deserializer};

use crate::error::{Error, Result};

/// The period where none is given.
const DEFAULT: Duration = Duration::from_secs(5);

/// Whether models' folders are watched, and how often: `true`, `false`, or a time as "30s".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watched(pub(crate) Option<Duration>);

impl Watched {
    /// Reads what follows `--watch`.
    ///
    /// # Errors
    ///
    /// What it should be.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let period = match text {
            "true" => DEFAULT,
            "false" => return Ok(Self(None)),
            text => {
                let form = |_| "it is a time as `5s` or `1m 30s`, or true or false";
                parse_duration(text).map_err(form)?
            }
        };
        check_period(period).map_err(|error| error.detail().to_owned())?;
        Ok(Self(Some(period)))
    }
}

/// Whether folders can be looked at so often.
///
/// # Errors
///
/// In one sentence: the range.
pub(crate) fn check_period(period: Duration) -> Result<()> {
    const SHORTEST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    match (SHORTEST..=LONGEST).contains(&period) {
        true => Ok(()),
        false => Err(Error::setup(format!(
            "folders can be watched every 10 ms to a day, not every {period:?}"
        ))),
    }
}

/// The setting `watch` of a configuration file.
pub(crate) fn in_file<'de, D: Deserializer<'de>>(file: D) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Plainly(bool),
        AsText(String),
    }
    let text = match Said::deserialize(file)? {
        Said::Plainly(said) => said.to_string(),
        Said::AsText(text) => text,
    };
    let Watched(period) = Watched::parse(&text).map_err(serde::de::Error::custom)?;
    Ok(period)
}
