//! `GET` and `POST /predict`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use serde::ser::{Serialize, SerializeSeq, SerializeStruct, Serializer};

use super::body::{self, Content};
use super::parameters::Parameters;
use crate::error::Result;
use crate::known::{self, Answering, Known, Reads};
use crate::observe::{Stage, Transport};
use crate::predict::{
    Answers, Arrival, Checked, Executor, Features, Predictor, Reply, arriving, decode, score,
};
use crate::service::Service;

/// The routes of a predictor.
pub fn predict_routes<P: Predictor>(service: Service<P>) -> Router {
    let path = service.path().to_owned();
    Router::new()
        .route(&path, get(predict::<P>).post(predict::<P>))
        .with_state(service)
}

/// The same, for what the server answers without the router.
pub(crate) fn predict_known<P: Predictor>(service: Service<P>) -> Arc<dyn Known> {
    Arc::new(Direct(service))
}

struct Direct<P>(Service<P>);

impl<P: Predictor> Known for Direct<P> {
    fn reads(&self, head: &Parts) -> Option<Reads> {
        match head.method {
            // A batch waits for requests that have come in, from before their bodies are read.
            _ if P::BATCHING.is_some() => None,
            Method::GET => Some(Reads::Nothing),
            Method::POST if body::is_plain(&head.headers) => Some(Reads::Body),
            _ => None,
        }
    }

    fn answer(&self, head: &Parts, body: Bytes) -> Answering {
        if !P::Run::HOPS {
            return Answering::now(answer(&self.0, None, &head.uri, body));
        }
        let (service, uri) = (self.0.clone(), head.uri.clone());
        Answering::Later(Box::pin(
            async move { answer(&service, None, &uri, body).await },
        ))
    }
}

async fn predict<P: Predictor>(
    State(service): State<Service<P>>,
    request: Request<Body>,
) -> Result<axum::response::Response> {
    let arrival = arriving(&service);
    let (head, body) = request.into_parts();
    let body = match head.method {
        Method::POST if !body::is_plain(&head.headers) => return Ok(body::compressed()),
        Method::POST => body::read(body).await?,
        _ => Bytes::new(),
    };
    let response = answer(&service, arrival, &head.uri, body).await?;
    Ok(response.map(Body::new))
}

async fn answer<P: Predictor>(
    service: &Service<P>,
    arrival: Option<Arrival>,
    uri: &Uri,
    body: Bytes,
) -> Result<Response<known::Reply>> {
    let content = Content::of(body);
    let mut watch = service.figures().stages.watch(Transport::Rest);
    let (form, json): (&[u8], Option<&[u8]>) = match &content {
        Content::Empty => (&[], None),
        Content::Json(body) => (&[], Some(body)),
        Content::Form(form) => (form, None),
    };
    let query = uri.query().unwrap_or_default().as_bytes();
    let mut parameters = Parameters::parse(query, form);
    let puid = parameters.text("puid");
    let text = parameters.text("json");
    // Named in the contract; nothing here depends on it, yet given twice it is wrong.
    parameters.text("client");
    let features = match (json, text.as_deref().map(str::as_bytes)) {
        (Some(json), None) | (None, Some(json)) => decode::<P::Data>(json),
        (Some(_), Some(_)) => {
            parameters.wrong("json", "is given twice: as a parameter and as the body");
            Ok(Features::Batch(Vec::new()))
        }
        (None, None) => {
            parameters.missing("json");
            Ok(Features::Batch(Vec::new()))
        }
    };
    parameters.finish()?;
    let features = features?;
    watch.lap(Stage::Decode);
    let answers = score(service, &mut watch, arrival, features).await?;
    let puid = match (service.settings().reply, puid) {
        (Reply::Documented, _) => String::new(),
        (Reply::Classic, Some(puid)) => puid.into_owned(),
        (Reply::Classic, None) => crate::puid::new(),
    };
    let response = write(service, &puid, &answers);
    watch.lap(Stage::Encode);
    response
}

fn write<P: Predictor>(
    service: &Service<P>,
    puid: &str,
    answers: &Answers,
) -> Result<Response<known::Reply>> {
    let settings = service.settings();
    let predictions = Predictions {
        answers,
        reply: settings.reply,
    };
    let body = match settings.reply {
        Reply::Documented => serde_json::to_vec(&Documented { predictions }),
        Reply::Classic => {
            let custom = match answers {
                Answers::One(Checked {
                    custom: Some(custom),
                    ..
                }) => Some((custom.json)(&custom.any)?),
                _ => None,
            };
            let meta = Meta {
                puid,
                model_name: &settings.name,
                variation: &settings.variation,
            };
            serde_json::to_vec(&Classic {
                meta,
                predictions,
                custom,
            })
        }
    }?;
    let mut response = Response::new(known::Reply::Whole(body.into()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

#[derive(serde::Serialize)]
struct Documented<'a> {
    predictions: Predictions<'a>,
}

#[derive(serde::Serialize)]
struct Classic<'a> {
    meta: Meta<'a>,
    predictions: Predictions<'a>,
    /// Present though null: the original server's parser expects the key.
    custom: Option<serde_json::Value>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    puid: &'a str,
    model_name: &'a str,
    variation: &'a str,
}

/// The classes of one row, or those of each row of a batch.
struct Predictions<'a> {
    answers: &'a Answers,
    reply: Reply,
}

impl Serialize for Predictions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = |row| Row {
            row,
            reply: self.reply,
        };
        match self.answers {
            Answers::One(one) => row(one).serialize(serializer),
            Answers::Batch(rows) => serializer.collect_seq(rows.iter().map(row)),
        }
    }
}

struct Row<'a> {
    row: &'a Checked,
    reply: Reply,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let classes = self.row.classes();
        let mut out = serializer.serialize_seq(Some(classes.len()))?;
        for (name, class) in classes {
            out.serialize_element(&Entry {
                name: &name,
                class,
                reply: self.reply,
            })?;
        }
        out.end()
    }
}

struct Entry<'a> {
    name: &'a str,
    class: &'a crate::predict::Class,
    reply: Reply,
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (score, class) = match self.reply {
            Reply::Documented => ("score", "classId"),
            Reply::Classic => ("prediction", "predictedClass"),
        };
        let mut out = serializer.serialize_struct("Entry", 3)?;
        out.serialize_field(score, &self.class.score)?;
        out.serialize_field(class, self.name)?;
        out.serialize_field("confidence", &self.class.confidence)?;
        out.end()
    }
}
