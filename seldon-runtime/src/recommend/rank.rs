//! What the wire promises of recommendations, kept whatever the model returned.

use super::{Candidates, Recommendation, Scores};
use crate::error::{Code, Error, Result};

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
    if let Some(bad) = found.iter().find(|r| !r.score.is_finite()) {
        return Err(unfit(format!(
            "the score of item {} is {}",
            bad.item, bad.score
        )));
    }
    let mut excluded = exclusions.to_vec();
    excluded.sort_unstable();
    found.retain(|r| candidates.contains(r.item) && excluded.binary_search(&r.item).is_err());
    // An item that comes twice keeps its better score.
    found.sort_unstable_by(|a, b| a.item.cmp(&b.item).then(b.score.total_cmp(&a.score)));
    found.dedup_by_key(|r| r.item);
    // -0.0 and 0.0 are one score: adding 0.0 makes them so for `total_cmp`.
    found.sort_by(|a, b| (b.score + 0.0).total_cmp(&(a.score + 0.0)));
    found.truncate(limit);
    normalise(&mut found, scores)?;
    Ok(found)
}

/// Brings scores that are sorted, best first, to 0..1.
fn normalise(found: &mut [Recommendation], scores: Scores) -> Result<()> {
    let (Some(best), Some(worst)) = (
        found.first().map(|r| r.score),
        found.last().map(|r| r.score),
    ) else {
        return Ok(());
    };
    let rule: Box<dyn Fn(f64) -> f64> = match scores {
        Scores::Unit => {
            if best > 1.0 || worst < 0.0 {
                return Err(unfit(format!(
                    "scores from {worst} to {best} are not in 0..1"
                )));
            }
            Box::new(|score| score)
        }
        Scores::Best if best <= 0.0 => Box::new(|_| 0.0),
        Scores::Best => Box::new(move |score| (score / best).max(0.0)),
        Scores::MinMax if best == worst => Box::new(|_| 1.0),
        // Halved, so that the span of two finite scores is finite too.
        Scores::MinMax => {
            let span = best / 2.0 - worst / 2.0;
            Box::new(move |score| ((score / 2.0 - worst / 2.0) / span).clamp(0.0, 1.0))
        }
        Scores::Logistic => Box::new(|score| 1.0 / (1.0 + (-score).exp())),
    };
    for r in found {
        // Adding 0.0 keeps a negative zero off the wire.
        r.score = rule(r.score) + 0.0;
    }
    Ok(())
}

fn unfit(cause: String) -> Error {
    Error::new(
        Code::InvalidAnswer,
        "the model gave an answer that cannot be sent",
    )
    .with_cause(cause)
}
