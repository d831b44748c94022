//! The store as its callers see it, on sled in a temporary folder.
//!
//! A crash is played by copying the folder of an open store: what is in the copy is what a kill would have left.

mod again;
mod aging;
mod approved;
mod backup;
mod damage;
mod documents;
mod files;
mod forgetting;
mod jobs;
mod memory;
mod migration;
mod model;
mod person;
mod promotion;
mod questions;
mod ratings;
mod recorder;
mod rooms;
mod rotation;
mod scale;
mod snapshots;
mod summaries;
mod undecrypted;
mod usage;
mod withdrawable;
mod withdrawals;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ruma::{OwnedEventId, OwnedRoomId};
use tempfile::TempDir;

use super::{Accept, Accepted, Admitted, Answer, Conclusion, Database, Delivery, Queued, QueuedKind, Retention};
use crate::conversation::{Role, Turn};
use crate::message::{Content, Edit, Incoming, Item, Redaction, Undecrypted};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &TempDir) -> Database {
    Database::open(folder.path()).unwrap()
}

/// What a kill at this moment would leave on disk.
fn after_a_kill(folder: &TempDir) -> TempDir {
    let copy = self::folder();
    copy_all(folder.path(), copy.path());
    copy
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn room(name: &str) -> OwnedRoomId {
    format!("!{name}:tchap.test").try_into().unwrap()
}

fn event(name: &str) -> OwnedEventId {
    format!("${name}:tchap.test").try_into().unwrap()
}

/// A question in the main line of a room.
fn question(room: &str, name: &str) -> Incoming {
    Incoming {
        event_id: event(name),
        room_id: self::room(room),
        sender: "@agent:tchap.test".try_into().unwrap(),
        thread: None,
        replies_to: None,
        mentions_me: true,
        direct: false,
        sent_at: 1,
        content: Content::Text(format!("la question {name}")),
        name: None,
        megolm_session: None,
        edited_at: 0,
        without_call: None,
    }
}

fn in_thread(question: Incoming, root: &str) -> Incoming {
    Incoming { thread: Some(event(root)), ..question }
}

fn held(room: &str, name: &str) -> Undecrypted {
    Undecrypted {
        room_id: self::room(room),
        event_id: event(name),
        sender: Some("@agent:tchap.test".try_into().unwrap()),
        session_id: Some("megolm".to_owned()),
        raw: format!("{{\"ciphertext\":\"{name}\"}}"),
        sent_at: 7,
    }
}

fn turns(question: &Incoming, at: u64) -> Vec<Turn> {
    let turn = |role, content: &str| Turn {
        role,
        content: content.to_owned(),
        event_id: question.event_id.clone(),
        at,
        asker: Some(question.sender.clone()),
        name: None,
    };
    vec![turn(Role::User, question.text()), turn(Role::Assistant, "la réponse")]
}

fn answer(parts: &[&str]) -> Answer {
    let items = parts.iter().map(|part| item(part)).collect();
    Answer { items, draft: None, again: None, shown: Vec::new(), lost: Vec::new(), unasked: false }
}

fn item(text: &str) -> Item {
    Item::Markdown { text: text.to_owned(), links: Vec::new(), sources: Vec::new() }
}

fn admitted(message: &Incoming) -> Admitted {
    Admitted { message: message.clone(), kind: QueuedKind::Question }
}

fn accept(store: &Database, questions: &[Incoming], now: u64) -> Vec<Queued> {
    let questions: Vec<Admitted> = questions.iter().map(admitted).collect();
    let questions = questions.as_slice();
    store.accept(&Accept { next_batch: Some("s1"), questions, ..Accept::default() }, now).unwrap().new
}

/// Takes events back, in a response of their own.
fn redact(store: &Database, room: &str, events: &[&str], now: u64) -> Accepted {
    let redaction = |name: &&str| Redaction { room_id: self::room(room), redacts: event(name) };
    let redactions: Vec<Redaction> = events.iter().map(redaction).collect();
    store.accept(&Accept { redactions: &redactions, ..Accept::default() }, now).unwrap()
}

/// Gives a question a new text, in a response of its own.
fn edit(store: &Database, question: &Incoming, name: &str, body: &str, now: u64) -> Accepted {
    let edit = an_edit(question, name, body);
    store.accept(&Accept { edits: &[edit], ..Accept::default() }, now).unwrap()
}

fn an_edit(question: &Incoming, name: &str, body: &str) -> Edit {
    Edit {
        room_id: question.room_id.clone(),
        event_id: event(name),
        replaces: question.event_id.clone(),
        sender: question.sender.clone(),
        sent_at: 0,
        body: body.to_owned(),
        mentions_me: None,
        direct: false,
        without_call: None,
    }
}

/// Leaves a room.
fn leave(store: &Database, room: &str, now: u64) {
    store.accept(&Accept { left: &[self::room(room)], ..Accept::default() }, now).unwrap();
}

/// Asks, answers and delivers, with one message shown for each of the two parts.
fn exchange(store: &Database, question: &Incoming, now: u64) -> [OwnedEventId; 2] {
    accept(store, std::slice::from_ref(question), now);
    conclude(store, question, now).unwrap();
    deliver(store, question, now)
}

/// Delivers the two parts of an answer.
fn deliver(store: &Database, question: &Incoming, now: u64) -> [OwnedEventId; 2] {
    let shown = [0, 1].map(|part| event(&format!("shown{part}.{}", &question.event_id.localpart()[..1])));
    for (part, event) in shown.iter().enumerate() {
        store.part_sent(question, part, event, now).unwrap();
    }
    store.delivered(question, now).unwrap();
    shown
}

/// The bot's messages to be taken back.
fn withdrawn(store: &Database) -> BTreeSet<OwnedEventId> {
    store.withdrawals().unwrap().into_iter().map(|withdrawal| withdrawal.event_id).collect()
}

const KEEP: Retention = Retention {
    dedup: 100,
    turns: 100,
    turns_at_most: 1_000,
    audit: 100,
    undecrypted: 100,
    memory: 100,
    withdrawable: 100,
    compagnons: 1_000_000,
};

fn conclude(store: &Database, question: &Incoming, now: u64) -> Option<Delivery> {
    let conclusion = Conclusion {
        question,
        turns: turns(question, now),
        answer: answer(&["a", "b"]),
        changes: Vec::new(),
        usage: None,
        counted: None,
    };
    store.conclude(conclusion, now).unwrap()
}

fn names(queued: &[Queued]) -> Vec<&str> {
    queued.iter().map(|queued| queued.question.event_id.as_str()).collect()
}

/// Waits until nobody holds the folder any more.
pub(super) fn until_free(folder: &Path) {
    let lock = folder.join("store.lock");
    for _ in 0..1000 {
        match super::files::lock(&lock) {
            Ok(_) => return,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    }
    panic!("the folder is still held");
}
