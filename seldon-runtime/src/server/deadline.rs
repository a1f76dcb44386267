//! By when a request must be answered.

use std::time::Duration;

/// The caller's patience over gRPC: up to eight digits and a unit.
pub(super) const GRPC_TIMEOUT: &str = "grpc-timeout";

/// The same over REST, in milliseconds.
pub(super) const REQUEST_TIMEOUT: &str = "x-request-timeout-ms";

/// What a request's headers say of its caller's patience.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Patience {
    /// Nothing: the server's own deadline holds.
    #[default]
    Unsaid,
    /// So long.
    For(Duration),
    /// Something that is no time; it is ignored, as gRPC's own servers do.
    Malformed,
}

/// Reads the caller's patience from those of its headers that are there.
pub(super) fn patience(grpc_timeout: Option<&[u8]>, milliseconds: Option<&[u8]>) -> Patience {
    if let Some(value) = grpc_timeout {
        return said(grpc(value));
    }
    if let Some(value) = milliseconds {
        return said(digits(value, 12).map(Duration::from_millis));
    }
    Patience::Unsaid
}

fn said(time: Option<Duration>) -> Patience {
    time.map_or(Patience::Malformed, Patience::For)
}

fn grpc(value: &[u8]) -> Option<Duration> {
    let (unit, count) = value.split_last()?;
    let count = digits(count, 8)?;
    Some(match unit {
        b'H' => Duration::from_secs(count * 60 * 60),
        b'M' => Duration::from_secs(count * 60),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _ => return None,
    })
}

/// A number of at most `most` digits, and nothing else.
fn digits(text: &[u8], most: usize) -> Option<u64> {
    if text.is_empty() || text.len() > most || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Patience {
        match name {
            GRPC_TIMEOUT => patience(Some(value.as_bytes()), None),
            _ => patience(None, Some(value.as_bytes())),
        }
    }

    #[test]
    fn each_unit_of_grpc_is_read() {
        for (value, time) in [
            ("2H", Duration::from_secs(7200)),
            ("3M", Duration::from_secs(180)),
            ("10S", Duration::from_secs(10)),
            ("50m", Duration::from_millis(50)),
            ("50u", Duration::from_micros(50)),
            ("50n", Duration::from_nanos(50)),
            ("0n", Duration::ZERO),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
        ] {
            assert_eq!(read("grpc-timeout", value), Patience::For(time), "{value}");
        }
    }

    #[test]
    fn what_is_no_time_is_malformed() {
        for value in [
            "",
            "S",
            "10",
            "10s",
            "-1S",
            "+1S",
            "1.5S",
            "123456789S",
            "1 S",
        ] {
            assert_eq!(read("grpc-timeout", value), Patience::Malformed, "{value}");
        }
        for value in ["", "1e3", "-1", "1234567890123"] {
            assert_eq!(
                read("x-request-timeout-ms", value),
                Patience::Malformed,
                "{value}"
            );
        }
    }

    #[test]
    fn milliseconds_are_read_over_rest() {
        assert_eq!(
            read("x-request-timeout-ms", "250"),
            Patience::For(Duration::from_millis(250))
        );
        assert_eq!(patience(None, None), Patience::Unsaid);
    }
}
