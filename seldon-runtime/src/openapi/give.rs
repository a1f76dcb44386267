//! Gives serde a plain value of whatever it asks for: to see what a message is read without.

use serde::de::value::Error as Stop;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// A value: zero, nothing, or made of such.
pub(super) struct Give;

macro_rules! plain {
    ($($method:ident => $visit:ident($value:expr),)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
            visitor.$visit($value)
        })*
    };
}

impl<'de> Deserializer<'de> for Give {
    type Error = Stop;

    plain! {
        deserialize_bool => visit_bool(false),
        deserialize_i8 => visit_i8(0),
        deserialize_i16 => visit_i16(0),
        deserialize_i32 => visit_i32(0),
        deserialize_i64 => visit_i64(0),
        deserialize_i128 => visit_i128(0),
        deserialize_u8 => visit_u8(0),
        deserialize_u16 => visit_u16(0),
        deserialize_u32 => visit_u32(0),
        deserialize_u64 => visit_u64(0),
        deserialize_u128 => visit_u128(0),
        deserialize_f32 => visit_f32(0.0),
        deserialize_f64 => visit_f64(0.0),
        deserialize_char => visit_char('0'),
        deserialize_str => visit_str("0"),
        deserialize_string => visit_str("0"),
        deserialize_identifier => visit_str("0"),
        deserialize_bytes => visit_bytes(&[]),
        deserialize_byte_buf => visit_bytes(&[]),
        // A number is what most fields are.
        deserialize_any => visit_u8(0),
        deserialize_seq => visit_seq(Members::none()),
        deserialize_map => visit_map(Members::none()),
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_seq(Members::elements(len))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_seq(Members::elements(len))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_map(Members::of(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_enum(First(variants))
    }
}

/// The first variant of an enum.
struct First(&'static [&'static str]);

impl<'de> EnumAccess<'de> for First {
    type Error = Stop;
    type Variant = Give;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Give), Stop> {
        let name = self.0.first().copied().unwrap_or_default();
        let name = seed.deserialize(IntoDeserializer::<Stop>::into_deserializer(name))?;
        Ok((name, Give))
    }
}

impl<'de> VariantAccess<'de> for Give {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Stop> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_seq(Members::elements(len))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_map(Members::of(fields))
    }
}

/// The members of an object, or the elements of an array, each of which is given.
pub(super) struct Members {
    names: &'static [&'static str],
    omitted: Option<usize>,
    more: bool,
    next: usize,
    elements: usize,
}

impl Members {
    pub(super) fn of(names: &'static [&'static str]) -> Self {
        Self {
            names,
            omitted: None,
            more: false,
            next: 0,
            elements: 0,
        }
    }

    pub(super) fn none() -> Self {
        Self::of(&[])
    }

    /// All but the one at `index`.
    pub(super) fn without(names: &'static [&'static str], index: usize) -> Self {
        Self {
            omitted: Some(index),
            ..Self::of(names)
        }
    }

    /// All, and one that is none of them.
    pub(super) fn and_more(names: &'static [&'static str]) -> Self {
        Self {
            more: true,
            ..Self::of(names)
        }
    }

    fn elements(elements: usize) -> Self {
        Self {
            elements,
            ..Self::none()
        }
    }
}

impl<'de> MapAccess<'de> for Members {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        if self.omitted == Some(self.next) {
            self.next += 1;
        }
        let name = match self.names.get(self.next) {
            Some(name) => name,
            // No field has such a name.
            None if std::mem::take(&mut self.more) => "\u{1}",
            None => return Ok(None),
        };
        self.next += 1;
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        seed.deserialize(Give)
    }
}

impl<'de> SeqAccess<'de> for Members {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Stop> {
        if self.elements == 0 {
            return Ok(None);
        }
        self.elements -= 1;
        seed.deserialize(Give).map(Some)
    }
}

/// A key of a map: JSON writes all of them as text, and reads numbers out of it.
pub(super) struct Key;

impl<'de> Deserializer<'de> for Key {
    type Error = Stop;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_str("0")
    }

    plain! {
        deserialize_bool => visit_bool(false),
        deserialize_i8 => visit_i8(0),
        deserialize_i16 => visit_i16(0),
        deserialize_i32 => visit_i32(0),
        deserialize_i64 => visit_i64(0),
        deserialize_u8 => visit_u8(0),
        deserialize_u16 => visit_u16(0),
        deserialize_u32 => visit_u32(0),
        deserialize_u64 => visit_u64(0),
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}
