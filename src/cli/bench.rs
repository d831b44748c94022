//! `compagnon bench`: how fast a model answers on this machine, compared with the limits of the hardware.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::output;
use crate::{
    config::Config,
    inference::{
        self,
        local::{
            LocalModel,
            bench::{self, Figure, Machine},
            random::{self, Quantisation, Shape},
        },
    },
};

/// Options of `bench`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model file to measure (default: the configuration's model).
    #[arg(long, value_name = "FILE", conflicts_with = "random")]
    model: Option<PathBuf>,
    /// Measure a model with random weights in the shape of a real one: tiny, 0.6b, 1b, 3b or 7b.
    #[arg(long, value_name = "SHAPE")]
    random: Option<Shape>,
    /// How the random weights are stored: `q4_k_m`, `q8_0` or f16.
    #[arg(long, value_name = "TYPE", default_value = "q4_k_m", requires = "random")]
    quantisation: Quantisation,
    /// Write the random model to this file, and keep it.
    #[arg(long, value_name = "FILE", requires = "random")]
    keep: Option<PathBuf>,
    /// The number of compute threads (default: the configuration's).
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,
    /// How often each figure is measured; the median is shown.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    rounds: usize,
    /// Measure only these figures, by their names in the JSON.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// The figures of a ready model: the key in the JSON, the name and unit in the table.
const FIGURES: [(Figure, &str, &str, &str); 8] = [
    (Figure::Prefill, "prefill", "a prompt of 512 tokens is read", "tokens/s"),
    (Figure::Decode { deep: false }, "decode", "one room is answered", "tokens/s"),
    (Figure::Decode { deep: true }, "decode_2048", "one room, 2048 tokens into its conversation", "tokens/s"),
    (Figure::Rooms(8), "rooms_8", "eight rooms are answered together", "tokens/s"),
    (Figure::Energy(8), "joules_8", "  and take", "J a token"),
    (Figure::Rooms(16), "rooms_16", "sixteen rooms are answered together", "tokens/s"),
    (
        Figure::Burst { rooms: 8, known: false },
        "burst_8",
        "eight rooms open on one new prompt of 512 tokens: all answered",
        "s",
    ),
    (Figure::Burst { rooms: 8, known: true }, "burst_8_known", "  and on a prompt that was used before", "s"),
];

/// Measures and prints.
pub(super) fn bench(config: &Config, arguments: &Arguments) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("there is no room for temporary files")?;
    let mut model = config.model.clone();
    if let Some(shape) = &arguments.random {
        let file = arguments.keep.clone().unwrap_or_else(|| folder.path().join("random.gguf"));
        random::write(shape, arguments.quantisation, &file)
            .with_context(|| format!("the model cannot be written to {}", file.display()))?;
        model = inference::Config { file: Some(file), hub: None, sha256: None, ..model };
    } else if let Some(file) = &arguments.model {
        model = inference::Config { file: Some(file.clone()), hub: None, sha256: None, ..model };
    }
    model.threads = arguments.threads.unwrap_or(model.threads);
    model.context = bench::CONTEXT;
    model.queue = model.queue.max(16);
    model.sequences = model.sequences.max(16);
    model.validate().map_err(anyhow::Error::msg)?;
    if let Some(unknown) = arguments.only.iter().find(|only| !figures().any(|key| key == *only)) {
        let known: Vec<&str> = figures().collect();
        anyhow::bail!("there is no figure {unknown:?}: choose among {}", known.join(", "));
    }
    let wanted = |key: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == key);
    let figures = measure(&model, config.data(), arguments.rounds.max(1), wanted)?;
    if arguments.json {
        output::say(&Value::Object(figures).to_string());
    } else {
        print(&figures);
    }
    Ok(())
}

/// The names of the figures that can be selected. The first two are always measured.
fn figures() -> impl Iterator<Item = &'static str> {
    ["first_token", "resident_used"].into_iter().chain(FIGURES.into_iter().map(|(_, key, ..)| key))
}

