//! A distribution of times, counted without a lock.
//!
//! `prometheus-client`'s own takes a mutex at each observation, which all cores would share on
//! every request; here an observation is two additions.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{MetricEncoder, NoLabelSet};

/// The upper bounds of the buckets, in nanoseconds: from what a quick model's features take to be
/// read, to the default deadline. Between two bounds is a factor of at most 2.5, which is how far
/// a quantile read from them can be off.
const BOUNDS: [u64; 22] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// For each number of bits that a time may have, the first bucket that such a time can fall into:
/// at most three are left to be compared with.
const FIRST: [u8; 65] = {
    let mut first = [0; 65];
    let mut bits = 1;
    while bits < 65 {
        let least = 1 << (bits - 1);
        let mut at = 0;
        while at < BOUNDS.len() && BOUNDS[at] < least {
            at += 1;
        }
        first[bits] = at as u8;
        bits += 1;
    }
    first
};

/// The first of the bounds that `nanoseconds` are not above, or one more than there are.
fn bucket(nanoseconds: u64) -> usize {
    let bits = u64::BITS - nanoseconds.leading_zeros();
    let mut at = usize::from(FIRST[bits as usize]);
    while BOUNDS.get(at).is_some_and(|bound| *bound < nanoseconds) {
        at += 1;
    }
    at
}

/// A distribution of times; clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// How many fell below each bound, and above the bound before it; the last are above all.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// Five centuries fit.
    nanoseconds: AtomicU64,
}

impl Histogram {
    /// Counts `time`.
    pub(crate) fn observe(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let at = bucket(nanoseconds);
        // Nothing else depends on these: what is read while requests come in may be off by them.
        self.0.buckets[at].fetch_add(1, Ordering::Relaxed);
        self.0.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Writes what was counted so far, in seconds; nothing if that is nothing.
    pub(super) fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let reading = self.read();
        if reading.count == 0 {
            return Ok(());
        }
        let (seconds, count) = (reading.seconds, reading.count);
        encoder.encode_histogram::<NoLabelSet>(seconds, count, &reading.buckets, None)
    }

    fn read(&self) -> Reading {
        let seconds = |nanoseconds: u64| nanoseconds as f64 / 1e9;
        let bounds = BOUNDS.iter().map(|bound| seconds(*bound));
        let counts = self.0.buckets.iter().map(|b| b.load(Ordering::Relaxed));
        let buckets: Vec<_> = bounds.chain([f64::INFINITY]).zip(counts).collect();
        Reading {
            seconds: seconds(self.0.nanoseconds.load(Ordering::Relaxed)),
            count: buckets.iter().map(|(_, count)| count).sum(),
            buckets,
        }
    }
}

/// A histogram at one moment, in seconds.
struct Reading {
    seconds: f64,
    count: u64,
    /// Each upper bound with what fell below it and above the one before.
    buckets: Vec<(f64, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_below_the_bound_that_it_equals() {
        let histogram = Histogram::default();
        for nanoseconds in [
            0,
            1_000,
            1_001,
            10_000_000_000,
            10_000_000_001,
            u64::MAX / 2,
        ] {
            histogram.observe(Duration::from_nanos(nanoseconds));
        }
        let reading = histogram.read();
        let counted: Vec<_> = (reading.buckets.iter().filter(|(_, count)| *count > 0)).collect();
        assert_eq!(
            counted,
            [&(1e-6, 2), &(2.5e-6, 1), &(10.0, 1), &(f64::INFINITY, 2)]
        );
        assert_eq!(reading.count, 6);
    }

    #[test]
    fn every_time_falls_where_the_bounds_say() {
        let around = |n: u64| [n.saturating_sub(1), n, n.saturating_add(1)];
        let powers = (0..64).map(|bit| 1 << bit);
        for nanoseconds in BOUNDS.into_iter().chain(powers).flat_map(around) {
            let expected = BOUNDS.partition_point(|bound| *bound < nanoseconds);
            assert_eq!(bucket(nanoseconds), expected, "{nanoseconds}");
        }
    }

    #[test]
    fn clones_count_together() {
        let histogram = Histogram::default();
        histogram.clone().observe(Duration::from_millis(250));
        histogram.observe(Duration::from_millis(500));
        assert_eq!(histogram.read().seconds, 0.75);
    }
}
