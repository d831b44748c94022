//! Random answers that must have their form, and forms that must be refused.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::inference::local::engine::{EncodedPrompt, Engine};
use crate::inference::local::fakes::Cells;
use crate::inference::local::forward::{BatchLimits, Forward, SequenceSlice, StepOutput};
use crate::inference::local::processors::Answering;
use crate::inference::local::thinking::Reasoning;
use crate::inference::local::vocabulary::{Spelling, TokenType, Vocabulary, byte_character};
use crate::inference::{Config, Finish, Generation, InferenceError, OutputFormat, Piece, Sampling};

/// A model whose logits are a hash of all tokens before: as random as one can be, and the same for the same tokens.
struct Noise {
    cells: Cells,
    vocabulary: usize,
    /// One message is taken before each step; once its sender is gone, steps are free.
    gate: Option<Receiver<()>>,
}

impl Forward for Noise {
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    fn hidden(&self) -> Option<usize> {
        None
    }

    fn limits(&self) -> BatchLimits {
        let blocks = self.cells.blocks();
        BatchLimits { context: 1024, blocks, sequences: 16, paged: true, decode_step: 64, prefill_step: 64 }
    }

    fn step(&mut self, slices: &[SequenceSlice<'_>], out: &mut StepOutput) -> Result<(), String> {
        if let Some(gate) = &self.gate {
            let _ = gate.recv();
        }
        out.clear();
        for slice in slices {
            let mut hash = self.cells.compute(slice).hash | 1;
            if slice.output.is_some() {
                out.logits.extend((0..self.vocabulary).map(|_| {
                    hash ^= hash << 13;
                    hash ^= hash >> 7;
                    hash ^= hash << 17;
                    (hash >> 40) as f32 / (1 << 22) as f32 - 2.0
                }));
            }
        }
        Ok(())
    }

    fn erase(&mut self, blocks: &[u32]) {
        self.cells.erase(blocks);
    }

    fn erase_all(&mut self) {
        self.cells = Cells::new(self.cells.blocks());
    }
}

/// Words that straddle what a grammar separates.
const WORDS: [&str; 20] = [
    "{\"", "\": ", "\", \"", "\"}", "}, {", "]}", "true", "false", "null", " le", "é", "🙂", "12", "-1", ".5", "e",
    "\\n", "\\\"", "\\u00", "oui",
];

/// Bytes as GPT-2 writes them, words, and reserved tokens at both ends.
fn byte_level() -> Arc<Vocabulary> {
    let spelled = |text: &str| text.bytes().map(byte_character).collect::<String>();
    let mut tokens = vec!["<|endoftext|>".to_owned(), "<|im_end|>".to_owned(), "<|im_start|>".to_owned()];
    let mut kinds = vec![TokenType::Control; 3];
    tokens.extend((0..=u8::MAX).map(|byte| byte_character(byte).to_string()));
    tokens.extend(WORDS.map(spelled));
    kinds.resize(tokens.len(), TokenType::Text);
    tokens.extend(["<think>", "</think>"].map(str::to_owned));
    kinds.extend([TokenType::Added; 2]);
    Arc::new(Vocabulary::new(Spelling::ByteLevel, tokens, kinds, vec![0], false))
}

/// Single bytes, and words with `▁`.
fn sentence_piece() -> Arc<Vocabulary> {
    let mut tokens = vec!["<unk>".to_owned(), "<s>".to_owned(), "</s>".to_owned()];
    let mut kinds = vec![TokenType::Control; 3];
    tokens.extend((0..=u8::MAX).map(|byte| format!("<0x{byte:02X}>")));
    kinds.resize(tokens.len(), TokenType::Byte);
    tokens.extend((' '..='~').map(|letter| letter.to_string().replace(' ', "▁")));
    tokens.extend(WORDS.map(|word| word.replace(' ', "▁")));
    tokens.push("▁{".to_owned());
    kinds.resize(tokens.len(), TokenType::Text);
    Arc::new(Vocabulary::new(Spelling::SentencePiece, tokens, kinds, vec![2], true))
}

fn start(vocabulary: &Arc<Vocabulary>, gate: Option<Receiver<()>>) -> Engine {
    let noise = Noise { cells: Cells::new(1024), vocabulary: vocabulary.tokens.len(), gate };
    Engine::start(Box::new(noise), Arc::clone(vocabulary), &Config::default(), Answering::default()).unwrap()
}

fn sampling(seed: u64) -> Sampling {
    Sampling {
        temperature: 1.0,
        top_p: 1.0,
        top_k: 0,
        repetition_penalty: 1.3,
        presence_penalty: 0.5,
        seed: Some(seed),
        max_tokens: 900,
        ..Sampling::default()
    }
}

fn submit(
    engine: &Engine,
    format: Option<&Arc<OutputFormat>>,
    sampling: &Sampling,
) -> Result<Generation, InferenceError> {
    let tokens = vec![3, 4, 5 + (sampling.seed.unwrap_or(0) % 50) as u32];
    let reasoning = Reasoning::Closed;
    engine.generate(EncodedPrompt { tokens, format: format.cloned(), reasoning, ..EncodedPrompt::default() }, sampling)
}

fn read(mut generation: Generation) -> Result<(String, Finish), InferenceError> {
    let mut text = String::new();
    loop {
        match generation.blocking_next().expect("an answer ends with a usage or an error")? {
            Piece::Text(piece) => text.push_str(&piece),
            Piece::Done(usage) => return Ok((text, usage.finish)),
        }
    }
}

fn schema(schema: Value) -> Arc<OutputFormat> {
    Arc::new(OutputFormat::JsonSchema(schema))
}

fn pattern(pattern: &str) -> Arc<OutputFormat> {
    Arc::new(OutputFormat::Pattern(pattern.to_owned()))
}

/// An object that has these fields and no others.
fn closed(fields: &Value) -> Value {
    let names: Vec<&String> = fields.as_object().unwrap().keys().collect();
    json!({"type": "object", "properties": fields, "required": names, "additionalProperties": false})
}

/// Schemas of all kinds, each with an end within the tokens there are.
fn schemas() -> Vec<Value> {
    let text = json!({"type": "string", "maxLength": 12});
    let action = closed(&json!({
        "qui": text, "quoi": {"type": "string", "minLength": 1, "maxLength": 30},
        "quand": {"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}]},
        "message": {"type": "integer", "minimum": 1, "maximum": 300}
    }));
    vec![
        closed(
            &json!({"objet": text, "nombre": {"type": "number", "minimum": -5, "maximum": 99.5}, "sûr": {"type": "boolean"}}),
        ),
        json!({"type": "array", "items": text, "minItems": 2, "maxItems": 4}),
        json!({"enum": ["oui", "non", "peut-être", 7, null, {"a": [1]}]}),
        closed(&json!({"actions": {"type": "array", "maxItems": 3, "items": action}, "titre": text})),
        closed(
            &json!({"émojis": {"type": "string", "minLength": 3, "maxLength": 5}, "«clé»\n\"": {"const": "ça \"va\"\\"}}),
        ),
        json!({"type": "object", "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 10}, "b": text},
               "additionalProperties": false}),
        json!({"$defs": {"tree": closed(&json!({"v": {"type": "boolean"}, "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/tree"}]}}))},
               "$ref": "#/$defs/tree"}),
        json!({"type": ["string", "null", "boolean"], "maxLength": 20}),
        // What is left open.
        json!({"type": "object", "properties": {"a": {}, "b": {"type": "number"}, "c": {"type": "integer"}}, "required": ["a", "b", "c"]}),
    ]
}

