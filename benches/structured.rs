//! Answers in a form: that they have it, and what it costs: `cargo bench --bench structured [-- SHAPE|FILE]`.
//!
//! The smallest model of random weights writes a thousand answers in several schemas, each of which is checked. Then one of `SHAPE` (`0.6b`
//! without it) writes as many tokens with a schema and without, one room alone and eight rooms of which four have a schema, in turn. A GGUF
//! `FILE` does both, with fewer answers.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use compagnon::conversation::Role;
use compagnon::inference::local::{LocalModel, random};
use compagnon::inference::{
    ChatModel as _, Config, Finish, Generation, InferenceError, Message, OutputFormat, Piece, Request, Sampling, Usage,
};
use serde_json::{Value, json};

/// Answers of the smallest model and of one from a file, and how many are asked for together.
const ANSWERS: usize = 1000;
const FEW: usize = 20;
const TOGETHER: usize = 16;

/// Tokens of each answer that is timed, and how often that is repeated.
const TOKENS: usize = 64;
const ROUNDS: usize = 5;
const ROOMS: usize = 8;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let shape = env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let shape = shape.as_deref().unwrap_or("0.6b");
    let folder = tempfile::tempdir()?;
    if Path::new(shape).extension().is_some_and(|extension| extension == "gguf") {
        let model = load(shape.into(), folder.path())?;
        validity(&model, FEW, TOKENS * 4)?;
        return cost(&model);
    }
    validity(&open("tiny", folder.path())?, ANSWERS, TOKENS * 32)?;
    cost(&open(shape, folder.path())?)
}

fn open(shape: &str, folder: &Path) -> Result<LocalModel, Failure> {
    let file = folder.join(format!("{shape}.gguf"));
    random::write(&shape.parse()?, "q4_k_m".parse()?, &file)?;
    load(file, folder)
}

fn load(file: PathBuf, folder: &Path) -> Result<LocalModel, Failure> {
    let config = Config { file: Some(file), packed_cache: false, kv_memory: 512, ..Config::default() };
    Ok(LocalModel::open(&config, folder)?)
}

/// An object that has these fields and no others.
fn closed(fields: &Value) -> Value {
    let names: Vec<&String> = fields.as_object().into_iter().flat_map(|fields| fields.keys()).collect();
    json!({"type": "object", "properties": fields, "required": names, "additionalProperties": false})
}

/// Actions of a note, at least `least` of them.
fn actions(least: usize, most: usize) -> Value {
    let date = json!({"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}]});
    let action = closed(&json!({
        "qui": {"type": "string", "maxLength": 20}, "quoi": {"type": "string", "minLength": 1, "maxLength": 60},
        "quand": date, "message": {"type": "integer", "minimum": 1, "maximum": 300}
    }));
    closed(&json!({"objet": {"type": "string", "maxLength": 40},
                   "actions": {"type": "array", "minItems": least, "maxItems": most, "items": action}}))
}

fn schemas() -> Vec<Value> {
    let text = json!({"type": "string", "maxLength": 24});
    let tree =
        closed(&json!({"v": {"type": "boolean"}, "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/tree"}]}}));
    vec![
        actions(0, 3),
        closed(
            &json!({"note": {"type": "number", "minimum": -5, "maximum": 99.5}, "sûr": {"type": "boolean"}, "clé": text}),
        ),
        json!({"type": "array", "items": text, "minItems": 2, "maxItems": 4}),
        json!({"enum": ["oui", "non", "peut-être", 7, null, {"a": [1]}]}),
        json!({"$defs": {"tree": tree}, "$ref": "#/$defs/tree"}),
    ]
}

fn ask(
    model: &LocalModel,
    number: usize,
    format: Option<&Arc<OutputFormat>>,
    most: usize,
) -> Result<Generation, Failure> {
    let sampling = Sampling {
        temperature: 1.0,
        top_p: 1.0,
        top_k: 0,
        seed: Some(number as u64),
        max_tokens: most,
        ..Sampling::default()
    };
    let message = Message::new(Role::User, format!("Question {number} : que faut-il faire ?"));
    Ok(model.generate(Request { format: format.cloned(), ..Request::new(vec![message], sampling) })?)
}

