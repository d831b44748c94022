//! The floors of the house: a module uses only lower floors, no sibling, and each big dependency stays in its own room.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The modules by floor, from the top; those of one line do not use one another.
const FLOORS: [(u8, &[&str]); 5] = [
    (5, &["main", "cli", "fuzz"]),
    (4, &["app", "config", "telemetry", "http"]),
    (3, &["assistant"]),
    (2, &["matrix", "store", "inference"]),
    (1, &["conversation", "compagnon", "message", "secret", "setting"]),
];

/// The exceptions among siblings: the wiring sees what it wires, and the root of the configuration sees each section.
const SIBLINGS: [(&str, &str); 7] = [
    ("main", "cli"),
    ("app", "config"),
    ("app", "telemetry"),
    ("app", "http"),
    ("config", "telemetry"),
    ("config", "http"),
    // Prompts are files that people write, and read with the same limits.
    ("compagnon", "setting"),
];

/// Crates and the only modules that may name them.
const ROOMS: [(&str, &[&str]); 5] = [
    ("matrix_sdk", &["matrix"]),
    ("matrix_sdk_base", &["matrix"]),
    ("sled", &["store"]),
    ("candle", &["inference"]),
    ("anyhow", &["main", "cli", "app"]),
];

/// The only folder whose files may allow `unsafe`: the arithmetic needs the processor's own instructions.
const UNSAFE: &str = "inference/local/kernels/";

#[test]
fn the_floors_hold() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut violations = Vec::new();
    for file in rust_files(&source) {
        let inside = file.strip_prefix(&source).expect("found below").display().to_string();
        violations.extend(check(&inside, &fs::read_to_string(&file).expect("readable")));
    }
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn the_dockerfile_makes_every_target_that_the_manifest_names() {
    // Cargo reads no manifest whose targets are not there, and the image is built without them.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).expect("readable");
    let (manifest, dockerfile) = (read("Cargo.toml"), read("Dockerfile"));
    let named = manifest.lines().filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix('"'));
    for target in named.filter(|path| path.starts_with("tests/")) {
        // Once before the dependencies are built, once before the program is.
        let times = dockerfile.matches(&format!(" {target}")).count();
        assert_eq!(times, 2, "{target} in the Dockerfile");
    }
}

#[test]
fn made_up_violations_are_seen() {
    let refused = [
        ("store/mod.rs", "use crate::assistant::Config;", "assistant"),
        ("matrix/reply.rs", "use crate::store::Store;", "store"),
        ("conversation.rs", "use crate::message::Incoming;", "message"),
        ("assistant/mod.rs", "use crate::{matrix::Session, app::App};", "app"),
        ("assistant/mod.rs", "use crate::{\n    matrix::{Session, Send},\n    http,\n};", "http"),
        ("inference/local/mod.rs", "fn f() { crate::cli::main() }", "cli"),
        ("store/mod.rs", "pub(crate) use super::matrix::Session;", "matrix"),
        ("store/files.rs", "use super::super::matrix::Session;", "matrix"),
        ("telemetry.rs", "use crate::http::Config;", "http"),
        ("assistant/mod.rs", "use matrix_sdk::Room;", "matrix_sdk"),
        ("assistant/mod.rs", "fn f() -> sled::Db { todo!() }", "sled"),
        ("store/mod.rs", "use candle_core::Tensor;", "candle"),
        ("store/mod.rs", "type R = anyhow::Result<()>;", "anyhow"),
        ("inference/local/model/mod.rs", "#![allow(unsafe_code)]", "unsafe"),
        ("unheard_of.rs", "", "no floor"),
    ];
    for (file, text, named) in refused {
        let found = check(file, text);
        assert!(found.iter().any(|violation| violation.contains(named)), "{file}: {text:?} → {found:?}");
    }
    let allowed = [
        ("store/mod.rs", "//! Like crate::assistant, and sled::Db\nuse sled::Db;\nuse crate::message::Incoming;"),
        ("config.rs", "use crate::{assistant, http, inference, matrix, telemetry};"),
        ("assistant/mod.rs", "use crate::{store::Store, message::{Incoming, Source}};\nuse super::texts;"),
        ("matrix/mod.rs", "mod session;\nuse self::session::Session;\nuse crate::matrix::reply;"),
        ("inference/local/cache.rs", "use super::super::Prompt;\nuse candle_core::Tensor;"),
        ("cli/run.rs", "fn f() -> anyhow::Result<()> { crate::app::run() }"),
        ("main.rs", "fn main() { compagnon::cli::main() }"),
        ("http.rs", "let url = \"https://matrix_sdk::not code\";"),
        ("inference/local/kernels/pool.rs", "#![allow(unsafe_code)]"),
        ("lib.rs", "pub mod store;"),
    ];
    for (file, text) in allowed {
        assert_eq!(check(file, text), Vec::<String>::new(), "{file}: {text:?}");
    }
}

