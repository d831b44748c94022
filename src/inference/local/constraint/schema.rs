//! JSON schemas before they are followed: refused where they are too large, and made narrower where they leave things open, so that what
//! is written is short, ends, and parses everywhere.
//!
//! A narrower schema accepts only what the schema accepts. Objects have no fields but those named, unless the schema says something of
//! others; numbers stay where they are exact; what may be anything is a text, a number, a boolean or null.

use serde_json::{Map, Value, json};

use super::pattern::{self, MOST_BYTES};

/// The deepest nesting of a schema: it is read recursively.
const MOST_DEPTH: usize = 64;

/// Numbers without bounds stay between this and its negative: an exponent, or hundreds of digits, is more than most readers take.
const LARGEST: i64 = 1_000_000_000_000_000;

/// Keywords that say nothing of a value.
const ANNOTATIONS: [&str; 7] = ["title", "description", "$comment", "default", "examples", "readOnly", "writeOnly"];

/// Walks through a schema without recursion, before anything does so with it.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    let (mut bytes, mut left) = (0_usize, vec![(schema, 0)]);
    let (mut patterns, mut joined) = (0, false);
    while let Some((value, depth)) = left.pop() {
        if depth > MOST_DEPTH {
            return Err(format!("the JSON schema is nested more than {MOST_DEPTH} deep"));
        }
        bytes += 4;
        match value {
            Value::String(text) => bytes += text.len(),
            Value::Array(items) => left.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(fields) => {
                patterns += patterns_of(fields)?;
                joined |= joins(fields);
                bytes += fields.keys().map(String::len).sum::<usize>();
                left.extend(fields.values().map(|field| (field, depth + 1)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        if bytes > MOST_BYTES {
            return Err(format!("the JSON schema is longer than {} KiB", MOST_BYTES >> 10));
        }
    }
    if joined && patterns > 1 {
        return Err("the JSON schema joins patterns, which takes too much memory".to_owned());
    }
    Ok(())
}

/// How many patterns a schema has itself.
fn patterns_of(schema: &Map<String, Value>) -> Result<usize, String> {
    let own = schema.get("pattern").and_then(Value::as_str);
    let others = schema.get("patternProperties").and_then(Value::as_object);
    let mut count = usize::from(schema.get("format").is_some_and(Value::is_string));
    for text in own.into_iter().chain(others.into_iter().flat_map(Map::keys).map(String::as_str)) {
        pattern::check(text)?;
        count += 1;
    }
    Ok(count)
}

/// Whether a text may have to be what several parts of a schema say: the intersection of patterns can be as large as their product.
fn joins(schema: &Map<String, Value>) -> bool {
    let parts = ["anyOf", "oneOf", "$ref", "pattern", "format"];
    let parts =
        parts.iter().filter(|part| schema.get(**part).is_some_and(|value| value.is_string() || value.is_array()));
    schema.contains_key("allOf") || schema.contains_key("patternProperties") || parts.count() > 1
}

/// Where a schema stands in another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It alone says what a value is.
    Value,
    /// It is one of several that a value may be.
    Choice,
    /// Others say something of the same value: it must not close what they name.
    Joined,
}

/// The schema, made narrower. It was [checked](check).
pub(super) fn narrowed(schema: &Value) -> Value {
    let mut schema = schema.clone();
    narrow(&mut schema, Place::Value);
    schema
}

fn scalar() -> Value {
    json!({"type": ["string", "number", "boolean", "null"], "minimum": -LARGEST, "maximum": LARGEST})
}

fn narrow(schema: &mut Value, place: Place) {
    let open = match schema {
        Value::Bool(open) => *open,
        Value::Object(keywords) => keywords.keys().all(|key| ANNOTATIONS.contains(&key.as_str())),
        _ => return,
    };
    if open && place == Place::Value {
        *schema = scalar();
    }
    let Value::Object(keywords) = schema else { return };
    let joined =
        place == Place::Joined || ["allOf", "anyOf", "oneOf", "$ref"].iter().any(|key| keywords.contains_key(*key));
    if !joined {
        close(keywords);
    }
    bound(keywords);
    let alone = !["type", "properties", "required", "allOf"].iter().any(|key| keywords.contains_key(*key));
    for (key, value) in keywords.iter_mut() {
        let place = match key.as_str() {
            "anyOf" | "oneOf" if alone && place != Place::Joined => Place::Choice,
            "anyOf" | "oneOf" | "allOf" => Place::Joined,
            "$defs" | "definitions" => Place::Choice,
            "properties"
            | "patternProperties"
            | "items"
            | "prefixItems"
            | "additionalProperties"
            | "additionalItems" => Place::Value,
            _ => continue,
        };
        match (key.as_str(), value) {
            ("$defs" | "definitions" | "properties" | "patternProperties", Value::Object(schemas)) => {
                schemas.values_mut().for_each(|schema| narrow(schema, place));
            }
            (_, Value::Array(schemas)) => schemas.iter_mut().for_each(|schema| narrow(schema, place)),
            (_, schema) => narrow(schema, place),
        }
    }
}

fn is_of(keywords: &Map<String, Value>, kind: &str) -> bool {
    match keywords.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => false,
    }
}

/// Objects have the fields that are named or required, and what is in a list is something simple, where nothing else is said.
fn close(keywords: &mut Map<String, Value>) {
    let others = ["additionalProperties", "patternProperties", "minProperties"];
    if !others.iter().any(|key| keywords.contains_key(*key)) {
        let required: Vec<String> = match keywords.get("required") {
            Some(Value::Array(names)) => names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        if let Some(Value::Object(named)) = keywords.get_mut("properties") {
            for name in required {
                named.entry(name).or_insert(Value::Bool(true));
            }
            keywords.insert("additionalProperties".to_owned(), Value::Bool(false));
        } else if is_of(keywords, "object") {
            keywords.insert("additionalProperties".to_owned(), Value::Bool(true));
        }
    }
    if is_of(keywords, "array") && !keywords.contains_key("items") && !keywords.contains_key("prefixItems") {
        keywords.insert("items".to_owned(), Value::Bool(true));
    }
}

fn bound(keywords: &mut Map<String, Value>) {
    if !is_of(keywords, "number") && !is_of(keywords, "integer") {
        return;
    }
    let far = |key: &str| keywords.get(key).and_then(Value::as_f64).is_some_and(|bound| bound.abs() >= LARGEST as f64);
    // With a bound beyond it, the other one may be, too.
    if ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"].into_iter().any(far) {
        return;
    }
    for (sign, keys) in [(-1, ["minimum", "exclusiveMinimum"]), (1, ["maximum", "exclusiveMaximum"])] {
        if !keys.iter().any(|key| keywords.contains_key(*key)) {
            keywords.insert(keys[0].to_owned(), json!(sign * LARGEST));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::narrowed;

    #[test]
    fn what_is_left_open_is_closed_and_bounded_and_nothing_else_is_touched() {
        let most = 1_000_000_000_000_000_i64;
        let scalar = json!({"type": ["string", "number", "boolean", "null"], "minimum": -most, "maximum": most});
        let cases: [(Value, Value); 10] = [
            (json!(true), scalar.clone()),
            (json!({"title": "a"}), scalar.clone()),
            (json!({"type": ["integer"]}), json!({"type": ["integer"], "minimum": -most, "maximum": most})),
            (json!({"type": "integer", "minimum": 3}), json!({"type": "integer", "minimum": 3, "maximum": most})),
            (json!({"type": "number", "minimum": 1e18}), json!({"type": "number", "minimum": 1e18})),
            (
                json!({"properties": {"a": {"enum": [{}]}}, "required": ["a", "b"]}),
                json!({"properties": {"a": {"enum": [{}]}, "b": scalar}, "required": ["a", "b"], "additionalProperties": false}),
            ),
            (json!({"type": "array"}), json!({"type": "array", "items": scalar})),
            (
                json!({"type": "object", "additionalProperties": {"type": "array", "items": {}}}),
                json!({"type": "object", "additionalProperties": {"type": "array", "items": scalar}}),
            ),
            (
                json!({"allOf": [{"properties": {"a": {"type": "null"}}}, {"required": ["b"]}]}),
                json!({"allOf": [{"properties": {"a": {"type": "null"}}}, {"required": ["b"]}]}),
            ),
            (
                json!({"anyOf": [{"properties": {}}, {"type": "null"}, {}]}),
                json!({"anyOf": [{"properties": {}, "additionalProperties": false}, {"type": "null"}, {}]}),
            ),
        ];
        for (schema, expected) in cases {
            assert_eq!(narrowed(&schema), expected);
        }
    }
}
