//! How memcached is asked.

use std::time::Duration;

use serde::Deserialize;

use super::routing::Routing;
use crate::error::{Error, Result};

/// How memcached is asked for candidate lists: the table `[candidates]` of a program's file, or the
/// argument of [`Memcached::connect_with`](super::Memcached::connect_with).
///
/// ```toml
/// [candidates]
/// operation_timeout = "100ms"
/// routing = "spymemcached"
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CandidateSettings {
    /// The most connections to each server, 1 to 1,024; 8 by default. One fetch serves all who wait
    /// for the same list, so few are needed.
    pub connections: usize,
    /// How long connecting to a server may take, its name's lookup included: 1 ms to a minute,
    /// 500 ms by default.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long a request waits for a server's answer, a free connection included: 1 ms to a
    /// minute, 250 ms by default. One that must connect first waits the two limits together at
    /// most.
    #[serde(with = "humantime_serde")]
    pub operation_timeout: Duration,
    /// Which of several servers holds a key.
    pub routing: Routing,
    /// The most bytes that a list may have once it is inflated; 64 MiB by default.
    pub max_list_bytes: usize,
    /// How long a list that has been read is used again: up to an hour, 1 s by default, 0 is not at
    /// all.
    #[serde(with = "humantime_serde")]
    pub cache: Duration,
    /// Whether to answer without the lists of a server that is out of reach, with the header
    /// `x-degraded: candidates`, instead of 503.
    pub degraded: bool,
}

impl Default for CandidateSettings {
    fn default() -> Self {
        Self {
            connections: 8,
            connect_timeout: Duration::from_millis(500),
            operation_timeout: Duration::from_millis(250),
            routing: Routing::default(),
            max_list_bytes: 64 << 20,
            cache: Duration::from_secs(1),
            degraded: false,
        }
    }
}

impl CandidateSettings {
    /// The same with another limit on [`connections`](Self::connections).
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// The same with another [`connect_timeout`](Self::connect_timeout).
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// The same with another [`operation_timeout`](Self::operation_timeout).
    #[must_use]
    pub fn operation_timeout(mut self, limit: Duration) -> Self {
        self.operation_timeout = limit;
        self
    }

    /// The same with keys found by another rule.
    #[must_use]
    pub fn routing(mut self, routing: Routing) -> Self {
        self.routing = routing;
        self
    }

    /// The same with another [`max_list_bytes`](Self::max_list_bytes).
    #[must_use]
    pub fn max_list_bytes(mut self, most: usize) -> Self {
        self.max_list_bytes = most;
        self
    }

    /// The same with lists used again for another time; zero is not at all.
    #[must_use]
    pub fn cache(mut self, time: Duration) -> Self {
        self.cache = time;
        self
    }

    /// The same, answering without the lists of a server that is out of reach.
    #[must_use]
    pub fn degraded(mut self) -> Self {
        self.degraded = true;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        const MOST_CONNECTIONS: usize = 1024;
        const LIMITS: std::ops::RangeInclusive<Duration> =
            Duration::from_millis(1)..=Duration::from_secs(60);
        /// Memcached's own ceiling for a value.
        const MOST_BYTES: usize = 1 << 30;
        /// Beyond it a list is not fresh enough to be called cached.
        const LONGEST_CACHE: Duration = Duration::from_secs(3600);

        let wrong = |what: &str| Err(Error::setup(format!("[candidates] {what}")));
        if !(1..=MOST_CONNECTIONS).contains(&self.connections) {
            return wrong("connections must be 1 to 1024");
        }
        if !LIMITS.contains(&self.connect_timeout) {
            return wrong("connect_timeout must be 1 ms to a minute");
        }
        if !LIMITS.contains(&self.operation_timeout) {
            return wrong("operation_timeout must be 1 ms to a minute");
        }
        if !(1..=MOST_BYTES).contains(&self.max_list_bytes) {
            return wrong("max_list_bytes must be 1 to 1073741824");
        }
        if self.cache > LONGEST_CACHE {
            return wrong("cache must be 0 to an hour");
        }
        Ok(())
    }
}

/// The addresses in `servers`, each entry one `host:port` or several between commas.
///
/// # Errors
///
/// If there is none, or one is no `host:port`.
pub(super) fn addresses<S: AsRef<str>>(
    servers: impl IntoIterator<Item = S>,
) -> Result<Vec<String>> {
    let mut addresses = Vec::new();
    for entry in servers {
        for address in entry.as_ref().split(',').map(str::trim) {
            if address.is_empty() {
                continue;
            }
            if !is_address(address) {
                let address = crate::error::echo(address);
                return Err(Error::setup(format!(
                    "`{address}` is no address of a memcached server: write host:port, 127.0.0.1:11211 for example"
                )));
            }
            addresses.push(address.to_owned());
        }
    }
    if addresses.is_empty() {
        return Err(Error::setup(
            "no memcached server is named: write host:port",
        ));
    }
    Ok(addresses)
}

fn is_address(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let named = match bracketed {
        Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        }
    };
    named && !port.starts_with('+') && port.parse::<u16>().is_ok_and(|port| port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_a_list_or_a_text_with_commas() {
        let two = ["a:1".to_owned(), "b:2".to_owned()];
        assert_eq!(addresses(["a:1", "b:2"]).expect("addresses"), two);
        assert_eq!(addresses(["a:1, b:2,"]).expect("addresses"), two);
        assert!(addresses(["[::1]:11211"]).is_ok());
    }

    #[test]
    fn what_is_no_address_is_named() {
        for wrong in [
            "a",
            "a:",
            ":1",
            "a:0",
            "a:65536",
            "a:+1",
            "a:b",
            "a b:1",
            "::1:11211",
            "http://a:1",
        ] {
            let error = addresses(["ok:1", wrong]).expect_err(wrong);
            assert!(error.detail().contains(wrong), "{error}");
        }
        assert!(addresses([""]).is_err());
        assert!(addresses::<&str>([]).is_err());
    }

    #[test]
    fn settings_are_read_from_a_table() {
        let read: CandidateSettings = serde_json::from_str(
            r#"{"operation_timeout":"100ms","routing":"spymemcached","degraded":true,"cache":"0s"}"#,
        )
        .expect("settings");
        let expected = CandidateSettings::default()
            .operation_timeout(Duration::from_millis(100))
            .routing(Routing::Spymemcached)
            .cache(Duration::ZERO)
            .degraded();
        assert_eq!(read, expected);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let good = CandidateSettings::default;
        assert!(good().check().is_ok());
        for wrong in [
            good().connections(0),
            good().connect_timeout(Duration::ZERO),
            good().operation_timeout(Duration::from_secs(61)),
            good().max_list_bytes(0),
            good().cache(Duration::from_secs(3601)),
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
