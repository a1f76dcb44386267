//! The server: what is mounted, and how it is served.

mod accept;
mod activity;
mod bound;
mod capped;
mod connection;
mod deadline;
mod flood;
mod guard;
mod life;
mod limits;
mod refusal;
mod request_id;
mod sniff;
mod socket;

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, Write};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use tokio::net::ToSocketAddrs;

pub use bound::Bound;
pub use limits::Limits;

use guard::Guard;
use life::Life;

use crate::artifact::Artifact;
use crate::config::Config;
use crate::error::{Code, Error, Result, echo};
use crate::grpc::Classifiers;
use crate::predict::{Payload, Pool, Predictor};
use crate::recommend::{CandidateSource, Recommender};
use crate::service::Service;

/// What `seldon::run` does with a loaded model, written by the attribute.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "not annotated with `#[seldon::predictor]` or `#[seldon::recommender]`",
    note = "annotate the struct: `#[seldon::predictor]` or `#[seldon::recommender]`"
)]
pub trait Program: Artifact {
    /// Mounts the model on `server` as `config` says.
    fn mount(self, server: Server, config: &Config) -> impl Future<Output = Result<Server>> + Send;
}

/// Services, composed into one server.
#[derive(Default)]
pub struct Server {
    router: Router,
    classifiers: Classifiers,
    mounted: Vec<Mounted>,
    /// Of the models that have one: their limits are the server's, which come last.
    pools: Vec<Pool>,
    limits: Limits,
    /// The first thing that was wrong with what was mounted: said when the server starts.
    wrong: Option<Error>,
}

/// What is known of a mounted service whatever its type.
#[derive(Debug)]
struct Mounted {
    kind: &'static str,
    name: String,
    path: String,
    /// The message that it takes, if it is a predictor.
    takes: Option<&'static str>,
}

impl Server {
    /// A server of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same server with other limits than the default ones.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Serves a predictor as its attribute says.
    #[must_use]
    pub fn mount<P: Predictor>(self, model: P) -> Self {
        self.mount_made(Service::predictor(model))
    }

    /// Serves a predictor with REST at `path`.
    #[must_use]
    pub fn mount_at<P: Predictor>(self, path: &str, model: P) -> Self {
        self.mount_made(Service::predictor(model).map(|service| service.at(path)))
    }

    /// Serves a predictor with settings of its own.
    #[must_use]
    pub fn mount_service<P: Predictor>(mut self, service: Service<P>) -> Self {
        self.note("predictor", &service, Some(P::Data::TYPE_NAME));
        if self.wrong.is_none() {
            self.router = self.router.merge(P::routes(service.clone()));
            self.classifiers.add(service);
        }
        self
    }

    /// Serves a recommender as its attribute says, with its candidates from `source`.
    #[must_use]
    pub fn recommender<R: Recommender>(mut self, model: R, source: R::Source) -> Self {
        match Service::recommender(model, source) {
            Ok(service) => self.recommender_service(service),
            Err(error) => {
                self.wrong.get_or_insert(error);
                self
            }
        }
    }

    /// Serves a recommender with settings of its own.
    #[must_use]
    pub fn recommender_service<R: Recommender>(mut self, service: Service<R, R::Source>) -> Self {
        self.note("recommender", &service, None);
        if self.wrong.is_none() {
            self.router = self.router.merge(R::routes(service));
        }
        self
    }

    /// Serves routes of your own beside the services'.
    #[must_use]
    pub fn routes(mut self, router: Router) -> Self {
        self.router = self.router.merge(router);
        self
    }

    fn mount_made<P: Predictor>(mut self, service: Result<Service<P>>) -> Self {
        match service {
            Ok(service) => self.mount_service(service),
            Err(error) => {
                self.wrong.get_or_insert(error);
                self
            }
        }
    }

    /// Notes what is mounted, and whether it clashes with what is there.
    fn note<M, S>(
        &mut self,
        kind: &'static str,
        service: &Service<M, S>,
        takes: Option<&'static str>,
    ) {
        let (name, path) = (service.name().to_owned(), service.path().to_owned());
        let clash = |what: &str, of: &Mounted| {
            let first = &of.name;
            Error::setup(format!(
                "`{name}` and `{first}` cannot be served together: {what}"
            ))
        };
        let wrong = if !is_path(&path) {
            Some(Error::setup(format!(
                "`{name}` cannot be served at `{path}`: a path begins with `/`, and holds letters, digits, `/`, `-`, `_`, `.` and `~`"
            )))
        } else if let Some(other) = self.mounted.iter().find(|m| m.name == name) {
            Some(clash("both have that name", other))
        } else if let Some(other) = self.mounted.iter().find(|m| m.path == path) {
            Some(clash(&format!("both are at {path}"), other))
        } else if let Some(other) = self
            .mounted
            .iter()
            .find(|m| takes.is_some() && m.takes == takes)
        {
            Some(clash(
                &format!("both take a `{}`", takes.unwrap_or_default()),
                other,
            ))
        } else {
            None
        };
        if let Some(wrong) = wrong {
            self.wrong.get_or_insert(wrong);
        }
        self.pools.extend(service.pool().cloned());
        self.mounted.push(Mounted {
            kind,
            name,
            path,
            takes,
        });
    }

