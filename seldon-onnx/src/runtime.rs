//! onnxruntime's shared library, where the user names it: for what tract cannot.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use ort::environment::Environment;
use ort::session::{Session, SessionInputValue};
use ort::value::{
    DynMapValueType, DynValue, Shape, Tensor as OrtTensor, TensorElementType, Value, ValueType,
};
use tract_onnx::tract_hir::internal::{Datum, DatumType, TVec, Tensor};

use crate::engine::Known;
use crate::error::{Error, Result, cut, quoted};
use crate::graph::Graph;
use crate::values::{Element, Tensor as Answer, Values};

/// The variable that names the library.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// How many sessions are kept between calls: each holds the weights.
const MOST_SESSIONS: usize = 16;

/// A graph in onnxruntime. A session takes one call at a time, so that there are as many as there are
/// calls at once.
pub(crate) struct Runtime {
    bytes: Vec<u8>,
    classes: Vec<String>,
    sessions: Mutex<Vec<Session>>,
}

impl Runtime {
    pub(crate) fn new(graph: &Graph, bytes: &[u8]) -> Result<(Self, Known)> {
        let session = session(bytes)?;
        let outputs = session.outputs().iter().map(|output| {
            let of = |error: Error| error.of(format_args!("output {}", quoted(output.name())));
            match output.dtype() {
                ValueType::Tensor { ty, shape, .. } => {
                    let mut columns = shape.iter().skip(1).map(|dim| usize::try_from(*dim).ok());
                    let columns = columns.try_fold(1usize, |all, dim| all.checked_mul(dim?));
                    Ok((element(*ty).map_err(of)?, columns))
                }
                ValueType::Sequence(_) => Ok((Element::F32, Some(graph.classes.len()))),
                other => Err(of(Error::graph(format!(
                    "it is a {other:?}, which is not answered"
                )))),
            }
        });
        let known = Known {
            inputs: graph.inputs.clone(),
            outputs: outputs.collect::<Result<_>>()?,
        };
        let runtime = Self {
            bytes: bytes.to_vec(),
            classes: graph.classes.clone(),
            sessions: Mutex::new(vec![session]),
        };
        Ok((runtime, known))
    }

    /// What it answers, to tensors for its inputs.
    pub(crate) fn run(&self, inputs: TVec<Tensor>) -> Result<Vec<Answer>> {
        let inputs: Vec<DynValue> = inputs.iter().map(value).collect::<Result<_>>()?;
        let sessions = || self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let free = sessions().pop();
        let mut session = match free {
            Some(session) => session,
            None => session(&self.bytes)?,
        };
        let answers = {
            let inputs: Vec<SessionInputValue<'_>> = inputs.into_iter().map(Into::into).collect();
            let outputs = session
                .run(&inputs[..])
                .map_err(|error| failed("the graph failed", error))?;
            let values = outputs.into_iter();
            values
                .map(|(_, value)| self.answer(&value))
                .collect::<Result<_>>()
        };
        let mut sessions = sessions();
        if sessions.len() < MOST_SESSIONS {
            sessions.push(session);
        }
        answers
    }
}

impl Runtime {
    /// An output as its values.
    fn answer(&self, value: &DynValue) -> Result<Answer> {
        let unread = |error| failed("an output cannot be read", error);
        let (shape, values) = match value.dtype() {
            ValueType::Sequence(_) => return self.unzip(value),
            ValueType::Tensor { ty, .. } => match ty {
                TensorElementType::Float32 => list::<f32, _>(value, |x| x, Values::F32),
                TensorElementType::Float64 => list::<f64, _>(value, |x| x, Values::F64),
                TensorElementType::Int64 => list::<i64, _>(value, |x| x, Values::I64),
                TensorElementType::Int32 => list::<i32, _>(value, i64::from, Values::I64),
                TensorElementType::Int16 => list::<i16, _>(value, i64::from, Values::I64),
                TensorElementType::Int8 => list::<i8, _>(value, i64::from, Values::I64),
                TensorElementType::Uint32 => list::<u32, _>(value, i64::from, Values::I64),
                TensorElementType::Uint16 => list::<u16, _>(value, i64::from, Values::I64),
                TensorElementType::Uint8 => list::<u8, _>(value, i64::from, Values::I64),
                TensorElementType::Bool => list::<bool, _>(value, |x| x, Values::Bool),
                TensorElementType::String => value
                    .try_extract_strings()
                    .map(|(shape, texts)| (dims(shape), Values::Text(texts))),
                other => {
                    return Err(Error::graph(format!(
                        "an output is of type {other}, which is not answered"
                    )));
                }
            },
            other => {
                return Err(Error::graph(format!(
                    "an output is {other}, which is not answered"
                )));
            }
        }
        .map_err(unread)?;
        Ok(Answer { shape, values })
    }

    /// The maps that a ZipMap made, as columns in the order of the classes.
    fn unzip(&self, value: &DynValue) -> Result<Answer> {
        let unread = |error| failed("an output cannot be read", error);
        let maps = value
            .view()
            .downcast::<ort::value::DynSequenceValueType>()
            .map_err(unread)?;
        let maps: Vec<Value<DynMapValueType>> = maps.try_extract_sequence().map_err(unread)?;
        let mut scores = Vec::with_capacity(maps.len() * self.classes.len());
        for map in &maps {
            let pairs: Vec<(String, f32)> = match map.dtype() {
                ValueType::Map {
                    key: TensorElementType::Int64,
                    ..
                } => {
                    let pairs = map.try_extract_key_values::<i64, f32>().map_err(unread)?;
                    pairs
                        .into_iter()
                        .map(|(class, score)| (class.to_string(), score))
                        .collect()
                }
                _ => map.try_extract_key_values().map_err(unread)?,
            };
            for class in &self.classes {
                let score = pairs
                    .iter()
                    .find(|(of, _)| of == class)
                    .map(|(_, score)| *score);
                let missing =
                    || Error::graph(format!("an output lacks the class {}", quoted(class)));
                scores.push(score.ok_or_else(missing)?);
            }
        }
        Ok(Answer {
            shape: vec![maps.len(), self.classes.len()],
            values: Values::F32(scores),
        })
    }
}