/// The violations in one file, named by its path below `src`.
fn check(file: &str, text: &str) -> Vec<String> {
    let module = file.split('/').next().unwrap_or(file).trim_end_matches(".rs");
    // The list of modules imports nothing.
    if module == "lib" {
        return Vec::new();
    }
    let Some(floor) = floor_of(module) else {
        return vec![format!("src/{file}: `{module}` stands on no floor; give it one in tests/architecture.rs")];
    };
    let code = without_comments_and_texts(text);
    let mut violations = Vec::new();
    for used in used_modules(file, &code) {
        let Some(other) = floor_of(&used).filter(|_| used != module) else { continue };
        let sibling = other == floor && !SIBLINGS.contains(&(module, used.as_str()));
        if other > floor || sibling {
            violations.push(format!("src/{file}: `{module}` (floor {floor}) uses `{used}` (floor {other})"));
        }
    }
    for (name, modules) in ROOMS {
        // `candle` stands for its whole family.
        let names = |word: &str| word == name || (name == "candle" && word.starts_with("candle_"));
        if !modules.contains(&module) && paths(&code).any(|(start, _)| names(start)) {
            violations.push(format!("src/{file}: `{name}` is used outside {modules:?}"));
        }
    }
    if code.contains("allow(unsafe_code)") && !file.starts_with(UNSAFE) {
        violations.push(format!("src/{file}: `unsafe` is for {UNSAFE} alone"));
    }
    violations
}

fn floor_of(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(_, modules)| modules.contains(&module)).map(|(floor, _)| *floor)
}

/// Each `word::` with what follows it.
fn paths(code: &str) -> impl Iterator<Item = (&str, &str)> {
    code.match_indices("::").map(|(at, _)| {
        let start = code[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |before| before + 1);
        (&code[start..at], &code[at + 2..])
    })
}

/// The top-level modules that the code of `file` names.
fn used_modules(file: &str, code: &str) -> Vec<String> {
    let depth = file.matches('/').count() + usize::from(!file.ends_with("/mod.rs")) - usize::from(!file.contains('/'));
    let mut used = Vec::new();
    for (start, rest) in paths(code) {
        let top = match start {
            "crate" | "compagnon" => Some(rest),
            // Enough `super::` lead out of the module; those of inline test modules lead one further in.
            "super" if depth > 0 && code_before_is_not_super(code, rest) => above(rest, depth),
            _ => None,
        };
        used.extend(top.into_iter().flat_map(first_names));
    }
    used
}

/// Whether the `super::` that ends where `rest` begins is the first of its path.
fn code_before_is_not_super(code: &str, rest: &str) -> bool {
    let end = code.len() - rest.len() - "super::".len();
    !code[..end].ends_with("super::")
}

/// What follows when `super::`, already read once, leads up `depth` modules in all.
fn above(mut rest: &str, depth: usize) -> Option<&str> {
    for _ in 1..depth {
        rest = rest.strip_prefix("super::")?;
    }
    (!rest.starts_with("super::")).then_some(rest)
}

/// The first names of a path's rest: `a::b` gives `a`, `{a::b, c}` gives `a` and `c`.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(list) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(name(&list[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(&list[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

/// The code with its comments and string literals blanked: prose may name anything.
fn without_comments_and_texts(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        let mut quoted = false;
        let mut escaped = false;
        let mut characters = line.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '/' if !quoted && characters.peek() == Some(&'/') => break,
                '"' if !escaped => quoted = !quoted,
                _ if quoted => {}
                _ => code.push(c),
            }
            escaped = quoted && c == '\\' && !escaped;
        }
        code.push('\n');
    }
    code
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