    /// Everything as one axum router, with the guards, to serve it elsewhere or to nest it.
    ///
    /// What stands below requests is then the other server's: connections, their limits and the
    /// drain.
    ///
    /// # Errors
    ///
    /// If a model failed to warm up, two services clash in name, path or message, or a limit is
    /// out of its range.
    pub fn router(self) -> Result<Router> {
        let ready = self.ready()?;
        ready.guard.life().enter(life::Phase::Serving);
        let guard = Arc::new(ready.guard);
        let answer = from_fn(move |request: Request, next: Next| {
            let guard = Arc::clone(&guard);
            async move {
                let next = |request| async { Ok::<_, Infallible>(next.run(request).await) };
                guard.answer(request, next).await
            }
        });
        Ok(whole(ready.rest.merge(ready.grpc)).layer(answer))
    }

    /// Serves REST and gRPC on one `address` until the process is told to end: see
    /// [`Bound::serve`].
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Self::bind) and of [`Bound::serve`].
    pub async fn serve(self, address: impl ToSocketAddrs) -> Result<()> {
        self.bind(address).await?.serve().await
    }

    /// Binds one `address` for REST and gRPC; port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// Those of [`router`](Self::router), and if the address cannot be bound, with the address.
    pub async fn bind(self, address: impl ToSocketAddrs) -> Result<Bound> {
        let ready = self.ready()?;
        let mut bound = Bound::new(ready.guard);
        bound
            .open(address, whole(ready.rest.merge(ready.grpc)))
            .await?;
        Ok(bound)
    }

    /// Binds an address for REST and one for gRPC, neither of which answers the other.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Self::bind).
    pub async fn bind_apart(
        self,
        rest: impl ToSocketAddrs,
        grpc: impl ToSocketAddrs,
    ) -> Result<Bound> {
        let ready = self.ready()?;
        let mut bound = Bound::new(ready.guard);
        bound.open(rest, whole(ready.rest)).await?;
        bound.open(grpc, whole(ready.grpc)).await?;
        Ok(bound)
    }

    /// Serves as `config` says, and prints where and what.
    pub(crate) async fn serve_as(mut self, config: &Config) -> Result<()> {
        self.limits = config.limits.clone();
        let mounted: Vec<String> = self.mounted.iter().map(Mounted::line).collect();
        let bound = match config.grpc_address() {
            None => self.bind(config.address()).await?,
            Some(grpc) => self.bind_apart(config.address(), grpc).await?,
        };
        let (rest, grpc) = (bound.local_addr(), bound.grpc_addr());
        let listening = if rest == grpc {
            format!("listening on http://{rest} (REST and gRPC)")
        } else {
            format!("listening on http://{rest} (REST) and http://{grpc} (gRPC)")
        };
        // Whoever reads this may have left, and `println` would panic: that is no reason to end.
        let _ = writeln!(io::stdout(), "{listening}\n{}", mounted.join("\n"));
        tracing::info!(limits = ?bound.limits(), "serving");
        bound.serve().await
    }

    /// All that can be known to be wrong before an address is bound.
    fn ready(self) -> Result<Ready> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        self.limits.check()?;
        for pool in &self.pools {
            pool.limit(&self.limits);
        }
        Ok(Ready {
            grpc: self.classifiers.routes(self.limits.message),
            rest: self.router,
            guard: Guard::new(self.limits, Life::new()),
        })
    }
}

/// A server that is fit to serve.
struct Ready {
    rest: Router,
    grpc: Router,
    guard: Guard,
}

impl Mounted {
    /// What a person reads when the server starts.
    fn line(&self) -> String {
        let (kind, name, path) = (self.kind, &self.name, &self.path);
        match self.takes {
            Some(message) => format!("  {kind} {name} at {path}, over gRPC with a {message}"),
            None => format!("  {kind} {name} at {path}"),
        }
    }
}

/// `routes`, and an answer to all else.
fn whole(routes: Router) -> Router {
    routes
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b))
}

async fn unknown_path(request: Request) -> Error {
    let path = echo(request.uri().path());
    Error::new(Code::NotFound, format!("nothing is served at `{path}`"))
}

async fn wrong_method(request: Request) -> Error {
    let (method, path) = (echo(request.method().as_str()), echo(request.uri().path()));
    Error::new(
        Code::MethodNotAllowed,
        format!("`{path}` does not answer `{method}`"),
    )
}

/// Mounts a predictor as a program's configuration says.
///
/// # Errors
///
/// If the model fails to warm up.
pub fn mount_predictor<P: Predictor>(model: P, server: Server, config: &Config) -> Result<Server> {
    let mut service = configured(Service::predictor(model)?, config);
    if let Some(reply) = config.reply {
        service = service.replying(reply);
    }
    Ok(server.mount_service(service))
}

/// Mounts a recommender as a program's configuration says, with its source of candidates opened.
///
/// # Errors
///
/// If the source cannot be opened, or the model fails to warm up.
pub async fn mount_recommender<R: Recommender>(
    model: R,
    server: Server,
    config: &Config,
) -> Result<Server> {
    let source = R::Source::open(config).await?;
    let service = configured(Service::recommender(model, source)?, config);
    Ok(server.recommender_service(service))
}

fn configured<M, S>(mut service: Service<M, S>, config: &Config) -> Service<M, S> {
    if let Some(name) = &config.model_name {
        service = service.named(name);
    }
    if let Some(variation) = &config.variation {
        service = service.variation(variation);
    }
    service
}
