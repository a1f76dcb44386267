//! A graph as its file has it: checked, before tract sees it, and brought to what tract can plan.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as DimValue;
use tract_onnx::pb::type_proto::Value as TypeValue;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};
use tract_onnx::tract_hir::internal::Framework;

use crate::error::{Error, Result, quoted};
use crate::facts::{Dim, Input};
use crate::values::Element;

/// The largest file that is read.
pub(crate) const MOST_BYTES: usize = 1 << 30;

/// The most nodes, those of graphs within the graph included.
const MOST_NODES: usize = 100_000;

/// The most inputs, and the most outputs.
const MOST_ENDS: usize = 16_384;

/// The most elements of a tensor whose shape the graph itself says: 2^28 floats are 1 GiB.
const MOST_ELEMENTS: usize = 1 << 28;

/// How deep graphs may be within graphs.
const MOST_DEPTH: usize = 8;

/// A graph that was read.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) proto: ModelProto,
    pub(crate) inputs: Vec<Input>,
    /// The outputs' names, in the order of the graph's own.
    pub(crate) outputs: Vec<String>,
    /// Which output was that of a ZipMap.
    pub(crate) zipped: Option<usize>,
    pub(crate) classes: Vec<String>,
}

impl Graph {
    /// Reads a file's bytes. `known` says which operators there are, if the graph is to be planned here.
    pub(crate) fn read(bytes: &[u8], known: Option<&dyn Fn(&str) -> bool>) -> Result<Self> {
        if bytes.len() > MOST_BYTES {
            return Err(Error::graph("the graph is larger than 1 GiB"));
        }
        let proto = tract_onnx::onnx().proto_model_for_read(&mut &*bytes);
        let mut proto = proto.map_err(|error| {
            let cause = crate::error::cut(&error.root_cause().to_string(), 200);
            Error::graph(format!("this is no ONNX file: {cause}"))
        })?;
        // What it says of training and of its author is of no use here.
        proto.training_info.clear();
        proto.metadata_props.clear();
        let Some(graph) = &mut proto.graph else {
            return Err(Error::graph(
                "the file holds no graph: is it an ONNX model?",
            ));
        };
        if let Some(known) = known {
            let mut check = Check {
                known,
                nodes: 0,
                unknown: vec![],
            };
            check.graph(graph, 0)?;
            check.done()?;
        }
        let zipped = unzip(graph)?;
        let classes = match &zipped {
            Some((_, classes)) if !classes.is_empty() => classes.clone(),
            _ => classes(graph),
        };
        let inputs = inputs(graph)?;
        let outputs = outputs(graph, zipped.as_ref().map(|(names, _)| names))?;
        let zipped = zipped.and_then(|(names, _)| {
            let is_zipped = |name: &String| names.values().any(|zipped| zipped == name);
            outputs.iter().position(is_zipped)
        });
        Ok(Self {
            inputs,
            outputs,
            zipped,
            classes,
            proto,
        })
    }
}

/// Looks at each node and each tensor.
struct Check<'a> {
    known: &'a dyn Fn(&str) -> bool,
    nodes: usize,
    unknown: Vec<String>,
}

