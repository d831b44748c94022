//! The plain model: what the store should remember, in the simplest words.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId};

use super::documents::Library;
use super::{KEEP, room_of};
use crate::conversation::Turn;
use crate::message::{Content, ConversationId, Edit, FileRef, Incoming, Item, Redaction, Undecrypted};
use crate::store::tests::usage::series;
use crate::store::{Accept, Admitted, Answer, Delivery, Queued, QueuedKind, Sent};

/// A question without its text, the messages of its answer, and when it was delivered.
type Answered = (Incoming, Vec<OwnedEventId>, u64);

/// The messages of answers to a question that were forgotten.
#[derive(Default)]
pub(super) struct Forgotten {
    room: Option<OwnedRoomId>,
    pub(super) messages: BTreeSet<OwnedEventId>,
    at: u64,
}

/// What is counted, and of whom and of what it is known that it was.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) questions: u64,
    pub(super) useful: u64,
    pub(super) not_useful: u64,
    /// How many persons were counted, and those of whom that is known.
    pub(super) people: u64,
    known: BTreeSet<OwnedUserId>,
    /// By question and person.
    pub(super) rated: BTreeMap<(OwnedEventId, OwnedUserId), (bool, u64)>,
}

impl Counts {
    /// Answers are forgotten, and with them what people found of them.
    fn forget(&mut self, questions: &[OwnedEventId]) {
        self.rated.retain(|(question, _), _| !questions.contains(question));
    }
}

/// What the store should remember.
#[derive(Default)]
pub(super) struct Model {
    pub(super) cursor: Option<String>,
    pub(super) inbox: Vec<Queued>,
    pub(super) outbox: Vec<Delivery>,
    /// What was said, each conversation in its order.
    pub(super) said: Vec<(ConversationId, Turn)>,
    pub(super) answered: Vec<Answered>,
    pub(super) held: BTreeMap<OwnedEventId, Undecrypted>,
    pub(super) done: HashMap<OwnedEventId, u64>,
    pub(super) own: HashMap<OwnedEventId, u64>,
    pub(super) withdrawals: BTreeMap<OwnedEventId, (OwnedRoomId, u64)>,
    pub(super) settings: HashMap<OwnedRoomId, u64>,
    pub(super) withdrawable: BTreeMap<OwnedEventId, Forgotten>,
    pub(super) counts: Counts,
    pub(super) library: Library,
}

impl Model {
    pub(super) fn waiting(&mut self, event: &EventId) -> Option<&mut Queued> {
        self.inbox.iter_mut().find(|queued| queued.question.event_id == event)
    }

    pub(super) fn delivering(&mut self, event: &EventId) -> Option<&mut Delivery> {
        self.outbox.iter_mut().find(|delivery| delivery.question.event_id == event)
    }

    pub(super) fn answered(&self, event: &EventId) -> Option<&Answered> {
        self.answered.iter().find(|(question, ..)| question.event_id == event)
    }

    /// The files of answers that are on their way.
    pub(super) fn files(&self) -> impl Iterator<Item = &FileRef> {
        let items = self.outbox.iter().flat_map(|delivery| &delivery.answer.items);
        items.filter_map(|item| if let Item::File(file) = item { Some(file) } else { None })
    }

    fn knows(&mut self, event: &EventId) -> bool {
        self.waiting(event).is_some() || self.delivering(event).is_some() || self.done.contains_key(event)
    }

    pub(super) fn queue(&mut self, question: Incoming, again: Option<OwnedEventId>, now: u64) {
        self.inbox.push(Queued {
            sequence: 0,
            question,
            kind: QueuedKind::Question,
            received_at: now,
            attempts: 0,
            begun: false,
            interrupted: 0,
            draft: None,
            again,
            shown: Vec::new(),
            lost: Vec::new(),
        });
    }

