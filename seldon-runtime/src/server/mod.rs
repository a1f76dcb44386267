//! The server: what is mounted, and how it is served.

mod accept;
mod activity;
mod admin;
mod bound;
mod capped;
mod census;
mod connection;
mod date;
#[cfg(test)]
mod dead_peers;
mod deadline;
mod docs;
mod exposure;
mod flood;
mod framing;
mod guard;
mod head;
mod health;
mod http1;
mod http1_head;
mod http1_reply;
mod http2;
mod index;
mod life;
mod limits;
mod mounted;
mod named;
mod reflection;
mod refusal;
mod reload;
mod request_id;
mod routes;
mod sniff;
mod socket;
mod stream;
mod workers;

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::ToSocketAddrs;

pub use bound::Bound;
#[cfg(fuzzing)]
pub use http2::fuzz::http2 as fuzz_http2;
pub use limits::Limits;

use connection::Site;
use guard::Guard;
use health::Health;
use index::Index;
use life::Life;
use mounted::{Describe, Mounted};
use routes::{Direct, Routes};

use crate::access::{ApiKeys, Tls};
use crate::artifact::{Artifact, Folder};
use crate::config::Config;
use crate::error::{Code, Error, Result, echo};
use crate::grpc::{CLASSIFY, Classifiers};
use crate::live::{self, Keeper, Kept};
use crate::observe::{Metrics, Source};
use crate::openapi;
use crate::predict::{Pool, Predictor};
use crate::recommend::{CandidateSource, Recommender};
use crate::rest;
use crate::service::Service;

/// What `seldon::run` does with a loaded model, written by the attribute.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "not annotated with `#[seldon::predictor]` or `#[seldon::recommender]`",
    note = "annotate the struct: `#[seldon::predictor]` or `#[seldon::recommender]`"
)]
pub trait Program: Artifact {
    /// Mounts the model on a server as its configuration says.
    // Not `Send`: `run` waits for it where it is called, and a source of candidates that is none
    // would be said twice.
    fn mount(self, on: Mount<'_>) -> impl Future<Output = Result<Server>>;
}

/// A server with one more service, or what keeps it from being served.
// Here for the expansions, whose line it shortens.
pub type Composed = Result<Server>;

/// A server, and the configuration by which a program's model is mounted on it.
pub struct Mount<'a> {
    pub(crate) server: Server,
    pub(crate) config: &'a Config,
    /// Where the model is from.
    pub(crate) folder: &'a Folder,
}

/// Services, composed into one server.
#[derive(Default)]
pub struct Server {
    router: Router,
    /// What of the router's is answered without it.
    known: Vec<Direct>,
    classifiers: Classifiers,
    mounted: Vec<Mounted>,
    /// Of the models that have one: their limits are the server's, which come last.
    pools: Vec<Pool>,
    limits: Limits,
    tls: Option<Tls>,
    keys: Option<ApiKeys>,
    /// How often the folders of models are looked at, if they are.
    watch: Option<Duration>,
    /// The first thing that was wrong with what was mounted: said when the server starts.
    wrong: Option<Error>,
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