impl Check<'_> {
    fn graph(&mut self, graph: &GraphProto, depth: usize) -> Result<()> {
        if depth > MOST_DEPTH {
            return Err(Error::graph(format!(
                "graphs are within graphs more than {MOST_DEPTH} deep"
            )));
        }
        self.nodes += graph.node.len();
        if self.nodes > MOST_NODES {
            return Err(Error::graph(format!(
                "the graph has more than {MOST_NODES} nodes"
            )));
        }
        if graph.input.len().max(graph.output.len()) > MOST_ENDS {
            return Err(Error::graph(format!(
                "the graph has more than {MOST_ENDS} inputs or outputs"
            )));
        }
        if !graph.sparse_initializer.is_empty() {
            return Err(Error::unknown(
                "the graph has sparse weights, which are not read",
            ));
        }
        for weights in &graph.initializer {
            tensor(weights)
                .map_err(|error| error.of(format_args!("weights {}", quoted(&weights.name))))?;
        }
        let mut made: HashSet<&str> = graph.input.iter().map(|input| &*input.name).collect();
        for node in &graph.node {
            for name in node.output.iter().filter(|name| !name.is_empty()) {
                if !made.insert(name) {
                    return Err(Error::graph(format!("{} is made twice", quoted(name))));
                }
            }
        }
        made.extend(graph.initializer.iter().map(|weights| &*weights.name));
        for output in &graph.output {
            if !made.contains(&*output.name) {
                return Err(Error::graph(format!(
                    "no node makes the output {}",
                    quoted(&output.name)
                )));
            }
        }
        for node in &graph.node {
            self.node(node, depth)
                .map_err(|error| error.of(named(node)))?;
        }
        Ok(())
    }

    fn node(&mut self, node: &NodeProto, depth: usize) -> Result<()> {
        let standard = matches!(
            &*node.domain,
            "" | "ai.onnx" | "ai.onnx.ml" | "com.microsoft"
        );
        let known = node.op_type == "ZipMap" || (self.known)(&node.op_type);
        if !(standard && known) {
            let domain = match &*node.domain {
                "" => String::new(),
                domain => format!(" of {}", quoted(domain)),
            };
            self.unknown.push(format!("{}{domain}", named(node)));
        }
        for attribute in &node.attribute {
            let of = |error: Error| error.of(format_args!("attribute {}", quoted(&attribute.name)));
            self.attribute(attribute, depth).map_err(of)?;
        }
        Ok(())
    }

    fn attribute(&mut self, attribute: &AttributeProto, depth: usize) -> Result<()> {
        for value in attribute.t.iter().chain(&attribute.tensors) {
            tensor(value)?;
        }
        for graph in attribute.g.iter().chain(&attribute.graphs) {
            self.graph(graph, depth + 1)?;
        }
        Ok(())
    }

    fn done(self) -> Result<()> {
        const NAMED: usize = 5;
        if self.unknown.is_empty() {
            return Ok(());
        }
        let more = match self.unknown.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = self.unknown[..self.unknown.len().min(NAMED)].join(", ");
        Err(Error::unknown(format!(
            "the graph has operators that are not known here: {named}{more}; the feature `onnx-runtime` runs \
             what onnxruntime knows"
        )))
    }
}

/// A node as an error names it.
fn named(node: &NodeProto) -> String {
    let name = match &*node.name {
        "" => node.output.first().map_or("", |output| &**output),
        name => name,
    };
    format!(
        "{} (node {})",
        crate::error::cut(&node.op_type, 64),
        quoted(name)
    )
}

/// An error unless a tensor holds what its shape says: no length is believed.
fn tensor(tensor: &TensorProto) -> Result<()> {
    if tensor.data_location == Some(1) || !tensor.external_data.is_empty() {
        return Err(Error::graph(
            "it is kept in another file: save the model in one (`save_as_external_data=False`)",
        ));
    }
    let mut dims = tensor.dims.iter().map(|dim| usize::try_from(*dim).ok());
    let elements = dims.try_fold(1usize, |product, dim| product.checked_mul(dim?));
    let elements = elements.filter(|elements| *elements <= MOST_ELEMENTS * 8);
    let Some(elements) = elements else {
        let dims = &tensor.dims[..tensor.dims.len().min(8)];
        return Err(Error::graph(format!(
            "its shape {dims:?} is none, or too large"
        )));
    };
    let kind = DataType::try_from(tensor.data_type).unwrap_or(DataType::Undefined);
    let width = match kind {
        DataType::Bool | DataType::Uint8 | DataType::Int8 => 1,
        DataType::Uint16 | DataType::Int16 | DataType::Float16 => 2,
        DataType::Uint32 | DataType::Int32 | DataType::Float => 4,
        DataType::Uint64 | DataType::Int64 | DataType::Double => 8,
        DataType::String => 0,
        _ => {
            return Err(Error::unknown(format!(
                "its elements are of type {kind:?}, which is not read here; the feature `onnx-runtime` may"
            )));
        }
    };
    let held = match kind {
        DataType::String if tensor.raw_data.is_empty() => tensor.string_data.len(),
        _ if !tensor.raw_data.is_empty() => {
            if width == 0 || tensor.raw_data.len() != elements.saturating_mul(width) {
                return Err(Error::graph(format!(
                    "it has {} bytes for {elements} elements",
                    tensor.raw_data.len()
                )));
            }
            elements
        }
        DataType::Float => tensor.float_data.len(),
        DataType::Double => tensor.double_data.len(),
        DataType::Int64 => tensor.int64_data.len(),
        // It is an error in tract, which reads another list than the format says.
        DataType::Uint64 | DataType::Uint32 if elements > 0 => {
            return Err(Error::graph("unsigned numbers are read as bytes only"));
        }
        _ => tensor.int32_data.len(),
    };
    if held != elements {
        return Err(Error::graph(format!(
            "it has {held} of {elements} elements"
        )));
    }
    Ok(())
}

