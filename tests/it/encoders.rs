//! A real embedding model, as the demonstration makes it: its vectors are those of `transformers` with the same weights (`tests/reference/e5.py`).

use compagnon::inference::config::{Encoder, Weights};
use compagnon::inference::local::{Processors, open_embedding};
use compagnon::inference::{Config, TextKind};
use serde_json::Value as Json;

use crate::support::e5::e5;

const EXPECTED: &str = include_str!("../fixtures/e5.json");

#[tokio::test]
async fn e5_gives_the_vectors_of_the_reference() {
    let folder = tokio::task::spawn_blocking(e5).await.unwrap().expect("the embedding model");
    let expected: Json = serde_json::from_str(EXPECTED).unwrap();
    for (weights, least) in [(Weights::Stored, 0.999_999), (Weights::Int8, 0.999_5)] {
        let section = Encoder { folder: Some(folder.clone()), weights, ..Encoder::default() };
        let config = Config { embedding: Some(section), ..Config::default() };
        let model = open_embedding(&Processors::new(2).unwrap(), &config, &folder).unwrap().unwrap();
        assert_eq!((model.limits().dimension, model.limits().context_length), (384, 512));
        for case in expected["texts"].as_array().unwrap() {
            let kind = if case["kind"] == "query" { TextKind::Query } else { TextKind::Passage };
            let text = case["text"].as_str().unwrap().to_owned();
            let found = model.embed(kind, &[text]).await.unwrap();
            let expected = case["vector"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap());
            let cosine: f64 = found[0].iter().zip(expected).map(|(a, b)| f64::from(*a) * b).sum();
            assert!(cosine >= least, "{weights:?}: {cosine}, {}", case["text"]);
        }
    }
}
