//! Records that do not open: reported, kept aside, and never in the way of the others.

use sled::Db;
use tempfile::TempDir;

use super::{KEEP, accept, answer, conclude, event, folder, leave, names, open, question, redact, turns};
use crate::message::Incoming;
use crate::store::layout::{Key, Tree};
use crate::store::{Conclusion, Database, StoreError};

/// Opens the closed store's database, and lets `change` at it.
pub(super) fn tamper(folder: &TempDir, change: impl FnOnce(&Db)) {
    let db = crate::store::database::database_in(&folder.path().join("store")).unwrap();
    change(&db);
    db.flush().unwrap();
}

pub(super) fn flip(db: &Db, key: &[u8]) {
    let mut value = db.get(key).unwrap().unwrap().to_vec();
    *value.last_mut().unwrap() ^= 1;
    db.insert(key, value).unwrap();
}

pub(super) fn key(store: &Database, question: &Incoming, tree: Tree) -> Vec<u8> {
    store.place(&question.room_id, &question.event_id).of(tree).bytes
}

#[test]
fn a_damaged_question_is_set_aside_and_the_others_are_answered() {
    let folder = folder();
    let (bad, good) = (question("a", "1"), question("a", "2"));
    let store = open(&folder);
    accept(&store, &[bad.clone(), good], 1);
    let place = key(&store, &bad, Tree::Inbox);
    drop(store);
    tamper(&folder, |db| flip(db, &place));
    let store = open(&folder);
    assert_eq!(names(&store.queued().unwrap()), ["$2:tchap.test"]);
    assert_eq!(store.damaged().unwrap(), 1);
    assert_eq!(names(&store.queued().unwrap()), ["$2:tchap.test"], "and the next time too");
    assert_eq!(store.damaged().unwrap(), 1);
    leave(&store, "a", 2);
    assert_eq!(store.damaged().unwrap(), 0, "it goes with its room");
}

#[test]
fn asking_for_the_damaged_record_itself_is_an_error() {
    let folder = folder();
    let asked = question("a", "1");
    let store = open(&folder);
    accept(&store, std::slice::from_ref(&asked), 1);
    let place = key(&store, &asked, Tree::Inbox);
    drop(store);
    tamper(&folder, |db| flip(db, &place));
    let store = open(&folder);
    let conclusion = || Conclusion {
        question: &asked,
        turns: turns(&asked, 2),
        answer: answer(&["a"]),
        changes: Vec::new(),
        usage: None,
        counted: None,
    };
    let error = store.conclude(conclusion(), 2).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { tree: "inbox" }));
    assert!(!error.to_string().contains("tchap"), "the error names the tree only");
    assert_eq!(store.conclude(conclusion(), 3).unwrap(), None);
    assert!(store.turns(&asked.conversation()).unwrap().is_empty());
}

#[test]
fn a_damaged_answer_is_not_given_a_second_time() {
    let folder = folder();
    let asked = question("a", "1");
    let store = open(&folder);
    accept(&store, std::slice::from_ref(&asked), 1);
    conclude(&store, &asked, 2).unwrap();
    let place = key(&store, &asked, Tree::Outbox);
    drop(store);
    tamper(&folder, |db| flip(db, &place));
    let store = open(&folder);
    assert!(store.undelivered().unwrap().is_empty());
    assert_eq!(store.damaged().unwrap(), 1);
    assert!(accept(&store, &[asked], 3).is_empty(), "part of it may have been sent");
}

#[test]
fn a_record_moved_to_another_place_does_not_open() {
    let folder = folder();
    let (one, two) = (question("a", "1"), question("b", "2"));
    let store = open(&folder);
    accept(&store, &[one.clone(), two.clone()], 1);
    let (from, to) = (key(&store, &one, Tree::Inbox), key(&store, &two, Tree::Inbox));
    let outbox = key(&store, &one, Tree::Outbox);
    drop(store);
    tamper(&folder, |db| {
        let value = db.get(&from).unwrap().unwrap();
        db.insert(&to, &value).unwrap();
        db.insert(&outbox, &value).unwrap();
    });
    let store = open(&folder);
    assert_eq!(names(&store.queued().unwrap()), ["$1:tchap.test"]);
    assert!(store.undelivered().unwrap().is_empty());
    assert_eq!(store.damaged().unwrap(), 2);
}

#[test]
fn a_mark_counts_even_when_its_time_is_lost() {
    let folder = folder();
    let asked = question("a", "1");
    let store = open(&folder);
    accept(&store, std::slice::from_ref(&asked), 1);
    redact(&store, "a", &["1"], 2);
    let mark = store.dedup_key(Tree::Done, &event("1")).bytes;
    drop(store);
    tamper(&folder, |db| flip(db, &mark));
    let store = open(&folder);
    assert_eq!(store.purge(1_000, &KEEP).unwrap().records, 0);
    assert!(accept(&store, &[asked], 3).is_empty());
}

#[test]
fn a_damaged_cursor_is_an_error_and_not_a_start_from_nothing() {
    let folder = folder();
    let store = open(&folder);
    accept(&store, &[], 1);
    drop(store);
    tamper(&folder, |db| flip(db, &Key::meta(b"cursor").bytes));
    assert!(matches!(open(&folder).cursor(), Err(StoreError::Damaged { tree: "meta" })));
}
