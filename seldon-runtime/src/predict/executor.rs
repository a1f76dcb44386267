//! Where a model's code runs: on the task that read the request, or on a pool of its own.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use crate::error::{Code, Error, Result};
use crate::gate::Gate;
use crate::server::Limits;

/// Where a model's code runs: chosen by `run = …`, so at compile time.
pub trait Executor: Send + Sync + 'static {
    /// Whether a call leaves the task that read the request, and may have to wait.
    const HOPS: bool;

    /// The pool that calls go to, made when the service is mounted; `None` where there is none.
    fn pool(name: &str) -> Result<Option<Pool>>;

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
///
/// On Linux the threads stand ten steps of niceness behind those that serve: where cores are
/// short, who has waited for a request goes on before who has computed for long. A core that is
/// fought over is shared ten to one, a free one is used up.
#[derive(Debug)]
pub enum Blocking {}

impl Executor for Inline {
    const HOPS: bool = false;

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
    const HOPS: bool = true;

    fn pool(name: &str) -> Result<Option<Pool>> {
        Pool::start(name, cores()).map(Some)
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
        let permit = pool.gate().enter().await?;
        let (reply, answer) = oneshot::channel();
        let ticket = Arc::new(Ticket(Mutex::new(Some((
            context.clone(),
            input,
            reply,
            permit,
        )))));
        let job = Arc::clone(&ticket);
        let span = tracing::Span::current();
        pool.jobs
            .send(Box::new(move || {
                if let Some((context, input, reply, permit)) = job.take() {
                    let result = span.in_scope(|| caught(|| work(&context, input)));
                    // The place first: who waits for it need not wait for the answer's way back.
                    drop(permit);
                    // The caller may have left meanwhile.
                    let _ = reply.send(result);
                }
            }))
            .map_err(|_| Error::new(Code::Internal, "the pool has ended"))?;
        // Dropped with this future where the caller leaves or its deadline passes: what no
        // thread has taken up is not computed then, and its place is free at that moment.
        let _redeemed = Redeem(ticket);
        let gone = |_| Error::new(Code::Internal, "the pool dropped the work");
        answer.await.map_err(gone)?
    }
}

/// A call that goes to the pool, for the one who comes first: a thread to compute it, or its
/// caller to withdraw it.
struct Ticket<W>(Mutex<Option<W>>);

impl<W> Ticket<W> {
    fn take(&self) -> Option<W> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

struct Redeem<W>(Arc<Ticket<W>>);

impl<W> Drop for Redeem<W> {
    fn drop(&mut self) {
        self.0.take();
    }
}

/// How many threads the machine runs at once, as far as this process may use it.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, |n| n.get())
}

/// Runs the model's code. A panic is that request's error and nobody else's.
fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // A predictor is `&self` to every request and cannot be left half-changed but by interior
    // mutability of its own, which is its author's to keep sound.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::new(Code::ModelPanicked, "the model panicked")))
}

type Job = Box<dyn FnOnce() + Send>;

/// Threads that run one model's calls, behind a gate.
///
/// The threads end when the last share in the pool is dropped.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Unbounded itself: the gate lets in no more than it has places.
    jobs: Sender<Job>,
    threads: usize,
    gate: Arc<OnceLock<Gate>>,
}

impl Pool {
    fn start(name: &str, threads: usize) -> Result<Self> {
        let (jobs, receiver) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for n in 0..threads {
            let receiver = Arc::clone(&receiver);
            thread::Builder::new()
                .name(format!("{name}-{n}"))
                .spawn(move || {
                    stand_back();
                    work_off(&receiver);
                })
                .map_err(|e| {
                    Error::setup("cannot start the threads that run the model").with_cause(e)
                })?;
        }
        Ok(Self {
            jobs,
            threads,
            gate: Arc::default(),
        })
    }

    /// Sets the pool's limits, which its server knows; without a server they are the defaults.
    /// Once calls have come, it is too late.
    pub(crate) fn limit(&self, limits: &Limits) {
        self.gate.get_or_init(|| gate(limits));
    }

    /// How many calls are computed at once.
    pub(crate) fn width(&self) -> usize {
        self.threads.min(self.gate().places())
    }

    /// How many calls may wait.
    pub(crate) fn most_waiting(&self) -> usize {
        self.gate().most_waiting()
    }

    /// How many calls are computed or about to be.
    pub(crate) fn in_flight(&self) -> usize {
        self.gate().in_flight()
    }

    /// How many wait for that.
    pub(crate) fn waiting(&self) -> usize {
        self.gate().waiting()
    }

    /// See [`Gate::full`].
    pub(crate) fn full(&self) -> Error {
        self.gate().full()
    }

    /// How many were turned away: see [`Gate::shed`].
    pub(crate) fn shed(&self) -> [u64; 2] {
        self.gate().shed()
    }

    fn gate(&self) -> &Gate {
        self.gate.get_or_init(|| gate(&Limits::default()))
    }
}

fn gate(limits: &Limits) -> Gate {
    Gate::new(
        limits.blocking_in_flight,
        limits.queue_per_place,
        limits.queue_time,
    )
}

/// Lets threads that serve go before this one. A system that does not allow it only shares more
/// evenly.
fn stand_back() {
    // Elsewhere niceness is the whole process's.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(10);
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn niceness() -> Result<i32> {
        let own = rustix::process::getpriority_process(None);
        own.map_err(Error::failed)
    }

    #[tokio::test]
    async fn a_pool_stands_behind_who_serves() {
        let before = niceness().expect("a niceness");
        let pool = Blocking::pool("slow").expect("threads");
        let work = |(): &(), ()| niceness();
        let there = Blocking::run(&(), pool.as_ref(), (), work).await;
        assert_eq!(there.expect("a niceness"), (before + 10).min(19));
        let here = Inline::run(&(), None, (), work).await;
        assert_eq!(here.expect("a niceness"), before);
    }
}
