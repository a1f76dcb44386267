//! OneHotEncoder: a category becomes a column.

use std::collections::HashMap;
use std::sync::Arc;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::{Known, Operator, attributes, slice};

#[derive(Debug)]
struct OneHotEncoder {
    places: Places,
    count: usize,
    /// Whether an unknown category is all zeros, and no error.
    zeros: bool,
}

#[derive(Debug)]
enum Places {
    Ints(HashMap<i64, usize>),
    Texts(HashMap<String, usize>),
}

pub(super) fn one_hot_encoder(
    _: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    let texts = attributes::strings(node, "cats_strings")?;
    let ints = attributes::ints(node, "cats_int64s")?;
    let count = texts.len().max(ints.len());
    ensure!(count > 0, "it has no categories");
    let places = if texts.is_empty() {
        Places::Ints(ints.into_iter().zip(0..).collect())
    } else {
        Places::Texts(texts.into_iter().zip(0..).collect())
    };
    Ok(Arc::new(OneHotEncoder {
        places,
        count,
        zeros: node.get_attr_opt::<i64>("zeros")?.unwrap_or(1) != 0,
    }))
}

impl Operator for OneHotEncoder {
    fn name(&self) -> &'static str {
        "OneHotEncoder"
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        let mut shape = inputs[0].shape.clone();
        shape.push(self.count.to_dim());
        Ok(tvec![Known {
            kind: f32::datum_type(),
            shape
        }])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let input = inputs[0];
        let is_text = input.datum_type() == String::datum_type();
        let places: Vec<Option<usize>> = match &self.places {
            Places::Texts(places) if is_text => {
                let categories = slice::<String>(input)?.iter();
                categories
                    .map(|category| places.get(category).copied())
                    .collect()
            }
            Places::Ints(places) if !is_text => {
                // Numbers with a fraction are cut off.
                let categories = input.cast_to::<i64>()?;
                let categories = slice::<i64>(&categories)?.iter();
                categories
                    .map(|category| places.get(category).copied())
                    .collect()
            }
            _ => bail!("its categories are of another type than its input"),
        };
        let mut out = vec![0f32; places.len() * self.count];
        for (out, place) in out.chunks_exact_mut(self.count).zip(places) {
            match place {
                Some(place) => out[place] = 1.0,
                None => ensure!(self.zeros, "a category is not among its {}", self.count),
            }
        }
        let mut shape: TVec<usize> = input.shape().into();
        shape.push(self.count);
        Ok(tvec![Tensor::from_shape(&shape, &out)?])
    }
}