/// Whether a text is one JSON value that a schema accepts.
fn valid(schema: &Value, text: &str) -> Result<(), String> {
    let value = serde_json::from_str(text).map_err(|error| format!("{error} in {text}"))?;
    jsonschema::validate(schema, &value).map_err(|error| format!("{error} in {text}"))
}

/// How many answers end by themselves; each of these must be what its schema says.
fn ended(vocabulary: &Arc<Vocabulary>, answers: usize) -> usize {
    let engine = start(vocabulary, None);
    let formats: Vec<(Value, Arc<OutputFormat>)> =
        schemas().into_iter().map(|one| (one.clone(), schema(one))).collect();
    let mut ended = 0;
    let numbers: Vec<usize> = (0..answers).collect();
    for batch in numbers.chunks(16) {
        let asked = batch.iter().map(|number| {
            let (schema, format) = &formats[number % formats.len()];
            (schema, submit(&engine, Some(format), &sampling(*number as u64)).unwrap())
        });
        for (schema, generation) in asked.collect::<Vec<_>>() {
            let (text, finish) = read(generation).unwrap();
            if finish == Finish::Stop {
                valid(schema, &text).unwrap();
                ended += 1;
            }
        }
    }
    ended
}

#[test]
fn random_answers_are_what_their_schemas_say() {
    assert_eq!(ended(&byte_level(), 120), 120);
    assert_eq!(ended(&sentence_piece(), 80), 80);
}

