//! The sync cursor and the questions not yet answered: what was read from Matrix is here before the next sync is asked for.

use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};

use super::answer::Answered;
use super::database::Database;
use super::error::StoreError;
use super::layout::{CURSOR, EventPlace, Key, Tree};
use super::question::{Accept, Accepted, Admitted, Edited, Queued, QueuedKind};
use super::transaction::Transaction;
use super::withdrawal::RedactedPart;
use crate::message::{Content, Gap, Incoming};
use crate::statistics::Counted;

impl Database {
    /// Writes down a sync response: questions, undecrypted events, what was edited and taken back, and the cursor together.
    ///
    /// Returns what is new only. An event already queued, answered or over is left out, so a response may be given twice.
    pub fn accept(&self, batch: &Accept<'_>, now: u64) -> Result<Accepted, StoreError> {
        let mut transaction = self.transaction();
        let stays = |room: &OwnedRoomId| !batch.left.contains(room);
        let mut new = Vec::new();
        let questions = batch.questions.iter().filter(|admitted| stays(&admitted.message.room_id));
        for Admitted { message: question, kind } in questions {
            let place = self.place(&question.room_id, &question.event_id);
            // Its key has come, whether or not it is new as a question.
            transaction.let_go(&place)?;
            let told = |transaction: &mut Transaction<'_>| match kind {
                QueuedKind::NotServed => transaction.tell_not_served(&question.room_id, &question.sender, now),
                _ => Ok(true),
            };
            if !transaction.is_known(&place)? && told(&mut transaction)? {
                transaction.queue(&place, question.clone(), kind.clone(), None, now)?;
                new.push(place);
                if question.content == Content::Joined {
                    transaction.unstrand(&question.room_id)?;
                }
            }
        }
        for event in batch.undecrypted.iter().filter(|event| stays(&event.room_id)) {
            let place = self.place(&event.room_id, &event.event_id);
            if !transaction.is_known(&place)? {
                transaction.hold(&place, event)?;
            }
        }
        if let Some(reactions) = batch.reactions {
            for reaction in reactions.given.iter().filter(|reaction| stays(&reaction.room_id)) {
                new.extend(transaction.react(reaction, reactions.day, reactions.asks_why, now)?);
            }
        }
        let (mut edited, mut redacted, mut untold) = (Vec::new(), Vec::new(), Vec::new());
        for edit in batch.edits.iter().filter(|edit| stays(&edit.room_id)) {
            let answered = if let Some(anew) = transaction.edit(edit, now)? {
                note(&mut edited, self.place(&edit.room_id, &edit.replaces), anew);
                true
            } else {
                let waiting = transaction.await_original(edit, now)?;
                let waits = waiting.is_some();
                new.extend(waiting);
                waits
            };
            redacted.extend(transaction.untell(edit, answered, &mut untold, now)?);
        }
        for edit in batch.unheeded.iter().filter(|edit| stays(&edit.room_id)) {
            redacted.extend(transaction.untell(edit, false, &mut untold, now)?);
        }
        let mut lost = Vec::new();
        for redaction in batch.redactions.iter().filter(|redaction| stays(&redaction.room_id)) {
            let (taken, question) = transaction.redact(redaction, &mut untold, now)?;
            redacted.extend(question.filter(|question| !redacted.contains(question)));
            lost.extend((taken == RedactedPart::Draft).then(|| redaction.clone()));
        }
        for (old, new) in batch.upgraded {
            transaction.upgrade(old, new)?;
        }
        for gap in batch.gaps.iter().filter(|gap| stays(&gap.room_id)) {
            transaction.put(&self.blinded_ids.gap(&gap.room_id), gap)?;
        }
        for room in batch.closed {
            transaction.remove(&self.blinded_ids.gap(room));
        }
        for room in batch.left {
            transaction.forget(self.blinded_ids.room(room), now)?;
        }
        if let Some(cursor) = batch.next_batch {
            transaction.put_value(&Key::meta(CURSOR), &cursor)?;
        }
        let undocumented = transaction.partitions_with_losses();
        let accepted = Accepted { lost, untold, undocumented, ..transaction.accepted(&new, &edited, redacted)? };
        fail::fail_point!("before-sync-saved");
        transaction.commit()?;
        fail::fail_point!("sync-saved");
        Ok(accepted)
    }

    /// Where the next sync starts; `None` when there was none yet.
    pub fn cursor(&self) -> Result<Option<String>, StoreError> {
        self.transaction().get_value(&Key::meta(CURSOR))
    }

    /// The stretches of timelines that are still to be read. Records that do not open are set aside and counted by [`Database::damaged`].
    pub fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        Ok(self.transaction().scan::<Gap>(&Key::all(Tree::Gaps))?.into_iter().map(|(_, gap)| gap).collect())
    }

    /// The questions waiting, in order of arrival. Records that do not open are set aside and counted by [`Database::damaged`].
    pub fn queued(&self) -> Result<Vec<Queued>, StoreError> {
        let questions = self.transaction().scan::<Queued>(&Key::new(Tree::Inbox, &[]))?;
        let mut questions: Vec<Queued> = questions.into_iter().map(|(_, queued)| queued).collect();
        questions.sort_unstable_by_key(|queued| queued.sequence);
        Ok(questions)
    }

    /// Counts an attempt at an answer before it is made, and returns the question as it stands now: its text may have been edited
    /// since it was read. `attempts` is the number of this attempt, from 1. `None`: the question is not waiting any more (dropped,
    /// or its room forgotten) and must not be answered.
    pub fn begin(&self, question: &Incoming) -> Result<Option<Queued>, StoreError> {
        let begun = self.change_queued(question, |transaction, queued| {
            queued.attempts = queued.attempts.saturating_add(1);
            // An edit that is looked up goes through no model, and waits for the homeserver: the process does not die of it.
            let dies = queued.begun && !matches!(queued.kind, QueuedKind::EditOf(_));
            queued.interrupted = queued.interrupted.saturating_add(u32::from(dies));
            queued.begun = true;
            if queued.again.is_some() {
                let place = self.place(&question.room_id, &question.event_id);
                let answered = transaction.find::<Answered>(&place.of(Tree::Answered))?;
                queued.shown = answered.map(|answered| answered.parts).unwrap_or_default();
            }
            Ok(queued.clone())
        })?;
        fail::fail_point!("question-begun");
        Ok(begun)
    }

    /// An attempt has ended in order without an answer: the process that ends after it has not died of it.
    pub fn pause(&self, question: &Incoming) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        let key = self.place(&question.room_id, &question.event_id).of(Tree::Inbox);
        match transaction.find::<Queued>(&key)? {
            Some(queued) if queued.begun => transaction.put(&key, &Queued { begun: false, ..queued })?,
            _ => return Ok(()),
        }
        transaction.commit()
    }

    /// The process ends in order: no attempt that is under way counts as interrupted, however the end comes.
    pub fn pause_all(&self) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        for (key, queued) in transaction.scan::<Queued>(&Key::new(Tree::Inbox, &[]))? {
            if queued.begun {
                transaction.put(&key, &Queued { begun: false, ..queued })?;
            }
        }
        transaction.commit()
    }

    /// Notes what a waiting message asks for that a release wrote which did not decide it.
    pub fn classify(&self, question: &Incoming, kind: QueuedKind) -> Result<(), StoreError> {
        self.change_queued(question, |_, queued| {
            // An edit may have decided it meanwhile.
            if queued.kind == QueuedKind::Unparsed {
                queued.kind = kind;
            }
            Ok(())
        })
        .map(drop)
    }

    /// Drops a waiting question (its author wants no answer, or is refused one), never to be accepted again; what is shown of an answer
    /// is then among [`Database::withdrawals`]. Returns whether it was waiting.
    pub fn drop_question(&self, room: &RoomId, event: &EventId, now: u64) -> Result<bool, StoreError> {
        self.end_question(room, event, now, true, None)
    }

    /// As [`Database::drop_question`], where it counts as one that was not answered.
    pub fn refuse_question(
        &self,
        room: &RoomId,
        event: &EventId,
        counted: &Counted,
        now: u64,
    ) -> Result<bool, StoreError> {
        self.end_question(room, event, now, true, Some(counted))
    }

    /// Ends a waiting question of which the room shows what it should, never to be accepted again. Returns whether it was waiting.
    pub fn close_question(&self, room: &RoomId, event: &EventId, now: u64) -> Result<bool, StoreError> {
        self.end_question(room, event, now, false, None)
    }

    /// As [`Database::close_question`], where something is counted of it.
    pub fn close_counted(
        &self,
        room: &RoomId,
        event: &EventId,
        counted: &Counted,
        now: u64,
    ) -> Result<bool, StoreError> {
        self.end_question(room, event, now, false, Some(counted))
    }

    fn end_question(
        &self,
        room: &RoomId,
        event: &EventId,
        now: u64,
        withdraw: bool,
        counted: Option<&Counted>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.transaction();
        let key = self.place(room, event).of(Tree::Inbox);
        if !transaction.contains(&key)? {
            return Ok(false);
        }
        if let Some(queued) = transaction.find::<Queued>(&key)? {
            if withdraw {
                transaction.withdraw_draft(&queued, now)?;
            }
            if let Some(counted) = counted {
                transaction.count(&queued.question, counted, None, queued.received_at, now)?;
            }
        }
        transaction.remove(&key);
        let place = self.place(room, event);
        if !transaction.contains(&place.of(Tree::Answered))? {
            transaction.forget_ratings(&place)?;
        }
        transaction.put_value(&self.dedup_key(Tree::Done, event), &now)?;
        fail::fail_point!("before-question-ended");
        transaction.commit()?;
        fail::fail_point!("question-ended");
        Ok(true)
    }

    /// Whether a question is waiting, with this very text.
    pub fn is_waiting(&self, question: &Incoming) -> Result<bool, StoreError> {
        let key = self.place(&question.room_id, &question.event_id).of(Tree::Inbox);
        Ok(self.transaction().get::<Queued>(&key)?.is_some_and(|queued| queued.question.content == question.content))
    }

    /// Remembers the message that shows the answer being written, as this question's and as the bot's own. Returns whether the
    /// question is still waiting; if it was taken back meanwhile, the message is among [`Database::withdrawals`].
    pub fn draft(&self, question: &Incoming, event: &EventId, now: u64) -> Result<bool, StoreError> {
        let place = self.place(&question.room_id, &question.event_id);
        let changed = self.change_queued(question, |transaction, queued| {
            queued.draft = Some(event.to_owned());
            transaction.put_own(event, &place, now)
        })?;
        if changed.is_none() {
            let mut transaction = self.transaction();
            transaction.withdraw_late(question, &question.room_id, event, now)?;
            transaction.commit()?;
        }
        Ok(changed.is_some())
    }

    fn change_queued<T>(
        &self,
        question: &Incoming,
        change: impl FnOnce(&mut Transaction<'_>, &mut Queued) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut transaction = self.transaction();
        let key = self.place(&question.room_id, &question.event_id).of(Tree::Inbox);
        let Some(mut queued) = transaction.get::<Queued>(&key)? else { return Ok(None) };
        let result = change(&mut transaction, &mut queued)?;
        transaction.put(&key, &queued)?;
        transaction.commit()?;
        Ok(Some(result))
    }
}

