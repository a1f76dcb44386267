//! How tract computes a graph: planned once, for any number of rows.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use tract_onnx::prelude::TypedSimplePlan;
use tract_onnx::tract_core::model::typed::TypedSimpleState;
use tract_onnx::tract_hir::internal::*;

use crate::convert;
use crate::error::{Error, Result, cut};
use crate::facts::{Dim, Input};
use crate::graph::Graph;
use crate::ops;
use crate::values::{Element, Tensor as Answer};

/// The most elements that a node's output may have where its shape does not depend on the rows.
const MOST_ELEMENTS: usize = 1 << 28;

/// How many plans' states are kept between calls.
const MOST_STATES: usize = 64;

/// tract with the operators of this crate.
pub(crate) fn framework() -> tract_onnx::Onnx {
    let mut onnx = tract_onnx::onnx();
    // Shapes that were noted when the graph was made are for the rows that there were then.
    onnx.ignore_value_info = true;
    ops::register(&mut onnx);
    onnx
}

/// Which numbers of rows a plan takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    Any,
    /// Others are taken one by one.
    One,
    /// This many, and no other.
    Exactly(usize),
}

/// A plan and the states of it that are not in use.
pub(crate) struct Plan {
    plan: Arc<TypedSimplePlan>,
    states: Mutex<Vec<TypedSimpleState>>,
    rows: Rows,
}

/// A graph that was planned.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    /// The inputs with what the operators know of their shapes.
    pub(crate) inputs: Vec<Input>,
    /// The outputs' types and numbers of columns.
    pub(crate) outputs: Vec<(Element, Option<usize>)>,
}

impl Planned {
    pub(crate) fn new(graph: &Graph) -> Result<Self> {
        let mut inputs = graph.inputs.clone();
        let first = |input: &Input| input.dims[0].fixed();
        // What is given once for all rows has no place in a batch.
        let counts: TVec<Option<usize>> = inputs.iter().map(first).collect();
        if let Some(count) = counts[0] {
            if counts.iter().any(|other| *other != Some(count)) {
                return Err(Error::graph(
                    "the first dimensions of the inputs differ: each must count the rows",
                ));
            }
            let rows = if count == 1 {
                Rows::One
            } else {
                Rows::Exactly(count)
            };
            return attempt(graph, &mut inputs, rows);
        }
        if counts.iter().any(Option::is_some) {
            return Err(Error::graph(
                "the first dimension of one input is fixed, and of another it is open: each must count the rows",
            ));
        }
        match attempt(graph, &mut inputs, Rows::Any) {
            Ok(planned) => Ok(planned),
            // A graph may be planned for one row that cannot be for a number yet unknown.
            Err(error) => attempt(graph, &mut inputs, Rows::One).map_err(|_| error),
        }
    }
}

fn attempt(graph: &Graph, inputs: &mut [Input], rows: Rows) -> Result<Planned> {
    guarded("the graph cannot be planned", || plan(graph, inputs, rows))
}

/// What `work` gives, with tract's error in a sentence. Its panics are errors, too: most is checked
/// before, but shapes that do not fit are found by operators of every kind.
fn guarded<T>(what: &str, work: impl FnOnce() -> TractResult<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::graph(format!(
            "{what}: {}",
            cut(&format!("{error:#}"), 400)
        ))),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let text = cut(text.unwrap_or("it panicked"), 400);
            Err(Error::graph(format!("{what}: {text}")))
        }
    }
}

