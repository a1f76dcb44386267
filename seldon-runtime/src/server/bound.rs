//! A server that has its addresses, and its way from there to its end.
//!
//! The parts of that way are boxed: what an `async fn` does is compiled where it is awaited, and would be
//! again with each program that serves.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use futures_util::future::BoxFuture;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Ready;
use super::accept::{Connections, Door, accept};
use super::admin;
use super::connection::Site;
use super::docs::{self, Docs};
use super::exposure;
use super::guard::Guard;
use super::health::Health;
use super::index::Index;
use super::life::{Phase, Signals, Stop};
use super::limits::Limits;
use super::mounted::Mounted;
use super::routes::Routes;
use super::workers::Workers;
use crate::access::{ApiKeys, Tls};
use crate::error::{Error, Result};
use crate::observe::note_panics;

/// A server whose models are loaded and warm and whose addresses are bound: all that can fail has
/// not. Connections wait until it serves.
pub struct Bound {
    doors: Vec<Door>,
    rest: SocketAddr,
    grpc: SocketAddr,
    admin: Option<SocketAddr>,
    guard: Arc<Guard>,
    health: Health,
    index: Index,
    connections: Connections,
    mounted: Arc<[Mounted]>,
    /// What REST answers, and to whom, for those who try it on the page.
    answers: Router,
    keys: Option<ApiKeys>,
    tls: Option<Tls>,
}

impl Bound {
    /// Binds one address for both transports.
    pub(super) async fn together(ready: &Ready, address: impl ToSocketAddrs) -> Result<Self> {
        let (door, address) = open(address, ready.site(ready.routes())).await?;
        Ok(Self::of(ready, vec![door], address, address))
    }

    /// Binds one for each.
    pub(super) async fn apart(
        ready: &Ready,
        rest: impl ToSocketAddrs,
        grpc: impl ToSocketAddrs,
    ) -> Result<Self> {
        let (rest, at_rest) = open(rest, ready.site(ready.rest.clone().routes())).await?;
        let (grpc, at_grpc) = open(grpc, ready.site(ready.grpc.clone().routes())).await?;
        Ok(Self::of(ready, vec![rest, grpc], at_rest, at_grpc))
    }

    fn of(ready: &Ready, doors: Vec<Door>, rest: SocketAddr, grpc: SocketAddr) -> Self {
        let guard = Arc::clone(&ready.guard);
        let connections = Connections::new(guard.limits().connections);
        Self {
            doors,
            rest,
            grpc,
            admin: None,
            guard,
            health: ready.health.clone(),
            index: ready.index.clone(),
            connections,
            mounted: Arc::clone(&ready.mounted),
            answers: ready.rest.clone().router(),
            keys: ready.keys.clone(),
            tls: ready.tls.clone(),
        }
    }

    /// The same server with another `address` for administration, which should not be open to
    /// everybody: `GET /metrics` answers with the server's figures as Prometheus reads them,
    /// `GET /openapi.json` with the description of what is mounted, `GET /docs` with a page to read
    /// and try it, and health as on the main address.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound, with the address.
    pub async fn administered(mut self, address: impl ToSocketAddrs) -> Result<Self> {
        let docs = Docs {
            mounted: &self.mounted,
            answers: self.answers.clone(),
            keys: self.keys.clone(),
            address: self.rest,
            scheme: if self.tls.is_some() { "https" } else { "http" },
            mutual: self.tls.as_ref().is_some_and(Tls::is_mutual),
            limits: self.guard.limits(),
        };
        let router = admin::routes(&self.guard, &self.connections)
            .merge(docs::routes(docs))
            // For probes that have no certificate to show where clients must.
            .merge(self.health.rest());
        let site = Site::new(Routes::new(router, []), &self.guard, None, None);
        let (door, address) = open(address, site).await?;
        self.doors.push(door);
        self.admin = Some(address);
        self.index.administered(address);
        Ok(self)
    }

    /// The address of REST: where the port was 0, with the one that the system chose.
    pub fn local_addr(&self) -> SocketAddr {
        self.rest
    }

