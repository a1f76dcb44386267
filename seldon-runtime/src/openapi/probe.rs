//! What serde asks for at one place of a message: `Deserialize` as the description of a type.
//!
//! A derived (or generated, or hand-written) `Deserialize` tells its deserializer at each place
//! what it wants there. A probe goes to one place by a path, notes that, and ends the walk by an
//! error: no message is ever made. So each place costs one walk from the root, and the schema says
//! what is read and nothing else.

use std::marker::PhantomData;

use serde::de::value::Error as Stop;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer,
    MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::give::{Key, Members};

/// One step from a place to a place within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Of an option: what is there if something is.
    Inner,
    /// Of an array: each element.
    Element,
    /// Of a map: its keys, or its values.
    Key,
    Value,
    /// Of a struct: a field by its index.
    Field(usize),
    /// Of an enum: a variant by its index.
    Variant(usize),
}

/// What is wanted at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Bool,
    /// A whole number, from the least to the greatest that the type holds.
    Integer(i128, i128),
    Float32,
    Float64,
    Text,
    Null,
    Option,
    Array,
    /// An array of that many elements of whatever type.
    Tuple(usize),
    Map,
    Struct(&'static str, &'static [&'static str]),
    Enum(&'static [&'static str]),
    /// Of an enum's variant: that it is its name and nothing else.
    Unit,
    /// Whatever comes: what that may be is found out by [`takes`](Probed::takes).
    Any,
}

/// What can be tried where whatever comes is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Integer,
    Float,
    Text,
    Array,
    Object,
}

/// A type that can be probed. What is asked of it is the same code for all types.
#[derive(Clone, Copy)]
pub(super) struct Probed(fn(Probe<'_>));

impl Probed {
    pub(super) fn of<D: DeserializeOwned>() -> Self {
        Self(|probe| {
            // The answer is always an error; what was found is what was asked for.
            let _ = probe.into(PhantomData::<D>);
        })
    }

    /// What is wanted at the end of `path`; nothing if the path leads nowhere.
    pub(super) fn asked(self, path: &[Step]) -> Option<Asked> {
        match self.walk(path, Aim::Ask) {
            Some(Found::Asked(asked)) => Some(asked),
            _ => None,
        }
    }

    /// Whether a value of `kind` is taken at the end of `path`, where whatever comes is.
    pub(super) fn takes(self, path: &[Step], kind: Kind) -> bool {
        self.walk(path, Aim::Offer(kind)) == Some(Found::Taken(true))
    }

    /// Whether the struct at the end of `path` is read without its field `index`.
    pub(super) fn optional(self, path: &[Step], index: usize) -> bool {
        self.walk(path, Aim::Omit(index)) == Some(Found::Taken(true))
    }

    /// Whether the struct at the end of `path` is read with a member that is none of its fields.
    pub(super) fn open(self, path: &[Step]) -> bool {
        self.walk(path, Aim::Exceed) == Some(Found::Taken(true))
    }

    fn walk(self, path: &[Step], aim: Aim) -> Option<Found> {
        let mut found = None;
        self.0(Probe {
            path,
            aim,
            found: &mut found,
        });
        found
    }
}

/// What is done at the end of a path.
#[derive(Clone, Copy)]
enum Aim {
    Ask,
    Offer(Kind),
    Omit(usize),
    Exceed,
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Asked(Asked),
    Taken(bool),
}

pub(super) struct Probe<'a> {
    path: &'a [Step],
    aim: Aim,
    found: &'a mut Option<Found>,
}

impl<'a> Probe<'a> {
    fn stop<T>() -> Result<T, Stop> {
        Err(Stop::custom("the probe is where it was to go"))
    }

    /// Notes `asked` if the path ends here.
    fn note<T>(self, asked: Asked) -> Result<T, Stop> {
        if self.path.is_empty() && matches!(self.aim, Aim::Ask) {
            *self.found = Some(Found::Asked(asked));
        }
        Self::stop()
    }

    /// Deserializes what is at the path's beginning. Whether something is taken is known only after
    /// its own last word: some look at what they took.
    fn into<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Stop> {
        let (aim, found) = (self.aim, &mut *self.found);
        let taken = seed.deserialize(Probe { found, ..self });
        if !matches!(aim, Aim::Ask) && self.found.is_none() {
            *self.found = Some(Found::Taken(taken.is_ok()));
            return Self::stop();
        }
        taken
    }

    /// The first step, and a probe that goes on after it.
    fn next(self) -> Option<(Step, Self)> {
        let (step, path) = self.path.split_first()?;
        Some((*step, Self { path, ..self }))
    }

    fn at_end(&self) -> bool {
        self.path.is_empty()
    }

    /// A struct, or a variant like one.
    fn fields<'de, V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match (self.at_end(), self.aim) {
            (true, Aim::Omit(index)) => visitor.visit_map(Members::without(fields, index)),
            (true, Aim::Exceed) => visitor.visit_map(Members::and_more(fields)),
            (true, _) => Self::stop(),
            (false, _) => match self.next() {
                Some((Step::Field(index), probe)) => visitor.visit_map(One {
                    key: fields.get(index).copied(),
                    probe: Some(probe),
                }),
                _ => Self::stop(),
            },
        }
    }
}