fn read(mut answer: Generation) -> Result<(String, Usage), InferenceError> {
    let mut text = String::new();
    while let Some(piece) = answer.blocking_next() {
        match piece? {
            Piece::Text(more) => text.push_str(&more),
            Piece::Done(usage) => return Ok((text, usage)),
        }
    }
    Err(InferenceError::Engine("it ended without an end".to_owned()))
}

fn validity(model: &LocalModel, answers: usize, most: usize) -> Result<(), Failure> {
    let formats: Vec<(Value, Arc<OutputFormat>)> =
        schemas().into_iter().map(|schema| (schema.clone(), Arc::new(OutputFormat::JsonSchema(schema)))).collect();
    let (started, mut ended, mut cut, mut tokens) = (Instant::now(), 0, 0, 0);
    let numbers: Vec<usize> = (0..answers).collect();
    for batch in numbers.chunks(TOGETHER) {
        let mut asked = Vec::new();
        for number in batch {
            let (schema, format) = &formats[number % formats.len()];
            asked.push((schema, ask(model, *number, Some(format), most)?));
        }
        for (schema, answer) in asked {
            let (text, usage) = read(answer)?;
            tokens += usage.completion_tokens;
            let value = serde_json::from_str(&text)?;
            jsonschema::validate(schema, &value).map_err(|error| format!("{error} in {text}"))?;
            ended += usize::from(usage.finish == Finish::Stop);
            cut += usize::from(usage.finish != Finish::Stop);
        }
    }
    let took = started.elapsed().as_secs_f64();
    println!(
        "{answers} answers in {} schemas: all valid ({ended} ended, {cut} closed); {tokens} tokens in {took:.1} s",
        formats.len()
    );
    Ok(())
}

/// Tokens a second of so many rooms, of which the first `formed` have a schema.
fn rooms(model: &LocalModel, rooms: usize, formed: usize, round: usize) -> Result<f64, Failure> {
    let format = Arc::new(OutputFormat::JsonSchema(actions(200, 200)));
    let asked = (0..rooms).map(|room| ask(model, 1000 * round + room, (room < formed).then_some(&format), TOKENS + 1));
    let asked = asked.collect::<Result<Vec<_>, _>>()?;
    let usages = asked.into_iter().map(|answer| Ok(read(answer)?.1)).collect::<Result<Vec<Usage>, InferenceError>>()?;
    // The first token is sampled from the logits of the prefill.
    let tokens: usize = usages.iter().map(|usage| usage.completion_tokens.saturating_sub(1)).sum();
    let longest = usages.iter().map(|usage| usage.decode).max().unwrap_or_default();
    Ok(tokens as f64 / longest.as_secs_f64())
}

fn cost(model: &LocalModel) -> Result<(), Failure> {
    let started = Instant::now();
    rooms(model, 1, 1, 0)?;
    let first = started.elapsed();
    let started = Instant::now();
    rooms(model, 1, 1, 0)?;
    println!(
        "{}: {:.0} ms more for the first form",
        model.name(),
        first.saturating_sub(started.elapsed()).as_secs_f64() * 1e3
    );
    for (count, formed) in [(1, 1), (ROOMS, ROOMS / 2), (ROOMS, ROOMS)] {
        let mut measured = Vec::new();
        for round in 1..=ROUNDS {
            let free = rooms(model, count, 0, round)?;
            measured.push((free, rooms(model, count, formed, round)?));
        }
        measured.sort_by(|(a, b), (c, d)| (b / a).total_cmp(&(d / c)));
        let (free, with) = measured[ROUNDS / 2];
        let more = (1.0 / with - 1.0 / free) * count as f64 * 1e6;
        println!(
            "{count} rooms, {formed} with a schema: {with:.1} tokens/s, without {free:.1} ({:.1} %, {more:.0} µs more a step)",
            with / free * 100.0
        );
    }
    Ok(())
}
