//! The one gRPC method as a route, over the predictors that share it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc as Unary, UnaryService};
use tonic::{Status, codec::CompressionEncoding};
use tonic_prost::ProstCodec;

use super::classify::{classify_framed, type_name};
use super::direct::{Direct, is_compressed};
use super::frame::frame;
use super::{Message, Reply, Versioned};
use crate::error::{Code, Error, Result, echo};
use crate::known::Known;
use crate::live::MODEL_VERSION;
use crate::observe::choose;
use crate::predict::{Executor, Predictor};
use crate::proto::{ClassificationReply, ClassificationRequest};
use crate::service::Service;

/// The method's path.
pub(crate) const CLASSIFY: &str = "/io.seldon.api.rpc.Seldon/Classify";

/// Metadata that names the predictor where several share the method.
const MODEL: &str = "seldon-model";

/// The predictors that share the method.
#[derive(Default)]
pub(crate) struct Classifiers {
    all: Vec<Box<dyn Classifier>>,
    /// The only one, as a route that calls it without indirection.
    alone: Option<Box<dyn FnOnce(usize) -> Routes + Send + Sync>>,
}

impl Classifiers {
    pub(crate) fn add<P: Predictor>(&mut self, service: Service<P>) {
        let one = Arc::new(One::new(service.clone()));
        self.alone = match self.all.is_empty() {
            true => Some(Box::new(|limit| routes(one, limit))),
            false => None,
        };
        self.all.push(Box::new(One::new(service)));
    }

    /// The method for messages of at most `limit` bytes each way; nothing where there is no
    /// predictor.
    pub(crate) fn routes(self, limit: usize) -> Routes {
        match (self.alone, self.all.len()) {
            (Some(alone), _) => alone(limit),
            (None, 0) => Routes::default(),
            (None, _) => routes(Arc::new(Many(self.all)), limit),
        }
    }
}

/// The method, for the router and for what is answered without it.
#[derive(Default)]
pub(crate) struct Routes {
    pub(crate) router: Router,
    pub(crate) known: Option<Arc<dyn Known>>,
}

/// What answers a call.
pub(super) trait Choice: Send + Sync + 'static {
    /// Whether its answers wait for nothing.
    fn is_at_once(&self) -> bool;

    /// Answers `request`, by the predictor that `model` names, or else the request's type.
    fn answer(&self, model: Option<&str>, request: Message) -> impl Future<Output = Reply> + Send;

    /// The same, framed, for replies of at most `limit` bytes.
    fn answer_framed(
        &self,
        model: Option<&str>,
        request: Message,
        limit: usize,
    ) -> impl Future<Output = Result<Versioned<Bytes>>> + Send;
}

/// One predictor: a call for another is refused, one that names none is its own.
struct One<P> {
    service: Service<P>,
    /// The message that it takes: that of all versions.
    takes: String,
}

/// Several, behind a box a call: which of them is known only then.
struct Many(Vec<Box<dyn Classifier>>);

/// A predictor of any type.
trait Classifier: Send + Sync + 'static {
    fn name(&self) -> &str;
    fn takes(&self) -> &str;
    fn classify<'a>(&'a self, request: Message)
    -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;
}

impl<P: Predictor> Classifier for One<P> {
    fn name(&self) -> &str {
        self.service.name()
    }

    fn takes(&self) -> &str {
        &self.takes
    }

    fn classify<'a>(
        &'a self,
        request: Message,
    ) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>> {
        Box::pin(P::classify(&self.service, request))
    }
}

impl<P: Predictor> Choice for One<P> {
    fn is_at_once(&self) -> bool {
        !P::Run::HOPS && P::BATCHING.is_none()
    }

    async fn answer(&self, model: Option<&str>, request: Message) -> Reply {
        self.check(model)?;
        P::classify(&self.service, request).await
    }

    async fn answer_framed(
        &self,
        model: Option<&str>,
        request: Message,
        limit: usize,
    ) -> Result<Versioned<Bytes>> {
        self.check(model)?;
        classify_framed(&self.service, request, limit).await
    }
}

impl<P: Predictor> One<P> {
    fn new(service: Service<P>) -> Self {
        let takes = service.model().message().to_owned();
        Self { service, takes }
    }

