//! How many passages of a long file are translated a minute, in a batch and one at a time: `cargo bench --bench translation [-- COUNT [FILE]]`.
//!
//! The file has 100 made-up pages of 22 passages; so many of its passages are translated (48 without `COUNT`), since all of them cost the same. The model
//! is a GGUF `FILE`, whose first translation is shown, or has random weights: then it writes as many tokens for a passage as it may, and what it
//! writes is thrown away.

use std::{env, path::PathBuf, thread, time::Instant};

use compagnon::{
    assistant::translation::{Memory, Source, Translator},
    inference::{
        Config, Sampling,
        local::{LocalModel, Processors, random},
    },
    translation::{glossary::Terms, languages::TextLanguage},
};

/// Pages of the file, and passages of a page.
const PAGES: usize = 100;
const PASSAGES: usize = 22;

/// How many passages are translated without an argument.
const COUNT: usize = 48;

/// How many at once, in turn.
const AT_ONCE: [usize; 4] = [1, 6, 1, 6];

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let count = env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(COUNT);
    let processors = Processors::new(thread::available_parallelism().map_or(1, usize::from))?;
    let folder = tempfile::tempdir()?;
    let is_file = |argument: &PathBuf| argument.extension().is_some_and(|extension| extension == "gguf");
    let given = env::args().skip(1).map(PathBuf::from).find(is_file);
    let shows = given.is_some();
    let file = if let Some(given) = given {
        given
    } else {
        let file = folder.path().join("model.gguf");
        random::write(&"0.6b".parse()?, "q4_k_m".parse()?, &file)?;
        file
    };
    let config = Config { file: Some(file), packed_cache: false, kv_memory: 512, ..Config::default() };
    let model = LocalModel::open_on(&processors, &config, folder.path())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let passages = made_up();
    let taken: Vec<&str> =
        passages.iter().step_by((passages.len() / count).max(1)).take(count).map(String::as_str).collect();
    println!("{} passages on {PAGES} pages, of which {} are translated", passages.len(), taken.len());
    let mut rates = [Vec::new(), Vec::new()];
    for at_once in AT_ONCE {
        let sampling = Sampling { max_tokens: 64, ..Sampling::default() };
        let (terms, progress) = (Terms::default(), |_: usize| {});
        let (from, to) = (Some(TextLanguage::french()), TextLanguage::english());
        let translator =
            Translator { model: &model, sampling: &sampling, from, to, terms: &terms, at_once, progress: &progress };
        let sources: Vec<Source<'_>> = taken.iter().map(|text| Source { text, before: "" }).collect();
        let started = Instant::now();
        let done = runtime.block_on(translator.translate(&sources, &mut Memory::default()))?;
        let rate = taken.len() as f64 * 60.0 / started.elapsed().as_secs_f64();
        println!("{at_once} at once: {rate:.1} passages a minute");
        rates[usize::from(at_once > 1)].push(rate);
        if let Some(first) = done.translations.first().filter(|_| shows) {
            println!("  {:?}: {}\n  from {}", done.usage, first.text, taken.first().unwrap_or(&""));
        }
    }
    let best = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
    println!("in a batch: {:.2} times as many as one at a time", best(&rates[1]) / best(&rates[0]));
    Ok(())
}

/// The passages of a report.
fn made_up() -> Vec<String> {
    let sentences = [
        "Le service instructeur transmet le dossier complet à la commission avant la fin du mois.",
        "Les agents concernés sont informés par courrier de la décision qui a été prise.",
        "La convention prévoit un bilan annuel, présenté au comité de pilotage au printemps.",
        "En cas de retard, le responsable du projet propose un nouveau calendrier.",
        "Les crédits sont ouverts par arrêté et répartis entre les directions régionales.",
    ];
    let passage = |at: usize| format!("{}. {} {}", at + 1, sentences[at % 5], sentences[(at / 5 + at) % 5]);
    (0..PAGES * PASSAGES).map(passage).collect()
}
