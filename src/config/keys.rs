//! The keys of the configuration, derived from the types, so that no second list can become outdated.
//!
//! Each key is found by deserialising a document that contains only this key. The type that serde requests is the kind of the key, and says
//! how a variable's text is parsed: `DEVICE_ID=123` stays text because the field is text.

use std::{cell::RefCell, fmt};

use serde::{
    Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, Expected, MapAccess, Visitor, value::StrDeserializer},
};

use crate::setting::{duration, spoken};

/// The type of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
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
    /// A text, or one for each language.
    SpokenText,
    /// A list of texts, or one for each language.
    SpokenList,
}

/// Stands in a path for a name that people choose: `services.*.url`.
pub(super) const ANY: &str = "*";

/// A key with its sections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The names from the outermost section inwards.
    pub path: Vec<&'static str>,
    /// Its type.
    pub kind: ValueKind,
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
        Some(KeyShape::Section(fields)) => {
            for field in fields {
                path.push(field);
                explore::<T>(path, keys);
                path.pop();
            }
        }
        Some(KeyShape::Names) => {
            path.push(ANY);
            explore::<T>(path, keys);
            path.pop();
        }
        Some(KeyShape::Leaf(kind)) => keys.push(Key { path: path.clone(), kind }),
        None => {}
    }
}

/// What stands at the end of a path.
enum KeyShape {
    Section(&'static [&'static str]),
    /// A section whose keys are names that people choose.
    Names,
    Leaf(ValueKind),
}

/// A document with one key, which records the type that is requested for that key and then fails.
#[derive(Clone, Copy)]
struct Probe<'a> {
    path: &'a [&'static str],
    found: &'a RefCell<Option<KeyShape>>,
}

impl Probe<'_> {
    fn leaf<T>(self, kind: ValueKind) -> Result<T, Seen> {
        if self.path.is_empty() {
            self.found.replace(Some(KeyShape::Leaf(kind)));
        }
        Err(Seen)
    }

    fn text<T>(self, expected: &dyn Expected) -> Result<T, Seen> {
        self.leaf(match expected.to_string().as_str() {
            duration::EXPECTED => ValueKind::Duration,
            spoken::TEXT => ValueKind::SpokenText,
            spoken::LIST => ValueKind::SpokenList,
            _ => ValueKind::Text,
        })
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

    leaves! { ValueKind::Boolean; deserialize_bool }
    leaves! { ValueKind::Number; deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8
    deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 }
    leaves! { ValueKind::List; deserialize_seq }

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
        self.leaf(ValueKind::Text)
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
            self.found.replace(Some(KeyShape::Section(fields)));
            return Err(Seen);
        };
        visitor.visit_map(One { key: Some(first), value: Self { path: rest, ..self } })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Seen> {
        let Some((first, rest)) = self.path.split_first() else {
            self.found.replace(Some(KeyShape::Names));
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
    use super::{ValueKind, keys};
    use crate::config::Config;

    #[test]
    fn the_types_name_their_keys_and_what_they_hold() {
        let keys = keys::<Config>();
        let kind = |name: &str| keys.iter().find(|key| key.name() == name).map(|key| key.kind);
        for (name, expected) in [
            ("data", ValueKind::Text),
            ("matrix.device_id", ValueKind::Text),
            ("matrix.password", ValueKind::Text),
            ("matrix.encryption.strict", ValueKind::Boolean),
            ("matrix.access.servers", ValueKind::List),
            ("model.hub.endpoint", ValueKind::Text),
            ("model.context", ValueKind::Number),
            ("model.sampling.temperature", ValueKind::Number),
            ("model.time_limit", ValueKind::Duration),
            ("assistant.max_age", ValueKind::Duration),
            ("assistant.language", ValueKind::Text),
            ("assistant.administrators", ValueKind::List),
            ("assistant.limits.person.burst", ValueKind::Number),
            ("services.*.url", ValueKind::Text),
            ("services.*.timeout", ValueKind::Duration),
            ("http.listen", ValueKind::Text),
            ("privacy.controller", ValueKind::SpokenText),
            ("privacy.forbidden", ValueKind::SpokenList),
            ("privacy.backups", ValueKind::Duration),
            ("log.level", ValueKind::Text),
            ("log.json", ValueKind::Boolean),
        ] {
            assert_eq!(kind(name), Some(expected), "{name}");
        }
        assert_eq!([kind("matrix"), kind("services")], [None; 2], "a section is no key");
    }
}
