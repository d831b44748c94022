//! The store as its callers see it, on sled in a temporary folder.
//!
//! A crash is played by copying the folder of an open store: what is in the copy is what a kill would have left.

mod damage;
mod forgetting;
mod model;
mod questions;

use std::fs;
use std::path::Path;

use ruma::{OwnedEventId, OwnedRoomId};
use tempfile::TempDir;

use super::{Accept, Answer, Conclusion, Delivery, Queued, Store};
use crate::conversation::{Role, Turn};
use crate::message::{Incoming, Kind, Undecrypted};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &TempDir) -> Store {
    Store::open(folder.path()).unwrap()
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
        body: format!("la question {name}"),
    }
}

fn in_thread(question: Incoming, root: &str) -> Incoming {
    Incoming { thread: Some(event(root)), ..question }
}

fn held(room: &str, name: &str) -> Undecrypted {
    Undecrypted {
        room_id: self::room(room),
        event_id: event(name),
        session_id: Some("megolm".to_owned()),
        raw: format!("{{\"ciphertext\":\"{name}\"}}"),
        sent_at: 7,
    }
}

fn turns(question: &Incoming, at: u64) -> Vec<Turn> {
    let turn =
        |role, content: &str| Turn { role, content: content.to_owned(), event_id: question.event_id.clone(), at };
    vec![turn(Role::User, &question.body), turn(Role::Assistant, "la réponse")]
}

fn answer(parts: &[&str]) -> Answer {
    Answer { kind: Kind::Text, parts: parts.iter().map(|part| (*part).to_owned()).collect(), draft: None }
}

fn accept(store: &Store, questions: &[Incoming], now: u64) -> Vec<Queued> {
    store.accept(&Accept { next_batch: Some("s1"), questions, ..Accept::default() }, now).unwrap()
}

fn conclude(store: &Store, question: &Incoming, now: u64) -> Option<Delivery> {
    let conclusion = Conclusion { question, turns: turns(question, now), answer: answer(&["a", "b"]) };
    store.conclude(conclusion, now).unwrap()
}

fn names(queued: &[Queued]) -> Vec<&str> {
    queued.iter().map(|queued| queued.question.event_id.as_str()).collect()
}
