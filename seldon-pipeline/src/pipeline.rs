//! A model file, and what is done to its features first.

use std::borrow::Cow;

use prost::Message as _;
use seldon_runtime::grpc::{self, Answer, Grpc, Message as Request, type_name};
use seldon_runtime::predict::{Facts, Features, Inline, read_features};
use seldon_runtime::rest::{self, Rest};
use seldon_runtime::server::{Mount, Program};
use seldon_runtime::{
    Any, Code, DefaultCustomPredictRequest, Error, Payload, Predict, Prediction, Predictor, Result,
    Server, Service,
};

use crate::columns::Kind;
use crate::columns::{list, quoted};
use crate::inputs::{Feature, Inputs};
use crate::message::Message;
use crate::model::{Batch, Model};
use crate::order::Order;
use crate::pooled::Pooled;
use crate::spec::{self, Spec};
use crate::transform::Steps;
use crate::value::{Row, Value};

/// A predictor without code: a model that Python trained, and the steps that its features go
/// through first.
///
/// It is read from a folder that holds a model file and, where that does not say all, a
/// `pipeline.toml`; see the [crate](crate)'s documentation for what the file says.
///
/// ```no_run
/// use seldon_pipeline::Pipeline;
/// use seldon_runtime::{Artifact, Folder, Server};
///
/// # async fn serve() -> seldon_runtime::Result<()> {
/// let pipeline = Pipeline::load(&Folder::open_loose("models/iris")?)?;
/// Server::new().mount(pipeline).serve("127.0.0.1:5000").await
/// # }
/// ```
#[derive(Debug)]
pub struct Pipeline {
    pub(crate) spec: Spec,
    pub(crate) model: Model,
    inputs: Inputs,
    message: Message,
    steps: Steps,
    order: Order,
    classes: Vec<String>,
}

/// The name of a pipeline that has none.
const NAME: &str = "pipeline";

impl Pipeline {
    /// # Errors
    ///
    /// If what `spec` says does not go with the model.
    pub(crate) fn new(mut spec: Spec, model: Model) -> Result<Self> {
        let features = match spec.features.take() {
            Some(features) => features,
            None => features_of(&model)?,
        };
        let inputs = Inputs::new(&features, spec.missing)?;
        let name = spec.name.as_deref().unwrap_or(NAME);
        let message = Message::new(name, &features, spec.message.as_ref())?;
        let steps = Steps::new(inputs.columns(), spec.steps.iter().cloned())?;
        let order = Order::new(steps.columns(), &model)?;
        let classes = match &spec.classes {
            Some(classes) => classes.clone(),
            None => model.classes().to_vec(),
        };
        let outputs = model.outputs();
        if !classes.is_empty() && classes.len() != outputs {
            return Err(Error::setup(format!(
                "`classes` has {} names ({}), and the model answers with {outputs} numbers",
                classes.len(),
                list(classes.iter().map(String::as_str))
            )));
        }
        spec.features = Some(features);
        let pipeline = Self {
            spec,
            model,
            inputs,
            message,
            steps,
            order,
            classes,
        };
        Ok(pipeline)
    }

    /// The pipeline of what a `pipeline.toml` says and a model file holds, where they are not in a
    /// folder, but in the program for example. Its steps can name no files.
    ///
    /// # Errors
    ///
    /// As of a folder: with line and key, or what does not go together.
    pub fn from_toml(toml: &str, model: &[u8]) -> Result<Self> {
        let none = |_: &str| Err(Error::setup("there are no files beside it"));
        let read = spec::read(toml, spec::FILE, &mut { none })?;
        let name = read.model.as_deref().unwrap_or("model");
        Self::new(
            read.spec,
            Model::from_bytes(name, model, read.kind.as_deref())?,
        )
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.spec.name.as_deref().unwrap_or(NAME)
    }

    /// The features that a request must have, in order.
    pub fn features(&self) -> impl ExactSizeIterator<Item = &Feature> {
        self.inputs.all().iter()
    }

    /// The full name of the message that has a field for each feature.
    pub fn message_name(&self) -> &str {
        self.message.name()
    }

