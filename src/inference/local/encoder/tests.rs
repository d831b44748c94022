//! Encoders against `transformers`, on the small random models of `tests/reference/encoders.py`; and folders that lie.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::head::Wanted;
use super::model::{Encoder, Purpose};
use super::settings::{Shape, Usage, usual_prefixes};
use super::tokens::{Input, Sequence, Tokens};
use super::{open_embedding, open_reranker};
use crate::inference::config::{self, Pooling, Weights};
use crate::inference::local::Processors;
use crate::inference::local::gguf_error::GgufError;
use crate::inference::{Config, EmbeddingError, EmbeddingModel, Prefixes, Reranker, TextKind};

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/encoders").join(name)
}

fn json(path: &Path) -> Json {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The model of a folder, and its tokenizer.
fn load(folder: &Path, weights: Weights, score: bool) -> Result<(Encoder, Tokens), GgufError> {
    let shape = Shape::read(&json(&folder.join("config.json")))?;
    let pool = Processors::new(2).unwrap().pool;
    let tokens = Tokens::open(folder, shape.vocabulary, shape.context())?;
    let wanted = if score { Wanted::Scores } else { Wanted::Vectors };
    Ok((Encoder::load(folder, shape, weights, wanted, pool)?, tokens))
}

/// The inputs of a reference, their tokens and the expected results.
fn expected(name: &str) -> Vec<(Input, Vec<u32>, Vec<f32>)> {
    let json = json(&reference(name).join("expected.json"));
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    let numbers = |json: &Json| -> Vec<f32> {
        json.as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
    };
    let tokens = |json: &Json| serde_json::from_value(json["tokens"].clone()).unwrap();
    if let Some(texts) = json["texts"].as_array() {
        return texts
            .iter()
            .map(|case| (Input::Text(text(&case["text"])), tokens(case), numbers(&case["vector"])))
            .collect();
    }
    let pair = |case: &Json| Input::Pair(text(&json["query"]), text(&case["passage"]));
    let pairs = json["pairs"].as_array().unwrap().iter();
    pairs.map(|case| (pair(case), tokens(case), vec![case["score"].as_f64().unwrap() as f32])).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn purpose(name: &str) -> Purpose {
    match name {
        "bert" => Purpose::Embed(Pooling::Mean),
        "xlm-roberta" => Purpose::Embed(Pooling::Cls),
        _ => Purpose::Score,
    }
}

const NAMES: [&str; 4] = ["bert", "xlm-roberta", "reranker", "bert-reranker"];

#[test]
fn tokens_vectors_and_scores_are_those_of_transformers() {
    for name in NAMES {
        for (weights, least, most) in [(Weights::Stored, 0.999_999, 2e-5), (Weights::Int8, 0.999, 2e-2)] {
            let (encoder, tokens) = load(&reference(name), weights, purpose(name) == Purpose::Score).unwrap();
            let cases = expected(name);
            let sequences: Vec<Sequence> = cases.iter().map(|(input, ..)| tokens.encode(input).unwrap()).collect();
            let found = encoder.compute(&sequences, purpose(name), &mut || {}).unwrap();
            for ((sequence, found), (_, tokens, expected)) in sequences.iter().zip(&found).zip(&cases) {
                assert_eq!(sequence.ids, *tokens, "{name}");
                assert_eq!(found.len(), expected.len());
                if found.len() > 1 {
                    let near = cosine(found, expected);
                    assert!(near >= least, "{name}, {weights:?}, {} tokens: {near}", tokens.len());
                    assert!((found.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5);
                } else {
                    let apart = (found[0] - expected[0]).abs();
                    assert!(apart <= most, "{name}, {weights:?}: {found:?} is not {expected:?}");
                }
            }
        }
    }
}

#[test]
fn a_batch_equals_each_alone() {
    for name in NAMES {
        let (encoder, tokens) = load(&reference(name), Weights::Int8, purpose(name) == Purpose::Score).unwrap();
        let sequences: Vec<Sequence> =
            expected(name).iter().cycle().take(15).map(|(input, ..)| tokens.encode(input).unwrap()).collect();
        let together = encoder.compute(&sequences, purpose(name), &mut || {}).unwrap();
        for (sequence, together) in sequences.iter().zip(&together) {
            let alone = encoder.compute(std::slice::from_ref(sequence), purpose(name), &mut || {}).unwrap();
            assert_eq!(alone[0], *together, "{name}");
        }
    }
}

fn section(folder: &Path) -> config::Encoder {
    config::Encoder { folder: Some(folder.to_owned()), weights: Weights::Stored, ..config::Encoder::default() }
}

fn embedding(section: config::Encoder) -> Result<Arc<dyn EmbeddingModel>, String> {
    let config = Config { embedding: Some(section), ..Config::default() };
    let opened = open_embedding(&Processors::new(2).unwrap(), &config, Path::new("/nowhere"));
    opened.map(Option::unwrap).map_err(|error| error.to_string())
}

fn reranker(section: config::Encoder) -> Result<Arc<dyn Reranker>, String> {
    let config = Config { reranker: Some(section), ..Config::default() };
    let opened = open_reranker(&Processors::new(2).unwrap(), &config, Path::new("/nowhere"));
    opened.map(Option::unwrap).map_err(|error| error.to_string())
}

#[tokio::test]
async fn an_encoder_embeds_with_its_prefixes_and_its_pooling() {
    let texts = ["Combien de jours ?".to_owned(), "Le report des congés. ".repeat(100)];
    let plain = embedding(section(&reference("bert"))).unwrap();
    let prefixed = config::Encoder { query_prefix: Some("query: ".to_owned()), ..section(&reference("bert")) };
    let prefixed = embedding(prefixed).unwrap();
    let query = prefixed.embed(TextKind::Query, &texts).await.unwrap();
    let spelt = texts.clone().map(|text| format!("query: {text}"));
    assert_eq!(query, plain.embed(TextKind::Query, &spelt).await.unwrap());
    assert_eq!(
        prefixed.embed(TextKind::Passage, &texts).await.unwrap(),
        plain.embed(TextKind::Passage, &texts).await.unwrap()
    );
    assert_ne!(prefixed.name(), plain.name(), "its vectors cannot be compared");
    assert_eq!((plain.limits().dimension, plain.limits().context_length), (64, 130));
    let cls = config::Encoder { pooling: Some(Pooling::Cls), ..section(&reference("bert")) };
    let cls = embedding(cls).unwrap();
    assert_ne!(cls.embed(TextKind::Query, &texts).await.unwrap(), plain.embed(TextKind::Query, &texts).await.unwrap());
    assert_eq!(plain.embed(TextKind::Query, &[]).await.unwrap(), Vec::<Vec<f32>>::new());
    let many = vec![String::new(); plain.limits().max_batch + 1];
    assert!(matches!(plain.embed(TextKind::Query, &many).await, Err(EmbeddingError::BatchTooLarge { .. })));
}

#[tokio::test]
async fn a_long_call_is_computed_in_parts_and_a_query_goes_between() {
    let model = embedding(section(&reference("xlm-roberta"))).unwrap();
    let texts: Vec<String> = (0..64).map(|at| format!("Le passage {at} du règlement. ").repeat(1 + at % 7)).collect();
    let passages = model.embed(TextKind::Passage, &texts);
    let query = model.embed(TextKind::Query, &texts[..1]);
    let (passages, query) = tokio::join!(passages, query);
    let passages = passages.unwrap();
    assert_eq!(query.unwrap()[0], passages[0]);
    for (text, vector) in texts.iter().zip(&passages).step_by(9) {
        assert_eq!(model.embed(TextKind::Query, std::slice::from_ref(text)).await.unwrap()[0], *vector);
    }
}

#[tokio::test]
async fn a_reranker_scores_passages() {
    let model = reranker(section(&reference("reranker"))).unwrap();
    let cases = expected("reranker");
    let Input::Pair(query, _) = &cases[0].0 else { panic!("pairs") };
    let passages: Vec<String> = cases
        .iter()
        .filter_map(|(input, ..)| if let Input::Pair(_, text) = input { Some(text.clone()) } else { None })
        .collect();
    let scores = model.score(query, &passages).await.unwrap();
    for (score, (.., expected)) in scores.iter().zip(&cases) {
        assert!((score - expected[0]).abs() < 2e-5, "{score} is not {expected:?}");
    }
    let many = vec![String::new(); model.max_batch() + 1];
    assert!(matches!(model.score(query, &many).await, Err(EmbeddingError::BatchTooLarge { .. })));
}

#[test]
fn the_wrong_kind_of_model_is_named() {
    let error = embedding(section(&reference("reranker"))).err().unwrap();
    assert!(error.contains("model.reranker"), "{error}");
    let error = reranker(section(&reference("bert"))).err().unwrap();
    assert!(error.contains("not a reranker"), "{error}");
    let error = embedding(section(Path::new("/nowhere/e5"))).err().unwrap();
    assert!(error.contains("/nowhere/e5") && error.contains("no such folder"), "{error}");
    let hub = config::HubFolder {
        repo: "o/n".to_owned(),
        revision: "0".repeat(40),
        files: Vec::new(),
        endpoint: "http://127.0.0.1:9".to_owned(),
    };
    let error = embedding(config::Encoder { hub: Some(hub), ..config::Encoder::default() }).err().unwrap();
    assert!(error.contains("o/n") && error.contains("compagnon model pull"), "{error}");
}

/// A copy of a reference's folder that can be changed.
fn copy(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(reference(name).join(file), folder.path().join(file)).unwrap();
    }
    folder
}

#[test]
fn settings_that_would_be_computed_wrongly_are_refused() {
    let cases = [
        ("model_type", json!("llama"), "llama"),
        ("model_type", Json::Null, "model_type"),
        ("hidden_act", json!("gelu_new"), "gelu_new"),
        ("position_embedding_type", json!("relative_key"), "relative_key"),
        ("quantization_config", json!({"bits": 4}), "quantised"),
        ("is_decoder", json!(true), "decoder"),
        ("hidden_size", json!(65), "num_attention_heads"),
        ("hidden_size", json!(128), "the shape"),
        ("hidden_size", json!(u64::MAX), "hidden_size"),
        ("num_attention_heads", json!(0), "num_attention_heads"),
        ("num_hidden_layers", json!(3), "encoder.layer.2"),
        ("num_hidden_layers", json!(1), "more layers"),
        ("num_hidden_layers", json!(1_000_000), "num_hidden_layers"),
        ("intermediate_size", json!("x"), "intermediate_size"),
        ("vocab_size", json!(100), "another model"),
        ("vocab_size", json!(168), "the shape"),
        ("max_position_embeddings", json!(2), "max_position_embeddings"),
        ("max_position_embeddings", json!(131), "the shape"),
        ("layer_norm_eps", json!(0), "layer_norm_eps"),
        ("layer_norm_eps", json!(-1.0), "layer_norm_eps"),
        ("pad_token_id", json!(-1), "pad_token_id"),
        ("pad_token_id", json!(129), "max_position_embeddings"),
    ];
    for (key, value, says) in cases {
        let folder = copy("xlm-roberta");
        let mut config = json(&folder.path().join("config.json"));
        config[key] = value;
        fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let error = embedding(section(folder.path())).err().expect(says);
        assert!(error.contains(says) && !error.contains('\n'), "{says}: {error}");
    }
}

#[test]
fn folders_that_lie_are_refused() {
    let refused = |folder: &tempfile::TempDir| {
        let error = embedding(section(folder.path())).err().expect("it is refused");
        assert!(!error.contains('\n') && error.len() < 600, "{error}");
        error
    };
    let folder = copy("bert");
    let whole = fs::read(folder.path().join("model.safetensors")).unwrap();
    for length in [0, 7, 8, 100, 5000, whole.len() / 2, whole.len() - 1] {
        fs::write(folder.path().join("model.safetensors"), &whole[..length]).unwrap();
        assert!(refused(&folder).contains("cut short"), "{length}");
    }
    // A header that announces more than there is must not be believed.
    fs::write(folder.path().join("model.safetensors"), u64::MAX.to_le_bytes()).unwrap();
    refused(&folder);
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    assert!(refused(&folder).contains("neither"));
    fs::write(folder.path().join("model.safetensors.index.json"), json!({"weight_map": {"a": "../b"}}).to_string())
        .unwrap();
    assert!(refused(&folder).contains("index"));
    let folder = copy("bert");
    for (file, says) in [("tokenizer.json", "no tokenizer.json"), ("config.json", "no config.json")] {
        let text = fs::read(folder.path().join(file)).unwrap();
        for bad in [&b""[..], b"{", b"[]", b"null", &text[..text.len() / 2]] {
            fs::write(folder.path().join(file), bad).unwrap();
            refused(&folder);
        }
        fs::remove_file(folder.path().join(file)).unwrap();
        assert!(refused(&folder).contains(says));
        fs::write(folder.path().join(file), text).unwrap();
    }
    let mut tokenizer = json(&folder.path().join("tokenizer.json"));
    tokenizer["pre_tokenizer"] =
        json!({"type": "Split", "pattern": {"Regex": "(a+)+\\1"}, "behavior": "Isolated", "invert": false});
    fs::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    assert!(refused(&folder).contains("regular expression"));
}

#[tokio::test]
async fn weights_that_are_not_finite_are_an_error_and_not_a_vector() {
    for weights in [Weights::Stored, Weights::Int8] {
        let folder = copy("bert");
        let path = folder.path().join("model.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 64 * 96 * 2;
        bytes[last..].fill(0xff);
        fs::write(&path, bytes).unwrap();
        let model = embedding(config::Encoder { weights, ..section(folder.path()) }).unwrap();
        let error = model.embed(TextKind::Query, &["Bonjour".to_owned()]).await.unwrap_err();
        assert!(matches!(&error, EmbeddingError::Engine(reason) if reason.contains("finite")), "{error}");
    }
}

#[test]
fn parts_of_several_files_are_one_model() {
    let folder = copy("xlm-roberta");
    let path = folder.path().join("model.safetensors");
    fs::rename(&path, folder.path().join("part-1.safetensors")).unwrap();
    let map = json!({"weight_map": {"embeddings.word_embeddings.weight": "part-1.safetensors"}});
    fs::write(folder.path().join("model.safetensors.index.json"), map.to_string()).unwrap();
    let (one, other) =
        (embedding(section(folder.path())).unwrap(), embedding(section(&reference("xlm-roberta"))).unwrap());
    let print = |name: &str| name.rsplit('@').next().unwrap().to_owned();
    assert_eq!(print(one.name()), print(other.name()));
}

#[test]
fn a_model_whose_matrices_differ_has_another_name() {
    let folder = copy("xlm-roberta");
    let name = |folder: &Path| embedding(section(folder)).unwrap().name().rsplit('@').next().unwrap().to_owned();
    let before = name(folder.path());
    let path = folder.path().join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let json: Json = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let (_, matrix) =
        json.as_object().unwrap().iter().find(|(name, _)| name.ends_with("intermediate.dense.weight")).unwrap();
    // The last bit of one value.
    bytes[8 + header + matrix["data_offsets"][0].as_u64().unwrap() as usize + 64] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_ne!(name(folder.path()), before);
}

#[test]
fn the_files_beside_a_model_say_how_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, json: Json| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, json.to_string()).unwrap();
    };
    let read = || Usage::read(folder.path());
    let usage = read().unwrap();
    assert!(usage.pooling.is_none() && usage.prefixes.is_none() && usage.context.is_none());
    write(
        "1_Pooling/config.json",
        json!({"word_embedding_dimension": 64, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}),
    );
    assert_eq!(read().unwrap().pooling, Some(Pooling::Cls));
    write(
        "1_Pooling/config.json",
        json!({"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true, "include_prompt": true}),
    );
    let step = |kind: &str, path: &str| json!({"idx": 0, "name": "0", "path": path, "type": format!("sentence_transformers.models.{kind}")});
    write(
        "modules.json",
        json!([step("Transformer", ""), step("Pooling", "1_Pooling"), step("Normalize", "2_Normalize")]),
    );
    write("sentence_bert_config.json", json!({"max_seq_length": 512}));
    write("config_sentence_transformers.json", json!({"prompts": {"query": "query: ", "document": "passage: "}}));
    let usage = read().unwrap();
    let prefixes = Prefixes { query: "query: ".to_owned(), passage: "passage: ".to_owned() };
    assert_eq!((usage.pooling, usage.context, usage.prefixes), (Some(Pooling::Mean), Some(512), Some(prefixes)));
    write("1_Pooling/config.json", json!({"pooling_mode_max_tokens": true}));
    assert!(read().unwrap_err().to_string().contains("max_tokens"));
    write("modules.json", json!([step("Dense", "2_Dense")]));
    assert!(read().unwrap_err().to_string().contains("Dense"));
    write("modules.json", json!([step("Pooling", "../x")]));
    assert!(read().unwrap_err().to_string().contains("not its own"));
}

#[test]
fn a_name_says_the_prefixes_that_a_model_was_trained_with() {
    let of = |name: &str| (usual_prefixes(name).query, usual_prefixes(name).passage);
    assert_eq!(of("multilingual-e5-small"), ("query: ".to_owned(), "passage: ".to_owned()));
    assert_eq!(of("Solon-embeddings-large-0.1"), ("query : ".to_owned(), String::new()));
    assert_eq!(of("bge-m3"), (String::new(), String::new()));
    assert_eq!(of("le5s"), (String::new(), String::new()));
}
