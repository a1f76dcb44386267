//! Each provider's storage, and what of it a location names.

use std::sync::Arc;
use std::time::Duration;

use object_store::list::PaginatedListStore;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::client::{self, Connector};
use super::fault::Fault;
use crate::artifact::Storage;
use crate::artifact::url::{Remote, Scheme};
use crate::error::{Error, Result};

/// A storage, and the folder or file in it that a location names.
pub(super) struct Store {
    pub(super) objects: Arc<dyn ObjectStore>,
    /// What lists objects page by page: HTTP lists none.
    pub(super) listing: Option<Arc<dyn PaginatedListStore>>,
    pub(super) remote: Remote,
    pub(super) silence: Duration,
    pub(super) max_bytes: u64,
    pub(super) max_files: usize,
}

impl Store {
    /// For reading, where what fails is tried again by [`Patience`](super::patience::Patience).
    pub(super) fn open(remote: &Remote, storage: &Storage) -> Result<Self> {
        Self::with_retries(remote, storage, 0)
    }

    /// For writing, where each part that fails is sent again. Who takes a part is silent until all
    /// of it is there, and so may be silent for longer.
    pub(super) fn open_to_write(remote: &Remote, storage: &Storage) -> Result<Self> {
        let storage = Storage {
            silence: storage.silence.saturating_mul(10),
            ..storage.clone()
        };
        Self::with_retries(remote, &storage, usize::MAX)
    }

    fn with_retries(remote: &Remote, storage: &Storage, max_retries: usize) -> Result<Self> {
        if !remote.is_built_in() {
            return Err(remote.not_built_in());
        }
        storage.check()?;
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(5),
                base: 2.0,
            },
            max_retries,
            retry_timeout: storage.retry,
        };
        let (objects, listing) = build(remote, storage, retry)?;
        Ok(Self {
            objects,
            listing,
            remote: remote.clone(),
            silence: storage.silence,
            max_bytes: storage.max_bytes,
            max_files: storage.max_files,
        })
    }

    /// The object of the file `name` of the folder.
    pub(super) fn file(&self, name: &str) -> Result<Path> {
        match (self.remote.scheme, self.remote.key.as_str()) {
            (Scheme::Https, _) | (_, "") => parse(name),
            (_, key) => parse(&format!("{key}/{name}")),
        }
    }

    /// The object that the location itself names, if it may be one, and its name.
    pub(super) fn itself(&self) -> Result<Option<(Path, String)>> {
        let Some(name) = self.remote.file_name() else {
            return Ok(None);
        };
        let path = match self.remote.scheme {
            Scheme::Https => Path::default(),
            _ => parse(&self.remote.key)?,
        };
        Ok(Some((path, name)))
    }

    /// What begins the keys of the folder's files.
    pub(super) fn prefix(&self) -> Option<String> {
        (!self.remote.key.is_empty()).then(|| format!("{}/", self.remote.key))
    }

    /// The location without a slash at its end, for sentences.
    pub(super) fn name(&self) -> String {
        self.remote.to_string().trim_end_matches('/').to_owned()
    }

    /// That `what` cannot be done, because of `fault`.
    pub(super) fn failed(&self, what: impl std::fmt::Display, fault: &Fault) -> Error {
        Error::setup(format!("{what}: {}", fault.words(self.silence)))
    }
}

fn parse(key: &str) -> Result<Path> {
    Path::parse(key).map_err(|e| Error::setup("a name there is none of a file").with_cause(e))
}

type Parts = (Arc<dyn ObjectStore>, Option<Arc<dyn PaginatedListStore>>);

fn build(remote: &Remote, storage: &Storage, retry: RetryConfig) -> Result<Parts> {
    let built: object_store::Result<Parts> = match remote.scheme {
        #[cfg(feature = "s3")]
        Scheme::S3 => s3(remote, storage, retry)?.build().map(both),
        #[cfg(feature = "gcs")]
        Scheme::Gcs => gcs(remote, storage, retry)?.build().map(both),
        #[cfg(feature = "azure")]
        Scheme::Azure => azure(remote, storage, retry)?.build().map(both),
        #[cfg(feature = "https")]
        Scheme::Https => https(remote, storage, retry)?
            .build()
            .map(|store| (Arc::new(store) as Arc<dyn ObjectStore>, None)),
        #[cfg(not(all(feature = "s3", feature = "gcs", feature = "azure", feature = "https")))]
        _ => return Err(remote.not_built_in()),
    };
    built.map_err(|error| {
        let fault = Fault::of(&error);
        Error::setup(format!(
            "{remote} cannot be fetched as it is set up: {}",
            fault.words(storage.silence)
        ))
    })
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn both(store: impl ObjectStore + PaginatedListStore) -> Parts {
    let store = Arc::new(store);
    (Arc::clone(&store) as _, Some(store))
}

/// The client for a server that was named by a URL, or not named: plain text only if that says so.
fn client(storage: &Storage, endpoint: Option<&str>) -> Result<ClientOptions> {
    client::options(
        storage,
        endpoint.is_some_and(|url| url.starts_with("http://")),
    )
}

/// What the environment says, by the names of each provider's own programs.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn environment(prefix: &str) -> impl Iterator<Item = (String, String)> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    variables.filter(move |(name, value)| name.starts_with(prefix) && !value.is_empty())
}

