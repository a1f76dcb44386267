//! Candidate lists in memcached.
//!
//! Connections, limits and the breaker are here; the protocol is the `memcache` crate's, of which
//! nothing shows outside.

mod breaker;
mod failure;
mod routing;
mod server;
mod settings;
mod value;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;

pub use routing::Routing;
pub use settings::CandidateSettings;

use self::failure::Failure;
use self::server::Server;
use self::value::Value;
use super::cache::{Lists, Outcome};
use super::key::{LONGEST, is_key};
use super::{CandidateSource, Fetched, List, ServerState, SourceState};
use crate::config::Config;
use crate::error::{Code, Error, Result, Violation, echo};

/// Candidate lists in one memcached server or several.
///
/// A value is a JSON array of item ids, or of objects with an `item`, as it is or compressed by gzip or
/// zlib: the content says which. All keys of a request are read in one round trip to each server,
/// and a list that was read is used again for a second. A server that does not answer in time makes the
/// request an error (503); while it is away, further requests are turned away at once, and it is used
/// again within two seconds of its return, wherever its name then leads.
///
/// ```no_run
/// # async fn example() -> seldon_runtime::Result<()> {
/// use std::time::Duration;
/// use seldon_runtime::recommend::{CandidateSettings, Memcached};
///
/// let source = Memcached::connect(["127.0.0.1:11211"]).await?;
///
/// let settings = CandidateSettings::default().operation_timeout(Duration::from_millis(100));
/// let source = Memcached::connect_with(["cache-a:11211", "cache-b:11211"], &settings).await?;
/// # Ok(())
/// # }
/// ```
pub struct Memcached {
    pool: Arc<Pool>,
    lists: Arc<Lists<Failure>>,
    degraded: bool,
}

/// The servers, by the rule that spreads keys over them.
struct Pool {
    servers: Vec<Arc<Server>>,
    addresses: Vec<String>,
    routing: Routing,
    most_bytes: usize,
}

impl Memcached {
    /// The servers at these addresses, each `host:port` or several between commas.
    ///
    /// # Errors
    ///
    /// If an address is none. A server that does not answer is no error, and is waited for.
    pub async fn connect<S: AsRef<str>>(servers: impl IntoIterator<Item = S>) -> Result<Self> {
        Self::connect_with(servers, &CandidateSettings::default()).await
    }

    /// The same, with settings.
    ///
    /// # Errors
    ///
    /// If an address is none, or a setting is out of its range.
    pub async fn connect_with<S: AsRef<str>>(
        servers: impl IntoIterator<Item = S>,
        settings: &CandidateSettings,
    ) -> Result<Self> {
        settings.check()?;
        let addresses = settings::addresses(servers)?;
        let servers: Vec<_> = (addresses.iter())
            .map(|address| Arc::new(Server::new(address.clone(), settings)))
            .collect();
        join_all(servers.iter().map(Server::greet)).await;
        Ok(Self {
            pool: Arc::new(Pool {
                servers,
                addresses,
                routing: settings.routing,
                most_bytes: settings.max_list_bytes,
            }),
            lists: Arc::new(Lists::new(settings.cache)),
            degraded: settings.degraded,
        })
    }
}

impl CandidateSource for Memcached {
    async fn open(config: &Config) -> Result<Self> {
        match &config.memcached {
            Some(servers) => Self::connect_with([servers], &config.candidates).await,
            None => Err(Error::setup(
                "the candidates are in memcached, and no server is named: give --memcached host:port",
            )),
        }
    }

    async fn fetch(&self, keys: &[&str]) -> Result<Fetched> {
        // Looked at again, whoever calls: to memcached a bad key would be a command.
        if let Some(key) = keys.iter().find(|key| !is_key(key)) {
            return Err(bad_key(key));
        }
        let pool = Arc::clone(&self.pool);
        let outcomes = self
            .lists
            .get(keys, move |keys| async move { pool.read(&keys).await })
            .await;
        let mut fetched = Fetched::default();
        for outcome in outcomes {
            match outcome {
                Ok(list) => fetched.lists.extend(list),
                Err(failure) if failure.unreachable && self.degraded => fetched.degraded = true,
                Err(failure) => return Err(failure.error()),
            }
        }
        Ok(fetched)
    }

    fn state(&self) -> SourceState {
        let (cache_hits, cache_misses) = self.lists.counts();
        SourceState {
            cache_hits,
            cache_misses,
            servers: (self.pool.servers.iter().zip(&self.pool.addresses))
                .map(|(server, address)| ServerState {
                    address: address.clone(),
                    breaker_open: !server.breaker().is_closed(),
                    openings: server.breaker().openings(),
                })
                .collect(),
        }
    }
}

impl std::fmt::Debug for Memcached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memcached")
            .field("servers", &self.pool.addresses)
            .field("routing", &self.pool.routing)
            .field("degraded", &self.degraded)
            .finish_non_exhaustive()
    }
}

impl Pool {
    /// Reads `keys`, each from the server that holds it, all servers at once.
    async fn read(&self, keys: &[Box<str>]) -> HashMap<Box<str>, Outcome<Failure>> {
        let mut by_server = vec![Vec::new(); self.servers.len()];
        for key in keys {
            by_server[self.routing.route(key, &self.addresses)].push(&**key);
        }
        let reading = (self.servers.iter().zip(&by_server))
            .filter(|(_, keys)| !keys.is_empty())
            .map(|(server, keys)| self.read_from(server, keys));
        join_all(reading).await.into_iter().flatten().collect()
    }

    async fn read_from(
        &self,
        server: &Arc<Server>,
        keys: &[&str],
    ) -> Vec<(Box<str>, Outcome<Failure>)> {
        let values = match server.get(keys).await {
            Ok(values) => values,
            Err(failure) => {
                let failure = Arc::new(failure);
                return (keys.iter())
                    .map(|key| (Box::from(*key), Err(Arc::clone(&failure))))
                    .collect();
            }
        };
        let mut outcomes = Vec::with_capacity(keys.len());
        for (key, value) in keys.iter().zip(values) {
            let outcome = match value {
                Some(value) => self.decode(key, value).await.map(Some).map_err(Arc::new),
                None => Ok(None),
            };
            outcomes.push((Box::from(*key), outcome));
        }
        outcomes
    }

    /// Decodes a large value on a thread that may be kept busy: a task here would hold up all
    /// connections of its thread, and the hop costs some 20 µs.
    async fn decode(&self, key: &str, value: Value) -> Result<Arc<List>, Failure> {
        let most = self.most_bytes;
        if value.is_quick() {
            return value.decode(key, most).map(Arc::new);
        }
        let owned = key.to_owned();
        let decoding =
            tokio::task::spawn_blocking(move || value.decode(&owned, most).map(Arc::new));
        match decoding.await {
            Ok(list) => list,
            Err(ended) => Err(Failure::value(key, "could not be decoded", ended)),
        }
    }
}

fn bad_key(key: &str) -> Error {
    let key = echo(key);
    let detail = format!("must hold keys of 1 to {LONGEST} visible ASCII characters, got `{key}`");
    Error::from_violations(
        Code::InvalidParameter,
        vec![Violation::new("data_key", detail)],
    )
    .expect("one violation makes an error")
}
