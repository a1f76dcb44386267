//! How models are fetched from where they are kept: the table `[storage]` of the file.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::secret::Secret;

/// How models are fetched and saved elsewhere than in a folder of this machine.
///
/// Credentials that are not given here are looked for where each provider's own programs look:
/// `AWS_ACCESS_KEY_ID`, `GOOGLE_APPLICATION_CREDENTIALS`, `AZURE_STORAGE_ACCOUNT_NAME` and others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Storage {
    /// The access key of S3.
    pub aws_key: Option<Secret>,
    /// The secret that belongs to it.
    pub aws_secret: Option<Secret>,
    /// The URL of a server that speaks S3, for one that is not Amazon's. Only where it begins with
    /// `http://` is it spoken to without TLS.
    pub s3_endpoint: Option<String>,
    /// The region of the bucket.
    pub s3_region: Option<String>,
    /// The bucket is the first part of the path and not of the host's name. Where an endpoint is
    /// given it is so in any case.
    pub s3_path_style: bool,
    /// Authorities in PEM that are trusted beside the system's.
    pub ca: Option<PathBuf>,
    /// The folder in which fetched models are kept while they are loaded; the system's for
    /// temporary files where not given.
    pub staging: Option<PathBuf>,
    /// The most bytes that a model may have, all files together.
    pub max_bytes: u64,
    /// The most files that a model may have.
    pub max_files: usize,
    /// How long a connection may take.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long the other side may be silent. There is no limit on the time of a whole file.
    #[serde(with = "humantime_serde")]
    pub silence: Duration,
    /// For how long what fails is tried again, from the first failure.
    #[serde(with = "humantime_serde")]
    pub retry: Duration,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            aws_key: None,
            aws_secret: None,
            s3_endpoint: None,
            s3_region: None,
            s3_path_style: false,
            ca: None,
            staging: None,
            max_bytes: 16 << 30,
            max_files: super::manifest::MOST_FILES,
            connect_timeout: Duration::from_secs(5),
            silence: Duration::from_secs(20),
            retry: Duration::from_secs(60),
        }
    }
}

impl Storage {
    /// Whether the settings go together.
    pub(crate) fn check(&self) -> Result<()> {
        let needs = |one: &str, other: &str| {
            Err(Error::setup(format!(
                "{one} is of no use without {other}: give both"
            )))
        };
        match (&self.aws_key, &self.aws_secret) {
            (Some(_), None) => return needs("--aws-key", "--aws-secret"),
            (None, Some(_)) => return needs("--aws-secret", "--aws-key"),
            _ => {}
        }
        let is_url = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        if self.s3_endpoint.as_ref().is_some_and(|url| !is_url(url)) {
            return Err(Error::setup(
                "--s3-endpoint is no URL: it begins with https:// or http://",
            ));
        }
        if self
            .s3_endpoint
            .as_ref()
            .is_some_and(|url| url.contains('@'))
        {
            return Err(Error::setup(
                "--s3-endpoint takes no user and no password: give --aws-key and --aws-secret",
            ));
        }
        let times = [self.connect_timeout, self.silence];
        if times.iter().any(Duration::is_zero) {
            return Err(Error::setup(
                "`connect_timeout` and `silence` of the table [storage] must be over 0",
            ));
        }
        Ok(())
    }
}
