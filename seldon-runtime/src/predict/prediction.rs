//! What a predictor answers with.

use std::borrow::Cow;

use super::Payload;
use crate::any::Any;
use crate::error::{BoxError, Code, Error, NonFinite, Result};

/// One row's answer: a score for each class, in the order in which the caller is to read them.
///
/// ```
/// use seldon_runtime::Prediction;
///
/// // One score per class, the classes by index; the confidence is the score.
/// let p = Prediction::scores([0.9, 0.1]);
/// assert_eq!(p.classes()[0].score, 0.9);
///
/// // Or one by one, with names and a confidence of their own.
/// let p = Prediction::new().class("spam", 0.9).class("ham", 0.1).confidence(0.7);
/// assert_eq!(p.classes()[1].confidence, 0.7);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Prediction {
    classes: Vec<Class>,
    custom: Option<Custom>,
}

/// A message of the predictor's own, in either transport's form.
#[derive(Debug, Clone)]
pub(crate) struct Custom {
    pub(crate) any: Any,
    /// Protobuf's JSON form of the message in `any`, made only where a reply needs it.
    pub(crate) json: fn(&Any) -> Result<serde_json::Value>,
}

/// One class of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Which class it is.
    pub label: Label,
    /// The model's score for it, a probability as a rule; finite.
    pub score: f64,
    /// How sure the model is of the score; finite.
    pub confidence: f64,
}

/// Which class a score is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// By index into the predictor's `classes`; the index as text if it declares none.
    Index(usize),
    /// By name.
    Name(Cow<'static, str>),
}

impl From<usize> for Label {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl From<&'static str> for Label {
    fn from(name: &'static str) -> Self {
        Self::Name(Cow::Borrowed(name))
    }
}

impl From<String> for Label {
    fn from(name: String) -> Self {
        Self::Name(Cow::Owned(name))
    }
}

impl Prediction {
    /// An answer without classes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One score per class, by index, each its own confidence.
    pub fn scores(scores: impl IntoIterator<Item = f64>) -> Self {
        let class = |(index, score)| Class {
            label: Label::Index(index),
            score,
            confidence: score,
        };
        Self {
            classes: scores.into_iter().enumerate().map(class).collect(),
            custom: None,
        }
    }

    /// The same answer with one class more, its score being its confidence.
    #[must_use]
    pub fn class(mut self, label: impl Into<Label>, score: f64) -> Self {
        self.classes.push(Class {
            label: label.into(),
            score,
            confidence: score,
        });
        self
    }

    /// The same answer, with one confidence for all its classes.
    #[must_use]
    pub fn confidence(mut self, confidence: f64) -> Self {
        for class in &mut self.classes {
            class.confidence = confidence;
        }
        self
    }

    /// The same answer, with a message of the predictor's own, which clients find in `custom`:
    /// over gRPC, and over REST where the reply is `classic`.
    #[must_use]
    pub fn custom<M: Payload>(mut self, message: &M) -> Self {
        self.custom = Some(Custom {
            any: Any::pack(M::TYPE_NAME, message),
            json: any_as_json::<M>,
        });
        self
    }

    /// The classes, in the order in which the caller reads them.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }
}

/// An answer that can be sent: every number in it is finite and every class has a name.
#[derive(Debug)]
pub(crate) struct Checked {
    classes: Vec<Class>,
    names: &'static [&'static str],
    pub(crate) custom: Option<Custom>,
}

impl Checked {
    /// Checks `prediction` against the classes that the predictor declares.
    pub(crate) fn new(prediction: Prediction, names: &'static [&'static str]) -> Result<Self> {
        for class in &prediction.classes {
            if !class.score.is_finite() || !class.confidence.is_finite() {
                return Err(invalid(NonFinite(format!(
                    "the model's score for class {:?} is {}, its confidence {}",
                    class.label, class.score, class.confidence
                ))));
            }
            if let Label::Index(index) = class.label
                && !names.is_empty()
                && index >= names.len()
            {
                return Err(invalid(format!(
                    "the model scored class {index}, and its classes are 0 to {}",
                    names.len() - 1
                )));
            }
        }
        Ok(Self {
            classes: prediction.classes,
            names,
            custom: prediction.custom,
        })
    }

    /// The classes with their names.
    pub(crate) fn classes(&self) -> impl ExactSizeIterator<Item = (Cow<'_, str>, &Class)> {
        self.classes.iter().map(|class| {
            let name = match &class.label {
                Label::Name(name) => Cow::Borrowed(&**name),
                Label::Index(index) => match self.names.get(*index) {
                    Some(name) => Cow::Borrowed(*name),
                    None => Cow::Owned(index.to_string()),
                },
            };
            (name, class)
        })
    }
}

/// An `Any` as protobuf's JSON mapping writes it: the message's members, and `@type`.
fn any_as_json<M: Payload>(any: &Any) -> Result<serde_json::Value> {
    let message = serde_json::to_value(M::decode(any.value.clone())?)?;
    let mut members = serde_json::Map::new();
    members.insert(
        "@type".to_owned(),
        String::from_utf8_lossy(&any.type_url).into(),
    );
    if let serde_json::Value::Object(fields) = message {
        members.extend(fields);
    }
    Ok(members.into())
}

/// The caller learns that the answer was unfit; the numbers are for the log.
fn invalid(cause: impl Into<BoxError>) -> Error {
    Error::new(
        Code::InvalidAnswer,
        "the model gave an answer that cannot be sent",
    )
    .with_cause(cause)
}
