//! The form of an answer with placeholders: what it lets the model choose from may be names.

use std::sync::Arc;

use serde_json::Value;

use crate::{assistant::entities::Found, inference::OutputFormat, pseudonym::Table};

/// A form with placeholders in the place of names.
pub(super) fn hidden_format(table: &mut Table, found: &Found, format: &Arc<OutputFormat>) -> Arc<OutputFormat> {
    match &**format {
        OutputFormat::JsonSchema(schema) => {
            let mut schema = schema.clone();
            visit(&mut schema, false, &mut |text| *text = table.pseudonymise_with(text, &found.of(text)).text);
            Arc::new(OutputFormat::JsonSchema(schema))
        }
        OutputFormat::Pattern(_) => Arc::clone(format),
    }
}

/// The words that a form lets the model choose from.
pub(super) fn words(format: &OutputFormat) -> Vec<String> {
    let mut words = Vec::new();
    if let OutputFormat::JsonSchema(schema) = format {
        visit(&mut schema.clone(), false, &mut |text| words.push(text.clone()));
    }
    words
}

/// Goes through the texts of a schema that are words of an answer, and not of the schema.
fn visit(value: &mut Value, words: bool, each: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) if words => each(text),
        Value::Array(values) => values.iter_mut().for_each(|value| visit(value, words, each)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let of_answers = match name.as_str() {
                    "enum" | "const" | "default" | "examples" => true,
                    "title" | "description" => value.is_string(),
                    _ => false,
                };
                visit(value, words || of_answers, each);
            }
        }
        _ => {}
    }
}
