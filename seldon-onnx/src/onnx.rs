//! A graph that was loaded, and what it is asked.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use tract_onnx::pb::GraphProto;

use crate::convert;
use crate::engine::{Engine, Known};
use crate::error::{Error, Result, cut};
use crate::facts::{Input, Output, Roles};
use crate::graph::{Graph, MOST_BYTES};
use crate::plan::framework;
use crate::values::{Element, Inputs, Outputs, Values};

/// An ONNX graph, checked and planned, that answers rows.
///
/// It can be shared: [`run`](Self::run) takes `&self`, on any number of threads at once, and a clone is
/// the same graph. It is a value of serde's, so that it can be a field of a model: what is saved is the
/// file that it was read from.
#[derive(Clone)]
pub struct Onnx {
    inner: Arc<Loaded>,
}

struct Loaded {
    bytes: Vec<u8>,
    producer: String,
    nodes: usize,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    classes: Vec<String>,
    roles: Roles,
    engine: Engine,
}

/// Says what is known of it, and spares the reader its nodes.
impl fmt::Debug for Onnx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onnx")
            .field("inputs", &self.inner.inputs)
            .field("outputs", &self.inner.outputs)
            .field("classes", &self.inner.classes)
            .finish_non_exhaustive()
    }
}

/// # Loading
impl Onnx {
    /// Reads a file, as `skl2onnx`, `onnxmltools` or `torch.onnx.export` wrote it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is larger than 1 GiB, if it holds no graph, or one with operators
    /// that are not known or that do not fit together: in one sentence that names the node.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = || path.display();
        let io = |error: std::io::Error| Error::graph(error.to_string()).of(name());
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(io)?;
        file.take(MOST_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        Self::read(bytes).map_err(|error| error.of(name()))
    }

    /// The same from what a file holds.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::read(bytes.to_vec())
    }

    /// The same, computed by onnxruntime's shared library, which the environment's `ORT_DYLIB_PATH` names:
    /// `libonnxruntime.so` of version 1.20 or later, from its releases or from PyPI's `onnxruntime`.
    ///
    /// [`open`](Self::open) and [`from_bytes`](Self::from_bytes) do so by themselves where the graph
    /// cannot be planned in Rust.
    ///
    /// # Errors
    ///
    /// If the library is not there or too old, or if it refuses the graph.
    #[cfg(feature = "onnx-runtime")]
    pub fn by_onnxruntime(bytes: &[u8]) -> Result<Self> {
        let graph = Graph::read(bytes, None)?;
        let (engine, known) = Engine::runtime(&graph, bytes)?;
        Ok(Self::new(bytes.to_vec(), graph, engine, known))
    }

    pub(crate) fn read(bytes: Vec<u8>) -> Result<Self> {
        let operators = framework().op_register.0;
        let known = |name: &str| operators.contains_key(name);
        let planned = Graph::read(&bytes, Some(&known)).and_then(|graph| {
            let (engine, known) = Engine::plan(&graph)?;
            Ok((graph, engine, known))
        });
        match planned {
            Ok((graph, engine, known)) => Ok(Self::new(bytes, graph, engine, known)),
            #[cfg(feature = "onnx-runtime")]
            Err(error) if error.is_unknown() => Self::by_onnxruntime(&bytes)
                .map_err(|other| Error::graph(format!("{error}; and by onnxruntime: {other}"))),
            Err(error) => Err(error),
        }
    }

    fn new(bytes: Vec<u8>, graph: Graph, engine: Engine, known: Known) -> Self {
        let outputs = graph.outputs.iter().zip(known.outputs);
        let output = |(name, (element, columns)): (&String, _)| Output {
            name: name.clone(),
            element,
            columns,
        };
        let outputs: Vec<Output> = outputs.map(output).collect();
        let producer = format!(
            "{} {}",
            graph.proto.producer_name, graph.proto.producer_version
        );
        let nodes = |graph: &GraphProto| graph.node.len();
        let loaded = Loaded {
            producer: cut(producer.trim(), 100),
            nodes: graph.proto.graph.as_ref().map_or(0, nodes),
            inputs: known.inputs,
            roles: Roles::find(&outputs, graph.zipped),
            outputs,
            classes: graph.classes,
            engine,
            bytes,
        };
        Self {
            inner: Arc::new(loaded),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.inner.bytes
    }
}