fn measure(
    config: &inference::Config,
    data: &Path,
    rounds: usize,
    wanted: impl Fn(&str) -> bool,
) -> anyhow::Result<Map<String, Value>> {
    let mut figures = Map::new();
    let before = bench::resident().map_or(0, |(now, _)| now);
    let open = |packed_cache| -> anyhow::Result<(LocalModel, f64)> {
        let config = inference::Config { packed_cache, ..config.clone() };
        let start = Instant::now();
        let model = LocalModel::open(&config, data)?;
        model.measure(Figure::First, 0)?;
        Ok((model, start.elapsed().as_secs_f64()))
    };
    figures.insert("first_token_cold".to_owned(), json!(open(false)?.1));
    // Once more to keep the packed weights, if they are not kept yet.
    drop(open(true)?);
    let (model, first) = open(true)?;
    figures.insert("first_token".to_owned(), json!(first));
    if let Some((now, peak)) = bench::resident() {
        figures.insert("resident".to_owned(), json!(now.saturating_sub(before)));
        figures.insert("resident_peak".to_owned(), json!(peak.saturating_sub(before)));
    }
    for (part, key, ..) in FIGURES.into_iter().filter(|(_, key, ..)| wanted(key)) {
        let mut measured = (1..=rounds).map(|round| model.measure(part, round)).collect::<Result<Vec<f64>, _>>()?;
        measured.sort_by(f64::total_cmp);
        figures.insert(key.to_owned(), json!(measured[measured.len() / 2]));
    }
    figures.insert("energy_measured".to_owned(), json!(model.measures_energy()));
    if let Some((now, _)) = bench::resident() {
        figures.insert("resident_used".to_owned(), json!(now.saturating_sub(before)));
    }
    let machine = Machine::measure(config.threads).context("the engine's threads cannot be started")?;
    figures.insert("read_bandwidth".to_owned(), json!(machine.bytes));
    figures.insert("int8_peak".to_owned(), json!(machine.operations));
    let rate = |key: &str| figures.get(key).and_then(Value::as_f64).unwrap_or_default();
    let distance = model.distance(machine, rate("prefill"), rate("decode"));
    figures.insert("decode_of_bandwidth".to_owned(), json!(distance.decode));
    figures.insert("prefill_of_peak".to_owned(), json!(distance.prefill));
    Ok(figures)
}

fn print(figures: &Map<String, Value>) {
    let number = |key: &str| figures.get(key).and_then(Value::as_f64).unwrap_or_default();
    let line = |what: &str, figure: String| output::say(&format!("{what:<66} {figure:>18}"));
    line("from the model's file to the first token", format!("{:.2} s", number("first_token_cold")));
    line("  and from its packed weights, at the next start", format!("{:.2} s", number("first_token")));
    for (key, what) in [
        ("resident", "memory once ready"),
        ("resident_peak", "at most while loading"),
        ("resident_used", "after all of this"),
    ] {
        line(what, format!("{:.0} MiB", number(key) / f64::from(1 << 20)));
    }
    for (_, key, what, unit) in FIGURES.into_iter().filter(|(_, key, ..)| figures.contains_key(*key)) {
        line(what, format!("{:.1} {unit}", number(key)));
    }
    let is_measured = figures.get("energy_measured").and_then(Value::as_bool).unwrap_or_default();
    line("energy is", if is_measured { "measured" } else { "estimated" }.to_owned());
    line("this machine reads at most", format!("{:.1} GB/s", number("read_bandwidth") / 1e9));
    line("  of which writing one answer uses", format!("{:.0} %", number("decode_of_bandwidth") * 100.0));
    line("this machine multiplies at most (int8)", format!("{:.0} GOPS", number("int8_peak") / 1e9));
    line("  of which reading a prompt uses", format!("{:.0} %", number("prefill_of_peak") * 100.0));
}
