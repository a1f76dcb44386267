//! What computes a graph, for as many rows as are asked for.

use tract_onnx::tract_hir::internal::{TVec, Tensor};

use crate::error::{Error, Result};
use crate::facts::Input;
use crate::graph::Graph;
use crate::plan::Plan;
#[cfg(feature = "onnx-runtime")]
use crate::runtime::Runtime;
use crate::values::{Element, Tensor as Answer, Values};

/// What computes, once for all rows or row by row.
pub(crate) struct Engine {
    kind: Kind,
    rows: Rows,
}

enum Kind {
    Plan(Box<Plan>),
    #[cfg(feature = "onnx-runtime")]
    Runtime(Box<Runtime>),
}

/// Which numbers of rows a graph takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    Any,
    /// More are taken one by one.
    One,
    /// This many, and no other.
    Exactly(usize),
}

/// What an engine knows of its graph: the inputs with the shapes that are needed, and the outputs' types
/// and numbers of columns.
pub(crate) struct Known {
    pub(crate) inputs: Vec<Input>,
    pub(crate) outputs: Vec<(Element, Option<usize>)>,
}

impl Rows {
    /// What the graph's inputs say of them.
    fn declared(inputs: &[Input]) -> Result<Self> {
        let mut counts = inputs.iter().map(|input| input.dims[0].fixed());
        let first = counts.next().flatten();
        if counts.any(|count| count != first) {
            return Err(Error::graph(
                "the first dimensions of the inputs differ, and each must count the rows",
            ));
        }
        Ok(match first {
            None => Self::Any,
            Some(1) => Self::One,
            Some(rows) => Self::Exactly(rows),
        })
    }
}

impl Engine {
    /// Plans the graph, in pure Rust.
    pub(crate) fn plan(graph: &Graph) -> Result<(Self, Known)> {
        let declared = Rows::declared(&graph.inputs)?;
        let attempt = |rows| {
            let (plan, known) = Plan::new(graph, rows)?;
            let kind = Kind::Plan(Box::new(plan));
            Ok((Self { kind, rows }, known))
        };
        match attempt(declared) {
            // A graph may be planned for one row that cannot be for a number yet unknown.
            Err(error) if declared == Rows::Any => attempt(Rows::One).map_err(|_| error),
            planned => planned,
        }
    }

    /// Hands the graph to onnxruntime's library.
    #[cfg(feature = "onnx-runtime")]
    pub(crate) fn runtime(graph: &Graph, bytes: &[u8]) -> Result<(Self, Known)> {
        let rows = Rows::declared(&graph.inputs)?;
        let (runtime, known) = Runtime::new(graph, bytes)?;
        let kind = Kind::Runtime(Box::new(runtime));
        Ok((Self { kind, rows }, known))
    }

    /// What it is, as it is shown.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Plan(_) => "tract",
            #[cfg(feature = "onnx-runtime")]
            Kind::Runtime(_) => "onnxruntime",
        }
    }

    /// What it answers for `rows` rows, whose tensors are those of the inputs.
    pub(crate) fn run(&self, rows: usize, inputs: TVec<Tensor>) -> Result<Vec<Answer>> {
        match self.rows {
            Rows::Exactly(needed) if rows != needed => Err(Error::input(format!(
                "the graph is for {needed} rows at once, and {rows} are given"
            ))),
            Rows::One if rows != 1 => self.one_by_one(rows, &inputs),
            _ => self.once(inputs),
        }
    }

    fn once(&self, inputs: TVec<Tensor>) -> Result<Vec<Answer>> {
        match &self.kind {
            Kind::Plan(plan) => plan.run(inputs),
            #[cfg(feature = "onnx-runtime")]
            Kind::Runtime(runtime) => runtime.run(inputs),
        }
    }

    fn one_by_one(&self, rows: usize, inputs: &[Tensor]) -> Result<Vec<Answer>> {
        let row = |row: usize| {
            let slices = inputs.iter().map(|input| input.slice(0, row, row + 1));
            let slices = slices.collect::<Result<TVec<Tensor>, _>>();
            self.once(slices.map_err(|error| Error::graph(format!("{error:#}")))?)
        };
        let mut all = row(0)?;
        for index in 1..rows {
            for (all, more) in all.iter_mut().zip(row(index)?) {
                all.extend(more)?;
            }
        }
        Ok(all)
    }
}

impl Answer {
    /// Adds the rows of another answer of the same output.
    fn extend(&mut self, more: Self) -> Result<()> {
        let alike = self.shape.len() == more.shape.len() && self.shape[1..] == more.shape[1..];
        match (&mut self.values, more.values) {
            _ if !alike || self.shape.is_empty() => {
                return Err(Error::graph("the answers to the rows are not of one shape"));
            }
            (Values::F32(all), Values::F32(more)) => all.extend(more),
            (Values::F64(all), Values::F64(more)) => all.extend(more),
            (Values::I64(all), Values::I64(more)) => all.extend(more),
            (Values::Bool(all), Values::Bool(more)) => all.extend(more),
            (Values::Text(all), Values::Text(more)) => all.extend(more),
            _ => return Err(Error::graph("the answers to the rows are not of one type")),
        }
        self.shape[0] += more.shape[0];
        Ok(())
    }
}