macro_rules! scalars {
    ($($method:ident: $asked:expr,)*) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
            self.note($asked)
        })*
    };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Stop;

    scalars! {
        deserialize_bool: Asked::Bool,
        deserialize_i8: Asked::Integer(i8::MIN.into(), i8::MAX.into()),
        deserialize_i16: Asked::Integer(i16::MIN.into(), i16::MAX.into()),
        deserialize_i32: Asked::Integer(i32::MIN.into(), i32::MAX.into()),
        deserialize_i64: Asked::Integer(i64::MIN.into(), i64::MAX.into()),
        deserialize_i128: Asked::Integer(i128::MIN, i128::MAX),
        deserialize_u8: Asked::Integer(0, u8::MAX.into()),
        deserialize_u16: Asked::Integer(0, u16::MAX.into()),
        deserialize_u32: Asked::Integer(0, u32::MAX.into()),
        deserialize_u64: Asked::Integer(0, u64::MAX.into()),
        deserialize_u128: Asked::Integer(0, i128::MAX),
        deserialize_f32: Asked::Float32,
        deserialize_f64: Asked::Float64,
        deserialize_char: Asked::Text,
        deserialize_str: Asked::Text,
        deserialize_string: Asked::Text,
        deserialize_identifier: Asked::Text,
        deserialize_bytes: Asked::Any,
        deserialize_byte_buf: Asked::Any,
        deserialize_unit: Asked::Null,
        deserialize_ignored_any: Asked::Any,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let Aim::Offer(kind) = self.aim else {
            return self.note(Asked::Any);
        };
        if !self.at_end() {
            return Self::stop();
        }
        match kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool => visitor.visit_bool(true),
            Kind::Integer => visitor.visit_u64(1),
            Kind::Float => visitor.visit_f64(0.5),
            Kind::Text => visitor.visit_str("1"),
            Kind::Array => visitor.visit_seq(Members::none()),
            Kind::Object => visitor.visit_map(Members::none()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        if self.at_end() {
            return self.note(Asked::Option);
        }
        match self.next() {
            Some((Step::Inner, probe)) => visitor.visit_some(probe),
            _ => Self::stop(),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: V,
    ) -> Result<V::Value, Stop> {
        self.note(Asked::Null)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        if self.at_end() {
            return self.note(Asked::Array);
        }
        match self.next() {
            Some((Step::Element, probe)) => visitor.visit_seq(One {
                key: None,
                probe: Some(probe),
            }),
            _ => Self::stop(),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, _: V) -> Result<V::Value, Stop> {
        self.note(Asked::Tuple(len))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        _: V,
    ) -> Result<V::Value, Stop> {
        self.note(Asked::Tuple(len))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        if self.at_end() {
            return self.note(Asked::Map);
        }
        match self.next() {
            Some((Step::Key, probe)) => visitor.visit_map(Entry { probe, key: true }),
            Some((Step::Value, probe)) => visitor.visit_map(Entry { probe, key: false }),
            _ => Self::stop(),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        if self.at_end() && matches!(self.aim, Aim::Ask) {
            return self.note(Asked::Struct(name, fields));
        }
        self.fields(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        if self.at_end() {
            return self.note(Asked::Enum(variants));
        }
        match self.next() {
            Some((Step::Variant(index), probe)) => match variants.get(index) {
                Some(name) => visitor.visit_enum(Variant { name, probe }),
                None => Self::stop(),
            },
            _ => Self::stop(),
        }
    }
}

/// One member, or one element, which the probe goes into.
struct One<'a> {
    key: Option<&'static str>,
    probe: Option<Probe<'a>>,
}

impl<'de> MapAccess<'de> for One<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        let key = self.key.take();
        key.map(|key| seed.deserialize(key.into_deserializer()))
            .transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        match self.probe.take() {
            Some(probe) => probe.into(seed),
            None => Probe::stop(),
        }
    }
}

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Stop> {
        let probe = self.probe.take();
        probe.map(|probe| probe.into(seed)).transpose()
    }
}

/// One entry of a map, whose key or whose value the probe goes into.
struct Entry<'a> {
    probe: Probe<'a>,
    key: bool,
}

impl<'de> MapAccess<'de> for Entry<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        if self.key {
            self.again().into(seed).map(Some)
        } else {
            seed.deserialize(Key).map(Some)
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        self.again().into(seed)
    }
}

impl Entry<'_> {
    fn again(&mut self) -> Probe<'_> {
        Probe {
            path: self.probe.path,
            aim: self.probe.aim,
            found: self.probe.found,
        }
    }
}

/// One variant of an enum.
struct Variant<'a> {
    name: &'static str,
    probe: Probe<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Stop;
    type Variant = Probe<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Probe<'a>), Stop> {
        let name = seed.deserialize(IntoDeserializer::<Stop>::into_deserializer(self.name))?;
        Ok((name, self.probe))
    }
}

impl<'de> VariantAccess<'de> for Probe<'_> {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        self.note(Asked::Unit)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Stop> {
        self.into(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, _: V) -> Result<V::Value, Stop> {
        self.note(Asked::Tuple(len))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        if self.at_end() && matches!(self.aim, Aim::Ask) {
            return self.note(Asked::Struct("", fields));
        }
        self.fields(fields, visitor)
    }
}