    /// Whether a call for `model` is for this one.
    fn check(&self, model: Option<&str>) -> Result<()> {
        match model {
            Some(model) if model != self.service.name() => {
                Err(unknown(model, [self.service.name()]))
            }
            _ => Ok(()),
        }
    }
}

impl Choice for Many {
    fn is_at_once(&self) -> bool {
        false
    }

    async fn answer(&self, model: Option<&str>, request: Message) -> Reply {
        let chosen = self.choose(model, &request)?;
        choose(chosen.name());
        chosen.classify(request).await
    }

    async fn answer_framed(
        &self,
        model: Option<&str>,
        request: Message,
        limit: usize,
    ) -> Result<Versioned<Bytes>> {
        let Versioned { reply, version } = self.answer(model, request).await?;
        let reply = frame(&reply, limit)?;
        Ok(Versioned { reply, version })
    }
}

impl Many {
    fn choose(&self, model: Option<&str>, request: &Message) -> Result<&dyn Classifier> {
        let by = |is: &dyn Fn(&dyn Classifier) -> bool| {
            self.0
                .iter()
                .map(|classifier| &**classifier)
                .find(|classifier| is(*classifier))
        };
        if let Some(model) = model {
            return by(&|c| c.name() == model)
                .ok_or_else(|| unknown(model, self.0.iter().map(|c| c.name())));
        }
        let Some(any) = &request.data else {
            return Err(Error::new(Code::InvalidMessage, "`data` is missing"));
        };
        let name = type_name(any)?;
        by(&|c| c.takes() == name).ok_or_else(|| {
            let taken: Vec<String> = self.0.iter().map(|c| format!("`{}`", c.takes())).collect();
            let detail = format!(
                "no model here takes a `{}`: `data` must hold one of {}",
                echo(name),
                taken.join(", ")
            );
            Error::new(Code::ModelNotFound, detail)
        })
    }
}

fn unknown<'a>(model: &str, served: impl IntoIterator<Item = &'a str>) -> Error {
    let served: Vec<String> = served.into_iter().map(|name| format!("`{name}`")).collect();
    let detail = format!(
        "no model `{}` is served here, only {}",
        echo(model),
        served.join(", ")
    );
    Error::new(Code::ModelNotFound, detail)
}

fn routes<C: Choice>(choice: Arc<C>, limit: usize) -> Routes {
    let direct = Direct {
        choice: Arc::clone(&choice),
        limit,
    };
    let route = post(move |request| call(Arc::clone(&choice), limit, request));
    Routes {
        router: Router::new().route(CLASSIFY, route),
        known: Some(Arc::new(direct)),
    }
}

async fn call<C: Choice>(choice: Arc<C>, limit: usize, request: Request<Body>) -> Response<Body> {
    if !is_grpc(request.headers()) {
        let detail = "gRPC is answered here: the content type must be `application/grpc`";
        return Error::new(Code::UnsupportedMediaType, detail).into_response();
    }
    let mut unary = Unary::new(ProstCodec::<ClassificationReply, ClassificationRequest>::default())
        .apply_max_message_size_config(Some(limit), Some(limit))
        .accept_compressed(CompressionEncoding::Gzip);
    // Every client says that it could read what is compressed; those that compress themselves are
    // known to want it.
    if is_compressed(request.headers()) {
        unary = unary.send_compressed(CompressionEncoding::Gzip);
    }
    let response = unary.unary(Method(choice), request).await;
    match refused(response.headers(), limit) {
        None => response.map(Body::new),
        Some(error) => {
            let known = response.headers().get(ACCEPT_ENCODING).cloned();
            let mut response = error.into_response();
            if let Some(known) = known {
                response.headers_mut().insert(ACCEPT_ENCODING, known);
            }
            response
        }
    }
}

/// The compressions that are known here, said where a request uses another.
const ACCEPT_ENCODING: &str = "grpc-accept-encoding";

