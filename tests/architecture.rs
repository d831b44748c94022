//! The architecture, held by the code itself: a module uses only lower layers and no sibling, each big dependency stays in its module,
//! `unsafe` stays in the kernels, and no two files import each other, directly or in a circle.

#[path = "architecture/cycles.rs"]
mod cycles;
#[path = "architecture/docs.rs"]
mod docs;
#[path = "architecture/layers.rs"]
mod layers;
#[path = "architecture/made_up.rs"]
mod made_up;
#[path = "architecture/tree.rs"]
mod tree;
#[path = "architecture/uses.rs"]
mod uses;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use tree::{Sources, Tree};

#[test]
fn the_layers_hold() {
    let violations = layers::violations(&sources());
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn no_files_import_one_another_in_a_circle() {
    let cycles = cycles::cycles(&cycles::imports(&sources()));
    let found = cycles.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(found.is_empty(), "{} import cycles:\n{}", found.len(), found.join("\n"));
}

/// The most lines of a file, its tests left out. Functions have clippy's limit.
const LONGEST_FILE: usize = 500;

#[test]
fn no_file_is_too_long_and_the_longest_are_named() {
    let root = source_folder();
    let sources = sources();
    let tree = Tree::new(&sources);
    let mut functions = Vec::new();
    let mut files = Vec::new();
    for (_, module) in tree.modules().filter(|(_, module)| !module.test) {
        let Some(file) = module.file else { continue };
        functions.extend(uses::of_module(module, &[]).functions.into_iter().map(|(name, lines)| (lines, file, name)));
        let text = fs::read_to_string(root.join(file)).expect("readable");
        // The tests of a file stand at its end.
        let lines = text.lines().position(|line| line == "mod tests {").unwrap_or_else(|| text.lines().count());
        files.push((lines, file));
    }
    files.sort_unstable();
    files.dedup();
    functions.sort_unstable();
    assert!(!files.is_empty() && !functions.is_empty());
    let too_long = files.iter().filter(|(lines, _)| *lines > LONGEST_FILE).collect::<Vec<_>>();
    assert!(too_long.is_empty(), "longer than {LONGEST_FILE} lines: {too_long:?}");
    for (lines, file) in files.iter().rev().take(5) {
        report(&format!("file of {lines} lines, its tests left out: {file}"));
    }
    for (lines, file, name) in functions.iter().rev().take(5) {
        report(&format!("function of {lines} lines: {name} in {file}"));
    }
}

#[test]
fn the_dockerfile_makes_every_target_that_the_manifest_names() {
    // Cargo reads no manifest whose targets are not there, and the image is built without them.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).expect("readable");
    let manifest = read("Cargo.toml");
    let dockerfile = read("Dockerfile");
    let named = manifest.lines().filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix('"'));
    let tests = named.filter(|path| path.starts_with("tests/")).map(str::to_owned);
    // These have no path: Cargo knows where they are.
    let benches = manifest.split("[[bench]]\nname = \"").skip(1).filter_map(|rest| rest.split('"').next());
    for target in tests.chain(benches.map(|name| format!("benches/{name}.rs"))) {
        // Once before the dependencies are built, once before the program is.
        let times = dockerfile.matches(&format!(" {target}")).count();
        assert_eq!(times, 2, "{target} in the Dockerfile");
    }
}

/// Says something that is read whether or not the test fails.
fn report(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("standard error is open");
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Sources {
    let folder = source_folder();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("readable");
        let inside = path.strip_prefix(&folder).expect("found below").to_str().expect("a plain name").to_owned();
        (inside, syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    rust_files(&folder).into_iter().map(read).collect()
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
