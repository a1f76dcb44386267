//! How tract computes a graph: planned once, for any number of rows.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use tract_onnx::prelude::TypedSimplePlan;
use tract_onnx::tract_core::model::typed::TypedSimpleState;
use tract_onnx::tract_hir::internal::*;

use crate::convert;
use crate::engine::{Known, Rows};
use crate::error::{Error, Result, cut};
use crate::facts::Dim;
use crate::graph::Graph;
use crate::ops;
use crate::values::Tensor as Answer;

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

/// A plan, and the states of it that are not in use.
pub(crate) struct Plan {
    plan: Arc<TypedSimplePlan>,
    states: Mutex<Vec<TypedSimpleState>>,
}

impl Plan {
    /// Plans a graph for that number of rows.
    pub(crate) fn new(graph: &Graph, rows: Rows) -> Result<(Self, Known)> {
        guarded("the graph cannot be planned", || plan(graph, rows))
    }

    /// What it answers, to tensors for its inputs.
    pub(crate) fn run(&self, inputs: TVec<Tensor>) -> Result<Vec<Answer>> {
        let inputs = inputs.into_iter().map(Tensor::into_tvalue).collect();
        guarded("the graph failed", || {
            let answers = self.answers(inputs)?.into_iter();
            answers
                .map(|answer| convert::answer(answer.into_tensor()))
                .collect()
        })
    }

    fn answers(&self, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let states = || self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let free = states().pop();
        let mut state = match free {
            Some(state) => state,
            None => self.plan.spawn()?,
        };
        // One that failed is not used again, nor one with something to remember: Scan and LSTM would go on
        // where the last call ended.
        let answers = state.run(inputs)?;
        if state.op_states.iter().all(Option::is_none) {
            let mut states = states();
            if states.len() < MOST_STATES {
                states.push(state);
            }
        }
        Ok(answers)
    }
}

/// What `work` gives, with tract's error in a sentence. Its panics are errors, too: most is checked
/// before, but shapes that do not fit are found by operators of every kind.
fn guarded<T>(what: &str, work: impl FnOnce() -> TractResult<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::unknown(format!(
            "{what}: {}",
            cut(&format!("{error:#}"), 400)
        ))),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let text = cut(text.unwrap_or("it panicked"), 400);
            Err(Error::unknown(format!("{what}: {text}")))
        }
    }
}

fn plan(graph: &Graph, rows: Rows) -> TractResult<(Plan, Known)> {
    let mut inputs = graph.inputs.clone();
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
    };
    Ok((plan, Known { inputs, outputs }))
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
