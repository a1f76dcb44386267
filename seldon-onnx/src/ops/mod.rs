//! The operators of ai.onnx.ml, as one kind of node of tract's.

mod attributes;
mod cast;
mod labels;
mod linear;
mod one_hot;
mod post;
mod scale;
mod select;
mod svm;
mod tree_nodes;
mod trees;

use std::fmt::Debug;
use std::sync::Arc;

use tract_onnx::Onnx;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// What an operator computes, of tensors that are whole.
pub(crate) trait Operator: Debug + Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// The types and shapes of the outputs for those of the inputs.
    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>>;

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>>;

    /// How many columns the first input has, where the operator knows.
    fn width(&self) -> Option<usize> {
        None
    }
}

/// The type and shape of a tensor.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) kind: DatumType,
    pub(crate) shape: TVec<TDim>,
}

impl Known {
    pub(crate) fn new(kind: DatumType, shape: impl IntoIterator<Item = TDim>) -> Self {
        let shape = shape.into_iter().collect();
        Self { kind, shape }
    }

    /// How many rows it has: one that has no second dimension is a row itself.
    pub(crate) fn rows(&self) -> TDim {
        match &self.shape[..] {
            [rows, _, ..] => rows.clone(),
            _ => 1.to_dim(),
        }
    }
}

/// How many rows of which width a tensor holds.
pub(crate) fn rows(tensor: &Tensor) -> TractResult<(usize, usize)> {
    match tensor.shape() {
        [width] => Ok((1, *width)),
        [rows, width] => Ok((*rows, *width)),
        shape => bail!("a matrix is needed, and the tensor is {shape:?}"),
    }
}

/// An error unless the tensor has the columns that are needed.
pub(crate) fn matrix(tensor: &Tensor, needed: usize) -> TractResult<usize> {
    let (rows, width) = rows(tensor)?;
    ensure!(
        width == needed,
        "{needed} columns are needed, and there are {width}"
    );
    Ok(rows)
}

/// A tensor's numbers as `f32`.
pub(crate) fn floats(tensor: &Tensor) -> TractResult<Cow<'_, Tensor>> {
    ensure!(
        tensor.datum_type() != String::datum_type(),
        "texts, where numbers are needed"
    );
    tensor.cast_to::<f32>()
}

pub(crate) fn slice<T: Datum>(tensor: &Tensor) -> TractResult<&[T]> {
    tensor.try_as_plain_ram()?.as_slice::<T>()
}

/// A tensor of texts.
pub(crate) fn texts(texts: Vec<String>, shape: &[usize]) -> TractResult<Tensor> {
    tensor1(&texts).into_shape(shape)
}

/// Builds an operator from its attributes.
type Build = fn(&ParsingContext<'_>, &NodeProto) -> TractResult<Arc<dyn Operator>>;

type Built = TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

macro_rules! operators {
    ($($name:literal => $build:path,)*) => {
        /// Registers them, above those of tract's own that have the same names.
        pub(crate) fn register(onnx: &mut Onnx) {
            $(onnx.op_register.insert($name, |context, node| built($build, context, node));)*
        }
    };
}

operators! {
    "ArrayFeatureExtractor" => select::array_feature_extractor,
    "Binarizer" => scale::binarizer,
    "Cast" => cast::cast,
    "CategoryMapper" => labels::category_mapper,
    "FeatureVectorizer" => select::feature_vectorizer,
    "Imputer" => scale::imputer,
    "LabelEncoder" => labels::label_encoder,
    "LinearClassifier" => linear::classifier,
    "LinearRegressor" => linear::regressor,
    "Normalizer" => scale::normalizer,
    "OneHotEncoder" => one_hot::one_hot_encoder,
    "SVMClassifier" => svm::classifier,
    "SVMRegressor" => svm::regressor,
    "Scaler" => scale::scaler,
    "TreeEnsemble" => tree_nodes::ensemble,
    "TreeEnsembleClassifier" => trees::classifier,
    "TreeEnsembleRegressor" => trees::regressor,
}

fn built(build: Build, context: &ParsingContext<'_>, node: &NodeProto) -> Built {
    let outputs = node.output.iter().enumerate();
    let node = Node {
        operator: build(context, node)?,
        // An output without a name is not asked for.
        outputs: outputs
            .filter(|(_, name)| !name.is_empty())
            .map(|(index, _)| index)
            .collect(),
    };
    Ok((Box::new(node), vec![]))
}

/// An operator as tract takes it, with the outputs that are asked for.
#[derive(Debug, Clone)]
struct Node {
    operator: Arc<dyn Operator>,
    outputs: TVec<usize>,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.operator, &other.operator) && self.outputs == other.outputs
    }
}

