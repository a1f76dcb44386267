//! Batching: rows of concurrent requests become one `predict_batch` call.
//!
//! Rows queue before a few lanes, as many as calls can be computed at once. A lane is a task that
//! lives as long as there are rows: it gathers a batch, computes it, and begins again. One lane
//! gathers at a time, and takes what is there as soon as nobody else is known to be on the way.
//! While all lanes compute, the next batch gathers by itself, so that under load batches grow and
//! nobody waits for the clock.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use super::{Checked, Executor, Pool, Predictor};
use crate::error::{Code, Error, Result};
use crate::live::{Pinned, Version};
use crate::observe::{Stage, Transport};
use crate::service::Service;

/// When a batch is complete: the argument `batch(max_rows = …, max_wait = …)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// The most rows in one call.
    pub max_rows: NonZeroUsize,
    /// The longest that a row waits for others, as long as others are on the way.
    pub max_wait: Duration,
}

impl Batching {
    /// Batches of at most `max_rows`, for which a row waits no longer than `max_wait`.
    ///
    /// # Panics
    ///
    /// If `max_rows` is 0, which the attribute refuses.
    pub const fn new(max_rows: usize, max_wait: Duration) -> Self {
        Self {
            max_rows: NonZeroUsize::new(max_rows).expect("a batch has rows"),
            max_wait,
        }
    }
}

/// The queue before one predictor's batches, shared by both transports and all their threads.
pub(crate) struct Batcher<P: Predictor> {
    queue: Mutex<Queue<P>>,
    arriving: Arc<Arriving>,
}

struct Queue<P: Predictor> {
    rows: VecDeque<Row<P>>,
    /// Whether a lane gathers.
    gathering: bool,
    /// Lanes that compute.
    computing: usize,
}

/// One row that waits, and who waits for it.
struct Row<P: Predictor> {
    data: P::Data,
    /// Its request's: all rows of a request are of one version, and so are those of a batch.
    version: Arc<Version<P>>,
    transport: Transport,
    since: Instant,
    reply: oneshot::Sender<Result<Checked>>,
}

/// Requests that have come in and whose rows are not queued yet.
#[derive(Debug, Default)]
struct Arriving {
    requests: AtomicUsize,
    /// For the lane that gathers: that there are more rows, or nobody is on the way any more.
    changed: Notify,
}

/// A request that has come in; until it is dropped a batch may wait for its rows.
#[derive(Debug)]
pub(crate) struct Arrival(Arc<Arriving>);

impl Drop for Arrival {
    fn drop(&mut self) {
        // Whoever sees that nobody is on the way sees the rows that they brought.
        if self.0.requests.fetch_sub(1, Ordering::Release) == 1 {
            self.0.changed.notify_one();
        }
    }
}

impl<P: Predictor> Batcher<P> {
    pub(crate) fn new() -> Self {
        let queue = Queue {
            rows: VecDeque::new(),
            gathering: false,
            computing: 0,
        };
        Self {
            queue: queue.into(),
            arriving: Arc::default(),
        }
    }

    /// Notes that a request has come in whose rows will follow.
    pub(crate) fn expect(&self) -> Arrival {
        self.arriving.requests.fetch_add(1, Ordering::Relaxed);
        Arrival(Arc::clone(&self.arriving))
    }

