//! Files: kept until they are delivered, under keys of their own, and gone for good afterwards.

use std::fs;

use super::{
    KEEP, accept, after_a_kill, answer, conclude, deliver, event, exchange, folder, leave, open, question, redact,
    room, turns,
};
use crate::message::{FileRef, Incoming, Item};
use crate::store::chunk::{CHUNK, CHUNKS_AT_ONCE};
use crate::store::file::LARGEST_FILE;
use crate::store::layout::{Key, Tree};
use crate::store::{Answer, Conclusion, Database, Delivery, Sent, StoreError};

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 7) as u8).collect()
}

fn put(store: &Database, length: usize) -> FileRef {
    store.put_file(&room("a"), "export.json", "application/json", &bytes(length), 1).unwrap()
}

/// Concludes a question with a sentence and a file.
fn conclude_with(store: &Database, asked: &Incoming, file: &FileRef) -> Delivery {
    let items = vec![Item::Notice { text: "voici".to_owned() }, Item::File(file.clone())];
    let answer = Answer { items, ..answer(&[]) };
    let conclusion =
        Conclusion { question: asked, turns: turns(asked, 2), answer, changes: Vec::new(), usage: None, counted: None };
    store.conclude(conclusion, 2).unwrap().unwrap()
}

fn records(store: &Database, tree: Tree) -> usize {
    store.db.scan_prefix(Key::all(tree).bytes).count()
}

#[test]
fn a_file_of_any_length_is_read_back() {
    let folder = folder();
    let store = open(&folder);
    let slice = CHUNK * CHUNKS_AT_ONCE;
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, slice, slice + 1] {
        let file = put(&store, length);
        assert_eq!((file.size, file.name.as_str()), (length as u64, "export.json"));
        assert!(store.file(&file).unwrap() == Some(bytes(length)), "{length}");
    }
    let much = vec![0; LARGEST_FILE + 1];
    assert!(matches!(store.put_file(&room("a"), "x", "y", &much, 1), Err(StoreError::TooLarge)));
    let unknown = FileRef { number: 999, ..put(&store, 1) };
    assert_eq!(store.file(&unknown).unwrap(), None);
}

#[test]
fn a_file_goes_when_it_is_delivered() {
    let first = folder();
    let store = open(&first);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    let file = put(&store, 3 * CHUNK);
    conclude_with(&store, &asked, &file);
    store.part_sent(&asked, 0, &event("m0"), 3).unwrap();
    store.item_uploaded(&asked, 1, "{\"url\":\"mxc://h/1\"}").unwrap();
    let second = after_a_kill(&first);
    let store = open(&second);
    let delivery = store.delivery(&asked).unwrap().unwrap();
    assert_eq!(delivery.uploaded.get(&1).map(String::as_str), Some("{\"url\":\"mxc://h/1\"}"));
    assert!(store.file(&file).unwrap() == Some(bytes(3 * CHUNK)));
    store.part_sent(&asked, 1, &event("m1"), 4).unwrap();
    let delivery = store.delivery(&asked).unwrap().unwrap();
    assert_eq!(delivery.sent, [event("m0"), event("m1")].map(Sent::Message));
    assert!(delivery.uploaded.is_empty());
    store.delivered(&asked, 5).unwrap();
    assert_eq!(store.file(&file).unwrap(), None);
    assert_eq!((records(&store, Tree::Files), records(&store, Tree::Chunks)), (0, 0));
}

#[test]
fn what_another_service_acknowledged_is_remembered_in_order() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    let file = put(&store, 1);
    conclude_with(&store, &asked, &file);
    assert!(matches!(store.service_acknowledged(&asked, 1, "doc-7"), Err(StoreError::Refused(_))));
    store.service_acknowledged(&asked, 0, "doc-7").unwrap();
    store.service_acknowledged(&asked, 0, "doc-7").unwrap();
    store.part_sent(&asked, 1, &event("m1"), 4).unwrap();
    let delivery = store.delivery(&asked).unwrap().unwrap();
    assert_eq!(delivery.sent, [Sent::Service("doc-7".to_owned()), Sent::Message(event("m1"))]);
    store.delivered(&asked, 5).unwrap();
    assert_eq!(redact(&store, "a", &["m1"], 6).redacted, [event("1")]);
}

