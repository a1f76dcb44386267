//! Takes connections in and hands them to the workers that serve them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Site;
use super::life::{Life, Phase, until};
use super::workers::{Arrival, Workers};

/// The pause after a failure that is the machine's: no descriptors or no memory are left, and
/// asking again at once would only burn a core.
const BACK_OFF: Duration = Duration::from_millis(50);

/// Connections over the limit that are told so; what comes on top is closed without a word.
const CROWD: usize = 128;

/// A listening socket and what is served there.
pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) site: Arc<Site>,
}

/// The open connections of a server, over all its doors.
#[derive(Clone)]
pub(super) struct Connections {
    places: Arc<Semaphore>,
    most: usize,
    crowd: Arc<Semaphore>,
}

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(most)),
            most,
            crowd: Arc::new(Semaphore::new(CROWD)),
        }
    }

    /// A place for one more: among those served, or among those turned away.
    fn enter(&self) -> Option<(OwnedSemaphorePermit, bool)> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some((place, false));
        }
        let place = Arc::clone(&self.crowd).try_acquire_owned().ok()?;
        Some((place, true))
    }

    /// How many are served.
    pub(super) fn open(&self) -> usize {
        self.most - self.places.available_permits()
    }

    /// How many may be served.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// How many are told that they are too many.
    pub(super) fn crowd(&self) -> usize {
        CROWD - self.crowd.available_permits()
    }

    /// Waits until none is open.
    pub(super) async fn closed(&self) {
        for (places, most) in [(&self.places, self.most), (&self.crowd, CROWD)] {
            // Both are bounded far below what a permit counts in, and never closed.
            let all = u32::try_from(most).unwrap_or(u32::MAX);
            let _ = places.acquire_many(all).await;
        }
    }
}

/// Accepts at `door` until the server drains.
///
/// One task for all workers, which knows how many connections each has: sockets that share a port
/// are chosen from by a hash, which gives eight connections to two workers as six and two.
pub(super) async fn accept(door: Door, connections: Connections, workers: Workers, life: Life) {
    let mut phase = life.watch();
    let draining = until(&mut phase, Phase::Draining);
    tokio::pin!(draining);
    loop {
        // Connections that the system has taken in already are accepted to the last: closing the
        // listener would reset them.
        let accepted = tokio::select! {
            biased;
            accepted = door.listener.accept() => accepted,
            () = &mut draining => return,
        };
        match accepted {
            Ok((stream, _)) => hand_over(stream, &door.site, &connections, &workers),
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::error!(%error, address = %door.address, "cannot accept connections");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

/// Gives a connection that has a place to a worker.
fn hand_over(stream: TcpStream, site: &Arc<Site>, connections: &Connections, workers: &Workers) {
    let Some((place, crowded)) = connections.enter() else {
        return;
    };
    // Out of the runtime that accepts, to join the worker's. It fails where the system is out of
    // memory: the connection is closed then.
    if let Ok(stream) = stream.into_std() {
        workers.take(Arrival {
            stream,
            site: Arc::clone(site),
            crowded,
            place,
        });
    }
}

/// Whether a connection ended before it was accepted, which says nothing of the listener.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