#[test]
fn random_answers_match_their_patterns_as_a_whole() {
    let patterns = ["[A-ZÉ]{1,5}-[0-9]{3}", "(oui|non)(, (oui|non)){0,3}\\.", " a\n?b/c", "[^a]{3}🙂", "<think>x?"];
    for vocabulary in [byte_level(), sentence_piece()] {
        let engine = start(&vocabulary, None);
        for (number, form) in patterns.iter().cycle().take(40).enumerate() {
            let (text, finish) =
                read(submit(&engine, Some(&pattern(form)), &sampling(number as u64)).unwrap()).unwrap();
            let whole = regex::Regex::new(&format!(r"\A(?:{form})\z")).unwrap();
            assert!(finish == Finish::Stop && whole.is_match(&text), "{form}: {text:?}");
        }
    }
}

#[test]
fn an_answer_without_a_form_is_what_it_is_alone_whatever_runs_beside_it() {
    let vocabulary = byte_level();
    let long = |seed| Sampling { max_tokens: 60, ..sampling(seed) };
    let alone: Vec<_> =
        (0..4).map(|seed| read(submit(&start(&vocabulary, None), None, &long(seed)).unwrap()).unwrap()).collect();
    let form = schema(schemas()[3].clone());
    let formed_alone: Vec<_> = (4..8)
        .map(|seed| read(submit(&start(&vocabulary, None), Some(&form), &long(seed)).unwrap()).unwrap())
        .collect();
    let (open, gate) = channel();
    let engine = start(&vocabulary, Some(gate));
    let asked: Vec<Generation> = (0..4)
        .flat_map(|seed| [(seed, None), (seed + 4, Some(&form))])
        .map(|(seed, form)| submit(&engine, form, &long(seed)).unwrap())
        .collect();
    drop(open);
    let together: Vec<_> = asked.into_iter().map(|generation| read(generation).unwrap()).collect();
    for at in 0..4 {
        assert_eq!((&together[2 * at], &together[2 * at + 1]), (&alone[at], &formed_alone[at]));
    }
}

#[test]
fn an_answer_that_is_cut_says_so_and_one_that_is_complete_ends() {
    let engine = start(&byte_level(), None);
    let cut = Sampling { max_tokens: 4, ..sampling(1) };
    let (text, finish) = read(submit(&engine, Some(&pattern("[ab]{9}")), &cut).unwrap()).unwrap();
    assert_eq!((text.len(), finish), (4, Finish::Length));
    // Nothing can follow: no step is spent on an end.
    let (text, finish) = read(submit(&engine, Some(&pattern("[ab]{4}")), &cut).unwrap()).unwrap();
    assert_eq!((text.len(), finish), (4, Finish::Stop));
}

#[test]
fn json_whose_tokens_run_out_is_closed_in_time() {
    let action = closed(&json!({
        "qui": {"type": "string"}, "combien": {"type": "integer"}, "quand": {"anyOf": [{"type": "string"}, {"type": "null"}]}
    }));
    let endless =
        closed(&json!({"actions": {"type": "array", "items": action, "minItems": 2}, "fin": {"type": "number"}}));
    let form = schema(endless.clone());
    for vocabulary in [byte_level(), sentence_piece()] {
        let engine = start(&vocabulary, None);
        let mut cut = 0;
        for seed in 0..48 {
            let short = Sampling { max_tokens: 200 + 7 * seed as usize, ..sampling(seed) };
            let (text, finish) = read(submit(&engine, Some(&form), &short).unwrap()).unwrap();
            valid(&endless, &text).unwrap();
            cut += usize::from(finish == Finish::Length);
        }
        assert!(cut > 10, "{cut}");
    }
}

/// A model that may think does so freely, for half of its tokens; what it then says has the form.
#[test]
fn reasoning_is_free_and_what_follows_it_has_the_form() {
    let engine = start(&byte_level(), None);
    let form = schema(schemas()[0].clone());
    let think = engine.vocabulary() as u32 - 2;
    let (mut thought, mut longest) = (0, 0);
    for seed in 0..60 {
        for reasoning in [Reasoning::Open, Reasoning::Possible, Reasoning::Closed] {
            let prompt = EncodedPrompt {
                tokens: vec![3, think, seed],
                format: Some(Arc::clone(&form)),
                reasoning,
                ..EncodedPrompt::default()
            };
            let mut generation = engine.generate(prompt, &sampling(u64::from(seed))).unwrap();
            let mut text = String::new();
            while let Some(piece) = generation.blocking_next() {
                match piece.unwrap() {
                    Piece::Text(more) => text.push_str(&more),
                    Piece::Done(usage) => {
                        thought += usize::from(reasoning == Reasoning::Open && usage.completion_tokens > 100);
                        longest = longest.max(usage.completion_tokens);
                    }
                }
            }
            valid(&schemas()[0], &text).unwrap();
        }
    }
    assert!(thought > 10 && (450..600).contains(&longest), "{thought} {longest}");
}

