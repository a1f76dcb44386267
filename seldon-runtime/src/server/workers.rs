//! A thread for each core, each with a runtime of its own, where connections live.
//!
//! What a connection needs never leaves its core, and what wakes up together is run in one round:
//! the replies to a round of requests go out in one write. A runtime that is shared by threads
//! moves each reply to the front of its queue, and makes one write of each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime, RuntimeMetrics};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::connection::{self, Site};
use super::life::{Life, Phase, until};
use crate::error::{Error, Result};

/// A connection that was accepted.
pub(super) struct Arrival {
    pub(super) stream: std::net::TcpStream,
    pub(super) site: Arc<Site>,
    /// It is one too many, and told so.
    pub(super) crowded: bool,
    pub(super) place: OwnedSemaphorePermit,
}

/// The threads that serve; they end with their server's life.
#[derive(Clone)]
pub(super) struct Workers(Arc<[Worker]>);

struct Worker {
    /// Unbounded itself: a connection has a place before it is handed over.
    arrivals: UnboundedSender<Arrival>,
    open: Arc<AtomicUsize>,
    metrics: RuntimeMetrics,
}

impl Workers {
    /// Starts as many as there are cores for this process.
    ///
    /// # Errors
    ///
    /// If the system gives no more threads or descriptors.
    pub(super) fn start(life: &Life) -> Result<Self> {
        let cores = thread::available_parallelism().map_or(1, |n| n.get());
        let wrong = |e| Error::setup("cannot start the threads that serve").with_cause(e);
        let start = |n| {
            let (arrivals, arriving) = unbounded_channel();
            let open = Arc::new(AtomicUsize::new(0));
            let (counted, life) = (Arc::clone(&open), life.clone());
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let metrics = runtime.handle().metrics();
            thread::Builder::new()
                .name(format!("serve-{n}"))
                .spawn(move || work(runtime, arriving, &counted, &life))?;
            Ok(Worker {
                arrivals,
                open,
                metrics,
            })
        };
        let workers: Result<_, std::io::Error> = (0..cores).map(start).collect();
        workers.map(Self).map_err(wrong)
    }

    /// The figures of their runtimes.
    pub(super) fn runtimes(&self) -> Vec<RuntimeMetrics> {
        self.0.iter().map(|worker| worker.metrics.clone()).collect()
    }

    /// Hands a connection to the worker that has the fewest.
    pub(super) fn take(&self, arrival: Arrival) {
        let fewest = |worker: &&Worker| worker.open.load(Ordering::Relaxed);
        if let Some(worker) = self.0.iter().min_by_key(fewest) {
            worker.open.fetch_add(1, Ordering::Relaxed);
            // A worker that has ended drops it, as it drops those that it has.
            let _ = worker.arrivals.send(arrival);
        }
    }
}

fn work(
    runtime: Runtime,
    mut arriving: UnboundedReceiver<Arrival>,
    open: &Arc<AtomicUsize>,
    life: &Life,
) {
    let mut phase = life.watch();
    runtime.block_on(async {
        loop {
            let arrival = tokio::select! {
                arrival = arriving.recv() => arrival,
                () = until(&mut phase, Phase::Ended) => return,
            };
            let Some(arrival) = arrival else { return };
            let open = Open(Arc::clone(open));
            tokio::spawn(async move {
                if let Ok(stream) = TcpStream::from_std(arrival.stream) {
                    connection::serve(stream, arrival.site, arrival.crowded).await;
                }
                drop(open);
                drop(arrival.place);
            });
        }
    });
    // Work of the services' own on threads of this runtime does not hold up the end.
    runtime.shutdown_background();
}

/// One of a worker's connections, until it is dropped.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