impl Eq for Node {}

impl Node {
    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        self.kept(self.operator.facts(inputs)?)
    }

    fn kept<T: Clone>(&self, all: TVec<T>) -> TractResult<TVec<T>> {
        let name = self.operator.name();
        let one = |index: &usize| all.get(*index).cloned();
        let kept: Option<_> = self.outputs.iter().map(one).collect();
        kept.with_context(|| format!("{name} has {} outputs", all.len()))
    }
}

impl Op for Node {
    fn name(&self) -> StaticName {
        self.operator.name().into()
    }

    op_as_typed_op!();
}

impl EvalOp for Node {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let inputs: TVec<&Tensor> = inputs.iter().map(|input| &**input).collect();
        let outputs = self.operator.run(&inputs);
        let outputs = outputs.with_context(|| self.operator.name().to_owned())?;
        let outputs: TVec<TValue> = outputs.into_iter().map(Tensor::into_tvalue).collect();
        self.kept(outputs)
    }
}

impl TypedOp for Node {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let known = |fact: &&TypedFact| Known::new(fact.datum_type, fact.shape.iter().cloned());
        let inputs: TVec<Known> = inputs.iter().map(known).collect();
        let facts = self.facts(&inputs)?;
        Ok(facts
            .iter()
            .map(|fact| fact.kind.fact(&*fact.shape))
            .collect())
    }

    as_op!();
}

impl InferenceOp for Node {
    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(
        TVec<InferenceFact>,
        TVec<InferenceFact>,
        TVec<InferenceFact>,
    )> {
        let mut inputs: TVec<InferenceFact> = inputs.into_iter().cloned().collect();
        let mut outputs: TVec<InferenceFact> = outputs.into_iter().cloned().collect();
        if let (Some(width), Some(input)) = (self.operator.width(), inputs.first_mut())
            && input.shape.rank().concretize() == Some(2)
        {
            let needed = ShapeFactoid::closed(tvec!(DimFact::default(), width.to_dim().into()));
            input.shape.unify_with(&needed).with_context(|| {
                format!(
                    "{} needs {width} columns, and there are {:?}",
                    self.operator.name(),
                    input.shape
                )
            })?;
        }
        let known = |fact: &InferenceFact| {
            let (kind, shape) = (fact.datum_type.concretize()?, fact.shape.concretize()?);
            Some(Known { kind, shape })
        };
        let all: Option<TVec<Known>> = inputs.iter().map(known).collect();
        if let Some(all) = all {
            for (output, fact) in outputs.iter_mut().zip(self.facts(&all)?) {
                output.unify_with(&InferenceFact::dt_shape(fact.kind, &*fact.shape))?;
            }
        }
        Ok((inputs, outputs, observed.into_iter().cloned().collect()))
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.outputs.len())
    }

    fn to_typed(
        &self,
        _: &InferenceModel,
        node: &InferenceNode,
        target: &mut TypedModel,
        mapping: &HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        let inputs: TVec<OutletId> = node.inputs.iter().map(|input| mapping[input]).collect();
        target.wire_node(&node.name, self.clone(), &inputs)
    }

    as_op!();
}
