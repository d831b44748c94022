//! Whether a value is what a JSON schema says: strictly, by the words of the specification, for the keywords that tests use. One that it does
//! not know is a mistake of the test.

use serde_json::{Map, Value};

/// What is wrong with a text, if anything is.
pub fn check(schema: &Value, text: &str) -> Result<(), String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("{error} in {text}"))?;
    accepts(schema, schema, &value).then_some(()).ok_or_else(|| format!("{text} is not what the schema says"))
}

/// Annotations, and what is read together with another keyword.
const SILENT: [&str; 6] = ["$schema", "$defs", "title", "description", "properties", "required"];

fn accepts(root: &Value, schema: &Value, value: &Value) -> bool {
    match schema {
        Value::Bool(all) => *all,
        Value::Object(keywords) => {
            object(root, keywords, value) && keywords.iter().all(|(key, of)| keyword(root, key, of, value))
        }
        _ => panic!("a schema is an object"),
    }
}

fn object(root: &Value, keywords: &Map<String, Value>, value: &Value) -> bool {
    let Value::Object(fields) = value else { return true };
    let empty = Map::new();
    let named = keywords.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let others = keywords.get("additionalProperties").unwrap_or(&Value::Bool(true));
    let required = keywords.get("required").and_then(Value::as_array);
    fields.iter().all(|(name, field)| accepts(root, named.get(name).unwrap_or(others), field))
        && required.is_none_or(|names| names.iter().all(|name| fields.contains_key(name.as_str().expect("a name"))))
}

fn keyword(root: &Value, key: &str, of: &Value, value: &Value) -> bool {
    let bound = of.as_f64().unwrap_or_default();
    let length = |text: &str| text.chars().count() as f64;
    let any = |schemas: &Value| schemas.as_array().expect("schemas").iter().any(|one| accepts(root, one, value));
    match (key, value) {
        ("type", _) => match of {
            Value::Array(types) => types.iter().any(|one| is_of_type(one, value)),
            one => is_of_type(one, value),
        },
        ("enum", _) => of.as_array().expect("values").contains(value),
        ("const", _) => of == value,
        ("anyOf", _) => any(of),
        ("$ref", _) => {
            let pointer = of.as_str().and_then(|uri| uri.strip_prefix('#')).expect("a place in the schema");
            accepts(root, root.pointer(pointer).expect("a definition"), value)
        }
        ("minLength", Value::String(text)) => length(text) >= bound,
        ("maxLength", Value::String(text)) => length(text) <= bound,
        ("pattern", Value::String(text)) => {
            regex::Regex::new(of.as_str().expect("a pattern")).expect("a regular expression").is_match(text)
        }
        ("minItems", Value::Array(items)) => items.len() as f64 >= bound,
        ("maxItems", Value::Array(items)) => items.len() as f64 <= bound,
        ("items", Value::Array(items)) => items.iter().all(|item| accepts(root, of, item)),
        ("minimum", Value::Number(number)) => number.as_f64().expect("a number") >= bound,
        ("maximum", Value::Number(number)) => number.as_f64().expect("a number") <= bound,
        (
            "minLength"
            | "maxLength"
            | "pattern"
            | "minItems"
            | "maxItems"
            | "items"
            | "minimum"
            | "maximum"
            | "additionalProperties",
            _,
        ) => true,
        (key, _) => SILENT.contains(&key) || panic!("the test does not know {key}"),
    }
}

fn is_of_type(kind: &Value, value: &Value) -> bool {
    match (kind.as_str().expect("a type"), value) {
        ("integer", Value::Number(number)) => number.as_f64().is_some_and(|number| number.fract() == 0.0),
        ("number", Value::Number(_))
        | ("string", Value::String(_))
        | ("boolean", Value::Bool(_))
        | ("null", Value::Null)
        | ("array", Value::Array(_))
        | ("object", Value::Object(_)) => true,
        _ => false,
    }
}