fn plan(graph: &Graph, inputs: &mut [Input], rows: Rows) -> TractResult<Planned> {
    let parsed = framework().parse(&graph.proto, None)?;
    if let Some(name) = parsed.unresolved_inputs.first() {
        bail!("no node makes {name}");
    }
    let mut model = parsed.model;
    let batch: TDim = match rows {
        Rows::Any => model.symbols.sym("N").into(),
        Rows::One => 1.to_dim(),
        Rows::Exactly(rows) => rows.to_dim(),
    };
    for (index, input) in inputs.iter().enumerate() {
        let dim = |dim: &Dim| {
            dim.fixed()
                .map_or(DimFact::default(), |dim| dim.to_dim().into())
        };
        let shape = std::iter::once(batch.clone().into()).chain(input.dims[1..].iter().map(dim));
        let fact = InferenceFact::dt_shape(
            convert::datum_type(input.element),
            ShapeFactoid::closed(shape.collect()),
        );
        model.set_input_fact(index, fact)?;
    }
    // What the operators know of the widths of their inputs; what stays open gets a symbol.
    model.analyse(true).ok();
    for (index, input) in inputs.iter_mut().enumerate() {
        let fact = model.input_fact(index)?.clone();
        let known: Vec<DimFact> = fact.shape.dims().cloned().collect();
        let mut shape = tvec![batch.clone()];
        for (place, dim) in known.iter().enumerate().skip(1) {
            let dim = dim.concretize().filter(|dim| dim.to_usize().is_ok());
            shape.push(match (dim, &input.dims[place]) {
                (Some(dim), _) => {
                    input.dims[place] = Dim::Fixed(dim.to_usize()?);
                    dim
                }
                (None, Dim::Named(name)) => model.symbols.sym(&format!("named {name}")).into(),
                (None, _) => model.symbols.sym(&format!("open {index} {place}")).into(),
            });
        }
        let kind = convert::datum_type(input.element);
        model.set_input_fact(index, InferenceFact::dt_shape(kind, &*shape))?;
    }
    let model = model.into_typed()?;
    bounded(&model)?;
    let model = model.into_decluttered()?;
    bounded(&model)?;
    let model = model.into_optimized()?;
    let outputs = model.output_outlets()?.iter().map(|outlet| {
        let fact = model.outlet_fact(*outlet)?;
        let element = convert::element(fact.datum_type)?;
        let mut columns = fact.shape.iter().skip(1).map(|dim| dim.to_usize().ok());
        let columns = columns.try_fold(1usize, |product, dim| product.checked_mul(dim?));
        Ok((element, columns))
    });
    let outputs = outputs.collect::<TractResult<_>>()?;
    let plan = Plan {
        plan: model.into_runnable()?,
        states: Mutex::default(),
        rows,
    };
    Ok(Planned {
        plan,
        inputs: inputs.to_vec(),
        outputs,
    })
}

/// An error if a node makes a tensor that is too large whatever the rows are.
fn bounded(model: &TypedModel) -> TractResult<()> {
    for node in model.nodes() {
        for output in &node.outputs {
            let dims = output
                .fact
                .shape
                .iter()
                .map(|dim| dim.to_usize().unwrap_or(1));
            let elements = dims.fold(1usize, usize::saturating_mul);
            ensure!(
                elements <= MOST_ELEMENTS,
                "node {} makes a tensor of {elements} elements, at most {MOST_ELEMENTS} are taken",
                node.name
            );
        }
    }
    Ok(())
}

impl Plan {
    /// What it answers for `rows` rows, whose tensors are those of the inputs.
    pub(crate) fn run(&self, rows: usize, inputs: TVec<Tensor>) -> Result<Vec<Answer>> {
        let answers = match self.rows {
            Rows::Exactly(needed) if rows != needed => {
                return Err(Error::input(format!(
                    "the graph is for {needed} rows at once, and there are {rows}"
                )));
            }
            Rows::One if rows != 1 => self.one_by_one(rows, &inputs)?,
            _ => self.once(inputs)?,
        };
        let convert = |tensor: TValue| convert::answer(tensor.into_tensor());
        guarded("an output cannot be read", || {
            answers.into_iter().map(convert).collect()
        })
    }

    fn once(&self, inputs: TVec<Tensor>) -> Result<TVec<TValue>> {
        let inputs = inputs.into_iter().map(Tensor::into_tvalue).collect();
        guarded("the graph failed", || {
            let states = || self.states.lock().unwrap_or_else(PoisonError::into_inner);
            let free = states().pop();
            let mut state = match free {
                Some(state) => state,
                None => self.plan.spawn()?,
            };
            // One that failed is not used again, nor one with something to remember: Scan and LSTM
            // would go on where the last call ended.
            let outputs = state.run(inputs)?;
            if state.op_states.iter().any(Option::is_some) {
                return Ok(outputs);
            }
            let mut states = states();
            if states.len() < MOST_STATES {
                states.push(state);
            }
            Ok(outputs)
        })
    }

    fn one_by_one(&self, rows: usize, inputs: &[Tensor]) -> Result<TVec<TValue>> {
        let mut all: TVec<TVec<Tensor>> = tvec![];
        for row in 0..rows {
            let slice = |input: &Tensor| input.slice(0, row, row + 1);
            let inputs = guarded("a row cannot be taken", || {
                inputs.iter().map(slice).collect()
            })?;
            for (index, output) in self.once(inputs)?.into_iter().enumerate() {
                if index == all.len() {
                    all.push(tvec![]);
                }
                all[index].push(output.into_tensor());
            }
        }
        guarded("the rows' answers are not alike", || {
            let stack =
                |rows: TVec<Tensor>| Tensor::stack_tensors(0, &rows).map(Tensor::into_tvalue);
            all.into_iter().map(stack).collect()
        })
    }
}