#[test]
fn a_file_without_an_answer_is_removed_at_the_next_start() {
    let first = folder();
    let store = open(&first);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    let named = put(&store, 2 * CHUNK);
    conclude_with(&store, &asked, &named);
    let lost = put(&store, CHUNK);
    // Cut before its record was written.
    let begun = store.begin_file("cut", "text/plain", CHUNK, 1).unwrap();
    store.put_chunks(&room("b"), &begun, 0, &bytes(CHUNK)).unwrap();
    assert_eq!(records(&store, Tree::Chunks), 4);
    let second = after_a_kill(&first);
    let store = open(&second);
    assert_eq!((records(&store, Tree::Files), records(&store, Tree::Chunks)), (1, 2));
    assert_eq!(store.file(&lost).unwrap(), None);
    assert!(store.file(&named).unwrap().is_some());

    // While the program runs, a young one may be on its way to its answer.
    let young = put(&store, CHUNK);
    store.purge(2, &KEEP).unwrap();
    assert!(store.file(&young).unwrap().is_some());
    let all = super::Retention { dedup: u64::MAX, turns: u64::MAX, turns_at_most: u64::MAX, ..KEEP };
    store.purge(3_600_001, &all).unwrap();
    assert!(store.file(&young).unwrap().is_none() && store.file(&named).unwrap().is_some());
}

#[test]
fn a_file_goes_with_its_room_and_with_its_question() {
    let folder = folder();
    let store = open(&folder);
    for (name, taken_back) in [("1", true), ("2", false)] {
        let asked = question("a", name);
        accept(&store, std::slice::from_ref(&asked), 1);
        let file = put(&store, 2 * CHUNK);
        conclude_with(&store, &asked, &file);
        if taken_back {
            redact(&store, "a", &[name], 3);
        } else {
            leave(&store, "a", 3);
        }
        assert_eq!(store.file(&file).unwrap(), None);
        assert_eq!((records(&store, Tree::Files), records(&store, Tree::Chunks)), (0, 0), "{name}");
    }
}

#[test]
fn replacing_a_rooms_key_seals_the_record_of_a_file_anew_and_not_its_bytes() {
    let folder = folder();
    let store = open(&folder);
    let (gone, asked) = (question("a", "1"), question("a", "2"));
    exchange(&store, &gone, 1);
    accept(&store, std::slice::from_ref(&asked), 2);
    let file = put(&store, 100 * CHUNK);
    conclude_with(&store, &asked, &file);
    let chunks = |store: &Database| -> Vec<_> {
        store.db.scan_prefix(Key::all(Tree::Chunks).bytes).map(Result::unwrap).collect()
    };
    let before = chunks(&store);
    let record = || store.db.scan_prefix(Key::all(Tree::Files).bytes).next().unwrap().unwrap().1;
    let (sealed, touched) = (record(), store.touched.get());
    redact(&store, "a", &["1"], 3);
    assert_ne!(record(), sealed, "it is sealed anew");
    assert!(chunks(&store) == before, "no chunk is written");
    let touched = store.touched.get() - touched;
    println!("a redaction beside a file of 100 chunks touched {touched} records");
    assert!(touched < 80, "{touched}");
    assert!(store.file(&file).unwrap() == Some(bytes(100 * CHUNK)));
}

#[test]
fn a_delivered_file_cannot_be_opened_even_from_the_old_database() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    let file = put(&store, 2 * CHUNK);
    conclude_with(&store, &asked, &file);
    let before = after_a_kill(&folder);
    deliver(&store, &asked, 3);
    drop(store);
    for name in ["store.key", "rooms.keys"] {
        fs::copy(folder.path().join(name), before.path().join(name)).unwrap();
    }
    let store = open(&before);
    assert!(!matches!(store.file(&file), Ok(Some(_))));
}

#[test]
fn a_damaged_or_missing_chunk_is_an_error() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    conclude(&store, &asked, 1);
    let file = put(&store, 3 * CHUNK);
    let (key, value) = store.db.scan_prefix(Key::all(Tree::Chunks).bytes).nth(1).unwrap().unwrap();
    let mut changed = value.to_vec();
    changed[CHUNK / 2] ^= 1;
    store.db.insert(&key, changed).unwrap();
    assert!(matches!(store.file(&file), Err(StoreError::Damaged { tree: "chunks" })));
    store.db.remove(&key).unwrap();
    assert!(matches!(store.file(&file), Err(StoreError::Damaged { tree: "chunks" })));
}