    /// Returns the new questions, the edited ones with whether they wait anew, and those taken back.
    pub(super) fn accept(
        &mut self,
        batch: &Accept<'_>,
        now: u64,
    ) -> (Vec<Incoming>, Vec<(Incoming, bool)>, Vec<OwnedEventId>) {
        let stays = |room: &OwnedRoomId| !batch.left.contains(room);
        let mut new = Vec::new();
        for Admitted { message: question, .. } in batch.questions.iter().filter(|one| stays(&one.message.room_id)) {
            self.held.remove(&question.event_id);
            if !self.knows(&question.event_id) {
                new.push(question.event_id.clone());
                self.queue(question.clone(), None, now);
            }
        }
        for event in batch.undecrypted.iter().filter(|event| stays(&event.room_id)) {
            if !self.knows(&event.event_id) {
                self.held.entry(event.event_id.clone()).or_insert_with(|| event.clone());
            }
        }
        let mut edited: Vec<(OwnedEventId, bool)> = Vec::new();
        for edit in batch.edits.iter().filter(|edit| stays(&edit.room_id)) {
            let Some(anew) = self.edit(edit, now) else { continue };
            match edited.iter_mut().find(|(event, _)| *event == edit.replaces) {
                Some((_, before)) => *before |= anew,
                None => edited.push((edit.replaces.clone(), anew)),
            }
        }
        let mut redacted = Vec::new();
        for redaction in batch.redactions.iter().filter(|redaction| stays(&redaction.room_id)) {
            let document = self.library.redact(redaction).then(|| redaction.redacts.clone());
            let question = self.redact(redaction, now).or(document);
            redacted.extend(question.filter(|question| !redacted.contains(question)));
        }
        batch.left.iter().for_each(|room| self.forget(room, now));
        self.cursor = batch.next_batch.map(str::to_owned);
        edited.retain(|(event, _)| !new.contains(event));
        let new = new.iter().filter_map(|event| Some(self.waiting(event)?.question.clone())).collect();
        let edited = edited.iter().filter_map(|(event, anew)| Some((self.waiting(event)?.question.clone(), *anew)));
        (new, edited.collect(), redacted)
    }

    fn edit(&mut self, edit: &Edit, now: u64) -> Option<bool> {
        if self.done.contains_key(&edit.event_id) {
            return None;
        }
        let known = self.delivering(&edit.replaces).map(|delivery| delivery.question.clone());
        let known = known.or_else(|| self.answered(&edit.replaces).map(|(question, ..)| question.clone()));
        let older = |question: &Incoming| edit.sent_at < question.edited_at;
        let anew = match self.waiting(&edit.replaces) {
            Some(queued) if queued.question.sender == edit.sender => {
                if older(&queued.question) {
                    self.done.insert(edit.event_id.clone(), now);
                    return None;
                }
                queued.question.content = Content::Text(edit.body.clone());
                queued.question.edited_at = edit.sent_at;
                false
            }
            Some(_) => return None,
            None => {
                let question = known.filter(|question| question.sender == edit.sender)?;
                if older(&question) {
                    self.done.insert(edit.event_id.clone(), now);
                    return None;
                }
                let question =
                    Incoming { content: Content::Text(edit.body.clone()), edited_at: edit.sent_at, ..question };
                self.queue(question, Some(edit.event_id.clone()), now);
                true
            }
        };
        self.done.insert(edit.event_id.clone(), now);
        Some(anew)
    }

