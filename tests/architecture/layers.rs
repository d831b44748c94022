//! Which module may use which, and which crates are known where.

use super::{
    tree::{Sources, Tree},
    uses,
};

/// The modules by layer, from the top; those of one layer do not use one another.
const LAYERS: [(u8, &[&str]); 5] = [
    (5, &["main", "cli", "fuzz"]),
    (4, &["app", "config", "telemetry", "http", "page"]),
    (3, &["assistant"]),
    (2, &["matrix", "store", "inference", "services", "documents", "index", "collections"]),
    (
        1,
        &[
            "approved",
            "command",
            "conversation",
            "compagnon",
            "document",
            "energy",
            "evaluation",
            "html",
            "job",
            "material",
            "memory",
            "message",
            "metric",
            "privacy",
            "pseudonym",
            "secret",
            "segment",
            "setting",
            "spreadsheet",
            "statistics",
            "translation",
            "typography",
            "usage",
        ],
    ),
];

/// The exceptions among siblings: the wiring sees what it wires, and the root of the configuration sees each section.
const SIBLINGS: [(&str, &str); 21] = [
    ("main", "cli"),
    ("app", "config"),
    ("app", "telemetry"),
    ("app", "http"),
    ("app", "page"),
    ("config", "telemetry"),
    ("config", "http"),
    ("config", "page"),
    // Prompts are files that people write, and read with the same limits.
    ("compagnon", "setting"),
    // A section of the configuration, and what is true in each language and in a room with its choices.
    ("privacy", "setting"),
    ("privacy", "compagnon"),
    // A partition may be a conversation, and whatever belongs to one is told apart by it.
    ("document", "conversation"),
    // What an answer cites goes with its message, which stands in a conversation.
    ("message", "conversation"),
    ("message", "document"),
    ("approved", "document"),
    // What a job keeps may be a conversation's.
    ("job", "conversation"),
    // What an answer costs, and what many cost, holds what they take.
    ("usage", "energy"),
    ("statistics", "energy"),
    ("evaluation", "energy"),
    ("evaluation", "usage"),
    ("evaluation", "html"),
];

/// Crates and the only modules that may name them.
const CRATES: [(&str, &[&str]); 5] = [
    ("matrix_sdk", &["matrix"]),
    ("matrix_sdk_base", &["matrix"]),
    ("sled", &["store"]),
    ("candle", &["inference"]),
    ("anyhow", &["main", "cli", "app"]),
];

/// The only folder whose files may hold `unsafe`: the arithmetic needs the processor's own instructions.
const UNSAFE: &str = "inference/local/kernels/";

/// What breaks these rules, tests included.
pub fn violations(sources: &Sources) -> Vec<String> {
    let tree = Tree::new(sources);
    let mut violations = Vec::new();
    for (place, module) in tree.modules() {
        let Some(file) = module.file else { continue };
        let top = file.split('/').next().unwrap_or(file).trim_end_matches(".rs");
        // The list of modules imports nothing.
        if top == "lib" {
            continue;
        }
        let Some(layer) = layer_of(top) else {
            violations.push(format!("src/{file}: `{top}` is in no layer; give it one in tests/architecture"));
            continue;
        };
        let uses = uses::of_module(module, &sources[file].attrs);
        for used in &uses.paths {
            let at = format!("src/{file}:{}", used.line);
            let other = tree.absolute(place, &used.path).and_then(|path| path.into_iter().next());
            if let Some(other) = other.filter(|other| other != top)
                && let Some(its_layer) = layer_of(&other)
                && (its_layer > layer || (its_layer == layer && !SIBLINGS.contains(&(top, other.as_str()))))
            {
                violations.push(format!("{at}: `{top}` (layer {layer}) uses `{other}` (layer {its_layer})"));
            }
            if let Some(modules) = home_of(&used.path[0]).filter(|modules| !modules.contains(&top)) {
                violations.push(format!("{at}: `{}` is used outside {modules:?}", used.path[0]));
            }
        }
        if !file.starts_with(UNSAFE) {
            let lines = uses.unsafe_lines.iter();
            violations.extend(lines.map(|line| format!("src/{file}:{line}: `unsafe` is for {UNSAFE} alone")));
        }
    }
    violations
}

fn layer_of(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(_, modules)| modules.contains(&module)).map(|(layer, _)| *layer)
}

/// The modules that may name a crate, if it is one of [`CRATES`].
fn home_of(name: &str) -> Option<&'static [&'static str]> {
    // `candle` stands for its whole family.
    let names = |known: &str| name == known || (known == "candle" && name.starts_with("candle_"));
    CRATES.iter().find(|(known, _)| names(known)).map(|(_, modules)| *modules)
}
