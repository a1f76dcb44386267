//! An ONNX graph, whose inputs are filled from a row.

use seldon_onnx::{Element, Input, Inputs, Onnx, Values};
use seldon_runtime::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Batch;
use crate::columns::Kind;

/// A graph, and what its inputs are as features of a row: an input of one column by its name, as
/// skl2onnx makes one of each column of a data frame, or the columns of a matrix in their order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Onnx", into = "Onnx")]
pub(crate) struct Graph {
    onnx: Onnx,
    names: Vec<String>,
    kinds: Vec<Kind>,
    outputs: usize,
}

impl From<Graph> for Onnx {
    fn from(graph: Graph) -> Self {
        graph.onnx
    }
}

impl From<Onnx> for Graph {
    fn from(onnx: Onnx) -> Self {
        let inputs = onnx.inputs();
        let width = |input: &Input| input.width().unwrap_or(0);
        let are_columns = inputs.len() > 1 && inputs.iter().all(|input| width(input) == 1);
        let names = match are_columns {
            true => inputs.iter().map(|input| input.name().to_owned()).collect(),
            false => Vec::new(),
        };
        let kinds = (inputs.iter())
            .flat_map(|input| std::iter::repeat_n(kind(input.element()), width(input)))
            .collect();
        let mut graph = Self {
            outputs: onnx.classes().len().max(1),
            names,
            kinds,
            onnx,
        };
        // A row tells for certain how many numbers come out, if the graph takes one of zeros.
        if graph.features().is_some()
            && let Ok(answer) = graph.answer(graph.zeros())
        {
            graph.outputs = answer.len().max(1);
        }
        graph
    }
}

fn kind(element: Element) -> Kind {
    match element {
        Element::Text => Kind::Text,
        Element::Bool => Kind::Flag,
        _ => Kind::Number,
    }
}

impl Graph {
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let onnx = Onnx::from_bytes(bytes).map_err(|e| e.to_string())?;
        let is_open = |input: &Input| input.width().is_none();
        if onnx.inputs().len() > 1
            && let Some(open) = onnx.inputs().iter().find(|input| is_open(input))
        {
            return Err(format!(
                "the input `{open}` takes any number of columns, beside others"
            ));
        }
        Ok(onnx.into())
    }

    pub(super) fn features(&self) -> Option<usize> {
        let is_open = self
            .onnx
            .inputs()
            .iter()
            .any(|input| input.width().is_none());
        (!is_open).then_some(self.kinds.len())
    }

    pub(super) fn feature_names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn kind(&self, feature: usize) -> Kind {
        match self.kinds.get(feature) {
            Some(kind) => *kind,
            // Of an input of any number of columns.
            None => {
                (self.onnx.inputs().first()).map_or(Kind::Number, |input| kind(input.element()))
            }
        }
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    pub(super) fn classes(&self) -> &[String] {
        self.onnx.classes()
    }

    fn zeros(&self) -> Batch {
        let texts = self
            .kinds
            .iter()
            .filter(|kind| **kind == Kind::Text)
            .count();
        Batch {
            rows: 1,
            numbers: vec![0.0; self.kinds.len() - texts],
            texts: vec![String::new(); texts],
        }
    }

    pub(super) fn answer(&self, batch: Batch) -> Result<Vec<f64>> {
        let failed = |e: seldon_onnx::Error| match e.is_input() {
            true => Error::invalid_input(e.to_string()),
            false => Error::failed(e),
        };
        let outputs = self.onnx.run(&self.inputs(&batch)).map_err(failed)?;
        let scores = outputs.scores().or_else(|| outputs.label());
        let scores = scores.and_then(|scores| scores.to_f64());
        scores.ok_or_else(|| Error::failed("the graph answers with texts alone"))
    }

    /// The rows' values for each input.
    fn inputs(&self, batch: &Batch) -> Inputs {
        let rows = batch.rows.max(1);
        let (numbers, texts) = (batch.numbers.len() / rows, batch.texts.len() / rows);
        let (mut number, mut text) = (0, 0);
        let mut inputs = Inputs::rows(batch.rows);
        for input in self.onnx.inputs() {
            let is_text = input.element() == Element::Text;
            let width = input
                .width()
                .unwrap_or(if is_text { texts } else { numbers });
            let values = if is_text {
                let from = text;
                text += width;
                let values = rows_of(&batch.texts, texts, from, width);
                Values::Text(values.cloned().collect())
            } else {
                let from = number;
                number += width;
                let values = rows_of(&batch.numbers, numbers, from, width);
                match input.element() {
                    Element::Bool => Values::Bool(values.map(|v| *v != 0.0).collect()),
                    Element::F32 | Element::F16 => Values::F32(values.map(|v| *v as f32).collect()),
                    _ => Values::F64(values.copied().collect()),
                }
            };
            inputs = inputs.with(input.name(), values);
        }
        inputs
    }

    pub(super) fn about(&self) -> Vec<(&'static str, String)> {
        let inputs: Vec<String> = self.onnx.inputs().iter().map(Input::to_string).collect();
        vec![
            ("library", format!("ONNX, by {}", self.onnx.producer())),
            ("nodes", self.onnx.nodes().to_string()),
            ("inputs", inputs.join("; ")),
        ]
    }
}

/// Of each row of `all`, which has `stride` values, the `width` from `from` on.
fn rows_of<T>(all: &[T], stride: usize, from: usize, width: usize) -> impl Iterator<Item = &T> {
    let rows = all.chunks_exact(stride.max(1));
    rows.flat_map(move |row| row.get(from..from + width).unwrap_or_default())
}