    fn redact(&mut self, redaction: &Redaction, now: u64) -> Option<OwnedEventId> {
        let Redaction { room_id, redacts } = redaction;
        let known = self.waiting(redacts).is_some()
            || self.delivering(redacts).is_some()
            || self.held.contains_key(redacts)
            || self.answered(redacts).is_some()
            || self.withdrawable.contains_key(redacts);
        let shows = |(_, parts, _): &&Answered| parts.contains(redacts);
        let question = if known {
            redacts.clone()
        } else {
            self.own.get(redacts)?;
            let sent = self.outbox.iter().find(|delivery| delivery.messages().any(|sent| sent == redacts));
            let sent = sent.map(|delivery| delivery.question.event_id.clone());
            sent.or_else(|| Some(self.answered.iter().find(shows)?.0.event_id.clone()))?
        };
        let mut messages = Vec::new();
        let unnamed = |queued: &mut Queued| queued.attempts > 0 && queued.draft.is_none() && queued.again.is_none();
        if self.waiting(&question).is_some_and(unnamed)
            || self.delivering(&question).is_some_and(|delivery| delivery.sent.len() < delivery.answer.items.len())
        {
            messages.push(question.clone());
        }
        messages.extend(self.waiting(&question).and_then(|queued| queued.draft.clone()));
        if let Some(delivery) = self.delivering(&question) {
            messages.extend(delivery.messages().chain(&delivery.answer.shown).cloned());
        }
        messages.extend(self.answered(&question).map_or(Vec::new(), |(_, parts, _)| parts.clone()));
        messages.extend(self.withdrawable.remove(&question).map(|kept| kept.messages).unwrap_or_default());
        self.counts.forget(std::slice::from_ref(&question));
        self.withdrawals.extend(messages.into_iter().map(|message| (message, (room_id.clone(), now))));
        self.inbox.retain(|queued| queued.question.event_id != question);
        self.outbox.retain(|delivery| delivery.question.event_id != question);
        self.answered.retain(|(answered, ..)| answered.event_id != question);
        self.held.remove(&question);
        self.said.retain(|(_, turn)| turn.event_id != question);
        self.done.insert(question.clone(), now);
        Some(question)
    }

    /// Whether it was waiting.
    pub(super) fn drop_question(&mut self, room: &OwnedRoomId, event: &EventId, now: u64) -> bool {
        let Some(index) = self.inbox.iter().position(|queued| queued.question.event_id == event) else { return false };
        let queued = self.inbox.remove(index);
        let unnamed = queued.attempts > 0 && queued.again.is_none();
        let shown = queued.draft.or_else(|| unnamed.then(|| event.to_owned()));
        self.withdrawals.extend(shown.map(|message| (message, (room.clone(), now))));
        self.done.insert(event.to_owned(), now);
        if self.answered(event).is_none() {
            self.counts.forget(&[event.to_owned()]);
        }
        true
    }

    fn forget(&mut self, room: &OwnedRoomId, now: u64) {
        let inbox = self.inbox.iter().map(|queued| &queued.question);
        let questions = inbox.chain(self.outbox.iter().map(|delivery| &delivery.question));
        let over = questions.filter(|question| question.room_id == *room).map(|question| question.event_id.clone());
        self.done.extend(over.map(|event| (event, now)));
        self.inbox.retain(|queued| queued.question.room_id != *room);
        self.outbox.retain(|delivery| delivery.question.room_id != *room);
        self.held.retain(|_, event| event.room_id != *room);
        self.withdrawals.retain(|_, (of, _)| of != room);
        self.settings.remove(room);
        self.library.leave(room);
        self.forget_said(|question| question.room_id == *room, now);
        // The bot is out of the room.
        self.withdrawable.retain(|_, kept| kept.room.as_ref() != Some(room));
        let index = |event: &OwnedEventId| event.localpart().parse().unwrap_or(0_usize);
        self.counts.rated.retain(|(question, _), _| super::room(&room_of(index(question))) != *room);
    }

    /// Forgets exchanges by where they were said.
    pub(super) fn forget_said(&mut self, forgotten: impl Fn(&ConversationId) -> bool, now: u64) {
        self.said.retain(|(conversation, _)| !forgotten(conversation));
        self.forget_answered(|(question, ..)| forgotten(&question.conversation()), now);
    }

    /// Forgets answers, but for the messages that go with their questions.
    fn forget_answered(&mut self, forgotten: impl Fn(&Answered) -> bool, now: u64) {
        for (question, parts, _) in self.answered.extract_if(.., |answered| forgotten(answered)).collect::<Vec<_>>() {
            self.counts.forget(std::slice::from_ref(&question.event_id));
            self.keep(&question, parts, now);
        }
    }