    /// The address of gRPC: where it has no port of its own, the same.
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc
    }

    /// The address of administration, if there is one.
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// What the server bears.
    pub fn limits(&self) -> &Limits {
        self.guard.limits()
    }

    /// Serves until the process gets SIGTERM or SIGINT.
    ///
    /// The server then says that it is not ready and asks its peers to go elsewhere, while it
    /// still accepts for the lame-duck time (an interrupt from a terminal skips that); it
    /// accepts no more, finishes what is in flight, and returns by the drain limit whatever its
    /// peers do.
    ///
    /// Connections are served on threads of its own, one for each core; the runtime that this is
    /// awaited on accepts, and goes on driving what was opened there.
    ///
    /// From here on a panic of the process is logged by its place alone: its message may hold
    /// what a request brought.
    ///
    /// # Errors
    ///
    /// If the signals cannot be listened for or the system gives no threads to serve on, or at once
    /// if a signal comes a second time.
    pub async fn serve(self) -> Result<()> {
        self.serve_until_told().await
    }

    fn serve_until_told(self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            note_panics();
            let mut signals = Signals::new()?;
            let (told, stop) = tokio::sync::oneshot::channel();
            let again = async move {
                let first = signals.next().await;
                let _ = told.send(first);
                signals.next().await;
            };
            // The sender is in `again`, which is awaited as long as this is.
            let stop = async { stop.await.unwrap_or(Stop::Gently) };
            tokio::select! {
                ended = self.live(stop) => ended,
                () = again => Err(Error::setup("told to end twice: what was in flight is dropped")),
            }
        })
    }

    /// Serves until `stop` is over, then ends as [`serve`](Self::serve) does.
    ///
    /// # Errors
    ///
    /// If the system gives no threads to serve on.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> Result<()> {
        self.live(async {
            stop.await;
            Stop::Gently
        })
        .await
    }

    async fn live(self, stop: impl Future<Output = Stop>) -> Result<()> {
        let living = self.begin().await?;
        let stop = stop.await;
        living.end(stop).await;
        Ok(())
    }

    fn begin(mut self) -> BoxFuture<'static, Result<Living>> {
        Box::pin(async move {
            let limits = self.guard.limits();
            let life = self.guard.life().clone();
            let end = End(life.clone());
            let connections = self.connections;
            crate::descriptors::check(limits.connections);
            let workers = Workers::start(&life)?;
            self.guard.census().served_on(workers.runtimes());
            for door in &self.doors {
                exposure::warn(door.address, &door.site);
            }
            let doors = (self.doors.into_iter())
                .map(|door| accept(door, connections.clone(), workers.clone(), life.clone()))
                .map(tokio::spawn)
                .collect();
            limits.log();
            life.enter(Phase::Serving);
            self.health.tell(Phase::Serving).await;
            Ok(Living {
                doors,
                connections,
                health: self.health,
                guard: self.guard,
                workers,
                end,
            })
        })
    }
}

/// A server that serves.
struct Living {
    doors: Vec<JoinHandle<()>>,
    connections: Connections,
    health: Health,
    guard: Arc<Guard>,
    workers: Workers,
    /// Whoever drops the server's future wants the connections dropped with it.
    end: End,
}

impl Living {
    fn end(self, stop: Stop) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            // All of it: what is not named here would be dropped before this begins.
            let Self {
                doors,
                connections,
                mut health,
                guard,
                workers: _workers,
                end: _end,
            } = self;
            let (limits, life) = (guard.limits(), guard.life());
            tracing::info!(open = connections.open(), "told to end");
            if stop == Stop::Gently && !limits.lame_duck.is_zero() {
                life.enter(Phase::LameDuck);
                health.tell(Phase::LameDuck).await;
                tokio::time::sleep(limits.lame_duck).await;
            }

            life.enter(Phase::Draining);
            health.tell(Phase::Draining).await;
            let drained = async {
                for door in doors {
                    let _ = door.await;
                }
                connections.closed().await;
            };
            if timeout(limits.drain, drained).await.is_err() {
                tracing::warn!(open = connections.open(), "the drain limit has passed");
            }
        })
    }
}

/// Binds `address`, for what is served there.
async fn open(address: impl ToSocketAddrs, site: Site) -> Result<(Door, SocketAddr)> {
    let listener = listen(address).await?;
    let address = listener
        .local_addr()
        .map_err(|e| Error::setup("cannot tell the address bound").with_cause(e))?;
    let door = Door {
        listener,
        address,
        site: Arc::new(site),
    };
    Ok((door, address))
}

/// Ends a server's life when it is dropped.
struct End(super::life::Life);

impl Drop for End {
    fn drop(&mut self) {
        self.0.enter(Phase::Ended);
    }
}

/// Listens at the first of the addresses that `address` stands for that can be had.
async fn listen(address: impl ToSocketAddrs) -> Result<TcpListener> {
    let addresses = tokio::net::lookup_host(address)
        .await
        .map_err(|e| Error::setup("cannot tell which address to listen on").with_cause(e))?;
    let mut refused = Error::setup("there is no address to listen on");
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(e) => refused = Error::setup(format!("cannot listen on {address}")).with_cause(e),
        }
    }
    Err(refused)
}