fn refusal(engine: &Engine, format: &Arc<OutputFormat>) -> String {
    match submit(engine, Some(format), &sampling(1)) {
        Err(InferenceError::Format(reason)) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

#[test]
fn what_cannot_be_followed_is_refused_at_once_in_one_sentence_without_content() {
    let engine = start(&byte_level(), None);
    let mut deep = json!({"type": "string"});
    for _ in 0..70 {
        deep = json!({"type": "array", "items": deep});
    }
    let long: Vec<String> = (0..9_000).map(|number| format!("une valeur assez longue, la {number}e")).collect();
    let cases = [
        (schema(json!("SECRET")), "a JSON schema is an object"),
        (schema(json!({"type": "SECRET"})), "the JSON schema cannot be followed"),
        (
            schema(json!({"type": "array", "uniqueItems": true, "title": "SECRET"})),
            "uniqueItems, which is not supported",
        ),
        (schema(json!({"not": {"const": "SECRET"}})), "not, which is not supported"),
        (schema(json!({"$ref": "https://SECRET/a.json"})), "the JSON schema cannot be followed"),
        (schema(json!({"$ref": "#/$defs/SECRET"})), "the JSON schema cannot be followed"),
        (schema(json!({"type": "string", "pattern": "(SECRET"})), "no regular expression"),
        (schema(json!({"allOf": [{"pattern": "SECRET"}, {"pattern": "a"}]})), "joins patterns"),
        (schema(json!(false)), "a JSON schema is an object"),
        (schema(deep), "nested more than 64 deep"),
        (schema(json!({"enum": long})), "longer than 256 KiB"),
        (pattern("(SECRET"), "no regular expression"),
        (pattern("(?=SECRET)a"), "no regular expression"),
        (pattern("((a{1000}){1000}){1000}SECRET"), "too complex"),
        (pattern(&"a".repeat(300_000)), "longer than 256 KiB"),
    ];
    for (format, says) in cases {
        let reason = refusal(&engine, &format);
        assert!(reason.contains(says) && !reason.contains("SECRET") && !reason.contains('\n'), "{says}: {reason}");
    }
}

/// Forms that are large, deep in references, or ambiguous: refused, or followed within a time.
#[test]
fn hostile_forms_are_refused_or_bounded_and_stall_nobody() {
    let engine = start(&byte_level(), None);
    let wide: Value = (0..2_000)
        .map(|number| (format!("k{number}"), json!({"type": "string"})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let fork = json!({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "array", "items": {"$ref": "#/$defs/a"}}]}}, "$ref": "#/$defs/a"});
    let patterns: Vec<Value> =
        (1..40).map(|n| json!({"type": "string", "pattern": format!("(.*a.{{{n}}}b)+")})).collect();
    let numbers: Vec<String> = (0..5_000).map(|number| (number * 7_919).to_string()).collect();
    let hostile = [
        schema(closed(&wide)),
        schema(json!({"type": "object", "properties": wide})),
        schema(json!({"$ref": "#"})),
        schema(fork),
        schema(json!({"anyOf": patterns})),
        schema(json!({"anyOf": patterns[..3], "maxLength": 100})),
        schema(json!({"type": "string", "pattern": "(.*a.{20}b)+", "minLength": 50})),
        schema(json!({"type": "array", "items": {"enum": numbers}, "maxItems": 9})),
        schema(json!({"type": "string", "minLength": 1_000_000_000})),
        schema(json!({"type": "array", "minItems": 1_000_000_000})),
        schema(json!({"type": "number", "multipleOf": 1e-300, "minimum": -1e300})),
        pattern("(a|aa)*(b|ab)*((a|b){1,50}c?){1,50}"),
        pattern("(.*a.{20}b)+"),
    ];
    for (number, format) in hostile.iter().enumerate() {
        let begun = Instant::now();
        let short = Sampling { max_tokens: 30, ..sampling(number as u64) };
        let answers: Vec<_> = [Some(format), None].map(|form| submit(&engine, form, &short)).into_iter().collect();
        let asked = begun.elapsed();
        for answer in answers.into_iter().flatten() {
            // Cut, complete or failed, and each of them soon.
            let _ = read(answer);
        }
        eprintln!("form {number}: asked {asked:?}, all {:?}", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(20), "form {number}: {:?}", begun.elapsed());
    }
    let (text, finish) = read(submit(&engine, Some(&pattern("fin")), &sampling(0)).unwrap()).unwrap();
    assert_eq!((text.as_str(), finish), ("fin", Finish::Stop));
}