    fn keep(&mut self, question: &Incoming, parts: Vec<OwnedEventId>, now: u64) {
        if parts.is_empty() && !self.withdrawable.contains_key(&question.event_id) {
            return;
        }
        let kept = self.withdrawable.entry(question.event_id.clone()).or_default();
        (kept.room, kept.at) = (Some(question.room_id.clone()), now);
        kept.messages.extend(parts);
    }

    /// Forgets a person: what waits for an answer, and what the model has written and nobody sees yet, goes no further.
    pub(super) fn forget_person(&mut self, person: &OwnedUserId, now: u64) {
        let asked: Vec<OwnedEventId> = self
            .said
            .iter()
            .filter(|(_, turn)| turn.asker.as_ref() == Some(person))
            .map(|(_, turn)| turn.event_id.clone())
            .collect();
        self.said.retain(|(_, turn)| !asked.contains(&turn.event_id));
        self.forget_answered(|(question, ..)| question.sender == *person, now);
        self.counts.rated.retain(|(_, by), _| by != person);
        for queued in self.inbox.clone().into_iter().filter(|queued| queued.question.sender == *person) {
            self.drop_question(&queued.question.room_id, &queued.question.event_id, now);
        }
        for mut delivery in std::mem::take(&mut self.outbox) {
            let with_file = delivery.answer.items.iter().any(|item| matches!(item, Item::File(_)));
            if delivery.question.sender != *person {
                self.outbox.push(delivery);
            } else if with_file || !delivery.sent.is_empty() {
                delivery.forgotten = true;
                self.outbox.push(delivery);
            } else {
                let Incoming { event_id, room_id, .. } = delivery.question;
                if delivery.answer.shown.is_empty() {
                    self.withdrawals.insert(event_id.clone(), (room_id, now));
                }
                self.counts.forget(std::slice::from_ref(&event_id));
                self.done.insert(event_id, now);
            }
        }
        self.held.retain(|_, event| event.sender.as_ref() != Some(person));
        // Otherwise one person could be many.
        self.counts.people -= u64::from(self.counts.known.remove(person));
        self.library.forget_person(person);
    }

    /// What a person finds of the message that shows a part of an answer.
    pub(super) fn rate(&mut self, question: &EventId, message: &EventId, by: &OwnedUserId, useful: bool, now: u64) {
        let shows = self.answered(question).is_some_and(|(_, parts, _)| parts.iter().any(|part| part == message));
        if !self.own.contains_key(message) || !(shows || self.delivering(question).is_some()) {
            return;
        }
        let counts = &mut self.counts;
        let (before, at) = match counts.rated.get(&(question.to_owned(), by.clone())) {
            Some((before, at)) => (Some(*before), *at),
            None => (None, now),
        };
        for (rating, adds) in before.map(|before| (before, false)).into_iter().chain([(useful, true)]) {
            let count = if rating { &mut counts.useful } else { &mut counts.not_useful };
            *count = if adds { *count + 1 } else { *count - 1 };
        }
        counts.rated.insert((question.to_owned(), by.clone()), (useful, at));
    }

    pub(super) fn conclude(&mut self, question: &Incoming, answer: Answer, turns: Vec<Turn>, now: u64) -> bool {
        let Some(index) = self.inbox.iter().position(|queued| queued.question == *question) else { return false };
        self.inbox.remove(index);
        let conversation = question.conversation();
        let earlier = |(_, turn): &(ConversationId, Turn)| turn.event_id == question.event_id;
        let at = self.said.iter().position(earlier).unwrap_or(self.said.len());
        self.said.retain(|said| !earlier(said));
        self.said.splice(at..at, turns.into_iter().map(|turn| (conversation.clone(), turn)));
        if let Some(index) = self.outbox.iter().position(|delivery| delivery.question.event_id == question.event_id) {
            let overtaken = self.outbox.remove(index);
            let replaced =
                |event: &&OwnedEventId| answer.shown.contains(*event) || answer.draft.as_ref() == Some(*event);
            for event in overtaken.messages().filter(|event| !replaced(event)) {
                self.withdrawals.insert(event.clone(), (question.room_id.clone(), now));
            }
        }
        self.counts.questions += 1;
        self.counts.people += u64::from(self.counts.known.insert(question.sender.clone()));
        let question = question.clone();
        self.outbox.push(Delivery {
            sequence: 0,
            question,
            answer,
            sent: Vec::new(),
            uploaded: BTreeMap::new(),
            stored_at: now,
            usage: None,
            series: Some(series("juriste")),
            forgotten: false,
        });
        true
    }

