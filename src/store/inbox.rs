//! The sync cursor and the questions not yet answered: what was read from Matrix is here before the next sync is asked for.

use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use serde::{Deserialize, Serialize};

use super::answered::Answered;
use super::records::{CURSOR, Key, Place, Tree};
use super::session::Session;
use super::withdraw::Taken;
use super::{Database, StoreError};
use crate::command::Call;
use crate::message::{Content, Edit, Gap, Incoming, Redaction, Undecrypted};

/// What one sync response, or a key that came late, brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accept<'a> {
    /// Where the next sync starts; `None` leaves the cursor where it is (a late key brings questions without a sync).
    pub next_batch: Option<&'a str>,
    /// Messages for the bot, in order.
    pub questions: &'a [Admitted],
    /// Events that could not be decrypted.
    pub undecrypted: &'a [Undecrypted],
    /// Rooms the bot is no longer in: they are forgotten, and their questions in this same response with them.
    pub left: &'a [OwnedRoomId],
    /// Messages whose text was changed.
    pub edits: &'a [Edit],
    /// Events that were taken back.
    pub redactions: &'a [Redaction],
    /// Rooms that were upgraded, as (old, new): the old one's settings move, unless the new one has its own.
    pub upgraded: &'a [(OwnedRoomId, OwnedRoomId)],
    /// Stretches of timelines that are still to be read, each in the place of its room's earlier one.
    pub gaps: &'a [Gap],
    /// Rooms whose gap is read, or given up.
    pub closed: &'a [OwnedRoomId],
}

/// A message that the bot is to do something about.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Admitted {
    /// The message.
    pub message: Incoming,
    /// What it asks for.
    pub kind: QueuedKind,
}

/// What a message asks for: decided once, when it is accepted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum QueuedKind {
    /// An answer by the model.
    Question,
    /// A command.
    Command(Call),
    /// The bot joined a room: it says what it is.
    Welcome,
    /// Messages were missed: the bot says so.
    Missed,
    /// A file, an image, a recording.
    Attachment,
    /// A release that did not decide this yet has written it: it is decided at start.
    #[default]
    Unparsed,
}

/// What was new in what was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// New questions.
    pub new: Vec<Queued>,
    /// Questions whose text has changed.
    pub edited: Vec<Edited>,
    /// Questions that were taken back, at whatever stage: waiting, being answered, answered.
    pub redacted: Vec<OwnedEventId>,
    /// Messages that showed an answer being written and were taken away by somebody: the answer needs another one.
    pub lost: Vec<Redaction>,
}

/// A question whose text has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The question with its new text, as it now waits.
    pub queued: Queued,
    /// Whether its answer was already written: it waits anew. Otherwise it was still waiting, or being answered from its old text.
    pub anew: bool,
}

/// A question waiting for its answer.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Queued {
    /// Its place in the order of arrival; grows across restarts.
    pub sequence: u64,
    /// The question.
    pub question: Incoming,
    /// What it asks for.
    #[serde(default)]
    pub kind: QueuedKind,
    /// When it was accepted.
    pub received_at: u64,
    /// How many times answering it was begun.
    pub attempts: u32,
    /// Whether an attempt is under way: a process that dies in it leaves this behind.
    #[serde(default)]
    pub begun: bool,
    /// How many attempts have ended with their process, in no orderly way.
    #[serde(default)]
    pub interrupted: u32,
    /// The message that shows the answer being written, if one was sent.
    pub draft: Option<OwnedEventId>,
    /// For a question that is answered again: the event for which it is (an edit, a command).
    #[serde(default)]
    pub again: Option<OwnedEventId>,
    /// For a question that is answered again: the messages of the earlier answer, which the new one replaces. Known from
    /// [`Database::begin`] on.
    #[serde(default)]
    pub shown: Vec<OwnedEventId>,
    /// The messages that showed the answer being written and were taken away by somebody, at most [`MOST_LOST`].
    #[serde(default)]
    pub lost: Vec<OwnedEventId>,
}

/// How many lost drafts of a question are remembered: the last one tells the next one's transaction ids apart.
pub(super) const MOST_LOST: usize = 8;

impl Queued {
    /// Whether the room may show something in answer to it that no record names.
    pub(super) fn may_show_more(&self) -> bool {
        self.attempts > 0 && self.draft.is_none() && self.again.is_none()
    }

    /// Somebody took the draft away.
    pub(super) fn lose_draft(&mut self) {
        lose(&mut self.draft, &mut self.lost);
    }
}

/// Moves a draft to those that are lost.
pub(super) fn lose(draft: &mut Option<OwnedEventId>, lost: &mut Vec<OwnedEventId>) {
    lost.extend(draft.take());
    lost.drain(..lost.len().saturating_sub(MOST_LOST));
}

