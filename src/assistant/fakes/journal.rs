//! What a fake homeserver keeps in a file, for tests in which the process dies: the next one finds what people see.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::Path,
    sync::Mutex,
};

use ruma::{OwnedEventId, OwnedRoomId};
use serde::{Deserialize, Serialize};

use crate::message::MessageKind;

/// A message as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::assistant) struct Shown {
    pub(in crate::assistant) question: OwnedEventId,
    pub(in crate::assistant) part: usize,
    pub(in crate::assistant) kind: MessageKind,
    pub(in crate::assistant) text: String,
    pub(in crate::assistant) complete: bool,
}

/// One event, as the homeserver keeps it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) id: OwnedEventId,
    pub(super) room: OwnedRoomId,
    pub(super) replaces: Option<OwnedEventId>,
    pub(super) thread: Option<OwnedEventId>,
    /// The bytes, where it is a file's.
    pub(super) file: Option<Vec<u8>>,
    /// Nothing: it was redacted.
    pub(super) content: Option<Shown>,
}

/// What has happened at the homeserver.
#[derive(Serialize, Deserialize)]
pub(super) enum Entry {
    /// An event was sent under a transaction id.
    Sent(String, Sent),
    /// An event was redacted.
    Redacted(OwnedEventId),
    /// A file was uploaded.
    Uploaded(Vec<u8>),
}

/// The file, where there is one.
#[derive(Default)]
pub(super) struct Journal(Option<Mutex<File>>);

impl Journal {
    /// The journal in a folder, and what it says.
    pub(super) fn open(folder: &Path) -> (Self, Vec<Entry>) {
        let path = folder.join("homeserver.jsonl");
        let said = fs::read_to_string(&path).unwrap_or_default();
        let entries = said.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
        let file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
        (Self(Some(Mutex::new(file))), entries)
    }

    /// Notes what has happened, in one write.
    pub(super) fn note(&self, entry: &Entry) {
        let Some(file) = &self.0 else { return };
        let line = format!("{}\n", serde_json::to_string(entry).expect("JSON"));
        file.lock().expect("not poisoned").write_all(line.as_bytes()).expect("written");
    }
}
