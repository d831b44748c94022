//! Edits that make a question of a message which was none. The edit waits like a question until its original is looked up; what is answered
//! then is the original, under its own id, so that it is answered once whatever edits it has.

use ruma::{EventId, OwnedEventId};

use super::database::Database;
use super::error::StoreError;
use super::layout::{EventPlace, Key, Tree};
use super::question::{Accepted, Queued, QueuedKind};
use super::transaction::Transaction;
use crate::message::{Content, Edit, Incoming};

impl Database {
    /// Ends the wait of an edit whose original was looked up: the original waits with its new text, or where it is a question meanwhile, it
    /// is edited. `None`: the edit counts for nothing.
    pub fn promote(&self, edit: &Incoming, original: Option<&Incoming>, now: u64) -> Result<Accepted, StoreError> {
        let mut transaction = self.transaction();
        let key = self.place(&edit.room_id, &edit.event_id).of(Tree::Inbox);
        // It was taken back meanwhile, or its room left.
        if transaction.find::<Queued>(&key)?.is_none() {
            return Ok(Accepted::default());
        }
        transaction.remove(&key);
        let (mut new, mut edited) = (Vec::new(), Vec::new());
        if let Some(original) = original {
            let place = self.place(&original.room_id, &original.event_id);
            if transaction.is_known(&place)? {
                edited.extend(transaction.edit(&edit_of(edit, original), now)?.map(|anew| (place, anew)));
            } else {
                transaction.let_go(&place)?;
                let content = original.content.reworded(edit.text());
                let (mentions_me, edited_at) = (edit.mentions_me, edit.sent_at);
                let question = Incoming { mentions_me, content, edited_at, ..original.clone() };
                transaction.queue(&place, question, QueuedKind::Question, None, now)?;
                new.push(place);
            }
        }
        transaction.put_value(&self.dedup_key(Tree::Done, &edit.event_id), &now)?;
        let accepted = transaction.accepted(&new, &edited, Vec::new())?;
        transaction.commit()?;
        Ok(accepted)
    }
}

/// An edit of a question that is known.
fn edit_of(edit: &Incoming, original: &Incoming) -> Edit {
    Edit {
        room_id: edit.room_id.clone(),
        event_id: edit.event_id.clone(),
        replaces: original.event_id.clone(),
        sender: edit.sender.clone(),
        sent_at: edit.sent_at,
        body: edit.text().to_owned(),
        mentions_me: Some(edit.mentions_me),
        direct: edit.direct,
        without_call: None,
    }
}

impl Transaction<'_> {
    /// Has an edit that calls the bot wait, where nothing is known of its original. Returns where it waits.
    pub(super) fn await_original(&mut self, edit: &Edit, now: u64) -> Result<Option<EventPlace>, StoreError> {
        let original = EventPlace::new(self.blinded_ids(), &edit.room_id, &edit.replaces);
        let place = EventPlace::new(self.blinded_ids(), &edit.room_id, &edit.event_id);
        if !edit.calls() || self.is_known(&original)? || self.is_known(&place)? {
            return Ok(None);
        }
        if self.contains(&original.of(Tree::Answered))? {
            return Ok(None);
        }
        let kind = QueuedKind::EditOf(edit.replaces.clone());
        self.queue(&place, waiting(edit, edit.event_id.clone()), kind, None, now)?;
        Ok(Some(place))
    }

    /// Ends the wait of all edits of a message that is no more. Whether there were any.
    pub(super) fn drop_edits_of(&mut self, original: &EventPlace, id: &EventId, now: u64) -> Result<bool, StoreError> {
        let mut waited = false;
        for (key, queued) in self.scan::<Queued>(&Key::new(Tree::Inbox, &[&original.room]))? {
            if matches!(&queued.kind, QueuedKind::EditOf(replaced) if replaced == id) {
                self.remove(&key);
                let done = self.blinded_ids().dedup_key(Tree::Done, &queued.question.event_id);
                self.put_value(&done, &now)?;
                waited = true;
            }
        }
        Ok(waited)
    }
}

/// An edit as a message that waits: in a lane of its own, because the homeserver may take long to say what it changes.
fn waiting(edit: &Edit, event_id: OwnedEventId) -> Incoming {
    Incoming {
        thread: Some(event_id.clone()),
        event_id,
        room_id: edit.room_id.clone(),
        sender: edit.sender.clone(),
        replies_to: None,
        mentions_me: edit.mentions_me == Some(true),
        direct: edit.direct,
        sent_at: edit.sent_at,
        content: Content::Text(edit.body.clone()),
        name: None,
        megolm_session: None,
        edited_at: 0,
        without_call: None,
    }
}
