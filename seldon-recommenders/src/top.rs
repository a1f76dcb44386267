//! The best few of many scored rows.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use seldon_runtime::{ItemIndex, Recommendation};

/// A heap of the best rows so far, the worst of them on top.
#[derive(Debug)]
pub(crate) struct Top {
    limit: usize,
    heap: BinaryHeap<Scored>,
    /// Below this nothing enters.
    threshold: f32,
}

impl Top {
    /// The best `limit` of at most `among` rows.
    pub(crate) fn new(limit: usize, among: usize) -> Self {
        let limit = limit.min(among);
        Self {
            limit,
            heap: BinaryHeap::with_capacity(limit),
            threshold: if limit == 0 {
                f32::INFINITY
            } else {
                f32::NEG_INFINITY
            },
        }
    }

    /// Takes `row` in if it is among the best so far and `admitted`, which is asked only then.
    #[inline]
    pub(crate) fn offer(&mut self, row: u32, score: f32, admitted: impl FnOnce(u32) -> bool) {
        // The one test that nearly every row ends at. A NaN passes it: it must not be lost here,
        // since the runtime answers it with an error.
        if score < self.threshold {
            return;
        }
        self.enter(row, score, admitted);
    }

    #[cold]
    fn enter(&mut self, row: u32, score: f32, admitted: impl FnOnce(u32) -> bool) {
        // Adding 0.0 makes -0.0 and 0.0 one score for `total_cmp`.
        let scored = Scored {
            score: score + 0.0,
            row,
        };
        if self.heap.len() == self.limit {
            let Some(mut worst) = self.heap.peek_mut() else {
                return;
            };
            if scored >= *worst || !admitted(row) {
                return;
            }
            *worst = scored;
        } else if admitted(row) {
            self.heap.push(scored);
        }
        if self.heap.len() == self.limit
            && let Some(worst) = self.heap.peek()
        {
            self.threshold = worst.score;
        }
    }

    /// What was found, best first, equal ones by item id.
    pub(crate) fn into_recommendations(self, index: &ItemIndex) -> Vec<Recommendation> {
        let best = self.heap.into_sorted_vec();
        best.into_iter()
            .map(|scored| Recommendation {
                item: index.ids()[scored.row as usize],
                score: scored.score.into(),
            })
            .collect()
    }
}

/// Less is better, so that a max-heap has the worst on top. Rows are in the order of item ids.
#[derive(Debug, Clone, Copy)]
struct Scored {
    score: f32,
    row: u32,
}

impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_score = other.score.total_cmp(&self.score);
        by_score.then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scored {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scored {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn top(limit: usize, scores: &[f32], admitted: fn(u32) -> bool) -> Vec<Recommendation> {
        let index = ItemIndex::new((0..scores.len() as i64).collect()).expect("it ascends");
        let mut top = Top::new(limit, scores.len());
        for (row, &score) in (0..).zip(scores) {
            top.offer(row, score, admitted);
        }
        top.into_recommendations(&index)
    }

    #[test]
    fn a_nan_is_not_lost() {
        let found = top(1, &[1.0, f32::NAN, 2.0], |_| true);
        assert!(found[0].score.is_nan());
    }

    #[test]
    fn the_zeros_are_equal() {
        let found = top(2, &[-0.0, 0.0, -0.0], |_| true);
        assert_eq!([found[0].item, found[1].item], [0, 1]);
    }

    proptest! {
        #[test]
        fn it_is_a_sort_cut_short(
            scores in proptest::collection::vec(-3i8..3, 0..60),
            limit in 0usize..20,
        ) {
            // Few values, so that many are equal.
            let scores: Vec<f32> = scores.into_iter().map(f32::from).collect();
            let admitted = |row| row % 3 != 1;
            let mut expected: Vec<(i64, f64)> = (0i64..)
                .zip(scores.iter().map(|&score| f64::from(score)))
                .filter(|(item, _)| admitted(*item as u32))
                .collect();
            expected.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            expected.truncate(limit);
            let found = top(limit, &scores, admitted);
            let found: Vec<_> = found.iter().map(|r| (r.item, r.score)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
