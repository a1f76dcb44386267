//! What the server guards against, and how much of each it bears.

use std::fmt;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The limits of a server: the section `[limits]` of a configuration file, or
/// [`Server::limits`](super::Server::limits).
///
/// Times are written as people write them, `"10s"` or `"250ms"`; sizes are bytes. The defaults
/// suit a service whose requests take milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Limits {
    /// For a peer's first bytes, and for each HTTP/1 head from its first byte to its last: 10 s.
    #[serde(with = "humantime_serde")]
    pub head_time: Duration,
    /// For a TLS handshake: 10 s.
    #[serde(with = "humantime_serde")]
    pub handshake_time: Duration,
    /// For a connection without a request, after which it is closed: 75 s.
    #[serde(with = "humantime_serde")]
    pub idle: Duration,
    /// For a request, its body's arrival included, unless its caller gives it less by
    /// `grpc-timeout` or `x-request-timeout-ms`: 10 s.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
    /// Between two PINGs on an HTTP/2 connection: 20 s.
    #[serde(with = "humantime_serde")]
    pub ping_every: Duration,
    /// For the answer to a PING, without which the connection is closed: 20 s.
    #[serde(with = "humantime_serde")]
    pub ping_answer: Duration,
    /// Open connections, over all listeners; more are told 503 and closed: 10,000.
    pub connections: usize,
    /// Concurrent streams on one HTTP/2 connection: 100.
    pub streams: u32,
    /// An HTTP/2 header list, decoded: 16 KiB. At least 4 KiB.
    pub header_list: u32,
    /// An HTTP/1 head, its request line included: 64 KiB. At least 8 KiB. The path and query
    /// alone may be as long, and no longer than 65,534 bytes.
    pub head: usize,
    /// The body of a REST request: 1 MiB.
    pub body: usize,
    /// A gRPC message, after decompression, each way: 16 MiB.
    pub message: usize,
    /// Requests in flight at a time: 512. Health is never counted.
    pub in_flight: usize,
    /// Calls that a model with `run = blocking` has in flight, running or next to: twice the
    /// cores.
    pub blocking_in_flight: usize,
    /// Requests that wait for a place, for each place there is; more are told 503 at once: 4.
    pub queue_per_place: usize,
    /// For a request that waits for a place: 250 ms, after which it is told 503.
    #[serde(with = "humantime_serde")]
    pub queue_time: Duration,
    /// For a new version of a model to load and warm up while the one before answers: 10 min.
    #[serde(with = "humantime_serde")]
    pub reload_time: Duration,
    /// For which a server that was told to end goes on accepting while it says that it is not
    /// ready, so that balancers notice: 5 s.
    #[serde(with = "humantime_serde")]
    pub lame_duck: Duration,
    /// For requests in flight to finish after that: 25 s. Then the server ends in any case.
    #[serde(with = "humantime_serde")]
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, |n| n.get());
        Self {
            head_time: Duration::from_secs(10),
            handshake_time: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            deadline: Duration::from_secs(10),
            ping_every: Duration::from_secs(20),
            ping_answer: Duration::from_secs(20),
            connections: 10_000,
            streams: 100,
            header_list: 16 << 10,
            head: 64 << 10,
            body: 1 << 20,
            message: 16 << 20,
            in_flight: 512,
            blocking_in_flight: 2 * cores,
            queue_per_place: 4,
            queue_time: Duration::from_millis(250),
            reload_time: Duration::from_secs(600),
            lame_duck: Duration::from_secs(5),
            drain: Duration::from_secs(25),
        }
    }
}

impl Limits {
    /// Says in the log what they are, each by its name.
    pub(super) fn log(&self) {
        let Self {
            handshake_time,
            head_time,
            idle,
            deadline,
            ping_every,
            ping_answer,
            connections,
            streams,
            header_list,
            head,
            body,
            message,
            in_flight,
            blocking_in_flight,
            queue_per_place,
            queue_time,
            reload_time,
            lame_duck,
            drain,
        } = self;
        tracing::info!(
            ?handshake_time,
            ?head_time,
            ?idle,
            ?deadline,
            ?ping_every,
            ?ping_answer,
            connections,
            streams,
            header_list,
            head,
            body,
            // `message` is what the line itself says.
            grpc_message = message,
            in_flight,
            blocking_in_flight,
            queue_per_place,
            ?queue_time,
            ?reload_time,
            ?lame_duck,
            ?drain,
            "serving within these limits"
        );
    }