    /// Serves within TLS only: see [`Tls`]. Administration is not, on its listener of its own.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Serves those only that have one of these keys, health aside, which is open: see
    /// [`ApiKeys`]. So is administration, on its listener of its own.
    #[must_use]
    pub fn api_keys(mut self, keys: ApiKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Looks each `period` at the folders that the services' models are
    /// [loaded from](Service::loaded_from), and takes new versions of them in.
    ///
    /// A version is loaded and warmed up on a thread aside, and then answers the requests that
    /// come; those that have begun are finished by the version before. What cannot be loaded is
    /// refused, and the version before goes on.
    #[must_use]
    pub fn watch(mut self, period: Duration) -> Self {
        self.watch = Some(period);
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
        let described = service.clone();
        let describe: Describe =
            Box::new(move |settings| openapi::predictor(&*described.model(), settings));
        let takes = service.model().message().to_owned();
        let mut mounted = Mounted::of("predictor", &service, describe);
        mounted.takes = Some(takes);
        mounted.descriptors = service.model().facts().descriptors;
        self.note(mounted);
        if self.wrong.is_none() {
            self.router = self.router.merge(P::routes(service.clone()));
            let known = rest::predict_known(service.clone());
            self.known.push((service.path().into(), known));
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
        let describe = Box::new(openapi::recommender::<R>);
        let mut mounted = Mounted::of("recommender", &service, describe);
        if R::Source::LOOKS_UP {
            let service = service.clone();
            let source = Source(Arc::new(move || service.source().state()));
            mounted.observed.source = Some(source);
        }
        self.note(mounted);
        if self.wrong.is_none() {
            self.router = self.router.merge(R::routes(service.clone()));
            let path = service.path().into();
            self.known.push((path, rest::recommend_known(service)));
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
    fn note(&mut self, mounted: Mounted) {
        if let Some(wrong) = mounted.clash(&self.mounted) {
            self.wrong.get_or_insert(wrong);
        }
        self.pools.extend(mounted.observed.pool.clone());
        self.mounted.push(mounted);
    }

    /// Everything as one axum router, with the guards, to serve it elsewhere or to nest it.
    ///
    /// What stands below requests is then the other server's: connections, TLS, their limits and
    /// the drain.
    ///
    /// # Errors
    ///
    /// If a model failed to warm up, two services clash in name, path or message, or a limit is
    /// out of its range.
    pub fn router(self) -> Result<Router> {
        let ready = self.ready()?;
        ready.guard.life().enter(life::Phase::Serving);
        // Nobody else has it yet, so that this does not wait.
        let _ = ready
            .health
            .clone()
            .tell(life::Phase::Serving)
            .now_or_never();
        let (guard, keys) = (Arc::clone(&ready.guard), ready.keys.clone());
        let answer = from_fn(move |request: Request, next: Next| {
            let (guard, keys) = (Arc::clone(&guard), keys.clone());
            async move {
                let next = |request| async { Ok::<_, Infallible>(next.run(request).await) };
                let answer = guard.answer(request, keys.as_ref(), None, next);
                answer.await.map(Body::new)
            }
        });
        Ok(ready.router().layer(answer))
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
        Bound::together(&ready, address).await
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
        Bound::apart(&ready, rest, grpc).await
    }

    /// Serves as `config` says, and prints where and what.
    pub(crate) fn serve_as(mut self, config: &Config) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.limits = config.limits.clone();
            self.tls = config.tls()?;
            self.keys = config.keys()?;
            self.watch = config.watch;
            let scheme = if self.tls.is_some() { "https" } else { "http" };
            let mounted: Vec<String> = self.mounted.iter().map(Mounted::line).collect();
            let mut bound = match config.grpc_address() {
                None => self.bind(config.address()).await?,
                Some(grpc) => self.bind_apart(config.address(), grpc).await?,
            };
            if let Some(admin) = config.admin_address() {
                bound = bound.administered(admin).await?;
            }
            let (rest, grpc) = (bound.local_addr(), bound.grpc_addr());
            let mut lines = vec![if rest == grpc {
                format!("listening on {scheme}://{rest} (REST and gRPC)")
            } else {
                format!("listening on {scheme}://{rest} (REST) and {scheme}://{grpc} (gRPC)")
            }];
            lines.extend(mounted);
            if let Some(admin) = bound.admin_addr() {
                lines.push(format!("metrics at http://{admin}{}", admin::METRICS));
                lines.push(format!("documentation at http://{admin}{}", docs::PAGE));
            }
            // Whoever reads this may have left, and `println` would panic: that is no reason to end.
            let _ = writeln!(io::stdout(), "{}", lines.join("\n"));
            bound.serve().await
        })
    }

    /// The name of what answers at each path.
    fn paths(&self) -> Vec<(String, String)> {
        let mut predictors = self.mounted.iter().filter(|m| m.takes.is_some());
        let method = match (predictors.next(), predictors.next()) {
            (None, _) => None,
            (Some(only), None) => Some(only.name.clone()),
            (Some(_), Some(_)) => Some(SHARED.to_owned()),
        };
        let rest = self
            .mounted
            .iter()
            .map(|m| (m.name.clone(), m.path.clone()));
        let grpc = method.map(|name| (name, CLASSIFY.to_owned()));
        rest.chain(grpc).collect()
    }

    /// What takes new versions of models in; nothing where no model comes from anywhere.
    fn keeper(&self) -> Result<Option<Keeper>> {
        if let Some(period) = self.watch {
            live::check_period(period)?;
        }
        let kept: Vec<Kept> = (self.mounted.iter())
            .map(|mounted| &mounted.observed)
            .filter(|observed| observed.model.seen().is_some())
            .map(|observed| {
                let (name, model) = (Arc::clone(&observed.name), Arc::clone(&observed.model));
                let (figures, limit) = (observed.figures.clone(), self.limits.reload_time);
                Kept::new(name, model, figures, limit, self.watch)
            })
            .collect();
        if kept.is_empty() {
            return Ok(None);
        }
        if let Some(period) = self.watch {
            tracing::info!(?period, "the folders of models are watched");
        }
        Keeper::start(kept, self.watch).map(Some)
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
        let life = Life::new();
        let index = Index::new(&self.mounted);
        let observed = (self.mounted.iter()).map(|mounted| mounted.observed.clone());
        let metrics = Metrics::new(observed.collect(), self.paths());
        if let Some(tls) = &self.tls {
            tls.watch(metrics.reloads())?;
        }
        if let Some(keys) = &self.keys {
            keys.watch(metrics.reloads())?;
        }
        let keeper = self.keeper()?;
        let names = self.mounted.iter().map(|mounted| mounted.name.clone());
        let health = Health::new(life.clone(), names);
        let descriptors: Vec<_> = (self.mounted.iter())
            .map(|mounted| &*mounted.descriptors)
            .collect();
        let grpc = self.classifiers.routes(self.limits.message);
        Ok(Ready {
            rest: Face {
                services: self.router,
                known: self.known,
                own: health.rest().merge(index.routes()),
            },
            grpc: Face {
                services: grpc.router,
                known: (grpc.known.into_iter())
                    .map(|known| (CLASSIFY.into(), known))
                    .collect(),
                own: health.grpc().merge(reflection::routes(&descriptors)?),
            },
            guard: Arc::new(Guard::new(self.limits, life, metrics, self.pools, keeper)),
            health,
            tls: self.tls,
            keys: self.keys,
            index,
            mounted: self.mounted.into(),
        })
    }
}

/// The name of the method where several predictors share it.
const SHARED: &str = "shared";

/// A server that is fit to serve.
struct Ready {
    rest: Face,
    grpc: Face,
    guard: Arc<Guard>,
    health: Health,
    tls: Option<Tls>,
    keys: Option<ApiKeys>,
    index: Index,
    mounted: Arc<[Mounted]>,
}

impl Ready {
    /// What is served at an address: `routes`, to those that may come in.
    fn site(&self, routes: Routes) -> Site {
        Site::new(routes, &self.guard, self.tls.clone(), self.keys.clone())
    }

