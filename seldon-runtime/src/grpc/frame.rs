//! The reply as gRPC frames it, written from the answer into one buffer of its exact size: the
//! bytes that prost writes, without the message in between.

use std::borrow::Cow;

use bytes::{BufMut, Bytes};
use prost::Message as _;
use prost::encoding::{encode_varint, encoded_len_varint};

use super::route::over_limit;
use crate::any::Any;
use crate::error::Result;
use crate::predict::{Checked, Class};
use crate::proto::ClassificationReply;
use crate::service::Settings;

/// Flag and length of a message.
pub(super) const HEADER: usize = 5;

// Number and wire type of the fields that proto/seldon.proto declares.
const FIRST_DOUBLE: u8 = 1 << 3 | 1;
const FIRST: u8 = 1 << 3 | 2;
const SECOND: u8 = 2 << 3 | 2;
const THIRD: u8 = 3 << 3 | 2;
const THIRD_DOUBLE: u8 = 3 << 3 | 1;

/// Frames a message that is there already.
///
/// # Errors
///
/// If it is longer than `limit`.
pub(super) fn frame(reply: &ClassificationReply, limit: usize) -> Result<Bytes> {
    let mut out = begin(reply.encoded_len(), limit)?;
    reply.encode_raw(&mut out);
    Ok(out.into())
}

/// Frames the reply of a service with these `settings`.
///
/// # Errors
///
/// If it is longer than `limit`.
pub(super) fn frame_answer(
    settings: &Settings,
    puid: &str,
    answer: &Checked,
    limit: usize,
) -> Result<Bytes> {
    let meta = [
        (FIRST, puid),
        (SECOND, &settings.name),
        (THIRD, &settings.variation),
    ];
    let meta_length = meta.iter().map(|(_, text)| text_length(text)).sum();
    let classes: usize = (answer.classes())
        .map(|class| nested_length(class_length(&class)))
        .sum();
    let custom = answer.custom.as_ref().map(|custom| &custom.any);
    let custom_length = custom.map_or(0, |any| nested_length(any.encoded_len()));
    let length = nested_length(meta_length) + classes + custom_length;

    let mut out = begin(length, limit)?;
    nested(&mut out, FIRST, meta_length);
    for (key, part) in meta {
        text(&mut out, key, part);
    }
    for class in answer.classes() {
        nested(&mut out, SECOND, class_length(&class));
        double(&mut out, FIRST_DOUBLE, class.1.score);
        text(&mut out, SECOND, &class.0);
        double(&mut out, THIRD_DOUBLE, class.1.confidence);
    }
    if let Some(any) = custom {
        nested(&mut out, THIRD, any.encoded_len());
        Any::encode_raw(any, &mut out);
    }
    debug_assert_eq!(out.len(), HEADER + length);
    Ok(out.into())
}

fn begin(length: usize, limit: usize) -> Result<Vec<u8>> {
    let declared = u32::try_from(length).ok().filter(|_| length <= limit);
    let declared = declared.ok_or_else(|| over_limit(limit))?;
    let mut out = Vec::with_capacity(HEADER + length);
    out.put_u8(0);
    out.put_u32(declared);
    Ok(out)
}

fn class_length((name, class): &(Cow<'_, str>, &Class)) -> usize {
    double_length(class.score) + text_length(name) + double_length(class.confidence)
}

fn nested_length(length: usize) -> usize {
    1 + encoded_len_varint(length as u64) + length
}

fn nested(out: &mut Vec<u8>, key: u8, length: usize) {
    out.push(key);
    encode_varint(length as u64, out);
}

// What has its default is not written.

fn text_length(text: &str) -> usize {
    match text.len() {
        0 => 0,
        length => nested_length(length),
    }
}

fn text(out: &mut Vec<u8>, key: u8, text: &str) {
    if !text.is_empty() {
        nested(out, key, text.len());
        out.extend_from_slice(text.as_bytes());
    }
}

fn double_length(value: f64) -> usize {
    if value == 0.0 { 0 } else { 9 }
}

fn double(out: &mut Vec<u8>, key: u8, value: f64) {
    if value != 0.0 {
        out.push(key);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::classify::message;
    use super::*;
    use crate::predict::Prediction;
    use crate::proto::DefaultCustomPredictRequest;

    fn settings(name: String, variation: String) -> Settings {
        Settings {
            name,
            variation,
            path: "/predict".into(),
            reply: crate::predict::Reply::Documented,
            scores: crate::recommend::Scores::Unit,
            max_limit: 1,
        }
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_the_message(
            puid in ".{1,200}",
            name in ".*",
            variation in ".*",
            classes in prop::collection::vec((".*", -1.0..1.0), 0..5),
            custom in prop::option::of(prop::collection::vec(any::<f32>(), 0..40)),
            confidence in prop::option::of(Just(0.0)),
        ) {
            let mut prediction = Prediction::new();
            for (label, score) in classes {
                prediction = prediction.class(label, score);
            }
            if let Some(confidence) = confidence {
                prediction = prediction.confidence(confidence);
            }
            if let Some(values) = custom {
                prediction = prediction.custom(&DefaultCustomPredictRequest { values });
            }
            let answer = Checked::new(prediction, &[]).expect("it is finite");
            let settings = settings(name, variation);
            let direct = frame_answer(&settings, &puid, &answer, 1 << 20).expect("it is short");
            let expected = frame(&message(&settings, puid, answer), 1 << 20).expect("it is short");
            prop_assert_eq!(direct, expected);
        }
    }
}
