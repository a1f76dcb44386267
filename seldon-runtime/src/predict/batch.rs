//! Batching: concurrent single rows become one `predict_batch` call.
//!
//! Rows queue before one task, which takes what is there as soon as nobody else is known to be on
//! the way, and otherwise waits no longer than it is told. While a batch is computed the next one
//! gathers, so that under load batches grow by themselves and nobody waits for the clock.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::{Checked, Executor, Predictor};
use crate::error::{Code, Error, Result};
use crate::service::{Service, WeakService};

/// When a batch is complete: the argument `batch(max_rows = …, max_wait = …)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// The most rows in one call.
    pub max_rows: NonZeroUsize,
    /// The longest that a row waits for others, as long as others are on the way.
    pub max_wait: Duration,
}

/// The queue before one predictor's batches, shared by both transports.
#[derive(Debug)]
pub(crate) struct Batcher<D> {
    queue: mpsc::UnboundedSender<Row<D>>,
    /// Taken by the task when the first row comes: only then is there a runtime for sure.
    start: std::sync::Mutex<Option<mpsc::UnboundedReceiver<Row<D>>>>,
    /// Requests that have come in and whose rows are not queued yet.
    arriving: Arc<AtomicUsize>,
}

/// One row that waits, and who waits for it.
#[derive(Debug)]
struct Row<D> {
    data: D,
    reply: oneshot::Sender<Result<Checked>>,
}

/// A request that has come in; until it is dropped a batch may wait for its rows.
#[derive(Debug)]
pub(crate) struct Arrival(Arc<AtomicUsize>);

impl Drop for Arrival {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<D: Send + Sync + 'static> Batcher<D> {
    pub(crate) fn new() -> Self {
        let (queue, rows) = mpsc::unbounded_channel();
        Self {
            queue,
            start: Some(rows).into(),
            arriving: Arc::default(),
        }
    }

    /// Notes that a request has come in whose rows will follow.
    pub(crate) fn expect(&self) -> Arrival {
        self.arriving.fetch_add(1, Ordering::Relaxed);
        Arrival(Arc::clone(&self.arriving))
    }

    /// Scores `rows`, in order, together with whatever else is waiting. Dropping the future takes
    /// rows that are not being computed yet out of the queue.
    pub(crate) async fn score<P: Predictor<Data = D>>(
        &self,
        service: &Service<P>,
        batching: Batching,
        arrival: Arrival,
        rows: Vec<D>,
    ) -> Result<Vec<Checked>> {
        let unstarted = self.start.lock().unwrap_or_else(|e| e.into_inner()).take();
        if let Some(queue) = unstarted {
            let gather = Gather {
                queue,
                batching,
                arriving: Arc::clone(&self.arriving),
            };
            tokio::spawn(gather.run(service.downgrade()));
        }
        let answers: Vec<_> = (rows.into_iter())
            .map(|data| {
                let (reply, answer) = oneshot::channel();
                // If nobody takes it, the reply's end is dropped with it, and that is answered.
                let _ = self.queue.send(Row { data, reply });
                answer
            })
            .collect();
        drop(arrival);
        let mut checked = Vec::with_capacity(answers.len());
        for answer in answers {
            let gone = |_| Error::new(Code::Internal, "the batch was dropped");
            checked.push(answer.await.map_err(gone)??);
        }
        Ok(checked)
    }
}

/// The task that makes batches of rows.
struct Gather<D> {
    queue: mpsc::UnboundedReceiver<Row<D>>,
    batching: Batching,
    arriving: Arc<AtomicUsize>,
}

impl<D: Send + Sync + 'static> Gather<D> {
    /// Ends when the service is dropped everywhere else.
    async fn run<P: Predictor<Data = D>>(mut self, service: WeakService<P>) {
        let lanes = Arc::new(Semaphore::new(P::Run::lanes()));
        while let Some(first) = self.queue.recv().await {
            let Ok(lane) = Arc::clone(&lanes).acquire_owned().await else {
                return;
            };
            let rows = self.gather(first).await;
            let Some(service) = service.upgrade() else {
                return;
            };
            let batch = async move {
                compute(&service, rows).await;
                drop(lane);
            };
            match P::Run::lanes() {
                1 => batch.await,
                _ => drop(tokio::spawn(batch)),
            }
        }
    }

    /// Waits for more rows than `first` as long as that is worth it.
    async fn gather(&mut self, first: Row<D>) -> Vec<Row<D>> {
        let Batching { max_rows, max_wait } = self.batching;
        let deadline = Instant::now() + max_wait;
        let mut rows = vec![first];
        while rows.len() < max_rows.get() {
            if let Ok(row) = self.queue.try_recv() {
                rows.push(row);
                continue;
            }
            // Lets requests that can be read at once be read.
            tokio::task::yield_now().await;
            if let Ok(row) = self.queue.try_recv() {
                rows.push(row);
                continue;
            }
            if self.arriving.load(Ordering::Relaxed) == 0 {
                break;
            }
            match timeout_at(deadline, self.queue.recv()).await {
                Ok(Some(row)) => rows.push(row),
                Ok(None) | Err(_) => break,
            }
        }
        rows
    }
}

/// Computes one batch and hands each caller its own row.
async fn compute<P: Predictor>(service: &Service<P>, mut rows: Vec<Row<P::Data>>) {
    // A caller that has left is not computed.
    rows.retain(|row| !row.reply.is_closed());
    if rows.is_empty() {
        return;
    }
    let (data, replies): (Vec<_>, Vec<_>) = rows.into_iter().map(|r| (r.data, r.reply)).unzip();
    let answers = P::Run::run(service, service.pool(), data, |service, data| {
        predict_all(service, &data)
    })
    .await;
    match answers {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                // A caller may have left meanwhile.
                let _ = reply.send(answer);
            }
        }
        Err(error) => {
            for reply in replies {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}

/// One answer per row, checked; an error for all if the model gave another number of answers.
pub(crate) fn predict_all<P: Predictor>(
    service: &Service<P>,
    rows: &[P::Data],
) -> Result<Vec<Result<Checked>>> {
    let answers = service.model().predict_batch(rows);
    if answers.len() != rows.len() {
        let cause = format!("{} answers to {} rows", answers.len(), rows.len());
        return Err(Error::failed(cause));
    }
    let check = |answer: Result<_>| answer.and_then(|answer| Checked::new(answer, P::CLASSES));
    Ok(answers.into_iter().map(check).collect())
}
