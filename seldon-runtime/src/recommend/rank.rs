//! What the wire promises of recommendations, kept whatever the model returned.

use super::{Candidates, Recommendation, Scores};
use crate::error::{BoxError, Code, Error, NonFinite, Result};

/// The best `limit` of `found`, best first, ties by item id, without repetitions, excluded items
/// and items outside `candidates`, their scores brought to 0..1 by `scores`.
///
/// # Errors
///
/// If a score is not finite, or outside 0..1 where it is said to be inside.
pub(crate) fn rank(
    mut found: Vec<Recommendation>,
    candidates: &Candidates,
    exclusions: &[i64],
    limit: usize,
    scores: Scores,
) -> Result<Vec<Recommendation>> {
    let finite = found.iter().fold(true, |all, r| all & r.score.is_finite());
    if !finite && let Some(bad) = found.iter().find(|r| !r.score.is_finite()) {
        return Err(unfit(NonFinite(format!(
            "the score of item {} is {}",
            bad.item, bad.score
        ))));
    }
    if candidates.ids().is_some() || !exclusions.is_empty() {
        let mut excluded = exclusions.to_vec();
        excluded.sort_unstable();
        found.retain(|r| candidates.contains(r.item) && excluded.binary_search(&r.item).is_err());
    }
    let order = |a: &Recommendation, b: &Recommendation| is_ahead(b, a).cmp(&is_ahead(a, b));
    // Most models give what they found best first, and nothing twice.
    let fit = all_pairs(&found, is_ahead) && !repeats(&found);
    if !fit {
        // An item that comes twice keeps its better score.
        found.sort_unstable_by(|a, b| a.item.cmp(&b.item).then(b.score.total_cmp(&a.score)));
        found.dedup_by_key(|r| r.item);
    }
    // A model may have scored all of its items for a reply of a few.
    if limit < found.len() && !fit {
        found.select_nth_unstable_by(limit, order);
    }
    found.truncate(limit);
    if !fit && !all_pairs(&found, is_ahead) {
        found.sort_unstable_by(order);
    }
    normalise(&mut found, scores)?;
    Ok(found)
}

/// Whether `a` comes before `b` in a reply. Of finite scores: -0.0 and 0.0 are one.
fn is_ahead(a: &Recommendation, b: &Recommendation) -> bool {
    (a.score > b.score) | (a.score == b.score) & (a.item < b.item)
}

/// Whether `holds` is true of each two that are next to each other. Without a way out in between
/// this is a few instructions for each.
fn all_pairs(
    found: &[Recommendation],
    holds: impl Fn(&Recommendation, &Recommendation) -> bool,
) -> bool {
    let pairs = found.iter().zip(found.iter().skip(1));
    pairs.fold(true, |all, (a, b)| all & holds(a, b))
}

/// Whether an item is there twice.
fn repeats(found: &[Recommendation]) -> bool {
    if all_pairs(found, |a, b| a.item < b.item) {
        return false;
    }
    // As many as most replies have need no room of their own.
    let (mut few, mut many) = ([0; 64], Vec::new());
    let items = match few.get_mut(..found.len()) {
        Some(few) => few,
        None => {
            many.resize(found.len(), 0);
            &mut many[..]
        }
    };
    for (item, one) in items.iter_mut().zip(found) {
        *item = one.item;
    }
    items.sort_unstable();
    items.windows(2).any(|pair| pair[0] == pair[1])
}

