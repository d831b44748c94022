//! JSON schemas that answers keep to. What a schema says is all in it: nothing it refers to elsewhere is looked up.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::words::beginning;

/// The most bytes that a compiled pattern may take: a pattern is a sentence, not a program.
pub(super) const PATTERN_SIZE: usize = 1 << 20;

/// The most bytes of a schema, as JSON.
const MOST_BYTES: usize = 64 * 1024;

/// The most characters of the place where an answer deviates, and of why a schema cannot be used.
const LONGEST_PLACE: usize = 120;
const LONGEST_REASON: usize = 200;

/// Why a schema cannot be used, if it cannot.
pub(super) fn sound(schema: &Value) -> Result<(), String> {
    if !schema.is_object() && !schema.is_boolean() {
        return Err("it is an object, true or false".to_owned());
    }
    let bytes = serde_json::to_vec(schema).map_err(|error| error.to_string())?;
    if bytes.len() > MOST_BYTES {
        return Err(format!("it has more than {MOST_BYTES} bytes"));
    }
    compiled(schema).map(|_| ())
}

/// Where a value is not what its schema says.
pub(super) struct Deviation {
    /// The place, as a JSON pointer whose end may be cut; empty for the value itself.
    pub(super) place: String,
    /// The keyword of the schema.
    pub(super) keyword: String,
}

/// The first deviation of a value from a schema. `Err`: the schema cannot be used.
pub(super) fn deviation(schema: &Value, value: &Value) -> Result<Option<Deviation>, String> {
    let validator = compiled(schema)?;
    Ok(validator.validate(value).err().map(|error| Deviation {
        place: beginning(error.instance_path().as_str(), LONGEST_PLACE),
        keyword: error.kind().keyword().to_owned(),
    }))
}

/// With patterns that are matched in linear time, and without what is outside of the schema.
fn compiled(schema: &Value) -> Result<Validator, String> {
    let options = jsonschema::options()
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_SIZE))
        .should_validate_formats(true);
    options.build(schema).map_err(|error| {
        let place = beginning(error.instance_path().as_str(), LONGEST_PLACE);
        format!("{}{}", beginning(&error.to_string(), LONGEST_REASON), at(&place))
    })
}

/// Where in a JSON value something is, at the end of a sentence; nothing for the value itself.
pub(super) fn at(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(", at {place}") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{MOST_BYTES, at, deviation, sound};

    /// The keyword and the place of the first deviation.
    fn place(schema: &Value, value: &Value) -> String {
        let deviation = deviation(schema, value).expect("a schema");
        deviation.map_or_else(String::new, |deviation| format!("{}{}", deviation.keyword, at(&deviation.place)))
    }

    #[test]
    fn where_an_answer_deviates_is_said() {
        let schema = json!({
            "type": "object",
            "properties": {
                "jours": {"type": "integer", "maximum": 30},
                "date": {"type": "string", "format": "date"},
                "code": {"pattern": "^[A-Z]{2}$"},
                "liens": {"items": {"$ref": "#/$defs/lien"}}
            },
            "required": ["jours"],
            "additionalProperties": false,
            "$defs": {"lien": {"type": "string", "minLength": 2}}
        });
        for (value, says) in [
            (json!({"jours": 25, "date": "2026-02-28", "code": "RH", "liens": ["ab"]}), ""),
            (json!({"jours": 25.0}), ""),
            (json!({"jours": 31}), "maximum, at /jours"),
            (json!({"jours": 1, "date": "2026-02-30"}), "format, at /date"),
            (json!({"jours": 1, "code": "rh"}), "pattern, at /code"),
            (json!({"jours": 1, "liens": ["ab", "c"]}), "minLength, at /liens/1"),
            (json!({"jours": 1, "autre": 2}), "additionalProperties"),
            (json!({}), "required"),
            (json!([]), "type"),
        ] {
            assert_eq!(place(&schema, &value), says, "{value}");
        }
        assert_eq!(place(&json!(true), &json!(1)), "");
        assert_eq!(place(&json!(false), &json!(1)), "falseSchema");
        let long = place(&json!({"additionalProperties": {"type": "string"}}), &json!({ "é".repeat(5_000): 1 }));
        assert!(long.chars().count() < 150 && long.starts_with("type, at /é") && long.ends_with('…'), "{long}");
    }

    #[test]
    fn what_is_no_schema_or_points_elsewhere_is_named() {
        for (schema, says) in [
            (json!(3), "it is an object, true or false"),
            (json!({"type": "strnig"}), "at /type"),
            (json!({"minLength": -1}), "at /minLength"),
            (json!({"pattern": "(?=a)b"}), "(?=a)b"),
            (json!({"pattern": "(a{1000}){1000}"}), "(a{1000}){1000}"),
            (json!({"$ref": "#/$defs/nothing"}), "/$defs/nothing"),
            (json!({"properties": {"a": {"$ref": "https://example.com/a.json"}}}), "https://example.com/a.json"),
            (json!({"$ref": "file:///etc/passwd"}), "file:///etc/passwd"),
            (json!({"$ref": "autre.json#/a"}), "autre.json"),
            (json!({"$schema": "https://example.com/meta"}), "https://example.com/meta"),
            (json!({"const": "x".repeat(MOST_BYTES)}), "more than 65536 bytes"),
        ] {
            let said = sound(&schema).expect_err("refused");
            assert!(said.contains(says) && said.chars().count() < 400, "{schema}: {said}");
        }
        for schema in [json!(true), json!({}), json!({"const": {"$ref": "https://example.com"}}), json!({"$ref": "#"})]
        {
            assert_eq!(sound(&schema), Ok(()), "{schema}");
        }
    }

    #[test]
    fn hostile_schemas_and_answers_end() {
        let slow = json!({"type": "string", "pattern": "^(a+)+$"});
        assert_eq!(place(&slow, &json!(format!("{}!", "a".repeat(10_000)))), "pattern");
        assert_eq!(place(&json!({"allOf": [{"$ref": "#"}]}), &json!([[1]])), "");
        let nested = (0..100).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(place(&json!({"type": "array", "items": {"$ref": "#"}}), &nested).split(',').next(), Some("type"));
    }
}