    /// The names of the classes, in the order of their scores; empty where they have none.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How many scores a row is answered with.
    pub fn outputs(&self) -> usize {
        self.model.outputs()
    }

    /// The steps.
    pub fn steps(&self) -> &Steps {
        &self.steps
    }

    /// The `.proto` file of the message that it takes over gRPC, a field for each feature.
    pub fn proto(&self) -> String {
        let about = self.spec.about.as_deref().unwrap_or_default();
        self.message.proto(&self.inputs, about)
    }

    /// A row of what a table of text has of each feature, in their order: empty is missing, a number
    /// is as Rust and Python write it, a flag `true` or `false`.
    ///
    /// # Errors
    ///
    /// With the first feature that is missing though it must not be, or is not of its kind.
    pub fn row_of_text<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Result<Row> {
        self.inputs.of_text(texts)
    }

    /// What the model says of itself, by name: `library`, `objective`, `trees` and so on.
    pub fn about_model(&self) -> Vec<(&'static str, String)> {
        self.model.about()
    }

    /// The scores of `rows`, or what is wrong with each.
    fn answer(&self, rows: &[Row]) -> Result<Vec<Result<Prediction>>> {
        let mut batch = Batch::default();
        let mut taken = Vec::with_capacity(rows.len());
        for row in rows {
            let result = match self.steps.steps().is_empty() {
                true => self.order.write(row, &mut batch),
                false => (self.steps.apply(row.clone()))
                    .and_then(|row| self.order.write(&row, &mut batch)),
            };
            taken.push(result);
        }
        let outputs = self.model.outputs();
        let wanted = outputs * batch.rows;
        let answers = match batch.rows {
            0 => Vec::new(),
            _ => self.model.answer(batch)?,
        };
        if answers.len() != wanted {
            let got = answers.len();
            return Err(Error::failed(format!(
                "{got} numbers, where {wanted} are due"
            )));
        }
        let mut answers = answers.chunks_exact(outputs);
        let predictions = taken.into_iter().map(|taken| {
            taken?;
            let scores = answers
                .next()
                .ok_or_else(|| Error::failed("the model answered fewer rows than it was given"))?;
            Ok(self.prediction(scores))
        });
        Ok(predictions.collect())
    }

    fn prediction(&self, scores: &[f64]) -> Prediction {
        if self.classes.is_empty() {
            return Prediction::scores(scores.iter().copied());
        }
        let named = scores.iter().zip(&self.classes);
        named.fold(Prediction::new(), |all, (score, name)| {
            all.class(name.clone(), *score)
        })
    }
}

/// The features of a model that says all of them itself.
fn features_of(model: &Model) -> Result<Vec<spec::Feature>> {
    let names = model.feature_names();
    let Some(count) = model.features() else {
        return Err(Error::setup(
            "the model takes any number of features: `features` in pipeline.toml must name them",
        ));
    };
    if count > crate::inputs::MOST_FEATURES {
        return Err(Error::setup(format!(
            "the model takes {count} features, and {} are the most that a request may have",
            crate::inputs::MOST_FEATURES
        )));
    }
    let feature = |at: usize| spec::Feature {
        // As XGBoost calls them itself.
        name: names.get(at).map_or_else(|| format!("f{at}"), Clone::clone),
        kind: match model.category_names(at).is_empty() {
            true => model.kind(at),
            false => crate::Kind::Text,
        },
        ..spec::Feature::default()
    };
    Ok((0..count).map(feature).collect())
}

#[diagnostic::do_not_recommend]
impl Predict<Row> for Pipeline {
    // A missing value is none; what may be missing is seen to when a row is read.
    const ACCEPTS_NON_FINITE: bool = true;

    fn predict(&self, row: &Row) -> Result<Prediction> {
        let mut answers = self.answer(std::slice::from_ref(row))?;
        answers
            .pop()
            .unwrap_or_else(|| Err(Error::failed("no answer")))
    }

