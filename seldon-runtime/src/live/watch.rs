//! When a folder that is looked at time and again is worth loading.

use std::time::{Duration, Instant};

/// The longest pause before what was refused is tried again.
const LONGEST: Duration = Duration::from_secs(60);

/// Tells from looks, each of which has seen an `S`, when to load.
///
/// A change counts when two looks have seen the same, so that a folder in the middle of being
/// written is rarely tried. What is refused is tried again, after pauses that grow: the manifest
/// may have come before the files that it lists, and nothing that a look sees changes then.
pub(super) struct Watch<S> {
    /// What was seen last.
    last: Option<S>,
    /// What needs no load any more, since it is loaded or refused.
    settled: Option<S>,
    /// Where it is refused: when it is tried again.
    again: Option<Instant>,
    pause: Duration,
    period: Duration,
}

impl<S: Clone + PartialEq> Watch<S> {
    /// Begins with a model that was loaded from what was `seen`.
    pub(super) fn new(seen: Option<S>, period: Duration) -> Self {
        Self {
            last: seen.clone(),
            settled: seen,
            again: None,
            pause: period,
            period,
        }
    }

    /// Whether what is `seen` now is to be loaded.
    pub(super) fn look(&mut self, seen: &S, now: Instant) -> bool {
        let stays = self.last.as_ref() == Some(seen);
        if !stays {
            self.last = Some(seen.clone());
            return false;
        }
        self.settled.as_ref() != Some(seen) || self.again.is_some_and(|again| again <= now)
    }

    /// Notes that what was `seen` was loaded or refused.
    pub(super) fn settle(&mut self, seen: S, is_good: bool, now: Instant) {
        let same = self.settled.as_ref() == Some(&seen);
        self.again = None;
        if !same || is_good {
            self.pause = self.period;
        }
        if !is_good {
            self.again = Some(now + self.pause);
            self.pause = (self.pause * 2).clamp(self.period, LONGEST.max(self.period));
        }
        self.last = Some(seen.clone());
        self.settled = Some(seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(5);

    fn at(seconds: u64, begin: Instant) -> Instant {
        begin + Duration::from_secs(seconds)
    }

    #[test]
    fn a_change_counts_when_two_looks_agree() {
        let now = Instant::now();
        let mut watch = Watch::new(Some("a"), PERIOD);
        assert!(!watch.look(&"a", now));
        assert!(!watch.look(&"b", now));
        assert!(!watch.look(&"c", now));
        assert!(watch.look(&"c", now));
        watch.settle("c", true, now);
        assert!(!watch.look(&"c", at(1000, now)));
    }

    #[test]
    fn what_is_refused_is_tried_again_after_pauses_that_grow() {
        let now = Instant::now();
        let mut watch = Watch::new(Some("a"), PERIOD);
        let mut tries = Vec::new();
        for look in 0..60 {
            let time = at(look * 5, now);
            if watch.look(&"b", time) {
                tries.push(look * 5);
                watch.settle("b", false, time);
            }
        }
        assert_eq!(tries, [5, 10, 20, 40, 80, 140, 200, 260]);
    }

    #[test]
    fn another_change_is_tried_soon_again() {
        let now = Instant::now();
        let mut watch = Watch::new(Some("a"), PERIOD);
        for time in [0, 5, 15, 35] {
            watch.settle("b", false, at(time, now));
        }
        watch.settle("c", false, at(40, now));
        assert!(!watch.look(&"c", at(44, now)));
        assert!(watch.look(&"c", at(45, now)));
    }

    #[test]
    fn what_goes_and_comes_back_needs_no_load() {
        let now = Instant::now();
        let mut watch = Watch::new(Some("a"), PERIOD);
        assert!(!watch.look(&"gone", now));
        assert!(!watch.look(&"a", now));
        assert!(!watch.look(&"a", now));
    }

    #[test]
    fn a_first_look_at_what_was_not_seen_before_is_a_change() {
        let now = Instant::now();
        let mut watch = Watch::new(None, PERIOD);
        assert!(!watch.look(&"a", now));
        assert!(watch.look(&"a", now));
    }
}
