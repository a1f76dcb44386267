//! Candidate lists from where the configuration says.

#[cfg(feature = "memcached")]
use super::Memcached;
use super::{CandidateSource, Fetched, InMemory, SourceState};
use crate::config::Config;
use crate::error::{Error, Result};

/// `Memcached` where the configuration names servers (`--memcached`), else [`InMemory`]: one program
/// for a laptop and for production.
#[derive(Debug)]
pub enum Configured {
    /// In the servers that the configuration names.
    #[cfg(feature = "memcached")]
    Memcached(Memcached),
    /// In `candidates.json` of the model folder.
    InMemory(InMemory),
}

impl CandidateSource for Configured {
    /// Without servers and without a file it is an error: every request that names a list would be
    /// answered from none.
    async fn open(config: &Config) -> Result<Self> {
        #[cfg(feature = "memcached")]
        if config.memcached.is_some() {
            return Memcached::open(config).await.map(Self::Memcached);
        }
        #[cfg(not(feature = "memcached"))]
        if config.memcached.is_some() {
            return Err(Error::setup(
                "this program cannot ask memcached: build it with seldon's feature `memcached`",
            ));
        }
        let found = InMemory::find(config)?;
        found.map(Self::InMemory).ok_or_else(|| {
            Error::setup(format!(
                "there are no candidate lists: give --memcached host:port, or put a {} in {}",
                InMemory::FILE,
                config.model
            ))
        })
    }

    async fn fetch(&self, keys: &[&str]) -> Result<Fetched> {
        match self {
            #[cfg(feature = "memcached")]
            Self::Memcached(source) => source.fetch(keys).await,
            Self::InMemory(source) => source.fetch(keys).await,
        }
    }

    fn state(&self) -> SourceState {
        match self {
            #[cfg(feature = "memcached")]
            Self::Memcached(source) => source.state(),
            Self::InMemory(source) => source.state(),
        }
    }
}

#[cfg(all(test, feature = "memcached"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn memcached_if_it_is_named_else_the_file_else_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config {
            model: folder.path().into(),
            ..Config::default()
        };
        let error = Configured::open(&config)
            .await
            .expect_err("neither is there");
        assert!(
            error.detail().contains("--memcached") && error.detail().contains("candidates.json")
        );

        std::fs::write(folder.path().join(InMemory::FILE), r#"{"a":[1]}"#).expect("written");
        let source = Configured::open(&config).await.expect("the file is there");
        assert!(matches!(source, Configured::InMemory(_)));
        assert_eq!(
            source.fetch(&["a"]).await.expect("held").lists[0].ids(),
            [1]
        );

        // Nothing listens at this port; that is no error at the start.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port");
        config.memcached = Some(port.to_string());
        let source = Configured::open(&config).await.expect("servers are named");
        assert!(matches!(source, Configured::Memcached(_)));
        config.memcached = Some("nonsense".to_owned());
        assert!(Configured::open(&config).await.is_err());
    }
}
