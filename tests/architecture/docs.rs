//! `docs/architecture.md` names files and folders: those that are gone are found.

use std::{fs, path::Path};

/// Where a path of the page may begin.
const ROOTS: [&str; 3] = ["", "src", "src/assistant"];

#[test]
fn the_page_names_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/architecture.md")).expect("readable");
    let named = paths(&page);
    assert!(named.len() > 20, "the page was read: {named:?}");
    let gone: Vec<_> =
        named.iter().filter(|path| !ROOTS.iter().any(|from| root.join(from).join(path).exists())).collect();
    assert!(gone.is_empty(), "docs/architecture.md names what is not there: {gone:?}");
}

#[test]
fn a_file_that_is_gone_is_seen() {
    assert_eq!(
        paths("`store/gone.rs` and `dispatch/`, not `Store::open`, `docs/x.md`"),
        ["store/gone.rs", "dispatch/", "docs/x.md"]
    );
}

/// What stands in backquotes and looks like a file or a folder.
fn paths(page: &str) -> Vec<&str> {
    let quoted = page.split('`').skip(1).step_by(2);
    let is_file = |text: &str| Path::new(text).extension().is_some_and(|end| end == "rs" || end == "md");
    let looks_like_one = |text: &&str| !text.contains([' ', ':', '*', '(']) && (is_file(text) || text.ends_with('/'));
    quoted.filter(looks_like_one).collect()
}
