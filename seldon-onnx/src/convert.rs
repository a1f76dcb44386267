//! Between a caller's values and tract's tensors.

use tract_onnx::tract_hir::internal::*;

use crate::error::{Error, Result, quoted};
use crate::facts::Input;
use crate::values::{Element, Inputs, Tensor as Answer, Values};

pub(crate) fn datum_type(element: Element) -> DatumType {
    match element {
        Element::Bool => DatumType::Bool,
        Element::U8 => DatumType::U8,
        Element::U16 => DatumType::U16,
        Element::U32 => DatumType::U32,
        Element::U64 => DatumType::U64,
        Element::I8 => DatumType::I8,
        Element::I16 => DatumType::I16,
        Element::I32 => DatumType::I32,
        Element::I64 => DatumType::I64,
        Element::F16 => DatumType::F16,
        Element::F32 => DatumType::F32,
        Element::F64 => DatumType::F64,
        Element::Text => DatumType::String,
    }
}

/// The type in which a tensor's elements are answered.
pub(crate) fn element(kind: DatumType) -> TractResult<Element> {
    Ok(match kind {
        DatumType::F16 | DatumType::F32 => Element::F32,
        DatumType::F64 => Element::F64,
        DatumType::Bool => Element::Bool,
        DatumType::String => Element::Text,
        DatumType::TDim => Element::I64,
        kind if kind.is_integer() => Element::I64,
        other => bail!("an output is of type {other:?}, which is not answered"),
    })
}

/// What a graph answered.
pub(crate) fn answer(tensor: Tensor) -> TractResult<Answer> {
    let shape = tensor.shape().to_vec();
    fn list<T: Datum + Copy>(tensor: &Tensor) -> TractResult<Vec<T>> {
        let tensor = tensor.cast_to::<T>()?;
        Ok(tensor.try_as_plain_ram()?.as_slice::<T>()?.to_vec())
    }
    let values = match element(tensor.datum_type())? {
        Element::F32 => Values::F32(list(&tensor)?),
        Element::F64 => Values::F64(list(&tensor)?),
        Element::Bool => Values::Bool(list(&tensor)?),
        Element::Text => Values::Text(tensor.try_as_plain_ram()?.as_slice::<String>()?.to_vec()),
        _ => Values::I64(list(&tensor)?),
    };
    Ok(Answer { shape, values })
}

/// The tensors of all inputs, in their order, or what is wrong with what was given.
pub(crate) fn tensors(given: &Inputs, inputs: &[Input]) -> Result<TVec<Tensor>> {
    if given.rows == 0 {
        return Err(Error::input("there are no rows"));
    }
    for (index, (name, _, _)) in given.values.iter().enumerate() {
        if !inputs.iter().any(|input| input.name == *name) {
            let error = format!(
                "the graph has no input {}; it takes {}",
                quoted(name),
                listed(inputs)
            );
            return Err(Error::input(error));
        }
        if given.values[..index]
            .iter()
            .any(|(other, _, _)| other == name)
        {
            return Err(Error::input(format!(
                "the input {} is given twice",
                quoted(name)
            )));
        }
    }
    let tensor = |input: &Input| {
        let given_for = given.values.iter().find(|(name, _, _)| *name == input.name);
        let Some((_, values, shape)) = given_for else {
            return Err(Error::input(format!("the input `{input}` is missing")));
        };
        let mut dims = tvec![given.rows];
        dims.extend(row(input, given.rows, values.len(), shape.as_deref())?);
        tensor(input, &dims, values)
    };
    inputs.iter().map(tensor).collect()
}