    /// Whether the acknowledgement is in order. `has_key`: whether the room still has a key.
    pub(super) fn part_sent(
        &mut self,
        question: &Incoming,
        part: usize,
        event: &EventId,
        has_key: bool,
        now: u64,
    ) -> bool {
        if let Some(delivery) = self.delivering(&question.event_id) {
            match part.cmp(&delivery.sent.len()) {
                std::cmp::Ordering::Less => delivery.sent[part] = event.into(),
                std::cmp::Ordering::Equal => delivery.sent.push(event.into()),
                std::cmp::Ordering::Greater => return false,
            }
        } else {
            self.late(question, event, has_key, now);
        }
        self.own.insert(event.to_owned(), now);
        true
    }

    /// A message that was on its way while its question was taken back.
    pub(super) fn late(&mut self, question: &Incoming, event: &EventId, has_key: bool, now: u64) {
        let shown =
            self.answered(&question.event_id).is_some_and(|(_, parts, _)| parts.iter().any(|part| part == event));
        let over = self.done.contains_key(&question.event_id) && self.delivering(&question.event_id).is_none();
        if over && has_key && !shown {
            self.withdrawals.insert(event.to_owned(), (question.room_id.clone(), now));
        }
    }

    pub(super) fn delivered(&mut self, question: &Incoming, now: u64) {
        if let Some(index) = self.outbox.iter().position(|delivery| delivery.question.event_id == question.event_id) {
            let Delivery { question, answer, sent, forgotten, .. } = self.outbox.remove(index);
            let sent: Vec<OwnedEventId> = sent.iter().filter_map(Sent::message).cloned().collect();
            let left = answer.shown.into_iter().take(answer.items.len()).skip(sent.len());
            let parts = sent.iter().cloned().chain(left.filter(|event| !sent.contains(event))).collect();
            self.done.insert(question.event_id.clone(), now);
            if forgotten {
                return self.keep(&question, parts, now);
            }
            self.answered.retain(|(answered, ..)| answered.event_id != question.event_id);
            self.answered.push((Incoming { content: Content::Text(String::new()), ..question }, parts, now));
        }
        self.done.insert(question.event_id.clone(), now);
    }

    pub(super) fn purge(&mut self, now: u64) {
        self.done.retain(|_, at| now - *at <= KEEP.dedup);
        self.own.retain(|_, at| now - *at <= KEEP.dedup);
        self.held.retain(|_, event| now - event.sent_at <= KEEP.undecrypted);
        let settings = &self.settings;
        let kept = |room: &OwnedRoomId| settings.get(room).copied().unwrap_or(KEEP.turns).min(KEEP.turns_at_most);
        self.said.retain(|(conversation, turn)| now - turn.at <= kept(&conversation.room_id));
        let old = |(question, _, at): &Answered| now - *at > kept(&question.room_id);
        let (gone, answered): (Vec<Answered>, _) = std::mem::take(&mut self.answered).into_iter().partition(old);
        self.answered = answered;
        let index = |event: &OwnedEventId| event.localpart().parse().unwrap_or(0_usize);
        self.counts.rated.retain(|(question, _), (_, at)| now - *at <= kept(&super::room(&room_of(index(question)))));
        self.withdrawals.retain(|_, (_, at)| now - *at <= KEEP.dedup);
        self.library.purge(now, kept);
        for (question, parts, _) in gone {
            self.counts.forget(std::slice::from_ref(&question.event_id));
            self.keep(&question, parts, now);
        }
        self.withdrawable.retain(|_, kept| now - kept.at <= KEEP.withdrawable);
    }
}
