//! Where a model's code runs: on the task that read the request, or on a pool of its own.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::{Code, Error, Result};

/// Where a model's code runs: chosen by `run = …`, so at compile time.
pub trait Executor: Send + Sync + 'static {
    /// The pool that calls go to, made when the service is mounted; `None` where there is none.
    fn pool(name: &str) -> Result<Option<Pool>>;

    /// How many calls may be computed at once.
    fn lanes() -> usize;

    /// Runs `work` on `input`, and answers its panic as an error.
    ///
    /// `context` is what the work needs of the service: cloned only where the work leaves the
    /// task.
    fn run<C, I, T>(
        context: &C,
        pool: Option<&Pool>,
        input: I,
        work: fn(&C, I) -> Result<T>,
    ) -> impl Future<Output = Result<T>> + Send
    where
        C: Clone + Send + Sync + 'static,
        I: Send + 'static,
        T: Send + 'static;
}

/// On the task that read the request: for models under about 100 µs, to which a hop to another
/// thread costs more than they do themselves.
#[derive(Debug)]
pub enum Inline {}

/// On a pool of threads as wide as the cores, with a bounded queue: for models that would keep
/// other requests waiting.
#[derive(Debug)]
pub enum Blocking {}

impl Executor for Inline {
    fn lanes() -> usize {
        1
    }

    fn pool(_: &str) -> Result<Option<Pool>> {
        Ok(None)
    }

    async fn run<C, I, T>(
        context: &C,
        _: Option<&Pool>,
        input: I,
        work: fn(&C, I) -> Result<T>,
    ) -> Result<T>
    where
        C: Clone + Send + Sync + 'static,
        I: Send + 'static,
        T: Send + 'static,
    {
        caught(|| work(context, input))
    }
}

impl Executor for Blocking {
    fn lanes() -> usize {
        thread::available_parallelism().map_or(1, |n| n.get())
    }

    fn pool(name: &str) -> Result<Option<Pool>> {
        Pool::start(name, Self::lanes(), Self::lanes() * Pool::QUEUE_PER_THREAD).map(Some)
    }

    async fn run<C, I, T>(
        context: &C,
        pool: Option<&Pool>,
        input: I,
        work: fn(&C, I) -> Result<T>,
    ) -> Result<T>
    where
        C: Clone + Send + Sync + 'static,
        I: Send + 'static,
        T: Send + 'static,
    {
        let pool = pool.expect("a service that blocks is mounted with a pool");
        let context = context.clone();
        let (reply, answer) = oneshot::channel();
        pool.submit(Box::new(move || {
            // Nobody waits any more: the caller has left or its deadline has passed.
            if !reply.is_closed() {
                let _ = reply.send(caught(|| work(&context, input)));
            }
        }))?;
        let gone = |_| Error::new(Code::Internal, "the pool dropped the work");
        answer.await.map_err(gone)?
    }
}

/// Runs the model's code. A panic is that request's error and nobody else's.
fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // A predictor is `&self` to every request and cannot be left half-changed but by interior
    // mutability of its own, which is its author's to keep sound.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::new(Code::ModelPanicked, "the model panicked")))
}

type Job = Box<dyn FnOnce() + Send>;

/// Threads that run one model's calls, with a bounded queue before them.
///
/// The threads end when the pool is dropped.
#[derive(Debug)]
pub struct Pool {
    queue: SyncSender<Job>,
}

impl Pool {
    /// Calls that may wait, for each thread.
    const QUEUE_PER_THREAD: usize = 8;

    fn start(name: &str, threads: usize, queue: usize) -> Result<Self> {
        let (sender, receiver) = sync_channel(queue);
        let jobs = Arc::new(Mutex::new(receiver));
        for n in 0..threads {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new()
                .name(format!("{name}-{n}"))
                .spawn(move || work_off(&jobs))
                .map_err(|e| {
                    Error::setup("cannot start the threads that run the model").with_cause(e)
                })?;
        }
        Ok(Self { queue: sender })
    }

    fn submit(&self, job: Job) -> Result<()> {
        self.queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => Error::new(
                Code::Overloaded,
                "too many requests are waiting for the model",
            )
            .with_retry_after(Duration::from_secs(1)),
            TrySendError::Disconnected(_) => Error::new(Code::Internal, "the pool has ended"),
        })
    }
}

fn work_off(jobs: &Mutex<Receiver<Job>>) {
    loop {
        // One thread waits in `recv` with the lock; the others wait for the lock.
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}