    fn predict_batch(&self, rows: &[Row]) -> Vec<Result<Prediction>> {
        match self.answer(rows) {
            Ok(answers) if rows.len() > 1 => {
                let numbered = answers.into_iter().enumerate();
                numbered
                    .map(|(n, answer)| answer.map_err(|e| of_row(n, e)))
                    .collect()
            }
            Ok(answers) => answers,
            Err(error) => rows.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    /// Scores a row of zeros, so that a model that cannot be run is not served. It may be refused
    /// itself, where a text must be one of some.
    fn warm_up(&self) -> Result<()> {
        let value = |feature: &Feature| match (feature.may_be_missing(), feature.kind()) {
            (true, _) => None,
            (_, Kind::Number) => Some(Value::Number(0.0)),
            (_, Kind::Text) => Some(Value::Text(String::new())),
            (_, Kind::Flag) => Some(Value::Flag(false)),
        };
        let row: Row = self.features().map(value).collect();
        match self.predict(&row) {
            Err(error) if error.code() != Code::InvalidInput => Err(error),
            _ => Ok(()),
        }
    }
}

/// The same error, said of one of several rows.
fn of_row(n: usize, error: Error) -> Error {
    match error.code() {
        Code::InvalidInput => Error::invalid_input(format!("row {n}: {}", error.detail())),
        _ => error,
    }
}

#[diagnostic::do_not_recommend]
impl Payload for Row {
    const TYPE_NAME: &'static str = "io.seldon.pipeline.Row";
    const CHECKS: &'static [seldon_runtime::predict::Check] = &[];
}

#[diagnostic::do_not_recommend]
impl Predictor for Pipeline {
    type Data = Row;
    type Run = Inline;
    const PATH: &'static str = "/predict";

    fn message(&self) -> &str {
        match self.spec.message.is_none() && self.inputs.all_numbers() {
            true => DefaultCustomPredictRequest::TYPE_NAME,
            false => self.message.name(),
        }
    }

    fn facts(&self) -> Facts<'_> {
        let about = self.spec.about.as_deref().unwrap_or_default();
        Facts {
            name: self.name().into(),
            about: about.into(),
            classes: self
                .classes
                .iter()
                .map(|class| class.as_str().into())
                .collect(),
            descriptors: Cow::Owned(self.message.descriptors()),
            schema: Some(self.inputs.schema(about)),
            takes_values: self.inputs.all_numbers(),
        }
    }

    fn read_features(&self, text: &str) -> Result<Features<Row>> {
        read_features(text, &self.inputs)
    }

    fn unpack_features(&self, features: Any) -> Result<Row> {
        let name = type_name(&features)?;
        if name == self.message.name() {
            return self.message.read(features.value, &self.inputs);
        }
        let is_default = name == DefaultCustomPredictRequest::TYPE_NAME;
        if !is_default || !self.inputs.all_numbers() {
            let or = match self.inputs.all_numbers() {
                true => format!(" or a `{}`", DefaultCustomPredictRequest::TYPE_NAME),
                false => String::new(),
            };
            let (expected, name) = (self.message.name(), quoted(name));
            let detail = format!("`data` must hold a `{expected}`{or}, got a {name}");
            return Err(Error::new(Code::InvalidMessage, detail));
        }
        let message = DefaultCustomPredictRequest::decode(features.value).map_err(|e| {
            let expected = DefaultCustomPredictRequest::TYPE_NAME;
            let detail = format!("`data` is no valid `{expected}`: {e}");
            Error::new(Code::InvalidMessage, detail)
        })?;
        self.inputs.of_numbers(&message.values).map_err(|wrong| {
            Error::from_violations(Code::InvalidFeature, wrong).expect("something is wrong")
        })
    }
}

impl Rest for Pipeline {
    fn routes(service: Service<Self>) -> axum::Router {
        rest::predict_routes(service)
    }
}

impl Grpc for Pipeline {
    fn classify(service: &Service<Self>, request: Request) -> impl Answer {
        grpc::classify_for(service, request)
    }
}

#[diagnostic::do_not_recommend]
impl Program for Pipeline {
    /// As `run` says. The next versions are scored where the first is.
    async fn mount(self, on: Mount<'_>) -> Result<Server> {
        let is_pooled = match self.spec.run {
            Some(run) => run == spec::Run::Blocking,
            None => self.model.may_be_slow(),
        };
        match is_pooled {
            true => on.predictor(Pooled::new(self)),
            false => on.predictor(self),
        }
    }
}