impl Database {
    /// Writes down a sync response: questions, undecrypted events, what was edited and taken back, and the cursor together.
    ///
    /// Returns what is new only. An event already queued, answered or over is left out, so a response may be given twice.
    pub fn accept(&self, batch: &Accept<'_>, now: u64) -> Result<Accepted, StoreError> {
        let mut session = self.session();
        let stays = |room: &OwnedRoomId| !batch.left.contains(room);
        let mut new = Vec::new();
        let questions = batch.questions.iter().filter(|admitted| stays(&admitted.message.room_id));
        for Admitted { message: question, kind } in questions {
            let place = self.place(&question.room_id, &question.event_id);
            // Its key has come, whether or not it is new as a question.
            session.let_go(&place)?;
            if !session.is_known(&place)? {
                session.queue(&place, question.clone(), kind.clone(), None, now)?;
                new.push(place);
                if question.content == Content::Joined {
                    session.unstrand(&question.room_id)?;
                }
            }
        }
        for event in batch.undecrypted.iter().filter(|event| stays(&event.room_id)) {
            let place = self.place(&event.room_id, &event.event_id);
            if !session.is_known(&place)? {
                session.hold(&place, event)?;
            }
        }
        let edited = session.edit_all(batch.edits.iter().filter(|edit| stays(&edit.room_id)), now)?;
        let (mut redacted, mut lost) = (Vec::new(), Vec::new());
        for redaction in batch.redactions.iter().filter(|redaction| stays(&redaction.room_id)) {
            let (taken, question) = session.redact(redaction, now)?;
            redacted.extend(question.filter(|question| !redacted.contains(question)));
            lost.extend((taken == Taken::Draft).then(|| redaction.clone()));
        }
        for (old, new) in batch.upgraded {
            session.upgrade(old, new)?;
        }
        for gap in batch.gaps.iter().filter(|gap| stays(&gap.room_id)) {
            session.put(&self.0.names.gap(&gap.room_id), gap)?;
        }
        for room in batch.closed {
            session.remove(&self.0.names.gap(room));
        }
        for room in batch.left {
            session.forget(self.0.names.room(room), now)?;
        }
        if let Some(cursor) = batch.next_batch {
            session.put(&Key::meta(CURSOR), &cursor)?;
        }
        let accepted = Accepted { lost, ..session.accepted(&new, &edited, redacted)? };
        fail::fail_point!("before-sync-saved");
        session.commit()?;
        fail::fail_point!("sync-saved");
        Ok(accepted)
    }

    /// Where the next sync starts; `None` when there was none yet.
    pub fn cursor(&self) -> Result<Option<String>, StoreError> {
        self.session().get(&Key::meta(CURSOR))
    }