/// The new names of the outputs of ZipMaps, by what went into these, and the classes.
type Zipped = (HashMap<String, String>, Vec<String>);

/// Takes a ZipMap away, which makes a map of each row: its input is the answer, with its labels as the
/// names of the columns.
fn unzip(graph: &mut GraphProto) -> Result<Option<Zipped>> {
    let (zips, rest) = std::mem::take(&mut graph.node)
        .into_iter()
        .partition::<Vec<_>, _>(|node| node.op_type == "ZipMap");
    graph.node = rest;
    let mut names = HashMap::new();
    let mut classes = vec![];
    for zip in &zips {
        let (Some(input), Some(output)) = (zip.input.first(), zip.output.first()) else {
            return Err(Error::graph("it has no input or no output").of(named(zip)));
        };
        if graph.node.iter().any(|node| node.input.contains(output)) {
            return Err(
                Error::graph("its maps go on in the graph, which is not known here").of(named(zip)),
            );
        }
        for end in graph.output.iter_mut().filter(|end| end.name == *output) {
            end.name.clone_from(input);
            end.r#type = None;
        }
        classes = labels(zip, "classlabels_int64s");
        names.insert(input.clone(), output.clone());
    }
    Ok((!zips.is_empty()).then_some((names, classes)))
}

/// The labels that a node has, as texts.
fn labels(node: &NodeProto, ints: &str) -> Vec<String> {
    let attribute = |name: &str| {
        node.attribute
            .iter()
            .find(|attribute| attribute.name == name)
    };
    let texts = attribute("classlabels_strings").map_or(&[][..], |attribute| &attribute.strings);
    if !texts.is_empty() {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        return texts.iter().map(text).collect();
    }
    let ints = attribute(ints).map_or(&[][..], |attribute| &attribute.ints);
    ints.iter().map(i64::to_string).collect()
}

/// The classes of a graph without a ZipMap: those of the classifier, or what a label is taken of, on
/// the way from an output back.
fn classes(graph: &GraphProto) -> Vec<String> {
    let makers = graph
        .node
        .iter()
        .flat_map(|node| node.output.iter().map(move |output| (&**output, node)));
    let makers: HashMap<&str, &NodeProto> = makers.collect();
    for output in &graph.output {
        let mut at = &*output.name;
        // As many steps as there are nodes: what goes round in circles is refused elsewhere.
        for _ in 0..graph.node.len() {
            let Some(node) = makers.get(at) else { break };
            match &*node.op_type {
                "LinearClassifier" | "SVMClassifier" => return labels(node, "classlabels_ints"),
                "TreeEnsembleClassifier" => return labels(node, "classlabels_int64s"),
                "ArrayFeatureExtractor" => {
                    let of = node.input.first();
                    let list = graph
                        .initializer
                        .iter()
                        .find(|weights| Some(&weights.name) == of);
                    return list.map(listed).unwrap_or_default();
                }
                "Identity" | "Cast" | "Reshape" | "Squeeze" | "Flatten" | "Normalizer" => {}
                _ => break,
            }
            let Some(input) = node.input.first() else {
                break;
            };
            at = input;
        }
    }
    vec![]
}

