//! From the form of an answer to what `llguidance` follows byte by byte, within limits.
//!
//! JSON is written on one line with one space after `,` and `:`. White space that a schema leaves free is what a model fills its
//! tokens with once it has lost its way.

use std::sync::Arc;

use llguidance::api::{ParserLimits, TopLevelGrammar};
use llguidance::earley::SlicedBiasComputer;
use llguidance::toktrie::{ApproximateTokEnv, InferenceCapabilities, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};

use super::{pattern, schema};
use crate::inference::OutputFormat;
use crate::inference::local::vocabulary::Vocabulary;

/// Nodes of a compiled grammar.
const MOST_NODES: usize = 100_000;

/// Steps spent on the automata of a grammar when it is compiled: some 20 ms.
const COMPILE_STEPS: u64 = 1_000_000;

/// Steps spent on one mask, about 15 ms, and rows of the parse that it may try.
const MASK_STEPS: u64 = 200_000;
const MASK_ROWS: usize = 50_000;

/// States of the automata of one answer, each of one or two kB.
const MOST_STATES: usize = 50_000;

/// Possible parses of one place.
const MOST_PARSES: usize = 2_000;

/// A longer token is left out of the trie, which could not hold it; no text needs it.
const LONGEST_TOKEN: usize = 512;

/// Tokens that the trie can number.
const MOST_TOKENS: usize = 1 << 22;

/// What schemas are made of (JSON Schema 2020-12 and draft 7) and may not be supported: an error may name these, and nothing else of
/// a schema.
const KEYWORDS: [&str; 16] = [
    "not",
    "if",
    "then",
    "else",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "oneOf",
    "$dynamicRef",
];

/// The tokens of a model that write text, in a trie. Control tokens and tokens of templates are not in it; those that end an answer
/// are allowed where the form may end.
pub(super) fn environment(vocabulary: &Vocabulary) -> Result<TokEnv, String> {
    let count = vocabulary.tokens.len();
    if count == 0 || count > MOST_TOKENS {
        return Err("the vocabulary has too many tokens".to_owned());
    }
    let words: Vec<Vec<u8>> = (0..count as u32).map(|id| word(vocabulary, id).to_vec()).collect();
    let ends: Vec<u32> = (0..count as u32).filter(|id| vocabulary.ends(*id)).collect();
    let first = ends.first().copied().ok_or("the vocabulary has no token that ends an answer")?;
    let trie = TokTrie::from(&TokRxInfo::new(count as u32, first), &words).with_eos_tokens(&ends);
    Ok(Arc::new(ApproximateTokEnv::new(trie)))
}

/// What a token adds to a text of a form; nothing if it may not be part of one.
fn word(vocabulary: &Vocabulary, id: u32) -> &[u8] {
    let bytes = vocabulary.bytes(id);
    // 0xFF is in no text, and marks control tokens in the trie.
    let usable = bytes.len() <= LONGEST_TOKEN && !bytes.contains(&TokTrie::SPECIAL_TOKEN_MARKER);
    if usable && !vocabulary.ends(id) && !vocabulary.is_reserved(id) { bytes } else { &[] }
}

/// What compiles forms for these tokens.
pub(super) fn factory(environment: &TokEnv, slices: &[String]) -> Result<ParserFactory, String> {
    let mut factory = ParserFactory::new(environment, InferenceCapabilities::default(), slices)
        .map_err(|_| "the vocabulary cannot be prepared for forms".to_owned())?;
    // It would print what it reads.
    factory.set_stderr_log_level(0);
    *factory.limits_mut() = ParserLimits {
        max_items_in_row: MOST_PARSES,
        initial_lexer_fuel: COMPILE_STEPS,
        step_lexer_fuel: MASK_STEPS,
        step_max_items: MASK_ROWS,
        max_lexer_states: MOST_STATES,
        max_grammar_size: MOST_NODES,
        precompute_large_lexemes: true,
        verbose_errors: false,
    };
    Ok(factory)
}

/// [`factory`] for a model's vocabulary, with what makes the masks of JSON's strings fast.
pub(super) fn of_vocabulary(vocabulary: &Vocabulary) -> Result<ParserFactory, String> {
    factory(&environment(vocabulary)?, &SlicedBiasComputer::json_slices())
}

/// [`factory`] for the bytes alone: it takes no time to make, and refuses the same forms.
pub(super) fn of_bytes() -> Result<ParserFactory, String> {
    factory(&ApproximateTokEnv::single_byte_env(), &[])
}

/// What follows a form that was [checked](check), at its beginning. The error says why there is none, and contains nothing of the form.
pub(super) fn compile(factory: &ParserFactory, format: &OutputFormat) -> Result<Matcher, String> {
    let grammar = match format {
        OutputFormat::JsonSchema(schema) => TopLevelGrammar::from_json_schema(written(schema)?),
        OutputFormat::Pattern(text) => {
            pattern::check(text)?;
            TopLevelGrammar::from_regex(text)
        }
    };
    let matcher = Matcher::new(factory.create_parser(grammar));
    matcher.get_error().map_or(Ok(matcher), |error| Err(reason(format, &error)))
}

/// Whether a form is short and flat enough to be looked at.
pub(super) fn check(format: &OutputFormat) -> Result<(), String> {
    match format {
        OutputFormat::JsonSchema(schema) => schema::check(schema),
        OutputFormat::Pattern(text) if text.len() > pattern::MOST_BYTES => {
            Err(format!("the pattern is longer than {} KiB", pattern::MOST_BYTES >> 10))
        }
        OutputFormat::Pattern(_) => Ok(()),
    }
}

/// The schema, with how its JSON is written.
fn written(schema: &Value) -> Result<Value, String> {
    let mut schema = schema::narrowed(schema);
    if !schema.is_object() {
        return Err("a JSON schema is an object".to_owned());
    }
    schema["x-guidance"] = json!({"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": false});
    Ok(schema)
}

/// One sentence for an error of `llguidance`, whose own words may quote the form.
fn reason(format: &OutputFormat, error: &str) -> String {
    let kind = match format {
        OutputFormat::JsonSchema(_) => "JSON schema",
        OutputFormat::Pattern(_) => "pattern",
    };
    if ["fuel", "limit", "too large", "too big", "complex", "exceed"].iter().any(|word| error.contains(word)) {
        return format!("the {kind} is too complex");
    }
    let unsupported = KEYWORDS.iter().find(|keyword| {
        let quoted = format!("\"{keyword}\"");
        error.starts_with("Unimplemented") && error.contains(&quoted) || error.starts_with(*keyword)
    });
    match unsupported {
        Some(keyword) => format!("the {kind} uses {keyword}, which is not supported"),
        None if error.contains("nsatisfiable") => format!("no text has the form of the {kind}"),
        None => format!("the {kind} cannot be followed"),
    }
}