/// # What is known of it
impl Onnx {
    /// What it must be given.
    pub fn inputs(&self) -> &[Input] {
        &self.inner.inputs
    }

    /// What it answers.
    pub fn outputs(&self) -> &[Output] {
        &self.inner.outputs
    }

    /// The classes that it tells apart, in the order of their scores, as texts; empty where the graph
    /// names none.
    pub fn classes(&self) -> &[String] {
        &self.inner.classes
    }

    /// What wrote it, with its version: `skl2onnx 1.20.0`. Empty where the file does not say.
    pub fn producer(&self) -> &str {
        &self.inner.producer
    }

    /// What computes it: `tract`, or `onnxruntime`.
    pub fn engine(&self) -> &'static str {
        self.inner.engine.name()
    }

    /// How many nodes the graph has.
    pub fn nodes(&self) -> usize {
        self.inner.nodes
    }

    /// How many numbers a row is, of all inputs together; `None` where one of them takes texts, or any
    /// number of columns.
    pub fn width(&self) -> Option<usize> {
        let inputs = self.inner.inputs.iter();
        inputs
            .filter(|input| input.element.is_number())
            .map(Input::width)
            .chain(self.text_input().map(|_| None))
            .try_fold(0usize, |sum, width| sum.checked_add(width?))
    }

    fn text_input(&self) -> Option<&Input> {
        let mut inputs = self.inner.inputs.iter();
        inputs.find(|input| input.element == Element::Text)
    }
}

/// # Answers
impl Onnx {
    /// What it answers to some rows.
    ///
    /// # Errors
    ///
    /// If an input is missing, unknown, too long or too short, or of another type
    /// ([`Error::is_input`]); or if the graph fails.
    pub fn run(&self, inputs: &Inputs) -> Result<Outputs> {
        let Loaded {
            inputs: known,
            outputs,
            roles,
            engine,
            ..
        } = &*self.inner;
        let tensors = engine.run(inputs.rows, convert::tensors(inputs, known)?)?;
        let names = outputs.iter().map(|output| output.name.clone());
        Ok(Outputs {
            tensors: names.zip(tensors).collect(),
            label: roles.label,
            scores: roles.scores,
        })
    }

    /// What it answers to `rows` rows of numbers, one after the other: the scores of each. A row is one
    /// number for each column of each input, in their order; whole numbers go where these are
    /// needed.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), and if an input takes texts or the graph has no output of numbers.
    pub fn predict_f32(&self, row: &[f32], rows: usize) -> Result<Vec<f32>> {
        let inputs = self.split(row, rows)?;
        let mut outputs = self.run(&inputs)?;
        let scores = self.inner.roles.scores.or(self.inner.roles.label);
        let scores = scores.map(|index| outputs.tensors.swap_remove(index).1.values);
        match scores {
            Some(Values::F32(scores)) => Ok(scores),
            Some(Values::F64(scores)) => Ok(scores.into_iter().map(|score| score as f32).collect()),
            Some(Values::I64(scores)) => Ok(scores.into_iter().map(|score| score as f32).collect()),
            _ => Err(Error::graph(
                "the graph has no output of numbers, `run` gives its texts",
            )),
        }
    }

    /// Rows of numbers as values for each input.
    fn split(&self, values: &[f32], rows: usize) -> Result<Inputs> {
        if let Some(text) = self.text_input() {
            return Err(Error::input(format!(
                "the input `{text}` takes texts, and numbers are given"
            )));
        }
        let known = &self.inner.inputs;
        if let [only] = &known[..] {
            return Ok(Inputs::rows(rows).with(&*only.name, values));
        }
        let Some(width) = self.width() else {
            return Err(Error::input(
                "an input takes any number of columns: each needs values of its own",
            ));
        };
        if rows == 0 || values.len() != width.saturating_mul(rows) {
            return Err(Error::input(format!(
                "{} values are given, and {rows} rows of {width} are needed, for {}",
                values.len(),
                convert::listed(known)
            )));
        }
        let mut start = 0;
        let mut inputs = Inputs::rows(rows);
        for input in known {
            let of_one = input.width().unwrap_or(0);
            let rows = values.chunks_exact(width);
            let values: Vec<f32> = rows
                .flat_map(|row| &row[start..start + of_one])
                .copied()
                .collect();
            inputs = inputs.with(&*input.name, values);
            start += of_one;
        }
        Ok(inputs)
    }
}
