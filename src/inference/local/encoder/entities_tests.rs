//! Labels of tokens against `transformers`, on the small random models of `tests/reference/encoders.py`; names of texts of any length.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, iter};

use serde_json::{Value as Json, json};

use super::head::Wanted;
use super::labels::Labels;
use super::model::{Encoder, Purpose};
use super::settings::Shape;
use super::spans::spans;
use super::tokens::Sequence;
use super::windows::{Window, Windows};
use super::{open_embedding, open_entities, open_reranker};
use crate::inference::config::{self, Weights};
use crate::inference::local::Processors;
use crate::inference::{Config, EntityModel, Haste};
use crate::pseudonym::Suggestion;

const NAMES: [&str; 2] = ["bert-entities", "camembert-entities"];

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/encoders").join(name)
}

fn json(path: &Path) -> Json {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A model of the reference, with its labels and its windows of so many tokens at most.
struct Model {
    encoder: Encoder,
    labels: Labels,
    windows: Windows,
}

impl Model {
    fn load(name: &str, weights: Weights, most: usize) -> Self {
        let folder = reference(name);
        let config = json(&folder.join("config.json"));
        let (shape, labels) = (Shape::read(&config).unwrap(), Labels::read(&config).unwrap());
        let windows = Windows::open(&folder, shape.vocabulary, shape.context().min(most)).unwrap();
        let pool = Processors::new(2).unwrap().pool;
        let encoder = Encoder::load(&folder, shape, weights, Wanted::Labels(labels.len()), pool).unwrap();
        Self { encoder, labels, windows }
    }

    fn chances(&self, windows: &[Window]) -> Vec<Vec<f32>> {
        let sequences: Vec<Sequence> = windows.iter().map(|window| window.sequence.clone()).collect();
        self.encoder.compute(&sequences, Purpose::Label, &mut || {}).unwrap()
    }
}

/// A text of the reference, with its tokens and, of each that is no special one, where it stands and its chances.
type Labelled = (String, Vec<u32>, Vec<(usize, usize, Vec<f32>)>);

/// The texts of the reference.
fn expected(name: &str) -> Vec<Labelled> {
    let json = json(&reference(name).join("expected.json"));
    let case = |case: &Json| {
        let labelled = case["labelled"].as_array().unwrap().iter().map(|token| {
            let place = |key: &str| token[key].as_u64().unwrap() as usize;
            (place("start"), place("end"), serde_json::from_value(token["chances"].clone()).unwrap())
        });
        let text = case["text"].as_str().unwrap().to_owned();
        (text, serde_json::from_value(case["tokens"].clone()).unwrap(), labelled.collect())
    };
    json["labelled"].as_array().unwrap().iter().map(case).collect()
}

#[test]
fn tokens_places_and_labels_are_those_of_transformers() {
    for name in NAMES {
        for (weights, most) in [(Weights::Stored, 1e-4), (Weights::Int8, 0.2)] {
            let model = Model::load(name, weights, usize::MAX);
            for (text, tokens, labelled) in expected(name) {
                let windows = model.windows.of(&text).unwrap();
                let Some(first) = windows.first() else {
                    assert!(text.is_empty() && labelled.is_empty());
                    continue;
                };
                assert_eq!(first.sequence.ids, tokens, "{name}");
                let chances = model.chances(&windows);
                let rows: Vec<&[f32]> = chances[0].chunks_exact(model.labels.len()).collect();
                // Its last tokens may be judged in the next window.
                for (place, (row, (start, end, expected))) in
                    first.judged.iter().zip(rows[first.first..].iter().zip(&labelled))
                {
                    assert_eq!((place.start, place.end), (*start, *end), "{name}: {text}");
                    let apart = row.iter().zip(expected).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
                    assert!(apart <= most, "{name}, {weights:?}: {row:?} is not {expected:?}");
                }
                assert!(first.judged.len() * 2 > labelled.len());
            }
        }
    }
}

#[test]
fn a_batch_equals_each_alone_and_what_fits_is_one_window() {
    for name in NAMES {
        let model = Model::load(name, Weights::Int8, usize::MAX);
        let texts: Vec<String> = expected(name).into_iter().map(|(text, ..)| text).collect();
        let windows: Vec<Window> = texts.iter().flat_map(|text| model.windows.of(text).unwrap()).collect();
        let together = model.chances(&windows);
        for (window, together) in windows.iter().zip(&together) {
            assert_eq!(model.chances(std::slice::from_ref(window))[0], *together, "{name}");
        }
        let fits = texts.iter().filter(|text| !text.is_empty() && model.windows.of(text).unwrap().len() == 1);
        assert!(fits.count() >= 4 && windows.len() > texts.len() - 1, "some fit, one does not");
    }
}

/// Where windows have so many tokens at most, every token is judged once and by what `transformers` would make of that window.
#[test]
fn windows_are_joined_to_one_text() {
    for name in NAMES {
        let (whole, cut) = (Model::load(name, Weights::Stored, usize::MAX), Model::load(name, Weights::Stored, 24));
        for (text, ..) in expected(name) {
            let (one, many) = (whole.windows.of(&text).unwrap(), cut.windows.of(&text).unwrap());
            let places =
                |windows: &[Window]| windows.iter().flat_map(|window| window.judged.clone()).collect::<Vec<_>>();
            assert_eq!(places(&one), places(&many), "{name}: no token is left out, and none judged twice");
            let found = spans(&text, &many, &cut.chances(&many), &cut.labels, 0.4);
            for span in found.windows(2) {
                assert!(span[0].range.end <= span[1].range.start);
            }
            if many.len() == 1 {
                assert_eq!(found, spans(&text, &one, &whole.chances(&one), &whole.labels, 0.4), "{name}");
            }
        }
    }
}

fn section(name: &str) -> config::Encoder {
    config::Encoder { folder: Some(reference(name)), weights: Weights::Stored, ..config::Encoder::default() }
}

fn open(section: config::Encoder) -> Result<Arc<dyn EntityModel>, String> {
    let config = Config { entities: Some(section), ..Config::default() };
    let opened = open_entities(&Processors::new(2).unwrap(), &config, Path::new("/nowhere"));
    opened.map(Option::unwrap).map_err(|error| error.to_string())
}

#[tokio::test]
async fn names_of_many_texts_are_those_of_each_alone_whatever_the_batch() {
    for name in NAMES {
        let texts: Vec<String> = expected(name).into_iter().map(|(text, ..)| text).cycle().take(13).collect();
        let model = open(config::Encoder { threshold: 0.4, ..section(name) }).unwrap();
        let together = model.find(&texts, Haste::Answer).await.unwrap();
        assert!(together.iter().map(Vec::len).sum::<usize>() > 13, "{name}: something is found");
        let few = open(config::Encoder { threshold: 0.4, batch: 2, ..section(name) }).unwrap();
        assert_eq!(few.find(&texts, Haste::Later).await.unwrap(), together, "{name}");
        for (text, found) in texts.iter().zip(&together) {
            assert_eq!(model.find(std::slice::from_ref(text), Haste::Answer).await.unwrap()[0], *found, "{name}");
            for Suggestion { range, .. } in found {
                assert!(text[range.clone()].starts_with(char::is_alphanumeric), "whole words");
            }
        }
        let sure = open(config::Encoder { threshold: 1.0, ..section(name) }).unwrap();
        assert_eq!(sure.find(&texts, Haste::Answer).await.unwrap().concat(), [], "{name}: nothing is as sure as that");
        assert_eq!(model.find(&[], Haste::Answer).await.unwrap(), Vec::<Vec<Suggestion>>::new());
    }
}

#[tokio::test]
async fn any_text_is_read() {
    let model = open(config::Encoder { threshold: 0.1, context: 16, ..section("camembert-entities") }).unwrap();
    let hostile = [
        "\u{0}",
        "\u{feff}",
        "\u{fdfa}\u{fdfa}",
        "e\u{301}e\u{301} ﬁ ½ ① İ",
        "👨‍👩‍👧‍👦 🇫🇷",
        "\u{200b}\u{200d}",
        "<s> </s> <mask> [CLS]",
        "日本語テキスト",
        "\r\n\t",
        "\u{1d538}\u{1d539}",
    ];
    let texts: Vec<String> = hostile.iter().map(|text| text.repeat(40)).chain(iter::once("x".repeat(40_000))).collect();
    for (text, found) in texts.iter().zip(model.find(&texts, Haste::Later).await.unwrap()) {
        for Suggestion { range, .. } in found {
            assert!(!text[range].is_empty());
        }
    }
}

#[test]
fn the_wrong_kind_of_model_is_named() {
    let refused = |name: &str| open(section(name)).err().expect("it is refused");
    assert!(
        refused("bert").contains("id2label") || refused("bert").contains("none of its labels"),
        "{}",
        refused("bert")
    );
    let config = |section: config::Encoder| Config {
        embedding: Some(section.clone()),
        reranker: Some(section),
        ..Config::default()
    };
    let processors = Processors::new(1).unwrap();
    for name in NAMES {
        let config = config(section(name));
        let error = open_embedding(&processors, &config, Path::new("/nowhere")).err().unwrap().to_string();
        assert!(error.contains("model.entities"), "{error}");
        let error = open_reranker(&processors, &config, Path::new("/nowhere")).err().unwrap().to_string();
        assert!(error.contains("reranker"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(reference("bert-entities").join(file), folder.path().join(file)).unwrap();
    }
    let mut settings = json(&folder.path().join("config.json"));
    for (labels, says) in [
        (json!({"0": "O", "1": "I-PER"}), "the shape"),
        (json!({"0": "LABEL_0", "1": "LABEL_1"}), "none of its labels"),
        (Json::Null, "id2label"),
    ] {
        settings["id2label"] = labels;
        fs::write(folder.path().join("config.json"), settings.to_string()).unwrap();
        let error =
            open(config::Encoder { folder: Some(folder.path().to_owned()), ..section("bert") }).err().expect(says);
        assert!(error.contains(says) && !error.contains('\n'), "{error}");
    }
}
