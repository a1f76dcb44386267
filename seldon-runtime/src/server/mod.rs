//! The server: what is mounted, and how it is served.

mod guard;

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};

use crate::artifact::Artifact;
use crate::config::Config;
use crate::error::{Code, Error, Result, echo};
use crate::grpc::{Classifiers, is_grpc};
use crate::predict::{Payload, Predictor};
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
        self.mounted.push(Mounted {
            kind,
            name,
            path,
            takes,
        });
    }

    /// Everything as one axum router, with the guards, to serve it elsewhere or to nest it.
    ///
    /// # Errors
    ///
    /// If a model failed to warm up, or two services clash in name, path or message.
    pub fn router(self) -> Result<Router> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        Ok(self
            .router
            .merge(self.classifiers.routes())
            .fallback(unknown_path)
            .method_not_allowed_fallback(wrong_method)
            .layer(axum::middleware::from_fn(guard::guard)))
    }

    /// Serves REST and gRPC on one `address` until the process is told to end.
    ///
    /// # Errors
    ///
    /// If what is mounted clashes, or the address cannot be bound.
    pub async fn serve(self, address: impl tokio::net::ToSocketAddrs) -> Result<()> {
        let _ = address;
        Err(Error::setup("STUB"))
    }

    /// Serves as `config` says, and prints where and what.
    pub(crate) async fn serve_as(self, config: &Config) -> Result<()> {
        let _: SocketAddr = config.address();
        Err(Error::setup("STUB"))
    }
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b))
}

async fn unknown_path(request: Request) -> Response {
    let path = echo(request.uri().path());
    let error = Error::new(Code::NotFound, format!("nothing is served at `{path}`"));
    if is_grpc(request.headers()) {
        return error.to_status().into_http();
    }
    error.into_response()
}

async fn wrong_method(request: Request) -> Response {
    let (method, path) = (echo(request.method().as_str()), echo(request.uri().path()));
    Error::new(
        Code::MethodNotAllowed,
        format!("`{path}` does not answer `{method}`"),
    )
    .into_response()
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