    /// Both faces, by the router alone.
    fn router(&self) -> Router {
        self.face().router()
    }

    /// Both faces.
    fn routes(&self) -> Routes {
        self.face().routes()
    }

    fn face(&self) -> Face {
        let (rest, grpc) = (self.rest.clone(), self.grpc.clone());
        Face {
            services: rest.services.merge(grpc.services),
            known: rest.known.into_iter().chain(grpc.known).collect(),
            own: rest.own.merge(grpc.own),
        }
    }
}

/// What one transport answers.
#[derive(Clone)]
struct Face {
    /// What the user mounted.
    services: Router,
    known: Vec<Direct>,
    /// What the server adds where the user has nothing.
    own: Router,
}

impl Face {
    fn routes(self) -> Routes {
        let known = self.known.clone();
        Routes::new(self.router(), known)
    }

    /// As one router, with an answer to all else.
    fn router(self) -> Router {
        let own = (self.own)
            .fallback(unknown_path)
            .method_not_allowed_fallback(wrong_method);
        (self.services)
            .method_not_allowed_fallback(wrong_method)
            .fallback_service(own)
    }
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

impl Mount<'_> {
    /// Mounts a predictor.
    ///
    /// # Errors
    ///
    /// If the model fails to warm up.
    pub fn predictor<P: Predictor>(self, model: P) -> Result<Server> {
        let mut service = self.configured(Service::predictor(model)?);
        if let Some(reply) = self.config.reply {
            service = service.replying(reply);
        }
        Ok(self.server.mount_service(service))
    }

    /// Mounts a recommender, with its source of candidates opened.
    ///
    /// # Errors
    ///
    /// If the source cannot be opened, or the model fails to warm up.
    pub async fn recommender<R: Recommender>(self, model: R) -> Result<Server> {
        let source = R::Source::open(self.config).await?;
        let service = self.configured(Service::recommender(model, source)?);
        Ok(self.server.recommender_service(service))
    }

    fn configured<M, S>(&self, service: Service<M, S>) -> Service<M, S> {
        let mut service = service.loaded_from(self.folder);
        if let Some(name) = &self.config.model_name {
            service = service.named(name);
        }
        if let Some(variation) = &self.config.variation {
            service = service.variation(variation);
        }
        service
    }
}
