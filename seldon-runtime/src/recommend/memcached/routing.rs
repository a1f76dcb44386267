//! Which server holds a key.

use memcache::exp::{Rendezvous, Router};
use serde::Deserialize;

/// The rule by which the lists' writer spreads keys over several servers; with one server all
/// rules are alike.
///
/// Clients of memcached disagree, and a key that is looked for on another server is not found.
/// `Spymemcached` and `Libmemcached` count the servers in the order in which they are listed, so
/// the writer's list and the service's must have the same order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Routing {
    /// Rendezvous hashing, as the Rust crate `memcache` does it.
    #[default]
    Rendezvous,
    /// Java's `String.hashCode`, as 32 bits without sign, modulo the number of servers: what
    /// spymemcached does unless told otherwise (`ArrayModNodeLocator` with `NATIVE_HASH`).
    Spymemcached,
    /// Jenkins's one-at-a-time hash modulo the number of servers: what libmemcached does unless
    /// told otherwise, and pylibmc with it.
    Libmemcached,
}

impl Routing {
    /// The place in `servers` of the one that holds `key`.
    pub(super) fn route(self, key: &str, servers: &[String]) -> usize {
        match self {
            Self::Rendezvous => Rendezvous::new().route(key.as_bytes(), servers),
            Self::Spymemcached => hash_code(key) as usize % servers.len(),
            Self::Libmemcached => one_at_a_time(key) as usize % servers.len(),
        }
    }
}

/// `s[0]·31^(n-1) + … + s[n-1]`. Keys are ASCII, so Java's characters are bytes.
fn hash_code(key: &str) -> u32 {
    key.bytes().fold(0, |hash: u32, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(byte))
    })
}

fn one_at_a_time(key: &str) -> u32 {
    let mut hash = key.bytes().fold(0, |hash: u32, byte| {
        let hash = hash.wrapping_add(u32::from(byte));
        let hash = hash.wrapping_add(hash << 10);
        hash ^ (hash >> 6)
    });
    hash = hash.wrapping_add(hash << 3);
    hash ^= hash >> 11;
    hash.wrapping_add(hash << 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_codes_are_javas() {
        // `"hello".hashCode()` and friends; the last is Java's most negative int.
        assert_eq!(hash_code(""), 0);
        assert_eq!(hash_code("abc"), 96_354);
        assert_eq!(hash_code("hello"), 99_162_322);
        assert_eq!(hash_code("polygenelubricants"), 1 << 31);
    }

    #[test]
    fn one_at_a_time_is_jenkinss() {
        // The first two are the published examples of the function, the last the first of
        // libmemcached's own test values.
        assert_eq!(one_at_a_time("a"), 0xca2e_9442);
        assert_eq!(
            one_at_a_time("The quick brown fox jumps over the lazy dog"),
            0x519e_91f5
        );
        assert_eq!(one_at_a_time("apple"), 2_297_466_611);
    }

    #[test]
    fn a_negative_hash_code_counts_without_its_sign() {
        let servers: Vec<String> = (0..3).map(|n| format!("cache{n}:11211")).collect();
        // 2^31 modulo 3 is 2; -2^31 modulo 3 would be -2.
        let place = Routing::Spymemcached.route("polygenelubricants", &servers);
        assert_eq!(place, 2);
        assert_eq!(Routing::Libmemcached.route("a", &servers), 0xca2e_9442 % 3);
    }

    #[test]
    fn every_rule_has_one_answer_where_there_is_one_server() {
        let server = ["cache:11211".to_owned()];
        for rule in [
            Routing::Rendezvous,
            Routing::Spymemcached,
            Routing::Libmemcached,
        ] {
            assert_eq!(rule.route("k", &server), 0);
        }
    }
}
