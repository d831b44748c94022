//! How long a search takes in large collections that are made up: words by how often they are used, vectors of no meaning.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use compagnon::{
    document::{Partition, Passage, Place},
    index::{Index, IndexedDocument, PostgresIndex, Query, embedded::EmbeddedIndex, postgres::Config},
};
use tokio::runtime::Runtime;

use super::{measure::Random, ranking::MEMORY, support::postgres::Postgres, vectors::Vectors};

const SIZES: [usize; 2] = [50_000, 1_000_000];
const PASSAGES_A_DOCUMENT: usize = 20;
const WORDS_A_PASSAGE: usize = 100;
/// Different words, of which the n-th is used 1/n as often as the first.
const VOCABULARY: usize = 100_000;
const DIMENSION: usize = 384;
const SEARCHES: usize = 40;

/// Prints the time of a search in collections of several sizes, in memory.
pub fn measure(runtime: &Runtime, vectors: &Vectors) {
    for size in SIZES {
        let before = resident();
        measure_one(runtime, vectors, &EmbeddedIndex::new(MEMORY), "in memory", size);
        println!("{size} passages in memory: {} MiB more of the process", resident().saturating_sub(before) >> 20);
    }
}

/// Prints the time of a search in `PostgreSQL` on this machine.
pub fn measure_postgres(runtime: &Runtime, vectors: &Vectors) {
    let server = Postgres::start();
    let config: Config =
        serde_yaml::from_str(&format!("{{url: '{}', timeout: 60s}}", server.database())).expect("a section");
    let index = PostgresIndex::open(&config).expect("opened");
    measure_one(runtime, vectors, &index, "in PostgreSQL", SIZES[0]);
}

fn measure_one(runtime: &Runtime, vectors: &Vectors, index: &dyn Index, place: &str, size: usize) {
    let queries: Vec<Query> = vectors.queries().take(SEARCHES).map(|(_, vector)| asked(vector.clone())).collect();
    let partition = Partition::Collection("made up".to_owned());
    let started = Instant::now();
    fill(runtime, index, &partition, size);
    println!("{size} passages {place}: put in {:.1} s", started.elapsed().as_secs_f64());
    for (name, with_vectors) in [("words", false), ("fused", true)] {
        let mut times: Vec<Duration> = queries
            .iter()
            .map(|query| {
                let query = Query { vector: query.vector.clone().filter(|_| with_vectors), ..query.clone() };
                let started = Instant::now();
                runtime.block_on(index.search(std::slice::from_ref(&partition), &query)).expect("found");
                started.elapsed()
            })
            .collect();
        times.sort_unstable();
        let (median, last) = (times[times.len() / 2], times[times.len() * 95 / 100]);
        println!("{size} passages {place}, {name}: {median:.1?} a search in the middle, {last:.1?} at 95 %");
    }
}

/// A query of five words with a vector.
fn asked(vector: Vec<f32>) -> Query {
    let mut random = Random(vector.first().map_or(0, |value| u64::from(value.to_bits())));
    let text = (0..5).map(|_| word(&mut random)).collect::<Vec<_>>().join(" ");
    Query { text, vector: Some(vector), generic: None, most: 20 }
}

fn fill(runtime: &Runtime, index: &dyn Index, partition: &Partition, size: usize) {
    let mut random = Random(1);
    for number in 0..size / PASSAGES_A_DOCUMENT {
        let passage = |ordinal: usize, random: &mut Random| Passage {
            ordinal: ordinal as u32,
            place: Place::Page(ordinal as u32 + 1),
            headings: vec![word(random)],
            text: (0..WORDS_A_PASSAGE).map(|_| word(random)).collect::<Vec<_>>().join(" "),
        };
        let passages: Arc<[Passage]> = (0..PASSAGES_A_DOCUMENT).map(|ordinal| passage(ordinal, &mut random)).collect();
        let vectors: Arc<[Vec<f32>]> = passages.iter().map(|_| vector(&mut random)).collect();
        let title = format!("{} {}", word(&mut random), word(&mut random));
        let document = IndexedDocument { number: number as u64, title, passages, vectors: Some(vectors) };
        runtime.block_on(index.put(partition, document)).expect("put");
    }
}

fn word(random: &mut Random) -> String {
    // Evenly drawn in its logarithm.
    let share = (random.value() + 1.0) / 2.0;
    let rank = (VOCABULARY as f32).powf(share) as u64;
    format!("mot{}", rank.wrapping_mul(0x9E37_79B9) % 1_000_003)
}

fn vector(random: &mut Random) -> Vec<f32> {
    let vector: Vec<f32> = (0..DIMENSION).map(|_| random.value()).collect();
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.into_iter().map(|value| value / length).collect()
}

/// How many bytes of the process are in memory.
pub fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096
}
