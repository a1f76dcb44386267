//! Scaler, Imputer, Normalizer and Binarizer: a number for a number.

use std::sync::Arc;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::{Known, Operator, attributes, floats, slice};

/// The first input's shape, and that type.
fn same_shape(kind: DatumType, inputs: &[Known]) -> TractResult<TVec<Known>> {
    Ok(tvec![Known {
        kind,
        shape: inputs[0].shape.clone()
    }])
}

/// The numbers of the last dimension, for which an attribute has one each, or one for all.
fn columns(tensor: &Tensor, given: usize) -> TractResult<usize> {
    let width = tensor.shape().last().copied().unwrap_or(1).max(1);
    ensure!(
        given == 1 || given == width,
        "{given} columns are needed, and there are {width}"
    );
    Ok(width)
}

#[derive(Debug)]
struct Scaler {
    offset: Vec<f32>,
    scale: Vec<f32>,
}

pub(super) fn scaler(_: &ParsingContext<'_>, node: &NodeProto) -> TractResult<Arc<dyn Operator>> {
    let offset = attributes::floats(node, "offset")?;
    let scale = attributes::floats(node, "scale")?;
    ensure!(
        !scale.is_empty() && offset.len() == scale.len(),
        "it has {} offsets and {} scales",
        offset.len(),
        scale.len()
    );
    Ok(Arc::new(Scaler { offset, scale }))
}

impl Operator for Scaler {
    fn name(&self) -> &'static str {
        "Scaler"
    }

    fn width(&self) -> Option<usize> {
        (self.scale.len() > 1).then_some(self.scale.len())
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        same_shape(f32::datum_type(), inputs)
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        columns(inputs[0], self.scale.len())?;
        let input = floats(inputs[0])?;
        let each = self.offset.iter().zip(&self.scale).cycle();
        let values = slice::<f32>(&input)?.iter().zip(each);
        let scaled: Vec<f32> = values
            .map(|(x, (offset, scale))| (x - offset) * scale)
            .collect();
        Ok(tvec![Tensor::from_shape(inputs[0].shape(), &scaled)?])
    }
}

#[derive(Debug)]
enum Imputer {
    Floats { values: Vec<f32>, replaced: f32 },
    Ints { values: Vec<i64>, replaced: i64 },
}

pub(super) fn imputer(_: &ParsingContext<'_>, node: &NodeProto) -> TractResult<Arc<dyn Operator>> {
    let values = attributes::floats(node, "imputed_value_floats")?;
    let ints = attributes::ints(node, "imputed_value_int64s")?;
    Ok(Arc::new(if !values.is_empty() {
        let replaced = node.get_attr_opt("replaced_value_float")?.unwrap_or(0.0);
        Imputer::Floats { values, replaced }
    } else {
        ensure!(!ints.is_empty(), "it has no values to put in");
        let replaced = node.get_attr_opt("replaced_value_int64")?.unwrap_or(0);
        Imputer::Ints {
            values: ints,
            replaced,
        }
    }))
}

impl Operator for Imputer {
    fn name(&self) -> &'static str {
        "Imputer"
    }

    fn width(&self) -> Option<usize> {
        let count = match self {
            Self::Floats { values, .. } => values.len(),
            Self::Ints { values, .. } => values.len(),
        };
        (count > 1).then_some(count)
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        let kind = match self {
            Self::Floats { .. } => f32::datum_type(),
            Self::Ints { .. } => i64::datum_type(),
        };
        same_shape(kind, inputs)
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let shape = inputs[0].shape();
        let imputed = match self {
            Self::Floats { values, replaced } => {
                columns(inputs[0], values.len())?;
                let input = floats(inputs[0])?;
                let each = slice::<f32>(&input)?.iter().zip(values.iter().cycle());
                let missing = |x: f32| x == *replaced || x.is_nan() && replaced.is_nan();
                let imputed: Vec<f32> = each
                    .map(|(x, value)| if missing(*x) { *value } else { *x })
                    .collect();
                Tensor::from_shape(shape, &imputed)?
            }
            Self::Ints { values, replaced } => {
                columns(inputs[0], values.len())?;
                let input = inputs[0].cast_to::<i64>()?;
                let each = slice::<i64>(&input)?.iter().zip(values.iter().cycle());
                let imputed: Vec<i64> = each
                    .map(|(x, value)| if x == replaced { *value } else { *x })
                    .collect();
                Tensor::from_shape(shape, &imputed)?
            }
        };
        Ok(tvec![imputed])
    }
}

#[derive(Debug, Clone, Copy)]
enum Normalizer {
    Max,
    L1,
    L2,
}

pub(super) fn normalizer(
    _: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    Ok(Arc::new(match &*attributes::string(node, "norm", "MAX")? {
        "MAX" => Normalizer::Max,
        "L1" => Normalizer::L1,
        "L2" => Normalizer::L2,
        other => bail!("its `norm` is `{other}`, which ONNX does not know"),
    }))
}

impl Operator for Normalizer {
    fn name(&self) -> &'static str {
        "Normalizer"
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        same_shape(f32::datum_type(), inputs)
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let width = columns(inputs[0], 1)?;
        let input = floats(inputs[0])?;
        let mut values = slice::<f32>(&input)?.to_vec();
        for row in values.chunks_exact_mut(width) {
            let norm = match self {
                Self::Max => row.iter().copied().fold(f32::NEG_INFINITY, f32::max),
                Self::L1 => row.iter().map(|x| x.abs()).sum(),
                Self::L2 => row.iter().map(|x| x * x).sum::<f32>().sqrt(),
            };
            // A row of zeros stays one.
            if norm != 0.0 {
                row.iter_mut().for_each(|x| *x /= norm);
            }
        }
        Ok(tvec![Tensor::from_shape(inputs[0].shape(), &values)?])
    }
}

#[derive(Debug)]
struct Binarizer {
    threshold: f32,
}

pub(super) fn binarizer(
    _: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    let threshold = node.get_attr_opt("threshold")?.unwrap_or(0.0);
    Ok(Arc::new(Binarizer { threshold }))
}

impl Operator for Binarizer {
    fn name(&self) -> &'static str {
        "Binarizer"
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        same_shape(f32::datum_type(), inputs)
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let input = floats(inputs[0])?;
        let above = |x: &f32| f32::from(u8::from(*x > self.threshold));
        let values: Vec<f32> = slice::<f32>(&input)?.iter().map(above).collect();
        Ok(tvec![Tensor::from_shape(inputs[0].shape(), &values)?])
    }
}
