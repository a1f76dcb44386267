//! ArrayFeatureExtractor and FeatureVectorizer: which columns, in which order.

use std::sync::Arc;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::{Known, Operator, attributes, floats, rows, slice};

#[derive(Debug)]
struct ArrayFeatureExtractor;

pub(super) fn array_feature_extractor(
    _: &ParsingContext<'_>,
    _: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    Ok(Arc::new(ArrayFeatureExtractor))
}

impl Operator for ArrayFeatureExtractor {
    fn name(&self) -> &'static str {
        "ArrayFeatureExtractor"
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        ensure!(
            inputs.len() == 2,
            "it takes two inputs, and has {}",
            inputs.len()
        );
        let mut shape = inputs[0].shape.clone();
        if shape.len() < 2 {
            shape.insert(0, 1.to_dim());
        }
        shape.truncate(shape.len() - 1);
        shape.push(inputs[1].shape.iter().product());
        Ok(tvec![Known {
            kind: inputs[0].kind,
            shape
        }])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let indices = inputs[1].cast_to::<i64>()?;
        let indices = slice::<i64>(&indices)?;
        let width = inputs[0].shape().last().copied().unwrap_or(1);
        let index = |index: &i64| {
            let index = usize::try_from(*index).ok().filter(|index| *index < width);
            index.with_context(|| format!("a column is asked for that is not among {width}"))
        };
        let indices: Vec<usize> = indices.iter().map(index).collect::<TractResult<_>>()?;
        let mut shape: TVec<usize> = inputs[0].shape().into();
        if shape.len() < 2 {
            shape.insert(0, 1);
        }
        if let Some(last) = shape.last_mut() {
            *last = indices.len();
        }
        fn pick<T: Datum>(
            tensor: &Tensor,
            width: usize,
            indices: &[usize],
            shape: &[usize],
        ) -> TractResult<Tensor> {
            let rows = slice::<T>(tensor)?.chunks_exact(width.max(1));
            let picked: Vec<T> = rows
                .flat_map(|row| indices.iter().map(|index| row[*index].clone()))
                .collect();
            tensor1(&picked).into_shape(shape)
        }
        let picked = dispatch_datum!(pick(inputs[0].datum_type())(
            inputs[0], width, &indices, &shape
        ))?;
        Ok(tvec![picked])
    }
}

#[derive(Debug)]
struct FeatureVectorizer {
    /// How many columns are taken of each input.
    widths: Vec<usize>,
}

pub(super) fn feature_vectorizer(
    _: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    let widths = attributes::ints(node, "inputdimensions")?.into_iter();
    let width = |width: i64| {
        usize::try_from(width)
            .ok()
            .filter(|width| *width <= 1 << 24)
    };
    let widths: Option<Vec<usize>> = widths.map(width).collect();
    let widths = widths.context("an `inputdimensions` is no width")?;
    ensure!(
        widths.len() == node.input.len(),
        "it has {} inputs and {} `inputdimensions`",
        node.input.len(),
        widths.len()
    );
    Ok(Arc::new(FeatureVectorizer { widths }))
}

impl Operator for FeatureVectorizer {
    fn name(&self) -> &'static str {
        "FeatureVectorizer"
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        let width: usize = self.widths.iter().sum();
        Ok(tvec![Known::new(
            f32::datum_type(),
            [inputs[0].rows(), width.to_dim()]
        )])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (count, _) = rows(inputs[0])?;
        let total: usize = self.widths.iter().sum();
        // Columns that an input lacks are zero.
        let mut out = vec![0f32; count * total];
        let mut start = 0;
        for (input, wanted) in inputs.iter().zip(&self.widths) {
            let (rows, width) = rows(input)?;
            ensure!(rows == count, "its inputs have {count} rows, and {rows}");
            let values = floats(input)?;
            let taken = width.min(*wanted);
            if width > 0 {
                let rows = slice::<f32>(&values)?.chunks_exact(width);
                for (row, out) in rows.zip(out.chunks_exact_mut(total.max(1))) {
                    out[start..start + taken].copy_from_slice(&row[..taken]);
                }
            }
            start += wanted;
        }
        Ok(tvec![Tensor::from_shape(&[count, total], &out)?])
    }
}
