//! Each target's function over its seeds, and over what becomes of them when bytes are changed: what the fuzzer does for hours with a
//! nightly compiler, for a second with any.

use std::{fs, path::Path};

use proptest::{prelude::*, sample::Index, test_runner::Config as Runs};

use crate::documents::Format;

use super::{command, config, document, event, gguf, html, office, prompts, record, template, tokenizer};

/// One change of a seed.
#[derive(Clone, Debug)]
enum Change {
    /// Another byte in a place.
    Byte(Index, u8),
    /// A stretch taken out.
    Cut(Index, usize),
    /// A stretch once more, elsewhere.
    Again(Index, usize, Index),
    /// A text put in.
    Insert(Index, String),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: &Index, bytes: &[u8]| at.index(bytes.len() + 1);
        match self {
            Self::Byte(at, byte) => {
                let at = place(at, bytes);
                bytes.get_mut(at).into_iter().for_each(|old| *old = *byte);
            }
            Self::Cut(at, length) => {
                let at = place(at, bytes);
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Self::Again(at, length, to) => {
                let (at, to) = (place(at, bytes), place(to, bytes));
                let stretch = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(to..to, stretch);
            }
            Self::Insert(at, text) => {
                let at = place(at, bytes);
                bytes.splice(at..at, text.bytes());
            }
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (any::<Index>(), 1..64_usize).prop_map(|(at, length)| Change::Cut(at, length)),
        (any::<Index>(), 1..64_usize, any::<Index>()).prop_map(|(at, length, to)| Change::Again(at, length, to)),
        (any::<Index>(), any::<String>()).prop_map(|(at, text)| Change::Insert(at, text)),
    ];
    prop::collection::vec(change, 0..6)
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<_> = files.map(|file| fs::read(file.expect("an entry").path()).expect("readable")).collect();
    if target == "document" {
        seeds.extend(fixtures());
    }
    assert!(!seeds.is_empty(), "{target} has no seeds");
    seeds
}

/// The documents of real producers as the target reads them: after a line with their name. Those in PDF it leaves out.
fn fixtures() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documents");
    let files = fs::read_dir(&folder).expect("a folder").map(|file| file.expect("an entry").path());
    let read = files.filter_map(|path| {
        let name = path.file_name()?.to_str()?;
        Format::of_name(name).filter(|format| *format != Format::Pdf)?;
        Some([format!("{name}\n").as_bytes(), &fs::read(&path).expect("readable")].concat())
    });
    read.collect()
}

fn check(target: &str, cases: u32, run: impl Fn(&[u8])) {
    let seeds = seeds(target);
    for seed in &seeds {
        run(seed);
    }
    proptest!(Runs::with_cases(cases), |(seed in prop::sample::select(seeds.clone()), changes in changes())| {
        let mut bytes = seed;
        for change in &changes {
            change.apply(&mut bytes);
        }
        run(&bytes);
    });
    proptest!(Runs::with_cases(cases), |(bytes in prop::collection::vec(any::<u8>(), 0..200), text in any::<String>())| {
        run(&bytes);
        run(text.as_bytes());
    });
}

#[test]
fn model_files() {
    check("gguf", 96, gguf);
}

#[test]
fn vocabularies_and_texts() {
    check("tokenizer", 64, tokenizer);
}

#[test]
fn chat_templates() {
    check("template", 128, template);
}

#[test]
fn events() {
    check("event", 256, event);
}

#[test]
fn answers() {
    check("html", 128, html);
}

#[test]
fn messages_as_commands() {
    check("command", 256, command);
}

#[test]
fn configuration_files() {
    check("config", 128, config);
}

#[test]
fn files_of_compagnons() {
    check("prompts", 256, prompts);
}

#[test]
fn records_and_key_files() {
    check("record", 256, record);
}

#[test]
fn documents_of_every_format() {
    check("document", 96, document);
}

#[test]
fn parts_of_office_documents() {
    check("office", 128, office);
}