#[cfg(feature = "s3")]
fn s3(
    remote: &Remote,
    storage: &Storage,
    retry: RetryConfig,
) -> Result<object_store::aws::AmazonS3Builder> {
    use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key};

    let mut builder = AmazonS3Builder::new();
    for (name, value) in environment("AWS_") {
        let Ok(key) = name.to_ascii_lowercase().parse::<Key>() else {
            continue;
        };
        // A token belongs to the key that it came with.
        let is_credential = matches!(key, Key::AccessKeyId | Key::SecretAccessKey | Key::Token);
        if storage.aws_key.is_none() || !is_credential {
            builder = builder.with_config(key, value);
        }
    }
    if let (Some(key), Some(secret)) = (&storage.aws_key, &storage.aws_secret) {
        builder = builder
            .with_access_key_id(key.reveal())
            .with_secret_access_key(secret.reveal());
    }
    if let Some(region) = &storage.s3_region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &storage.s3_endpoint {
        builder = builder
            .with_config(Key::S3Endpoint, endpoint)
            .with_virtual_hosted_style_request(false);
    }
    let endpoint = [Key::S3Endpoint, Key::Endpoint];
    let endpoint = endpoint
        .iter()
        .find_map(|key| builder.get_config_value(key));
    if endpoint.is_none() {
        // A name with a dot does not fit the certificate.
        let in_host = !storage.s3_path_style && !remote.authority.contains('.');
        builder = builder.with_virtual_hosted_style_request(in_host);
    } else if storage.s3_path_style {
        builder = builder.with_virtual_hosted_style_request(false);
    }
    Ok(builder
        .with_bucket_name(&remote.authority)
        .with_client_options(client(storage, endpoint.as_deref())?)
        .with_retry(retry)
        .with_http_connector(Connector))
}

#[cfg(feature = "gcs")]
fn gcs(
    remote: &Remote,
    storage: &Storage,
    retry: RetryConfig,
) -> Result<object_store::gcp::GoogleCloudStorageBuilder> {
    use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey as Key};

    let mut builder = GoogleCloudStorageBuilder::new();
    for (name, value) in environment("GOOGLE_") {
        if let Ok(key) = name.to_ascii_lowercase().parse::<Key>() {
            builder = builder.with_config(key, value);
        }
    }
    let endpoint = builder.get_config_value(&Key::BaseUrl);
    Ok(builder
        .with_bucket_name(&remote.authority)
        .with_client_options(client(storage, endpoint.as_deref())?)
        .with_retry(retry)
        .with_http_connector(Connector))
}

#[cfg(feature = "azure")]
fn azure(
    remote: &Remote,
    storage: &Storage,
    retry: RetryConfig,
) -> Result<object_store::azure::MicrosoftAzureBuilder> {
    use object_store::azure::{AzureConfigKey as Key, MicrosoftAzureBuilder};

    let mut builder = MicrosoftAzureBuilder::new();
    for (name, value) in environment("AZURE_") {
        if let Ok(key) = name.to_ascii_lowercase().parse::<Key>() {
            builder = builder.with_config(key, value);
        }
    }
    let endpoint = builder.get_config_value(&Key::Endpoint);
    Ok(builder
        .with_container_name(&remote.authority)
        .with_client_options(client(storage, endpoint.as_deref())?)
        .with_retry(retry)
        .with_http_connector(Connector))
}

#[cfg(feature = "https")]
fn https(
    remote: &Remote,
    storage: &Storage,
    retry: RetryConfig,
) -> Result<object_store::http::HttpBuilder> {
    let url = remote.to_string();
    Ok(object_store::http::HttpBuilder::new()
        .with_url(url.trim_end_matches('/'))
        .with_client_options(client(storage, None)?)
        .with_retry(retry)
        .with_http_connector(Connector))
}