impl Transaction<'_> {
    /// Puts a question at the end of those waiting.
    pub(super) fn queue(
        &mut self,
        place: &EventPlace,
        question: Incoming,
        kind: QueuedKind,
        again: Option<OwnedEventId>,
        now: u64,
    ) -> Result<Queued, StoreError> {
        let sequence = self.next()?;
        let queued = Queued {
            sequence,
            question,
            kind,
            received_at: now,
            attempts: 0,
            begun: false,
            interrupted: 0,
            draft: None,
            again,
            shown: Vec::new(),
            lost: Vec::new(),
        };
        self.put(&place.of(Tree::Inbox), &queued)?;
        Ok(queued)
    }

    /// What is reported of a response: each question once, as it stands at the end of it.
    pub(super) fn accepted(
        &self,
        new: &[EventPlace],
        edited: &[(EventPlace, bool)],
        redacted: Vec<OwnedEventId>,
    ) -> Result<Accepted, StoreError> {
        let mut accepted = Accepted { redacted, ..Accepted::default() };
        for place in new {
            accepted.new.extend(self.find::<Queued>(&place.of(Tree::Inbox))?);
        }
        for (place, anew) in edited.iter().filter(|(place, _)| !new.contains(place)) {
            let queued = self.find::<Queued>(&place.of(Tree::Inbox))?;
            accepted.edited.extend(queued.map(|queued| Edited { queued, anew: *anew }));
        }
        Ok(accepted)
    }

    /// Whether an event is queued, being delivered, or over. A damaged outbox record counts: part of the answer may be sent.
    pub(super) fn is_known(&self, place: &EventPlace) -> Result<bool, StoreError> {
        let outbox = place.of(Tree::Outbox);
        Ok(self.contains(&place.of(Tree::Inbox))?
            || self.contains(&outbox)?
            || self.contains(&Key::new(Tree::Done, &[&place.event]))?
            || self.set_aside(&outbox)?)
    }
}

/// Notes that a question was edited, and whether it waits anew: once, whatever edits it has.
fn note(edited: &mut Vec<(EventPlace, bool)>, place: EventPlace, anew: bool) {
    match edited.iter_mut().find(|(known, _)| *known == place) {
        Some((_, before)) => *before |= anew,
        None => edited.push((place, anew)),
    }
}
