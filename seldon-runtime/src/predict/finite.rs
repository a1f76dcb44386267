//! Finds a NaN or an infinity in a message of any shape, by serialising it into nothing.
//!
//! Serde already knows every field of the message; a serializer that only looks at floats is
//! compiled down to a test per float.

use std::fmt::{self, Display};

use serde::ser::{self, Serialize};

/// The path of the first number in `value` that is not finite, as a JSON pointer.
pub(crate) fn non_finite<T: Serialize>(value: &T) -> Option<String> {
    match value.serialize(Finite) {
        Err(NotFinite { pointer }) => Some(pointer),
        Ok(()) => None,
    }
}

struct Finite;

/// Found: where it is. An error to serde, so that the walk ends here.
#[derive(Debug)]
struct NotFinite {
    pointer: String,
}

impl NotFinite {
    fn within(mut self, step: impl Display) -> Self {
        self.pointer = format!("/{step}{}", self.pointer);
        self
    }
}

impl Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not finite", self.pointer)
    }
}

impl std::error::Error for NotFinite {}

impl ser::Error for NotFinite {
    // Derived implementations never call it.
    fn custom<T: Display>(message: T) -> Self {
        Self {
            pointer: message.to_string(),
        }
    }
}

/// A number that is not finite, here.
fn number(finite: bool) -> Result<(), NotFinite> {
    if finite {
        Ok(())
    } else {
        Err(NotFinite {
            pointer: String::new(),
        })
    }
}

/// Methods for values that hold no float.
macro_rules! nothing_to_find {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, _: $type) -> Result<(), NotFinite> { Ok(()) })*
    };
}

impl ser::Serializer for Finite {
    type Ok = ();
    type Error = NotFinite;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Elements;
    type SerializeMap = Entries;
    type SerializeStruct = Finite;
    type SerializeStructVariant = Finite;

    nothing_to_find! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32,
        serialize_u64: u64, serialize_i128: i128, serialize_u128: u128, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
    }

    fn serialize_f32(self, value: f32) -> Result<(), NotFinite> {
        number(value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Result<(), NotFinite> {
        number(value.is_finite())
    }

    fn serialize_none(self) -> Result<(), NotFinite> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotFinite> {
        value.serialize(self)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NotFinite> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), NotFinite> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<(), NotFinite> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NotFinite> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NotFinite> {
        value.serialize(self).map_err(|found| found.within(variant))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements, NotFinite> {
        Ok(Elements { next: 0 })
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements, NotFinite> {
        Ok(Elements { next: 0 })
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements, NotFinite> {
        Ok(Elements { next: 0 })
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Elements, NotFinite> {
        Ok(Elements { next: 0 })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, NotFinite> {
        Ok(Entries { entry: 0 })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Finite, NotFinite> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Finite, NotFinite> {
        Ok(self)
    }
}

/// The elements of a sequence, counted for the pointer.
struct Elements {
    next: usize,
}

impl Elements {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotFinite> {
        let index = self.next;
        self.next += 1;
        value.serialize(Finite).map_err(|found| found.within(index))
    }
}

macro_rules! sequence {
    ($($trait:ident::$method:ident),*) => {$(
        impl ser::$trait for Elements {
            type Ok = ();
            type Error = NotFinite;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotFinite> {
                self.element(value)
            }
            fn end(self) -> Result<(), NotFinite> {
                Ok(())
            }
        }
    )*};
}

sequence!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

/// The entries of a map. Its keys may be of any type, so the pointer has the entry's number.
struct Entries {
    entry: usize,
}

impl ser::SerializeMap for Entries {
    type Ok = ();
    type Error = NotFinite;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), NotFinite> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotFinite> {
        let entry = self.entry;
        self.entry += 1;
        value.serialize(Finite).map_err(|found| found.within(entry))
    }

    fn end(self) -> Result<(), NotFinite> {
        Ok(())
    }
}

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Finite {
            type Ok = ();
            type Error = NotFinite;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), NotFinite> {
                value.serialize(Finite).map_err(|found| found.within(key))
            }
            fn end(self) -> Result<(), NotFinite> {
                Ok(())
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::non_finite;

    #[derive(Serialize)]
    struct Row {
        id: u64,
        x: f32,
        rest: Vec<Option<f64>>,
        named: BTreeMap<String, f32>,
    }

    fn row(x: f32, last: f64, named: f32) -> Row {
        let rest = vec![None, Some(1.0), Some(last)];
        Row {
            id: 1,
            x,
            rest,
            named: BTreeMap::from([("a".to_owned(), named)]),
        }
    }

    #[test]
    fn the_first_number_that_is_not_finite_is_named() {
        assert_eq!(non_finite(&row(1.0, 2.0, 3.0)), None);
        assert_eq!(non_finite(&row(f32::NAN, 2.0, 3.0)).as_deref(), Some("/x"));
        assert_eq!(
            non_finite(&row(1.0, f64::INFINITY, 3.0)).as_deref(),
            Some("/rest/2")
        );
        assert_eq!(
            non_finite(&row(1.0, 2.0, f32::NEG_INFINITY)).as_deref(),
            Some("/named/0")
        );
    }
}