/// A list of texts or of whole numbers, as texts.
fn listed(list: &TensorProto) -> Vec<String> {
    match DataType::try_from(list.data_type) {
        Ok(DataType::String) => {
            let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
            list.string_data.iter().map(text).collect()
        }
        Ok(DataType::Int64) if !list.raw_data.is_empty() => {
            let (numbers, _) = list.raw_data.as_chunks();
            numbers
                .iter()
                .map(|bytes| i64::from_le_bytes(*bytes).to_string())
                .collect()
        }
        Ok(DataType::Int32) if !list.raw_data.is_empty() => {
            let (numbers, _) = list.raw_data.as_chunks();
            numbers
                .iter()
                .map(|bytes| i32::from_le_bytes(*bytes).to_string())
                .collect()
        }
        Ok(DataType::Int64) => list.int64_data.iter().map(i64::to_string).collect(),
        Ok(DataType::Int32) => list.int32_data.iter().map(i32::to_string).collect(),
        _ => vec![],
    }
}

/// What a caller must give: inputs that have no value in the graph.
fn inputs(graph: &GraphProto) -> Result<Vec<Input>> {
    let given: HashSet<&str> = graph
        .initializer
        .iter()
        .map(|weights| &*weights.name)
        .collect();
    let open = graph
        .input
        .iter()
        .filter(|input| !given.contains(&*input.name));
    let inputs: Vec<Input> = open.map(input).collect::<Result<_>>()?;
    if inputs.is_empty() {
        return Err(Error::graph("the graph takes no input"));
    }
    Ok(inputs)
}

fn input(info: &ValueInfoProto) -> Result<Input> {
    let of = |error: Error| error.of(format_args!("input {}", quoted(&info.name)));
    let tensor = info.r#type.as_ref().and_then(|kind| kind.value.as_ref());
    let Some(TypeValue::TensorType(tensor)) = tensor else {
        return Err(of(Error::graph(
            "it is no tensor, but a map or a sequence, which are not taken",
        )));
    };
    let Some(element) = element(tensor.elem_type) else {
        return Err(of(Error::graph("its type is not known here")));
    };
    let dims = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    if dims.is_empty() {
        return Err(of(Error::graph(
            "it has no shape: the first dimension must count the rows",
        )));
    }
    let dim = |dim: &tract_onnx::pb::tensor_shape_proto::Dimension| match &dim.value {
        Some(DimValue::DimValue(dim)) if *dim > 0 => match usize::try_from(*dim) {
            Ok(dim) if dim <= MOST_ELEMENTS => Ok(Dim::Fixed(dim)),
            _ => Err(of(Error::graph(format!(
                "a dimension of {dim} is too large"
            )))),
        },
        Some(DimValue::DimParam(name)) if !name.is_empty() => Ok(Dim::Named(name.clone())),
        _ => Ok(Dim::Open),
    };
    Ok(Input {
        name: info.name.clone(),
        element,
        dims: dims.iter().map(dim).collect::<Result<_>>()?,
    })
}

fn element(kind: i32) -> Option<Element> {
    Some(match DataType::try_from(kind).ok()? {
        DataType::Bool => Element::Bool,
        DataType::Uint8 => Element::U8,
        DataType::Uint16 => Element::U16,
        DataType::Uint32 => Element::U32,
        DataType::Uint64 => Element::U64,
        DataType::Int8 => Element::I8,
        DataType::Int16 => Element::I16,
        DataType::Int32 => Element::I32,
        DataType::Int64 => Element::I64,
        DataType::Float16 => Element::F16,
        DataType::Float => Element::F32,
        DataType::Double => Element::F64,
        DataType::String => Element::Text,
        _ => return None,
    })
}

fn outputs(graph: &GraphProto, zipped: Option<&HashMap<String, String>>) -> Result<Vec<String>> {
    if graph.output.is_empty() {
        return Err(Error::graph("the graph has no output"));
    }
    let name = |output: &ValueInfoProto| {
        let zipped = zipped.and_then(|names| names.get(&output.name));
        zipped.unwrap_or(&output.name).clone()
    };
    Ok(graph.output.iter().map(name).collect())
}