    /// The stretches of timelines that are still to be read. Records that do not open are set aside and counted by [`Database::damaged`].
    pub fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        Ok(self.session().scan::<Gap>(&Key::all(Tree::Gaps))?.into_iter().map(|(_, gap)| gap).collect())
    }

    /// The questions waiting, in order of arrival. Records that do not open are set aside and counted by [`Database::damaged`].
    pub fn queued(&self) -> Result<Vec<Queued>, StoreError> {
        let questions = self.session().scan::<Queued>(&Key::new(Tree::Inbox, &[]))?;
        let mut questions: Vec<Queued> = questions.into_iter().map(|(_, queued)| queued).collect();
        questions.sort_unstable_by_key(|queued| queued.sequence);
        Ok(questions)
    }

    /// Counts an attempt at an answer before it is made, and returns the question as it stands now: its text may have been edited
    /// since it was read. `attempts` is the number of this attempt, from 1. `None`: the question is not waiting any more (dropped,
    /// or its room forgotten) and must not be answered.
    pub fn begin(&self, question: &Incoming) -> Result<Option<Queued>, StoreError> {
        let begun = self.change_queued(question, |session, queued| {
            queued.attempts = queued.attempts.saturating_add(1);
            queued.interrupted = queued.interrupted.saturating_add(u32::from(queued.begun));
            queued.begun = true;
            if queued.again.is_some() {
                let place = self.place(&question.room_id, &question.event_id);
                let answered = session.look::<Answered>(&place.of(Tree::Answered))?;
                queued.shown = answered.map(|answered| answered.parts).unwrap_or_default();
            }
            Ok(queued.clone())
        })?;
        fail::fail_point!("question-begun");
        Ok(begun)
    }

    /// An attempt has ended in order without an answer: the process that ends after it has not died of it.
    pub fn pause(&self, question: &Incoming) -> Result<(), StoreError> {
        let mut session = self.session();
        let key = self.place(&question.room_id, &question.event_id).of(Tree::Inbox);
        match session.look::<Queued>(&key)? {
            Some(queued) if queued.begun => session.put(&key, &Queued { begun: false, ..queued })?,
            _ => return Ok(()),
        }
        session.commit()
    }

    /// The process ends in order: no attempt that is under way counts as interrupted, however the end comes.
    pub fn pause_all(&self) -> Result<(), StoreError> {
        let mut session = self.session();
        for (key, queued) in session.scan::<Queued>(&Key::new(Tree::Inbox, &[]))? {
            if queued.begun {
                session.put(&key, &Queued { begun: false, ..queued })?;
            }
        }
        session.commit()
    }

    /// Notes what a waiting message asks for that a release wrote which did not decide it.
    pub fn classify(&self, question: &Incoming, kind: QueuedKind) -> Result<(), StoreError> {
        self.change_queued(question, |_, queued| {
            queued.kind = kind;
            Ok(())
        })
        .map(drop)
    }

    /// Drops a waiting question (its author wants no answer, or is refused one), never to be accepted again; what is shown of an answer
    /// is then among [`Database::withdrawals`]. Returns whether it was waiting.
    pub fn drop_question(&self, room: &RoomId, event: &EventId, now: u64) -> Result<bool, StoreError> {
        self.end_question(room, event, now, true)
    }

    /// Ends a waiting question of which the room shows what it should, never to be accepted again. Returns whether it was waiting.
    pub fn close_question(&self, room: &RoomId, event: &EventId, now: u64) -> Result<bool, StoreError> {
        self.end_question(room, event, now, false)
    }

    fn end_question(&self, room: &RoomId, event: &EventId, now: u64, withdraw: bool) -> Result<bool, StoreError> {
        let mut session = self.session();
        let key = self.place(room, event).of(Tree::Inbox);
        if !session.contains(&key)? {
            return Ok(false);
        }
        if withdraw && let Some(queued) = session.look::<Queued>(&key)? {
            session.withdraw_draft(&queued, now)?;
        }
        session.remove(&key);
        session.put(&self.mark(Tree::Done, event), &now)?;
        session.commit()?;
        Ok(true)
    }

    /// Whether a question is waiting, with this very text.
    pub fn is_waiting(&self, question: &Incoming) -> Result<bool, StoreError> {
        let key = self.place(&question.room_id, &question.event_id).of(Tree::Inbox);
        Ok(self.session().get::<Queued>(&key)?.is_some_and(|queued| queued.question.content == question.content))
    }

    /// Remembers the message that shows the answer being written, as this question's and as the bot's own. Returns whether the
    /// question is still waiting; if it was taken back meanwhile, the message is among [`Database::withdrawals`].
    pub fn draft(&self, question: &Incoming, event: &EventId, now: u64) -> Result<bool, StoreError> {
        let own = self.mark(Tree::Own, event);
        let changed = self.change_queued(question, |session, queued| {
            queued.draft = Some(event.to_owned());
            session.put(&own, &now)
        })?;
        if changed.is_none() {
            let mut session = self.session();
            session.withdraw_late(question, event, now)?;
            session.commit()?;
        }
        Ok(changed.is_some())
    }

    fn change_queued<T>(
        &self,
        question: &Incoming,
        change: impl FnOnce(&mut Session<'_>, &mut Queued) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut session = self.session();
        let key = self.place(&question.room_id, &question.event_id).of(Tree::Inbox);
        let Some(mut queued) = session.get::<Queued>(&key)? else { return Ok(None) };
        let result = change(&mut session, &mut queued)?;
        session.put(&key, &queued)?;
        session.commit()?;
        Ok(Some(result))
    }
}

impl Session<'_> {
    /// Puts a question at the end of those waiting.
    pub(super) fn queue(
        &mut self,
        place: &Place,
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

    /// Makes edits in their order; returns which questions they changed, and whether any of them waits anew.
    fn edit_all<'e>(
        &mut self,
        edits: impl Iterator<Item = &'e Edit>,
        now: u64,
    ) -> Result<Vec<(Place, bool)>, StoreError> {
        let mut edited: Vec<(Place, bool)> = Vec::new();
        for edit in edits {
            let Some(anew) = self.edit(edit, now)? else { continue };
            let place = Place::new(self.names(), &edit.room_id, &edit.replaces);
            match edited.iter_mut().find(|(known, _)| *known == place) {
                Some((_, before)) => *before |= anew,
                None => edited.push((place, anew)),
            }
        }
        Ok(edited)
    }

    /// What is reported of a response: each question once, as it stands at the end of it.
    fn accepted(
        &self,
        new: &[Place],
        edited: &[(Place, bool)],
        redacted: Vec<OwnedEventId>,
    ) -> Result<Accepted, StoreError> {
        let mut accepted = Accepted { redacted, ..Accepted::default() };
        for place in new {
            accepted.new.extend(self.look::<Queued>(&place.of(Tree::Inbox))?);
        }
        for (place, anew) in edited.iter().filter(|(place, _)| !new.contains(place)) {
            let queued = self.look::<Queued>(&place.of(Tree::Inbox))?;
            accepted.edited.extend(queued.map(|queued| Edited { queued, anew: *anew }));
        }
        Ok(accepted)
    }

    /// Whether an event is queued, being delivered, or over. A damaged outbox record counts: part of the answer may be sent.
    fn is_known(&self, place: &Place) -> Result<bool, StoreError> {
        let outbox = place.of(Tree::Outbox);
        Ok(self.contains(&place.of(Tree::Inbox))?
            || self.contains(&outbox)?
            || self.contains(&Key::new(Tree::Done, &[&place.event]))?
            || self.set_aside(&outbox)?)
    }
}
