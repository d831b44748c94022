//! The keys of the configuration, asked of the types themselves: there is no second list that could fall behind.
//!
//! Each key is found by deserialising a document that holds it alone. What serde then asks for is the key's kind, and tells how a
//! variable's text is to be understood: `DEVICE_ID=123` stays text because the field is text.

use std::{cell::RefCell, fmt};

use serde::{
    Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, Expected, MapAccess, Visitor, value::StrDeserializer},
};

use crate::setting::duration;

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, a path, an address or a name out of a few.
    Text,
    /// A duration such as `12h`.
    Duration,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of texts.
    List,
}

/// Stands in a path for a name that people choose: `services.*.url`.
pub(super) const ANY: &str = "*";

/// A key with its sections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The names from the outermost section inwards.
    pub path: Vec<&'static str>,
    /// What it holds.
    pub kind: Kind,
}

impl Key {
    /// Whether a path is this key's, or begins as it does.
    pub(super) fn begins_with(&self, path: &[String]) -> bool {
        let same = |(key, given): (&&str, &String)| *key == ANY || key == given;
        path.len() <= self.path.len() && self.path.iter().zip(path).all(same)
    }

    /// As sentences name it: `model.context`.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.join(".")
    }
}

/// All keys of `T`, in the order in which the types name them.
#[must_use]
pub fn keys<T: DeserializeOwned>() -> Vec<Key> {
    let mut keys = Vec::new();
    explore::<T>(&mut Vec::new(), &mut keys);
    keys
}

fn explore<T: DeserializeOwned>(path: &mut Vec<&'static str>, keys: &mut Vec<Key>) {
    let found = RefCell::new(None);
    let _ = T::deserialize(Probe { path, found: &found });
    match found.into_inner() {
        Some(Shape::Section(fields)) => {
            for field in fields {
                path.push(field);
                explore::<T>(path, keys);
                path.pop();
            }
        }
        Some(Shape::Names) => {
            path.push(ANY);
            explore::<T>(path, keys);
            path.pop();
        }
        Some(Shape::Leaf(kind)) => keys.push(Key { path: path.clone(), kind }),
        None => {}
    }
}

/// What stands at the end of a path.
enum Shape {
    Section(&'static [&'static str]),
    /// A section whose keys are names that people choose.
    Names,
    Leaf(Kind),
}

/// A document with one key, which notes what is asked for at that key and then fails.
#[derive(Clone, Copy)]
struct Probe<'a> {
    path: &'a [&'static str],
    found: &'a RefCell<Option<Shape>>,
}

impl Probe<'_> {
    fn leaf<T>(self, kind: Kind) -> Result<T, Seen> {
        if self.path.is_empty() {
            self.found.replace(Some(Shape::Leaf(kind)));
        }
        Err(Seen)
    }

    fn text<T>(self, expected: &dyn Expected) -> Result<T, Seen> {
        let duration = expected.to_string() == duration::EXPECTED;
        self.leaf(if duration { Kind::Duration } else { Kind::Text })
    }
}

/// Nothing is wrong: the kind was seen, and no value is needed.
#[derive(Debug)]
struct Seen;

impl fmt::Display for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("seen")
    }
}

impl std::error::Error for Seen {}

impl de::Error for Seen {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// The methods that mean one kind.
macro_rules! leaves {
    ($kind:expr; $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Seen> {
            self.leaf($kind)
        })*
    };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Seen;

    leaves! { Kind::Boolean; deserialize_bool }
    leaves! { Kind::Number; deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8
    deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 }
    leaves! { Kind::List; deserialize_seq }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Seen> {
        self.text(&visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Seen> {
        self.text(&visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Seen> {
        self.leaf(Kind::Text)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Seen> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Seen> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Seen> {
        let Some((first, rest)) = self.path.split_first() else {
            self.found.replace(Some(Shape::Section(fields)));
            return Err(Seen);
        };
        visitor.visit_map(One { key: Some(first), value: Self { path: rest, ..self } })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Seen> {
        let Some((first, rest)) = self.path.split_first() else {
            self.found.replace(Some(Shape::Names));
            return Err(Seen);
        };
        visitor.visit_map(One { key: Some(first), value: Self { path: rest, ..self } })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Seen> {
        self.text(&visitor)
    }

    serde::forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// The only entry of a section.
struct One<'a> {
    key: Option<&'static str>,
    value: Probe<'a>,
}

impl<'de> MapAccess<'de> for One<'_> {
    type Error = Seen;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Seen> {
        self.key.take().map(|key| seed.deserialize(StrDeserializer::new(key))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Seen> {
        seed.deserialize(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, keys};
    use crate::config::Config;

    #[test]
    fn the_types_name_their_keys_and_what_they_hold() {
        let keys = keys::<Config>();
        let kind = |name: &str| keys.iter().find(|key| key.name() == name).map(|key| key.kind);
        for (name, expected) in [
            ("data", Kind::Text),
            ("matrix.device_id", Kind::Text),
            ("matrix.password", Kind::Text),
            ("matrix.encryption.strict", Kind::Boolean),
            ("matrix.access.servers", Kind::List),
            ("model.hub.endpoint", Kind::Text),
            ("model.context", Kind::Number),
            ("model.sampling.temperature", Kind::Number),
            ("model.time_limit", Kind::Duration),
            ("assistant.max_age", Kind::Duration),
            ("assistant.language", Kind::Text),
            ("assistant.administrators", Kind::List),
            ("assistant.limits.person.burst", Kind::Number),
            ("services.*.url", Kind::Text),
            ("services.*.timeout", Kind::Duration),
            ("http.listen", Kind::Text),
            ("log.level", Kind::Text),
            ("log.json", Kind::Boolean),
        ] {
            assert_eq!(kind(name), Some(expected), "{name}");
        }
        assert_eq!([kind("matrix"), kind("services")], [None; 2], "a section is no key");
    }
}
