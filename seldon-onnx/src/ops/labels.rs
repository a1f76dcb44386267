//! LabelEncoder and CategoryMapper: one value for another.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::{Known, Operator, attributes, floats, slice, texts};

/// Values of one of the kinds that are mapped.
#[derive(Debug, Clone)]
enum Values {
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Texts(Vec<String>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Ints(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    fn kind(&self) -> DatumType {
        match self {
            Self::Floats(_) => f32::datum_type(),
            Self::Ints(_) => i64::datum_type(),
            Self::Texts(_) => String::datum_type(),
        }
    }

    fn of(tensor: &Tensor) -> TractResult<Self> {
        let kind = tensor.datum_type();
        Ok(if kind == String::datum_type() {
            Self::Texts(slice::<String>(tensor)?.to_vec())
        } else if kind.is_float() {
            Self::Floats(slice::<f32>(&*floats(tensor)?)?.to_vec())
        } else {
            Self::Ints(slice::<i64>(&*tensor.cast_to::<i64>()?)?.to_vec())
        })
    }

    /// Reads them from the attribute of this name for their kind, or from that of a tensor.
    fn read(
        context: &ParsingContext<'_>,
        node: &NodeProto,
        name: &str,
    ) -> TractResult<Option<Self>> {
        if let Some(tensor) = node.get_attr_opt(&format!("{name}_tensor"))? {
            return Self::of(&context.load_tensor(tensor)?).map(Some);
        }
        let floats = attributes::floats(node, &format!("{name}_floats"))?;
        let ints = attributes::ints(node, &format!("{name}_int64s"))?;
        let texts = attributes::strings(node, &format!("{name}_strings"))?;
        Ok(match () {
            _ if !floats.is_empty() => Some(Self::Floats(floats)),
            _ if !ints.is_empty() => Some(Self::Ints(ints)),
            _ if !texts.is_empty() => Some(Self::Texts(texts)),
            _ => None,
        })
    }
}

/// Where each key is among the values.
#[derive(Debug)]
enum Keys {
    /// By their bits, of which one zero and one NaN stand for all.
    Floats(HashMap<u32, usize>),
    Ints(HashMap<i64, usize>),
    Texts(HashMap<String, usize>),
}

fn bits(x: f32) -> u32 {
    if x.is_nan() {
        f32::NAN.to_bits()
    } else {
        (x + 0.0).to_bits()
    }
}

impl Keys {
    fn new(values: Values) -> Self {
        // Of equal keys the first counts.
        fn places<K: Hash + Eq>(keys: impl Iterator<Item = K>) -> HashMap<K, usize> {
            let mut places = HashMap::new();
            for (place, key) in keys.enumerate() {
                places.entry(key).or_insert(place);
            }
            places
        }
        match values {
            Values::Floats(keys) => Self::Floats(places(keys.into_iter().map(bits))),
            Values::Ints(keys) => Self::Ints(places(keys.into_iter())),
            Values::Texts(keys) => Self::Texts(places(keys.into_iter())),
        }
    }

    fn places(&self, input: &Tensor) -> TractResult<Vec<Option<usize>>> {
        Ok(match self {
            Self::Floats(places) => {
                let input = floats(input)?;
                let input = slice::<f32>(&input)?.iter();
                input.map(|key| places.get(&bits(*key)).copied()).collect()
            }
            Self::Ints(places) => {
                ensure!(
                    input.datum_type() != String::datum_type(),
                    "texts, where numbers are needed"
                );
                let input = input.cast_to::<i64>()?;
                let input = slice::<i64>(&input)?.iter();
                input.map(|key| places.get(key).copied()).collect()
            }
            Self::Texts(places) => {
                let input = slice::<String>(input)?.iter();
                input.map(|key| places.get(key).copied()).collect()
            }
        })
    }
}

#[derive(Debug)]
struct Mapping {
    name: &'static str,
    keys: Keys,
    values: Values,
    /// One value, for what is no key.
    default: Values,
}

impl Mapping {
    fn new(name: &'static str, keys: Values, values: Values, default: Values) -> TractResult<Self> {
        ensure!(
            keys.len() == values.len(),
            "it has {} keys and {} values",
            keys.len(),
            values.len()
        );
        ensure!(
            default.kind() == values.kind(),
            "its default is of another type than its values"
        );
        Ok(Self {
            name,
            keys: Keys::new(keys),
            values,
            default,
        })
    }
}

pub(super) fn label_encoder(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    // Before version 2 of the operators: texts to their places, or the other way.
    let classes = attributes::strings(node, "classes_strings")?;
    if !classes.is_empty() {
        let places: Vec<i64> = (0..classes.len() as i64).collect();
        let default = node.get_attr_opt("default_int64")?.unwrap_or(-1);
        let default = Values::Ints(vec![default]);
        let (keys, values) = (Values::Texts(classes), Values::Ints(places));
        return Ok(Arc::new(Mapping::new(
            "LabelEncoder",
            keys,
            values,
            default,
        )?));
    }
    let keys = Values::read(context, node, "keys")?.context("it has no keys")?;
    let values = Values::read(context, node, "values")?.context("it has no values")?;
    let default = match &values {
        _ if let Some(tensor) = node.get_attr_opt("default_tensor")? => {
            Values::of(&context.load_tensor(tensor)?)?
        }
        Values::Floats(_) => {
            Values::Floats(vec![node.get_attr_opt("default_float")?.unwrap_or(-0.0)])
        }
        Values::Ints(_) => Values::Ints(vec![node.get_attr_opt("default_int64")?.unwrap_or(-1)]),
        Values::Texts(_) => {
            Values::Texts(vec![attributes::string(node, "default_string", "_Unused")?])
        }
    };
    ensure!(
        default.len() == 1,
        "its default is {} values",
        default.len()
    );
    let mut mapping = Mapping::new("LabelEncoder", keys, values, default)?;
    // Before version 4 of the operators, NaN equals no key.
    let imports = context.model.opset_import.iter();
    let version = imports
        .filter(|import| import.domain == "ai.onnx.ml")
        .map(|import| import.version);
    if let Keys::Floats(keys) = &mut mapping.keys
        && version.max().unwrap_or(1) < 4
    {
        keys.remove(&bits(f32::NAN));
    }
    Ok(Arc::new(mapping))
}

pub(super) fn category_mapper(
    _: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<Arc<dyn Operator>> {
    let names = attributes::strings(node, "cats_strings")?;
    let numbers = attributes::ints(node, "cats_int64s")?;
    let text = node.get_attr_opt::<String>("default_string")?;
    let number = node.get_attr_opt::<i64>("default_int64")?;
    let mapping = match (text, number) {
        // The default that is given tells which way it maps: that of what comes out.
        (Some(text), None) => {
            let default = Values::Texts(vec![text]);
            Mapping::new(
                "CategoryMapper",
                Values::Ints(numbers),
                Values::Texts(names),
                default,
            )
        }
        (None, number) => {
            let default = Values::Ints(vec![number.unwrap_or(-1)]);
            Mapping::new(
                "CategoryMapper",
                Values::Texts(names),
                Values::Ints(numbers),
                default,
            )
        }
        (Some(_), Some(_)) => bail!("it has `default_string` and `default_int64`, one is needed"),
    };
    Ok(Arc::new(mapping?))
}

impl Operator for Mapping {
    fn name(&self) -> &'static str {
        self.name
    }

    fn facts(&self, inputs: &[Known]) -> TractResult<TVec<Known>> {
        Ok(tvec![Known {
            kind: self.values.kind(),
            shape: inputs[0].shape.clone()
        }])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let shape = inputs[0].shape();
        let places = self.keys.places(inputs[0])?;
        fn pick<T: Clone>(places: &[Option<usize>], values: &[T], default: &[T]) -> Vec<T> {
            let pick =
                |place: &Option<usize>| place.map_or(&default[0], |place| &values[place]).clone();
            places.iter().map(pick).collect()
        }
        Ok(tvec![match (&self.values, &self.default) {
            (Values::Floats(values), Values::Floats(default)) => {
                Tensor::from_shape(shape, &pick(&places, values, default))?
            }
            (Values::Ints(values), Values::Ints(default)) =>
                Tensor::from_shape(shape, &pick(&places, values, default))?,
            (Values::Texts(values), Values::Texts(default)) =>
                texts(pick(&places, values, default), shape)?,
            _ => bail!("its default is of another type than its values"),
        }])
    }
}
