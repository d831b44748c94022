//! Pseudonymises texts for `benches/pseudonym/measure.py`: a JSON string on each line of standard input, its findings on each of standard output.
//! `ENTITIES=FOLDER` names a model of `model.entities` that finds names beside the rules. With `--speed` a text of 10 MiB made of them, timed, and hostile ones of the same length.

use std::io::{BufRead, BufWriter, IsTerminal, Write, stdin, stdout};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use compagnon::inference::{Config, EntityModel, Haste, config::Encoder, local::Processors, local::open_entities};
use compagnon::pseudonym::{Suggestion, Table};
use tokio::runtime::Runtime;

/// How long the texts are whose time is taken.
const LENGTH: usize = 10 << 20;

fn main() {
    // Cargo runs every benchmark where none is named, and `cargo test` too.
    if stdin().is_terminal() || std::env::args().any(|argument| argument == "--test") {
        println!("texts on standard input, as `benches/pseudonym/measure.py` gives them");
        return;
    }
    let lines = stdin().lock().lines().map(|line| line.expect("standard input is readable"));
    let texts = lines.map(|line| serde_json::from_str::<String>(&line).expect("a JSON string on each line"));
    if std::env::args().any(|argument| argument == "--speed") {
        speed(&texts.collect::<Vec<_>>().join("\n\n"));
        return;
    }
    let mut out = BufWriter::new(stdout().lock());
    let (runtime, model) = (Runtime::new().expect("threads"), entities());
    for text in texts {
        let mut table = Table::new();
        let suggested = model.as_ref().map(|model| suggested(&runtime, &**model, &text)).unwrap_or_default();
        let shown = table.pseudonymise_with(&text, &suggested);
        let spans: Vec<_> = shown
            .found
            .iter()
            .map(|finding| (finding.kind, finding.range.start, finding.range.end, &finding.placeholder))
            .collect();
        let line = serde_json::json!({ "spans": spans, "exact": table.restore(&shown.text) == text });
        writeln!(out, "{line}").expect("standard output is writable");
    }
}

/// The model that finds names beside the rules, where the environment names one.
fn entities() -> Option<Arc<dyn EntityModel>> {
    let folder = std::env::var_os("ENTITIES")?;
    let config = Config::default();
    let processors = Processors::new(config.threads).expect("threads");
    let config = Config { entities: Some(Encoder { folder: Some(folder.into()), ..Encoder::default() }), ..config };
    open_entities(&processors, &config, Path::new(".")).expect("the model can be used")
}

/// What it finds in a text.
fn suggested(runtime: &Runtime, model: &dyn EntityModel, text: &str) -> Vec<Suggestion> {
    let found = runtime.block_on(model.find(&[text.to_owned()], Haste::Answer)).expect("the text is read");
    found.into_iter().flatten().collect()
}

/// Times long texts.
fn speed(corpus: &str) {
    assert!(!corpus.is_empty(), "texts on standard input");
    timed("corpus", corpus);
    for piece in [
        "a",
        "A ",
        "1 ",
        "a@b.",
        "[PERSONNE_1",
        "[PERSONNE_1]",
        "M. ",
        "Jean ",
        "l'",
        "12 rue ",
        "Nom : ",
        "né le ",
        "Dupont et ",
    ] {
        timed(piece, piece);
    }
}

fn timed(name: &str, piece: &str) {
    let mut text = piece.repeat(LENGTH / piece.len() + 1);
    text.truncate(text.floor_char_boundary(LENGTH));
    let mut table = Table::new();
    let start = Instant::now();
    let shown = table.pseudonymise(&text);
    let taken = start.elapsed();
    assert!(table.restore(&shown.text) == text, "{name}: the round trip is exact");
    println!("{name:?}: {:.2} s for {LENGTH} bytes, {} found", taken.as_secs_f64(), shown.found.len());
}
