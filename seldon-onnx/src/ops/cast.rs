//! Cast, with texts, and with whole numbers that stay such.

use std::sync::Arc;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::{Known, Operator, slice, texts};

#[derive(Debug)]
struct Cast {
    to: DatumType,
}

pub(super) fn cast(_: &ParsingContext<'_>, node: &NodeProto) -> TractResult<Arc<dyn Operator>> {
    let to = node.get_attr::<DatumType>("to")?;
    Ok(Arc::new(Cast { to }))
}

impl Cast {
    /// What dimensions are computed in stays that: they may not be known yet.
    fn to(&self, from: DatumType) -> DatumType {
        match from == TDim::datum_type() && self.to == i64::datum_type() {
            true => from,
            false => self.to,
        }
    }
}

impl Operator for Cast {
    fn name(&self) -> &'static str {
        "Cast"
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        Ok(tvec![Known {
            kind: self.to(inputs[0].kind),
            shape: inputs[0].shape.clone()
        }])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (input, text) = (inputs[0], String::datum_type());
        let (from, to) = (input.datum_type(), self.to(input.datum_type()));
        let cast = match (from == text, to == text) {
            (false, false) => input.cast_to_dt(to)?.into_owned(),
            (true, true) => input.clone(),
            (true, false) => {
                let numbers = slice::<String>(input)?.iter().map(|text| parse(text));
                let numbers: Vec<f64> = numbers.collect::<TractResult<_>>()?;
                let numbers = Tensor::from_shape(input.shape(), &numbers)?;
                numbers.cast_to_dt(to)?.into_owned()
            }
            (false, true) => texts(written(input)?, input.shape())?,
        };
        Ok(tvec![cast])
    }
}

fn parse(text: &str) -> TractResult<f64> {
    let number = text.trim().parse();
    number.with_context(|| format!("the text {} is no number", crate::error::quoted(text)))
}

/// Numbers as texts: whole ones without a point, as skl2onnx expects its labels.
fn written(input: &Tensor) -> TractResult<Vec<String>> {
    let kind = input.datum_type();
    Ok(if kind == f32::datum_type() {
        slice::<f32>(input)?.iter().map(f32::to_string).collect()
    } else if kind == f64::datum_type() {
        slice::<f64>(input)?.iter().map(f64::to_string).collect()
    } else {
        let input = input.cast_to::<i64>()?;
        slice::<i64>(&input)?.iter().map(i64::to_string).collect()
    })
}
