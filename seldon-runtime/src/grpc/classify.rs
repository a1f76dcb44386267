//! `Classify`: from the packed features to the reply.

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;
use prost::Message as _;

use super::frame::frame_answer;
use super::{Answer, Message};
use crate::any::Any;
use crate::error::{Code, Error, Result, Violation, echo};
use crate::live::{Pinned, Versioned};
use crate::observe::{Stage, Transport};
use crate::predict::{Arrival, Checked, Class, Executor, Payload, Predictor};
use crate::predict::{arriving, non_finite, score_one};
use crate::proto::{ClassificationReply, ClassificationReplyMeta, ClassificationResult};
use crate::service::{Service, Settings};

/// Takes the prediction's id and the features out of a request.
///
/// # Errors
///
/// If `data` is absent, holds another message than `P`'s, does not decode, or holds a number that
/// is not finite where the model takes none.
pub fn unpack<P: Predictor>(request: Message) -> Result<Unpacked<P::Data>> {
    unpack_by(request, P::Data::TYPE_NAME, unpack_message::<P>)
}

/// The same as `model` does it.
///
/// # Errors
///
/// As [`unpack`].
fn unpack_for<P: Predictor>(model: &P, request: Message) -> Result<Unpacked<P::Data>> {
    unpack_by(request, model.message(), |any| model.unpack_features(any))
}

fn unpack_by<D>(
    request: Message,
    expected: &str,
    by: impl FnOnce(Any) -> Result<D>,
) -> Result<Unpacked<D>> {
    let begun = Instant::now();
    let puid = request.meta.map(|meta| meta.puid).unwrap_or_default();
    let Some(any) = request.data else {
        return Err(Error::new(
            Code::InvalidMessage,
            format!("`data` is missing: it must hold a `{expected}`"),
        ));
    };
    let data = by(any)?;
    Ok(Unpacked { puid, data, begun })
}

/// The features in `any`, if it is `P`'s message.
///
/// # Errors
///
/// As [`unpack`].
pub(crate) fn unpack_message<P: Predictor>(any: Any) -> Result<P::Data> {
    let expected = P::Data::TYPE_NAME;
    if !any.is_plainly(expected) {
        let name = type_name(&any)?;
        if name != expected {
            let detail = format!("`data` must hold a `{expected}`, got a `{}`", echo(name));
            return Err(Error::new(Code::InvalidMessage, detail));
        }
    }
    let data = P::Data::decode(any.value).map_err(|e| {
        let detail = format!("`data` is no valid `{expected}`: {e}");
        Error::new(Code::InvalidMessage, detail)
    })?;
    if !P::ACCEPTS_NON_FINITE
        && let Some(pointer) = non_finite(&data)
    {
        let violation = Violation::new(pointer, "must be a finite number");
        return Err(
            Error::from_violations(Code::InvalidFeature, vec![violation])
                .expect("one violation makes an error"),
        );
    }
    Ok(data)
}

/// What was in a request.
#[derive(Debug)]
pub struct Unpacked<D> {
    puid: String,
    data: D,
    begun: Instant,
}

/// The type that `any` says it holds.
///
/// # Errors
///
/// If it names none.
pub fn type_name(any: &Any) -> Result<&str> {
    let name = (any.type_name())
        .map_err(|_| Error::new(Code::InvalidMessage, "`data.type_url` is not UTF-8"))?;
    if name.is_empty() {
        return Err(Error::new(
            Code::InvalidMessage,
            "`data.type_url` names no message",
        ));
    }
    Ok(name)
}

/// Scores the features that [`unpack`] found, and writes the reply.
///
/// # Errors
///
/// Those of `unpack`, the model's own, and those of an answer that cannot be sent.
pub fn classify<P: Predictor>(
    service: &Service<P>,
    unpacked: Result<Unpacked<P::Data>>,
) -> impl Answer {
    async move {
        let (pinned, arrival) = begin(service);
        let answered = score_unpacked(&pinned, arrival, unpacked, message).await;
        pinned.version().note(answered)
    }
}

/// The same for a predictor that unpacks features itself: by the version that scores them.
///
/// # Errors
///
/// Those of [`classify`].
pub fn classify_for<P: Predictor>(service: &Service<P>, request: Message) -> impl Answer {
    async move {
        let (pinned, arrival) = begin(service);
        let unpacked = unpack_for(pinned.version().model(), request);
        let answered = score_unpacked(&pinned, arrival, unpacked, message).await;
        pinned.version().note(answered)
    }
}

/// The same, framed, for messages of at most `limit` bytes.
///
/// # Errors
///
/// Those of [`unpack`] and [`classify`], and if the reply is longer.
pub(super) async fn classify_framed<P: Predictor>(
    service: &Service<P>,
    request: Message,
    limit: usize,
) -> Result<Versioned<Bytes>> {
    let (pinned, arrival) = begin(service);
    let unpacked = unpack_for(pinned.version().model(), request);
    let answered = score_unpacked(&pinned, arrival, unpacked, |settings, puid, answer| {
        frame_answer(settings, &puid, &answer, limit)
    });
    let answered = answered.await.and_then(|framed| framed);
    pinned.version().note(answered)
}

/// What a call has before it is read.
fn begin<P: Predictor>(service: &Service<P>) -> (Pinned<'_, P>, Option<Arrival>) {
    let arrival = arriving(service);
    let waits = P::Run::HOPS || arrival.is_some();
    (service.pin(waits), arrival)
}

async fn score_unpacked<P: Predictor, T>(
    pinned: &Pinned<'_, P>,
    arrival: Option<Arrival>,
    unpacked: Result<Unpacked<P::Data>>,
    write: impl FnOnce(&Settings, String, Checked) -> T,
) -> Result<T> {
    let Unpacked { puid, data, begun } = unpacked?;
    let mut watch = (pinned.figures().stages).watch_from(Transport::Grpc, begun);
    watch.lap(Stage::Decode);
    let answer = score_one(pinned, &mut watch, arrival, data).await?;
    let puid = match puid.is_empty() {
        true => crate::puid::new(),
        false => puid,
    };
    let reply = write(pinned.settings(), puid, answer);
    watch.lap(Stage::Encode);
    Ok(reply)
}

/// The reply of a service with these `settings`.
pub(super) fn message(settings: &Settings, puid: String, answer: Checked) -> ClassificationReply {
    let result = |(name, class): (Cow<'_, str>, &Class)| ClassificationResult {
        prediction: class.score,
        predicted_class: name.into_owned(),
        confidence: class.confidence,
    };
    ClassificationReply {
        predictions: answer.classes().map(result).collect(),
        meta: Some(ClassificationReplyMeta {
            puid,
            model_name: settings.name.clone(),
            variation: settings.variation.clone(),
        }),
        custom: answer.custom.map(|custom| custom.any),
    }
}
