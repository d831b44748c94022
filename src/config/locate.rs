//! Finds the line of a key in the text of the configuration. The merged values have no positions, but the YAML parser's errors do, so it is
//! made to fail at that key.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The line, from 1, of the deepest part of `path` that stands in `text`.
pub(super) fn line(text: &str, path: &[String]) -> Option<usize> {
    (1..=path.len()).rev().find_map(|depth| {
        let error = Node { path: path.get(..depth)? }.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
        error.location().map(|location| location.line())
    })
}

/// A value below which the path goes on.
struct Node<'a> {
    path: &'a [String],
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a part of the path")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.path.split_first() else { return Ok(()) };
        while let Some(found) = map.next_key_seed(Name { wanted: first, last: rest.is_empty() })? {
            if found {
                map.next_value_seed(Self { path: rest })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.path.split_first() else { return Ok(()) };
        let wanted = first.parse::<usize>().ok();
        for index in 0.. {
            let read = if Some(index) != wanted {
                seq.next_element::<IgnoredAny>()?.is_some()
            } else if rest.is_empty() {
                seq.next_element_seed(Here)?.is_some()
            } else {
                seq.next_element_seed(Self { path: rest })?.is_some()
            };
            if !read {
                break;
            }
        }
        Ok(())
    }

    // A scalar where the path goes on: its parent is the deepest part.
    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A key, which fails when it is the last of the path.
struct Name<'a> {
    wanted: &'a str,
    last: bool,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<bool, E> {
        if key == self.wanted && self.last { Err(E::custom("here")) } else { Ok(key == self.wanted) }
    }
}

/// Fails at whatever stands there: no kind of value is expected.
struct Here;

impl<'de> DeserializeSeed<'de> for Here {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Here {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("nothing")
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn the_line_of_a_key_is_found() {
        let text = "# a comment\ndata: x\nmatrix:\n  user: u\n  access: { servers: [a,\n    b] }\n  password: 5\n";
        for (path, expected) in [
            ("data", Some(2)),
            ("matrix", Some(3)),
            ("matrix.user", Some(4)),
            ("matrix.access.servers", Some(5)),
            ("matrix.access.servers.1", Some(6)),
            ("matrix.password", Some(7)),
            ("matrix.absent", Some(3)),
            ("data.x", Some(2)),
            ("nowhere.at.all", None),
        ] {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            assert_eq!(line(text, &path), expected, "{path:?}");
        }
    }
}