    /// Whether a server can run with these.
    ///
    /// # Errors
    ///
    /// In one sentence: the first limit that is out of its range, and the range.
    pub fn check(&self) -> Result<()> {
        // A year: what is longer is a mistake, and far from what the clock's arithmetic bears.
        const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        const SHORTEST: Duration = Duration::from_millis(1);
        let times = [
            ("head_time", self.head_time),
            ("handshake_time", self.handshake_time),
            ("idle", self.idle),
            ("deadline", self.deadline),
            ("ping_every", self.ping_every),
            ("ping_answer", self.ping_answer),
            ("reload_time", self.reload_time),
        ];
        for (name, time) in times {
            if !(SHORTEST..=LONGEST).contains(&time) {
                return Err(out_of_range(
                    name,
                    format_args!("{time:?}"),
                    "1 ms to a year",
                ));
            }
        }
        let pauses = [
            ("queue_time", self.queue_time),
            ("lame_duck", self.lame_duck),
            ("drain", self.drain),
        ];
        for (name, time) in pauses {
            if time > LONGEST {
                return Err(out_of_range(name, format_args!("{time:?}"), "0 to a year"));
            }
        }
        // What tokio's semaphores bear is more than any machine does.
        const MOST: usize = 1 << 24;
        let counts = [
            ("connections", self.connections, 1, MOST),
            ("streams", self.streams as usize, 1, MOST),
            ("header_list", self.header_list as usize, 4 << 10, 1 << 24),
            ("head", self.head, 8 << 10, 1 << 24),
            ("body", self.body, 0, 1 << 30),
            ("message", self.message, 0, 1 << 30),
            ("in_flight", self.in_flight, 1, MOST),
            ("blocking_in_flight", self.blocking_in_flight, 1, MOST),
            ("queue_per_place", self.queue_per_place, 0, 1 << 16),
        ];
        for (name, count, least, most) in counts {
            if !(least..=most).contains(&count) {
                let range = format!("{least} to {most}");
                return Err(out_of_range(name, format_args!("{count}"), &range));
            }
        }
        Ok(())
    }
}

fn out_of_range(name: &str, value: fmt::Arguments<'_>, range: &str) -> Error {
    Error::setup(format!("the limit `{name}` must be {range}, got {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_in_range() {
        Limits::default().check().expect("they are");
    }

    #[test]
    fn a_limit_out_of_range_is_named_with_its_range() {
        let limits = Limits {
            head: 100,
            ..Limits::default()
        };
        let error = limits.check().expect_err("100 bytes are no head");
        assert_eq!(
            error.detail(),
            "the limit `head` must be 8192 to 16777216, got 100"
        );
    }

    #[test]
    fn a_file_sets_some_and_leaves_the_others() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(&file, "[limits]\ndeadline = \"2s\"\nin_flight = 7\n").expect("written");
        let arguments = ["iris".into(), "--config".into(), file.path().into()];
        let config = crate::Config::read("iris", arguments).expect("it is a configuration");
        let expected = Limits {
            deadline: Duration::from_secs(2),
            in_flight: 7,
            ..Limits::default()
        };
        assert_eq!(config.limits, expected);
    }

    #[test]
    fn times_read_as_people_write_them() {
        let limits: Limits = serde_json::from_str(r#"{"deadline":"1m 30s","queue_time":"50ms"}"#)
            .expect("they are durations");
        assert_eq!(limits.deadline, Duration::from_secs(90));
        assert_eq!(limits.queue_time, Duration::from_millis(50));
        assert_eq!(limits.idle, Limits::default().idle);
    }
}