    fn queue(&self) -> MutexGuard<'_, Queue<P>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the rows that are queued are worth a batch.
    async fn gather(&self, batching: Batching) {
        let deadline = (self.queue().rows.front()).map(|first| first.since + batching.max_wait);
        let deadline = deadline.unwrap_or_else(Instant::now);
        loop {
            let queued = self.queue().rows.len();
            if queued >= batching.max_rows.get() {
                return;
            }
            // Lets requests that can be read at once be read.
            tokio::task::yield_now().await;
            let more = self.queue().rows.len() > queued;
            if Instant::now() >= deadline {
                return;
            }
            if more {
                continue;
            }
            if self.arriving.requests.load(Ordering::Acquire) == 0 {
                return;
            }
            if timeout_at(deadline, self.arriving.changed.notified())
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

/// Scores `rows`, in order, together with whatever else is waiting. Dropping the future takes
/// rows that are not being computed yet out of the queue.
///
/// # Errors
///
/// The first of any row's; and [`Code::Overloaded`] if too many are waiting.
pub(crate) async fn batched<P: Predictor>(
    pinned: &Pinned<'_, P>,
    batching: Batching,
    transport: Transport,
    arrival: Arrival,
    rows: Vec<P::Data>,
) -> Result<Vec<Checked>> {
    let answers = enqueue(pinned, batching, transport, rows)?;
    drop(arrival);
    let mut checked = Vec::with_capacity(answers.len());
    for answer in answers {
        let gone = |_| Error::new(Code::Internal, "the batch was dropped");
        checked.push(answer.await.map_err(gone)??);
    }
    Ok(checked)
}

type Answer = oneshot::Receiver<Result<Checked>>;

fn enqueue<P: Predictor>(
    pinned: &Pinned<'_, P>,
    batching: Batching,
    transport: Transport,
    rows: Vec<P::Data>,
) -> Result<Vec<Answer>> {
    let batcher = batcher(pinned);
    let since = Instant::now();
    let mut queue = batcher.queue();
    // Full batches count as calls do. What one request brings it may bring to an empty queue, as
    // it may where nothing is batched.
    let calls = queue.rows.len() / batching.max_rows;
    if let Some(pool) = pinned.pool()
        && calls > pool.most_waiting()
    {
        return Err(pool.full());
    }
    let mut answers = Vec::with_capacity(rows.len());
    for data in rows {
        let (reply, answer) = oneshot::channel();
        queue.rows.push_back(Row {
            data,
            version: Arc::clone(pinned.version()),
            transport,
            since,
            reply,
        });
        answers.push(answer);
    }
    if queue.gathering {
        batcher.arriving.changed.notify_one();
    } else {
        Lane::open(pinned, batching, &mut queue);
    }
    Ok(answers)
}

fn batcher<P: Predictor>(service: &Service<P>) -> &Batcher<P> {
    service
        .batcher()
        .expect("whoever batches is mounted with a queue")
}

impl<P: Predictor> Row<P> {
    /// Whether it may be in a batch that begins with `first`.
    fn goes_with(&self, first: Option<&Self>) -> bool {
        first.is_none_or(|first| Arc::ptr_eq(&first.version, &self.version))
    }
}

/// A task that makes batches of the rows that wait.
struct Lane<P: Predictor> {
    service: Service<P>,
    doing: Doing,
}

#[derive(Clone, Copy)]
enum Doing {
    Gathering,
    Computing,
    Nothing,
}

impl<P: Predictor> Lane<P> {
    /// Opens a lane if there are rows and nobody gathers them, unless all lanes compute.
    fn open(service: &Service<P>, batching: Batching, queue: &mut Queue<P>) {
        let lanes = service.pool().map_or_else(super::cores, Pool::width);
        if queue.rows.is_empty() || queue.gathering || queue.computing >= lanes {
            return;
        }
        queue.gathering = true;
        let lane = Self {
            service: service.clone(),
            doing: Doing::Gathering,
        };
        tokio::spawn(lane.run(batching));
    }

    async fn run(mut self, batching: Batching) {
        while let Doing::Gathering = self.doing {
            batcher(&self.service).gather(batching).await;
            let rows = self.take(batching);
            compute(&self.service, rows).await;
            self.leave();
        }
    }

    /// Takes a batch to compute, and leaves the rest to another lane.
    fn take(&mut self, batching: Batching) -> Vec<Row<P>> {
        let mut queue = batcher(&self.service).queue();
        let room = queue.rows.len().min(batching.max_rows.get());
        let mut rows: Vec<Row<P>> = Vec::with_capacity(room);
        while rows.len() < batching.max_rows.get()
            && let Some(row) = queue.rows.pop_front_if(|row| row.goes_with(rows.first()))
        {
            // A caller that has left is not computed.
            if !row.reply.is_closed() {
                rows.push(row);
            }
        }
        queue.gathering = false;
        queue.computing += 1;
        self.doing = Doing::Computing;
        Self::open(&self.service, batching, &mut queue);
        rows
    }

    /// Gathers again if there are rows that nobody gathers.
    fn leave(&mut self) {
        let mut queue = batcher(&self.service).queue();
        queue.computing -= 1;
        self.doing = Doing::Nothing;
        if !queue.gathering && !queue.rows.is_empty() {
            queue.gathering = true;
            self.doing = Doing::Gathering;
        }
    }
}

/// A lane may be dropped before its end, with the runtime that it is on: others go on.
impl<P: Predictor> Drop for Lane<P> {
    fn drop(&mut self) {
        let mut queue = batcher(&self.service).queue();
        match self.doing {
            Doing::Gathering => queue.gathering = false,
            Doing::Computing => queue.computing -= 1,
            Doing::Nothing => return,
        }
        // Nobody would come for them, and their callers are told.
        if !queue.gathering && queue.computing == 0 {
            queue.rows.clear();
        }
    }
}

/// Computes one batch and hands each caller its own row.
async fn compute<P: Predictor>(service: &Service<P>, rows: Vec<Row<P>>) {
    let Some(version) = rows.first().map(|row| Arc::clone(&row.version)) else {
        return;
    };
    let mut data = Vec::with_capacity(rows.len());
    let mut waits = Vec::with_capacity(rows.len());
    let mut replies = Vec::with_capacity(rows.len());
    for row in rows {
        data.push(row.data);
        waits.push((row.transport, row.since));
        replies.push(row.reply);
    }
    let batch = (data, waits);
    let answers = P::Run::run(&version, service.pool(), batch, |version, (data, waits)| {
        let figures = version.figures();
        let begun = Instant::now();
        for (transport, since) in &waits {
            let waited = begun.duration_since(*since);
            figures.stages.observe(*transport, Stage::Queue, waited);
        }
        let answers = predict_all::<P>(version, &data);
        let took = begun.elapsed();
        for (transport, _) in &waits {
            figures.stages.observe(*transport, Stage::Predict, took);
        }
        figures.batch(data.len());
        answers
    })
    .await;
    match answers {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                if let Err(error) = &answer {
                    service.figures().failed(error);
                }
                // A caller may have left meanwhile.
                let _ = reply.send(answer);
            }
        }
        Err(error) => {
            service.figures().failed(&error);
            for reply in replies {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}

/// One answer per row, checked; an error for all if the model gave another number of answers.
pub(crate) fn predict_all<P: Predictor>(
    version: &Version<P>,
    rows: &[P::Data],
) -> Result<Vec<Result<Checked>>> {
    let answers = version.model().predict_batch(rows);
    if answers.len() != rows.len() {
        let cause = format!("{} answers to {} rows", answers.len(), rows.len());
        return Err(Error::failed(cause));
    }
    let check = |answer: Result<_>| answer.and_then(|answer| Checked::new(answer, P::CLASSES));
    Ok(answers.into_iter().map(check).collect())
}
