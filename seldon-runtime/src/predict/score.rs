//! From features to answers that can be sent: the one way that both transports take.

use super::batch::{self, Arrival, predict_all};
use super::{Checked, Features, Predictor, run_timed};
use crate::error::Result;
use crate::live::Pinned;
use crate::observe::Stopwatch;
use crate::service::Service;

/// The answers to the rows of one request.
#[derive(Debug)]
pub(crate) enum Answers {
    One(Checked),
    Batch(Vec<Checked>),
}

/// Notes that a request has come in, so that a batch that is being made may wait for it. Where
/// the predictor does not batch this is nothing.
pub(crate) fn arriving<P: Predictor>(service: &Service<P>) -> Option<Arrival> {
    P::BATCHING
        .and(service.batcher())
        .map(|batcher| batcher.expect())
}

/// Scores one row.
///
/// # Errors
///
/// The model's own, and those of an answer that cannot be sent.
pub(crate) async fn score_one<P: Predictor>(
    pinned: &Pinned<'_, P>,
    watch: &mut Stopwatch<'_>,
    arrival: Option<Arrival>,
    row: P::Data,
) -> Result<Checked> {
    if let Some(arrival) = arrival {
        let mut answers = batched(pinned, watch, arrival, vec![row]).await?;
        return Ok(answers.remove(0));
    }
    run_timed::<P::Run, _, _, _, _>(pinned, watch, row, |version, row| {
        Checked::new(version.model().predict(&row)?, P::CLASSES)
    })
    .await
}

/// Scores the rows of one request; the first that fails makes the request fail.
///
/// # Errors
///
/// As [`score_one`].
pub(crate) async fn score<P: Predictor>(
    pinned: &Pinned<'_, P>,
    watch: &mut Stopwatch<'_>,
    arrival: Option<Arrival>,
    features: Features<P::Data>,
) -> Result<Answers> {
    let rows = match features {
        Features::One(row) => {
            let answer = score_one(pinned, watch, arrival, row).await?;
            return Ok(Answers::One(answer));
        }
        Features::Batch(rows) => rows,
    };
    if let Some(arrival) = arrival {
        return batched(pinned, watch, arrival, rows)
            .await
            .map(Answers::Batch);
    }
    run_timed::<P::Run, _, _, _, _>(pinned, watch, rows, |version, rows| {
        predict_all::<P>(version, &rows)?
            .into_iter()
            .collect::<Result<_>>()
            .map(Answers::Batch)
    })
    .await
}

/// Scores rows together with those of other requests.
async fn batched<P: Predictor>(
    pinned: &Pinned<'_, P>,
    watch: &mut Stopwatch<'_>,
    arrival: Arrival,
    rows: Vec<P::Data>,
) -> Result<Vec<Checked>> {
    let batching = P::BATCHING.expect("an arrival is noted only where there is batching");
    let (transport, _) = watch.mark();
    let answers = batch::batched(pinned, batching, transport, arrival, rows).await;
    // The batch has counted the wait and the work.
    watch.restart();
    answers
}
