//! Files that were read and are still to be said: several in a row are said once, with the last one. In memory: after a restart the documents are
//! there, and are not spoken of again.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ruma::OwnedUserId;

use crate::{
    assistant::texts::documents::ReadFile,
    message::{ConversationId, Incoming},
    store::Queued,
};

/// Of how many rows of files this is kept at a time. Any more are said one by one.
const MOST: usize = 1_000;
/// The most files that one notice names.
const MOST_FILES: usize = 50;

/// What was read of the files of each person in each conversation.
#[derive(Default)]
pub struct Unsaid(Mutex<HashMap<Of, Row>>);

type Of = (ConversationId, OwnedUserId);

struct Row {
    /// The message of the last file.
    last: Queued,
    files: Vec<ReadFile>,
}

impl Unsaid {
    /// Whether one more file of this message's author may wait to be said.
    pub fn has_room(&self, message: &Incoming) -> bool {
        let rows = self.rows();
        match rows.get(&of(message)) {
            Some(row) => row.files.len() < MOST_FILES,
            None => rows.len() < MOST,
        }
    }

    /// Adds a file.
    pub fn add(&self, queued: &Queued, file: ReadFile) {
        let mut rows = self.rows();
        let row = rows.entry(of(&queued.question)).or_insert_with(|| Row { last: queued.clone(), files: Vec::new() });
        row.last = queued.clone();
        row.files.push(file);
    }

    /// The files before a message of their sender.
    pub fn of(&self, message: &Incoming) -> Vec<ReadFile> {
        self.rows().get(&of(message)).map(|row| row.files.clone()).unwrap_or_default()
    }

    /// Takes them out, with the message of the last one.
    pub fn take(&self, message: &Incoming) -> Option<(Queued, Vec<ReadFile>)> {
        self.rows().remove(&of(message)).map(|Row { last, files }| (last, files))
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<Of, Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of(message: &Incoming) -> Of {
    (message.conversation(), message.sender.clone())
}

#[cfg(test)]
mod tests {
    use super::{MOST, MOST_FILES, ReadFile, Unsaid};
    use crate::assistant::fakes::queued;

    #[test]
    fn no_more_wait_than_may_and_none_is_lost_for_another() {
        let (unsaid, file) = (Unsaid::default(), || ReadFile { name: "a.pdf".to_owned(), extent: None });
        for number in 0..MOST {
            let one = queued("$1:h", &format!("!{number}:h"));
            assert!(unsaid.has_room(&one.question));
            unsaid.add(&one, file());
        }
        let first = queued("$1:h", "!0:h");
        assert!(!unsaid.has_room(&queued("$1:h", "!more:h").question), "it is said by itself");
        for _ in 1..MOST_FILES {
            assert!(unsaid.has_room(&first.question));
            unsaid.add(&first, file());
        }
        assert!(!unsaid.has_room(&first.question));
        let (last, files) = unsaid.take(&first.question).expect("there");
        assert_eq!((last.question.event_id.as_str(), files.len()), ("$1:h", MOST_FILES));
        assert!(unsaid.of(&first.question).is_empty());
    }
}