/// Brings scores that are sorted, best first, to 0..1.
fn normalise(found: &mut [Recommendation], scores: Scores) -> Result<()> {
    let (Some(best), Some(worst)) = (
        found.first().map(|r| r.score),
        found.last().map(|r| r.score),
    ) else {
        return Ok(());
    };
    // Adding 0.0 keeps a negative zero off the wire.
    let mut bring = |rule: &dyn Fn(f64) -> f64| {
        for r in &mut *found {
            r.score = rule(r.score) + 0.0;
        }
    };
    match scores {
        Scores::Unit => {
            if best > 1.0 || worst < 0.0 {
                return Err(unfit(format!(
                    "scores from {worst} to {best} are not in 0..1"
                )));
            }
            found.iter_mut().for_each(|r| r.score += 0.0);
        }
        Scores::Best if best <= 0.0 => bring(&|_| 0.0),
        Scores::Best => bring(&|score| (score / best).max(0.0)),
        Scores::MinMax if best == worst => bring(&|_| 1.0),
        Scores::MinMax => {
            // Halved where the span of two finite scores would not be finite; otherwise not, because
            // half of the least difference is zero.
            let part = if (best - worst).is_finite() { 1.0 } else { 0.5 };
            let span = best * part - worst * part;
            bring(&|score| ((score * part - worst * part) / span).clamp(0.0, 1.0));
        }
        Scores::Logistic => bring(&|score| 1.0 / (1.0 + (-score).exp())),
    }
    Ok(())
}