/// A tensor's shape and values.
fn list<T, U>(
    value: &DynValue,
    of: impl Fn(T) -> U,
    values: impl Fn(Vec<U>) -> Values,
) -> ort::Result<(Vec<usize>, Values)>
where
    T: ort::value::PrimitiveTensorElementType + Copy,
{
    let (shape, list) = value.try_extract_tensor::<T>()?;
    Ok((dims(shape), values(list.iter().copied().map(of).collect())))
}

fn dims(shape: &Shape) -> Vec<usize> {
    let dims = shape.iter().map(|dim| usize::try_from(*dim).unwrap_or(0));
    dims.collect()
}

/// The type in which an output's elements are answered.
fn element(kind: TensorElementType) -> Result<Element> {
    Ok(match kind {
        TensorElementType::Float32 => Element::F32,
        TensorElementType::Float64 => Element::F64,
        TensorElementType::Bool => Element::Bool,
        TensorElementType::String => Element::Text,
        TensorElementType::Int64
        | TensorElementType::Int32
        | TensorElementType::Int16
        | TensorElementType::Int8
        | TensorElementType::Uint32
        | TensorElementType::Uint16
        | TensorElementType::Uint8 => Element::I64,
        other => return Err(Error::graph(format!("its type {other} is not answered"))),
    })
}

/// A tensor as onnxruntime takes it.
fn value(tensor: &Tensor) -> Result<DynValue> {
    fn numbers<T>(tensor: &Tensor) -> Result<DynValue>
    where
        T: Datum + Copy + ort::value::PrimitiveTensorElementType + std::fmt::Debug,
    {
        let values = slice::<T>(tensor)?.to_vec();
        let made = OrtTensor::from_array((tensor.shape().to_vec(), values));
        let made = made.map_err(|error| failed("an input cannot be given", error))?;
        Ok(made.into_dyn())
    }
    match tensor.datum_type() {
        DatumType::F32 => numbers::<f32>(tensor),
        DatumType::F64 => numbers::<f64>(tensor),
        DatumType::I64 => numbers::<i64>(tensor),
        DatumType::I32 => numbers::<i32>(tensor),
        DatumType::I16 => numbers::<i16>(tensor),
        DatumType::I8 => numbers::<i8>(tensor),
        DatumType::U64 => numbers::<u64>(tensor),
        DatumType::U32 => numbers::<u32>(tensor),
        DatumType::U16 => numbers::<u16>(tensor),
        DatumType::U8 => numbers::<u8>(tensor),
        DatumType::Bool => numbers::<bool>(tensor),
        DatumType::String => {
            let texts = slice::<String>(tensor)?.to_vec();
            let made = OrtTensor::from_string_array((tensor.shape().to_vec(), &texts[..]));
            let made = made.map_err(|error| failed("an input cannot be given", error))?;
            Ok(made.into_dyn())
        }
        other => Err(Error::graph(format!(
            "an input of type {other:?} is not given to onnxruntime"
        ))),
    }
}

fn slice<T: Datum>(tensor: &Tensor) -> Result<&[T]> {
    let slice = tensor
        .try_as_plain_ram()
        .and_then(|tensor| tensor.as_slice::<T>());
    slice.map_err(|error| Error::graph(format!("{error:#}")))
}

/// onnxruntime's error in a sentence.
fn failed(what: &str, error: ort::Error) -> Error {
    Error::graph(format!("{what}: {}", cut(&error.to_string(), 400)))
}

/// A session of one thread: the server has one for each core already.
fn session(bytes: &[u8]) -> Result<Session> {
    let refused = |error| failed("onnxruntime refuses the graph", error);
    let builder = Session::builder(environment()?).map_err(refused)?;
    let builder = builder
        .with_intra_threads(1)
        .map_err(|error| refused(error.into()))?;
    let builder = builder.with_log_level(ort::logging::LogLevel::Fatal);
    let mut builder = builder.map_err(|error| refused(error.into()))?;
    builder.commit_from_memory(bytes).map_err(refused)
}

/// The library, opened once.
fn environment() -> Result<&'static Environment> {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    if let Some(environment) = ENVIRONMENT.get() {
        return Ok(environment);
    }
    let path: OsString = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).ok_or_else(|| {
        Error::graph(format!(
            "onnxruntime's shared library is not named: set {VARIABLE} to its file, libonnxruntime.so of version 1.20 or \
             later, of its releases or of PyPI's package `onnxruntime`"
        ))
    })?;
    if !Path::new(&path).is_file() {
        return Err(Error::graph(format!(
            "{VARIABLE} names {}, which is no file",
            Path::new(&path).display()
        )));
    }
    let builder =
        ort::init_from(&path).map_err(|error| Error::graph(format!("{VARIABLE}: {error}")))?;
    let environment = builder.with_telemetry(false).build();
    let environment = environment.map_err(|error| failed("onnxruntime does not start", error))?;
    Ok(ENVIRONMENT.get_or_init(|| environment))
}