/// The inputs as an error lists them.
pub(crate) fn listed(inputs: &[Input]) -> String {
    const NAMED: usize = 20;
    let named: Vec<String> = inputs
        .iter()
        .take(NAMED)
        .map(|input| format!("`{input}`"))
        .collect();
    match inputs.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// The shape of a row of so many rows with `length` values together.
fn row(input: &Input, rows: usize, length: usize, shape: Option<&[usize]>) -> Result<TVec<usize>> {
    let wrong = |what: String| Err(Error::input(format!("the input `{input}`: {what}")));
    let dims: TVec<Option<usize>> = input.row().collect();
    let row: TVec<usize> = match shape {
        Some(shape) => {
            let fits = |(dim, given): (&Option<usize>, &usize)| dim.is_none_or(|dim| dim == *given);
            if shape.len() != dims.len() || !dims.iter().zip(shape).all(fits) {
                return wrong(format!("a row of shape {shape:?} is given"));
            }
            shape.into()
        }
        None => {
            let known = dims
                .iter()
                .flatten()
                .fold(1usize, |a, b| a.saturating_mul(*b));
            let open = dims.iter().filter(|dim| dim.is_none()).count();
            let rest = length / rows.saturating_mul(known).max(1);
            if open > 1 {
                return wrong("the shape of a row is needed, `with_shape` takes it".to_owned());
            }
            dims.iter().map(|dim| dim.unwrap_or(rest)).collect()
        }
    };
    let needed = row.iter().fold(rows, |a, b| a.saturating_mul(*b));
    if needed != length || length == 0 {
        let of_one = row.iter().fold(1usize, |a, b| a.saturating_mul(*b));
        return wrong(match rows {
            1 => format!("{length} values are given, and {of_one} are needed"),
            _ => format!("{length} values are given, and {rows} rows of {of_one} are needed"),
        });
    }
    Ok(row)
}

/// A tensor of the input's type. Numbers are taken for numbers if nothing but a float's last digits
/// is lost.
fn tensor(input: &Input, shape: &[usize], values: &Values) -> Result<Tensor> {
    let kind = input.element;
    let of = |error: String| Error::input(format!("the input `{input}`: {error}"));
    let wrong = || {
        let given = match values.element() {
            Element::Text => "texts",
            Element::Bool => "truth values",
            _ => "numbers",
        };
        of(format!("{given} are given"))
    };
    let made = match values {
        Values::Text(texts) if kind == Element::Text => tensor1(texts).into_shape(shape),
        Values::Bool(values) if kind == Element::Bool => Tensor::from_shape(shape, values),
        Values::Text(_) => return Err(wrong()),
        _ if kind == Element::Text => return Err(wrong()),
        Values::F32(values) if kind == Element::F32 => Tensor::from_shape(shape, values),
        Values::F32(values) if kind.is_float() => Tensor::from_shape(shape, values),
        Values::F64(values) if kind.is_float() => Tensor::from_shape(shape, values),
        Values::I64(values) if kind.is_float() => Tensor::from_shape(shape, values),
        Values::Bool(values) => {
            let values: Vec<u8> = values.iter().copied().map(u8::from).collect();
            Tensor::from_shape(shape, &values)
        }
        Values::F32(values) => {
            let values = values.iter().copied().map(f64::from);
            Tensor::from_shape(shape, &whole(values, kind).map_err(of)?)
        }
        Values::F64(values) => {
            Tensor::from_shape(shape, &whole(values.iter().copied(), kind).map_err(of)?)
        }
        Values::I64(values) => {
            if let Some(value) = values.iter().find(|value| !fits(**value, kind)) {
                return Err(of(format!("{value} is out of range")));
            }
            Tensor::from_shape(shape, values)
        }
    };
    let made = made.and_then(|tensor| match tensor.datum_type() == datum_type(kind) {
        true => Ok(tensor),
        false => tensor
            .cast_to_dt(datum_type(kind))
            .map(|tensor| tensor.into_owned()),
    });
    made.map_err(|error| of(format!("{error:#}")))
}

/// Numbers as whole ones of that type, or which of them is none.
fn whole(values: impl Iterator<Item = f64>, kind: Element) -> Result<Vec<i64>, String> {
    let whole = |value: f64| {
        // Beyond, not every whole number is a double.
        const MOST: f64 = (1i64 << 53) as f64;
        let is_whole = value.fract() == 0.0 && value.abs() <= MOST;
        let whole = is_whole.then_some(value as i64);
        whole
            .filter(|whole| fits(*whole, kind))
            .ok_or_else(|| format!("{value} is no {kind}"))
    };
    values.map(whole).collect()
}

fn fits(value: i64, kind: Element) -> bool {
    match kind {
        Element::Bool => (0..=1).contains(&value),
        Element::U8 => u8::try_from(value).is_ok(),
        Element::U16 => u16::try_from(value).is_ok(),
        Element::U32 => u32::try_from(value).is_ok(),
        Element::U64 => value >= 0,
        Element::I8 => i8::try_from(value).is_ok(),
        Element::I16 => i16::try_from(value).is_ok(),
        Element::I32 => i32::try_from(value).is_ok(),
        _ => true,
    }
}