fn unfit(cause: impl Into<BoxError>) -> Error {
    Error::new(
        Code::InvalidAnswer,
        "the model gave an answer that cannot be sent",
    )
    .with_cause(cause)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::recommend::List;

    const RULES: [Scores; 4] = [Scores::Unit, Scores::Best, Scores::MinMax, Scores::Logistic];

    fn found(pairs: &[(i64, f64)]) -> Vec<Recommendation> {
        (pairs.iter())
            .map(|&(item, score)| Recommendation { item, score })
            .collect()
    }

    fn pairs(pairs: &[(i64, f64)], scores: Scores) -> Vec<(i64, f64)> {
        let ranked = rank(found(pairs), &Candidates::all(), &[], 10, scores).expect("finite");
        ranked.into_iter().map(|r| (r.item, r.score)).collect()
    }

    #[test]
    fn best_comes_first_and_ties_by_item() {
        let raw = [(3, 0.5), (1, 0.5), (2, 0.9), (4, 0.0), (0, -0.0)];
        let expected = [(2, 0.9), (1, 0.5), (3, 0.5), (0, 0.0), (4, 0.0)];
        assert_eq!(pairs(&raw, Scores::Unit), expected);
        assert!(
            pairs(&raw, Scores::Unit)
                .iter()
                .all(|(_, score)| score.is_sign_positive())
        );
    }

    #[test]
    fn an_item_that_comes_twice_keeps_its_better_score() {
        assert_eq!(
            pairs(&[(1, 0.2), (2, 0.5), (1, 0.7)], Scores::Unit),
            [(1, 0.7), (2, 0.5)]
        );
    }

    #[test]
    fn unit_scores_are_checked() {
        assert_eq!(
            pairs(&[(1, 1.0), (2, 0.0)], Scores::Unit),
            [(1, 1.0), (2, 0.0)]
        );
        for outside in [1.0 + f64::EPSILON, -f64::MIN_POSITIVE, 2.0, -1.0] {
            let ranked = rank(
                found(&[(1, outside)]),
                &Candidates::all(),
                &[],
                1,
                Scores::Unit,
            );
            assert_eq!(ranked.expect_err("outside").code(), Code::InvalidAnswer);
        }
    }

    #[test]
    fn best_divides_by_the_best() {
        assert_eq!(
            pairs(&[(1, 8.0), (2, 4.0), (3, -1.0)], Scores::Best),
            [(1, 1.0), (2, 0.5), (3, 0.0)]
        );
        assert_eq!(
            pairs(&[(1, -8.0), (2, 0.0)], Scores::Best),
            [(2, 0.0), (1, 0.0)]
        );
    }

    #[test]
    fn min_max_spans_the_reply() {
        assert_eq!(
            pairs(&[(1, -2.0), (2, 0.0), (3, 2.0)], Scores::MinMax),
            [(3, 1.0), (2, 0.5), (1, 0.0)]
        );
        assert_eq!(
            pairs(&[(1, -7.0), (2, -7.0)], Scores::MinMax),
            [(1, 1.0), (2, 1.0)]
        );
        assert_eq!(
            pairs(&[(1, f64::MAX), (2, f64::MIN), (3, 0.0)], Scores::MinMax),
            [(1, 1.0), (3, 0.5), (2, 0.0)]
        );
        // The least difference that there is: half of it is zero.
        let least = f64::from_bits(1);
        assert_eq!(
            pairs(&[(1, 0.0), (2, least)], Scores::MinMax),
            [(2, 1.0), (1, 0.0)]
        );
    }

    #[test]
    fn logistic_is_the_logistic_function() {
        assert_eq!(
            pairs(&[(1, 0.0), (2, f64::MAX), (3, f64::MIN)], Scores::Logistic),
            [(2, 1.0), (1, 0.5), (3, 0.0)]
        );
        let one = pairs(&[(1, 1.0)], Scores::Logistic)[0].1;
        assert!((one - 0.731_058_578_630_004_9).abs() < 1e-15);
    }

    #[test]
    fn a_score_that_is_not_finite_is_an_error_wherever_it_stands() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for rule in RULES {
                let ranked = rank(
                    found(&[(1, 0.5), (2, bad)]),
                    &Candidates::all(),
                    &[2],
                    1,
                    rule,
                );
                assert_eq!(ranked.expect_err("not finite").code(), Code::InvalidAnswer);
            }
        }
    }

    fn score() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => prop::sample::select(vec![0.0, -0.0, 0.25, 0.5, 1.0]),
            2 => 0.0..=1.0_f64,
            1 => any::<f64>().prop_filter("finite", |score| score.is_finite()),
        ]
    }

    proptest! {
        #[test]
        fn keeps_what_the_wire_promises(
            raw in prop::collection::vec((-20..20_i64, score()), 0..40),
            set in prop::option::of(prop::collection::vec(-20..20_i64, 0..40)),
            exclusions in prop::collection::vec(-20..20_i64, 0..10),
            limit in 1..30_usize,
            rule in prop::sample::select(RULES.to_vec()),
        ) {
            let candidates = match &set {
                Some(ids) => Candidates::union(&[Arc::new(List::new(ids.clone()))]),
                None => Candidates::all(),
            };
            // The best score of each item that may come, in the reply's order.
            let mut naive: BTreeMap<i64, f64> = BTreeMap::new();
            for &(item, score) in &raw {
                if set.as_ref().is_none_or(|set| set.contains(&item)) && !exclusions.contains(&item) {
                    let best = naive.entry(item).or_insert(score);
                    *best = best.max(score);
                }
            }
            let mut naive: Vec<(i64, f64)> = naive.into_iter().collect();
            naive.sort_by(|a, b| b.1.partial_cmp(&a.1).expect("finite"));
            naive.truncate(limit);

            match rank(found(&raw), &candidates, &exclusions, limit, rule) {
                Ok(ranked) => {
                    let items: Vec<i64> = ranked.iter().map(|r| r.item).collect();
                    prop_assert_eq!(&items, &naive.iter().map(|n| n.0).collect::<Vec<_>>());
                    prop_assert!(ranked.is_sorted_by(|a, b| a.score >= b.score));
                    prop_assert!(ranked.iter().all(|r| (0.0..=1.0).contains(&r.score)));
                    prop_assert_eq!(items.iter().collect::<BTreeSet<_>>().len(), items.len());
                    if rule == Scores::Unit {
                        prop_assert!(ranked.iter().zip(&naive).all(|(r, n)| r.score == n.1));
                    }
                }
                Err(_) => {
                    prop_assert_eq!(rule, Scores::Unit);
                    prop_assert!(naive.iter().any(|n| !(0.0..=1.0).contains(&n.1)));
                }
            }
        }
    }
}
