//! What the operators read from their nodes.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// A list of numbers; empty where there is none.
pub(super) fn floats(node: &NodeProto, name: &str) -> TractResult<Vec<f32>> {
    Ok(node
        .get_attr_opt_slice::<f32>(name)?
        .unwrap_or_default()
        .to_vec())
}

/// A list of whole numbers; empty where there is none.
pub(super) fn ints(node: &NodeProto, name: &str) -> TractResult<Vec<i64>> {
    Ok(node
        .get_attr_opt_slice::<i64>(name)?
        .unwrap_or_default()
        .to_vec())
}

/// A list of texts; empty where there is none.
pub(super) fn strings(node: &NodeProto, name: &str) -> TractResult<Vec<String>> {
    let bytes = node
        .get_attr_opt_slice::<Vec<u8>>(name)?
        .unwrap_or_default();
    let texts = bytes.iter().map(|bytes| String::from_utf8(bytes.clone()));
    texts
        .collect::<Result<_, _>>()
        .with_context(|| format!("`{name}` is not in UTF-8"))
}

/// A text; its default where there is none.
pub(super) fn string(node: &NodeProto, name: &str, default: &str) -> TractResult<String> {
    let text = node.get_attr_opt::<String>(name)?;
    Ok(text.unwrap_or_else(|| default.to_owned()))
}

/// The labels of a classifier: texts or whole numbers.
#[derive(Debug, Clone)]
pub(super) enum Labels {
    Ints(Vec<i64>),
    Texts(Vec<String>),
}

impl Labels {
    /// Reads them from the attribute of whole numbers that an operator has beside
    /// `classlabels_strings`.
    pub(super) fn read(node: &NodeProto, ints_name: &str) -> TractResult<Self> {
        let texts = strings(node, "classlabels_strings")?;
        if !texts.is_empty() {
            return Ok(Self::Texts(texts));
        }
        let ints = ints(node, ints_name)?;
        ensure!(
            !ints.is_empty(),
            "there are no labels: neither `classlabels_strings` nor `{ints_name}`"
        );
        Ok(Self::Ints(ints))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ints(labels) => labels.len(),
            Self::Texts(labels) => labels.len(),
        }
    }

    pub(super) fn kind(&self) -> DatumType {
        match self {
            Self::Ints(_) => i64::datum_type(),
            Self::Texts(_) => String::datum_type(),
        }
    }

    /// The labels of the classes that were chosen.
    pub(super) fn tensor(&self, classes: &[usize]) -> Tensor {
        match self {
            Self::Ints(labels) => tensor1(
                &classes
                    .iter()
                    .map(|class| labels[*class])
                    .collect::<Vec<_>>(),
            ),
            Self::Texts(labels) => tensor1(
                &classes
                    .iter()
                    .map(|class| labels[*class].clone())
                    .collect::<Vec<_>>(),
            ),
        }
    }
}
