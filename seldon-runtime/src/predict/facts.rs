//! What a predictor says of itself, for its documentation and for reflection.

use std::borrow::Cow;

use serde_json::Value;

use super::{Payload, Predictor};
use crate::artifact::Artifact;

/// What a predictor says of itself.
///
/// One that the attribute has written says what the attribute and the message say. One that knows
/// its features only once it is loaded makes its own.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The service's name, unless configuration gives it another.
    pub name: Cow<'a, str>,
    /// What it does, a sentence or two.
    pub about: Cow<'a, str>,
    /// The classes' names, where they are known.
    pub classes: Vec<Cow<'a, str>>,
    /// The encoded `FileDescriptorSet` of the message that it takes, for reflection; may be empty.
    pub descriptors: Cow<'static, [u8]>,
    /// The JSON Schema of a row; `None` is what serde asks for.
    pub schema: Option<Value>,
    /// Whether a row may be an array of numbers.
    pub takes_values: bool,
}

impl Facts<'_> {
    pub(crate) fn of<P: Predictor>() -> Self {
        Self {
            name: <P as Artifact>::NAME.into(),
            about: P::ABOUT.into(),
            classes: P::CLASSES.iter().map(|class| (*class).into()).collect(),
            descriptors: P::Data::DESCRIPTORS.into(),
            schema: None,
            takes_values: P::Data::FROM_VALUES.is_some(),
        }
    }
}