/// What tonic itself answered in `headers`, in our words: its errors have no details, and its
/// codes are not the contract's.
fn refused(headers: &HeaderMap, limit: usize) -> Option<Error> {
    // Ours have details.
    if headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return None;
    }
    let status = headers.get(Status::GRPC_STATUS)?;
    Some(match tonic::Code::from_bytes(status.as_bytes()) {
        tonic::Code::Ok => return None,
        // Of the message as it came, and as it was inflated.
        tonic::Code::OutOfRange | tonic::Code::ResourceExhausted => over_limit(limit),
        tonic::Code::Unimplemented => Error::new(
            Code::UnsupportedEncoding,
            "the message is compressed in a way that is not read here",
        ),
        _ => undecodable(Status::from_header_map(headers)?.message()),
    })
}

/// A message that does not decode, as `said` by prost: where that is within a field, it is the
/// caller's who wrote it, and named.
pub(super) fn undecodable(said: &str) -> Error {
    // `ClassificationRequestMeta.puid: ClassificationRequest.meta: invalid …`, the innermost first.
    let parts: Vec<&str> = said.split(": ").collect();
    let Some(outermost) =
        (parts.iter()).position(|part| part.starts_with("ClassificationRequest."))
    else {
        return no_single_message();
    };
    let what = parts[outermost + 1..].join(": ");
    // The request itself ends too early.
    if outermost == FIRST_PLACE && what == "buffer underflow" {
        return no_single_message();
    }
    let fields = parts[..=outermost].iter().rev();
    let fields: Vec<&str> = fields
        .filter_map(|part| Some(part.split_once('.')?.1))
        .collect();
    let detail = format!("`{}` does not decode: {what}", fields.join("."));
    Error::new(Code::InvalidMessage, detail)
}

/// Of a field's name in what prost says, after "failed to decode Protobuf message".
const FIRST_PLACE: usize = 1;

pub(super) fn over_limit(limit: usize) -> Error {
    let detail = format!("the message is over the limit of {limit} bytes");
    Error::new(Code::TooLarge, detail)
}

pub(super) fn no_single_message() -> Error {
    let detail = "the request is no single message as gRPC frames it";
    Error::new(Code::MalformedMessage, detail)
}

/// The predictor that a call is for, if its metadata name one.
pub(super) fn model_named(headers: &HeaderMap) -> Option<&str> {
    first(headers, MODEL).map(|name| name.to_str().unwrap_or("?"))
}

/// The first header of that name. Among the few that a call has, comparing is quicker than
/// hashing.
pub(super) fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a HeaderValue> {
    let mut found = headers.iter().filter(|(known, _)| *known == name);
    found.next().map(|(_, value)| value)
}

/// Whether a request speaks gRPC.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    first(headers, header::CONTENT_TYPE.as_str()).is_some_and(|kind| is_grpc_type(kind.as_bytes()))
}

/// Whether that is said by its content type. gRPC-Web is another protocol: its trailers are in the
/// body.
pub(crate) fn is_grpc_type(kind: &[u8]) -> bool {
    let rest = kind.strip_prefix(b"application/grpc");
    matches!(rest, Some([] | [b'+' | b';' | b' ', ..]))
}

/// The method, for one call.
struct Method<C>(Arc<C>);

impl<C: Choice> UnaryService<ClassificationRequest> for Method<C> {
    type Response = ClassificationReply;
    type Future = Answer;

    fn call(&mut self, request: tonic::Request<ClassificationRequest>) -> Answer {
        let choice = Arc::clone(&self.0);
        Answer(Box::pin(async move {
            let (metadata, _, message) = request.into_parts();
            let reply = choice.answer(model_named(metadata.as_ref()), message).await;
            reply.map(respond).map_err(Error::into_status)
        }))
    }
}

fn respond(reply: Versioned<ClassificationReply>) -> tonic::Response<ClassificationReply> {
    let mut response = tonic::Response::new(reply.reply);
    if let Some(version) = reply.version {
        let headers = HeaderMap::from_iter([(MODEL_VERSION, version)]);
        *response.metadata_mut() = MetadataMap::from_headers(headers);
    }
    response
}

/// Tonic wants a future with a name.
struct Answer(
    Pin<Box<dyn Future<Output = Result<tonic::Response<ClassificationReply>, Status>> + Send>>,
);

impl Future for Answer {
    type Output = Result<tonic::Response<ClassificationReply>, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}
