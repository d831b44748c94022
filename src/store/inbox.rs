//! Questions accepted and not answered, and the sync cursor that goes with them.

use std::collections::HashSet;

use ruma::EventId;
use sled::Batch;

use super::{
    Accept, Queued, Store, StoreError,
    records::{INBOX, OUTBOX, UNDECRYPTED},
};
use crate::message::Incoming;

const CURSOR: &[u8] = b"mcursor";
const CURSOR_TREE: &str = "cursor";

impl Store {
    /// Writes what a sync brought in one change and flushes it. Returns the questions that are new: an event that was seen before,
    /// whether it waits, is answered or is done with, is none.
    pub fn accept(&self, accept: &Accept<'_>, now: u64) -> Result<Vec<Queued>, StoreError> {
        let mut batch = Batch::default();
        let mut new = Vec::new();
        let mut seen = HashSet::new();
        for question in accept.questions {
            if seen.insert(&question.event_id) && !self.knows(question)? {
                let queued = Queued {
                    sequence: self.inner.db.generate_id()?,
                    question: question.clone(),
                    received_at: now,
                    attempts: 0,
                    draft: None,
                };
                self.put(&mut batch, INBOX, &self.event_key(INBOX, &question.room_id, &question.event_id), &queued)?;
                new.push(queued);
            }
            // It may have waited for its key until now.
            batch.remove(self.event_key(UNDECRYPTED, &question.room_id, &question.event_id));
        }
        for event in accept.undecrypted {
            self.put(&mut batch, UNDECRYPTED, &self.event_key(UNDECRYPTED, &event.room_id, &event.event_id), event)?;
        }
        if let Some(cursor) = accept.next_batch {
            let sealed = self.inner.own.seal(CURSOR_TREE, CURSOR, cursor.as_bytes());
            batch.insert(CURSOR, sealed.ok_or(StoreError::Damaged { tree: CURSOR_TREE })?);
        }
        self.apply(batch)?;
        for room_id in accept.left {
            self.forget_room(room_id)?;
        }
        fail::fail_point!("sync-saved");
        Ok(new)
    }

    /// Where the next sync starts; `None` before the first.
    pub fn cursor(&self) -> Result<Option<String>, StoreError> {
        let Some(sealed) = self.inner.db.get(CURSOR)? else { return Ok(None) };
        let damaged = StoreError::Damaged { tree: CURSOR_TREE };
        let plain = self.inner.own.open(CURSOR_TREE, CURSOR, &sealed);
        plain.and_then(|plain| String::from_utf8(plain.to_vec()).ok()).map(Some).ok_or(damaged)
    }

    /// The questions that wait, in order of arrival.
    pub fn queued(&self) -> Result<Vec<Queued>, StoreError> {
        let mut queued: Vec<Queued> = self.scan(INBOX, &[INBOX.prefix])?;
        queued.sort_by_key(|queued| queued.sequence);
        Ok(queued)
    }

    /// Notes that answering begins, and says for the how-manieth time. 1 for a question that is not in the inbox any more.
    pub fn begin(&self, question: &Incoming) -> Result<u32, StoreError> {
        let mut attempts = 1;
        self.change(question, |queued| {
            queued.attempts += 1;
            attempts = queued.attempts;
        })?;
        Ok(attempts)
    }

    /// Notes the message that shows the answer so far.
    pub fn draft(&self, question: &Incoming, event_id: &EventId) -> Result<(), StoreError> {
        self.change(question, |queued| queued.draft = Some(event_id.to_owned()))
    }

    fn change(&self, question: &Incoming, change: impl FnOnce(&mut Queued)) -> Result<(), StoreError> {
        let key = self.event_key(INBOX, &question.room_id, &question.event_id);
        let Some(mut queued) = self.get::<Queued>(INBOX, &key)? else { return Ok(()) };
        change(&mut queued);
        let mut batch = Batch::default();
        self.put(&mut batch, INBOX, &key, &queued)?;
        self.apply(batch)
    }

    fn knows(&self, question: &Incoming) -> Result<bool, StoreError> {
        let (room_id, event_id) = (&question.room_id, &question.event_id);
        let db = &self.inner.db;
        Ok(db.contains_key(self.event_key(INBOX, room_id, event_id))?
            || db.contains_key(self.event_key(OUTBOX, room_id, event_id))?
            || db.contains_key(self.mark(b'd', event_id))?)
    }
}
