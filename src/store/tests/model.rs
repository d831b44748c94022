//! Random histories, with kills, against a plain model in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use proptest::prelude::*;
use ruma::{EventId, OwnedEventId, OwnedRoomId};
use tempfile::TempDir;

use super::{
    Accept, Conclusion, Delivery, Queued, Store, Undecrypted, after_a_kill, answer, event, folder, held, in_thread,
    open, question, room, turns,
};
use crate::conversation::Turn;
use crate::message::{ConversationId, Incoming};
use crate::store::Retention;

const EVENTS: usize = 6;
const ROOMS: usize = 2;
const KEEP: Retention = Retention { marks: 60, turns: 40, undecrypted: 50 };

#[derive(Clone, Debug)]
enum Step {
    Accept { questions: Vec<usize>, held: Vec<usize>, left: Option<usize> },
    Begin(usize),
    Draft(usize),
    Conclude(usize),
    PartSent(usize, usize),
    Delivered(usize),
    Drop(usize),
    ForgetRoom(usize),
    ForgetConversation(usize),
    Decrypted(usize),
    Encrypted(usize),
    Purge,
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let some = || prop::collection::vec(0..EVENTS, 0..4);
    let left = prop::option::weighted(0.15, 0..ROOMS);
    let step = prop_oneof![
        6 => (some(), some(), left).prop_map(|(questions, held, left)| Step::Accept { questions, held, left }),
        3 => (0..EVENTS).prop_map(Step::Begin),
        2 => (0..EVENTS).prop_map(Step::Draft),
        6 => (0..EVENTS).prop_map(Step::Conclude),
        4 => (0..EVENTS, 0..2_usize).prop_map(|(event, part)| Step::PartSent(event, part)),
        3 => (0..EVENTS).prop_map(Step::Delivered),
        1 => (0..EVENTS).prop_map(Step::Drop),
        1 => (0..ROOMS).prop_map(Step::ForgetRoom),
        1 => (0..EVENTS).prop_map(Step::ForgetConversation),
        1 => (0..EVENTS).prop_map(Step::Decrypted),
        1 => (0..ROOMS).prop_map(Step::Encrypted),
        2 => Just(Step::Purge),
        3 => Just(Step::Kill),
    ];
    prop::collection::vec(step, 1..40)
}

fn room_of(index: usize) -> String {
    format!("r{}", index % ROOMS)
}

/// Events are spread over two rooms, and in each over the main line and a thread.
fn asked(index: usize) -> Incoming {
    let question = question(&room_of(index), &index.to_string());
    if index % 4 < 2 { question } else { in_thread(question, "root") }
}

fn unread(index: usize, now: u64) -> Undecrypted {
    Undecrypted { sent_at: now, ..held(&room_of(index), &index.to_string()) }
}

/// What the store should remember.
#[derive(Default)]
struct Model {
    cursor: Option<String>,
    inbox: Vec<Queued>,
    outbox: Vec<Delivery>,
    turns: HashMap<ConversationId, Vec<Turn>>,
    held: BTreeMap<OwnedEventId, Undecrypted>,
    done: HashMap<OwnedEventId, u64>,
    own: HashMap<OwnedEventId, u64>,
    encrypted: BTreeSet<OwnedRoomId>,
}

impl Model {
    fn knows(&self, event: &EventId) -> bool {
        self.inbox.iter().any(|queued| queued.question.event_id == event)
            || self.outbox.iter().any(|delivery| delivery.question.event_id == event)
            || self.done.contains_key(event)
    }

    fn accept(&mut self, batch: &Accept<'_>, now: u64) -> Vec<OwnedEventId> {
        let mut taken = HashSet::new();
        let mut new = Vec::new();
        for question in batch.questions.iter().filter(|question| !batch.left.contains(&question.room_id)) {
            self.held.remove(&question.event_id);
            if taken.insert(question.event_id.clone()) && !self.knows(&question.event_id) {
                let question = question.clone();
                new.push(question.event_id.clone());
                self.inbox.push(Queued { sequence: 0, question, received_at: now, attempts: 0, draft: None });
            }
        }
        for event in batch.undecrypted.iter().filter(|event| !batch.left.contains(&event.room_id)) {
            if taken.insert(event.event_id.clone()) && !self.knows(&event.event_id) {
                self.held.entry(event.event_id.clone()).or_insert_with(|| event.clone());
            }
        }
        batch.left.iter().for_each(|room| self.forget(room, now));
        self.cursor = batch.next_batch.map(str::to_owned);
        new
    }

    fn forget(&mut self, room: &OwnedRoomId, now: u64) {
        let inbox = self.inbox.iter().map(|queued| &queued.question);
        let questions = inbox.chain(self.outbox.iter().map(|delivery| &delivery.question));
        let over = questions.filter(|question| question.room_id == *room).map(|question| question.event_id.clone());
        self.done.extend(over.map(|event| (event, now)));
        self.inbox.retain(|queued| queued.question.room_id != *room);
        self.outbox.retain(|delivery| delivery.question.room_id != *room);
        self.turns.retain(|conversation, _| conversation.room_id != *room);
        self.held.retain(|_, event| event.room_id != *room);
    }

    fn conclude(&mut self, question: &Incoming, turns: Vec<Turn>, now: u64) -> bool {
        let Some(index) = self.inbox.iter().position(|queued| queued.question == *question) else { return false };
        self.inbox.remove(index);
        self.turns.entry(question.conversation()).or_default().extend(turns);
        let (question, answer) = (question.clone(), answer(&["a", "b"]));
        self.outbox.push(Delivery { sequence: 0, question, answer, sent: Vec::new(), stored_at: now });
        true
    }

    /// Whether the acknowledgement is in order.
    fn part_sent(&mut self, question: &Incoming, part: usize, event: &EventId, now: u64) -> bool {
        if let Some(delivery) = self.outbox.iter_mut().find(|delivery| delivery.question == *question) {
            match part.cmp(&delivery.sent.len()) {
                std::cmp::Ordering::Less => delivery.sent[part] = event.to_owned(),
                std::cmp::Ordering::Equal => delivery.sent.push(event.to_owned()),
                std::cmp::Ordering::Greater => return false,
            }
        }
        self.own.insert(event.to_owned(), now);
        true
    }

    fn drop_question(&mut self, question: &Incoming, now: u64) -> bool {
        let before = self.inbox.len() + self.outbox.len() + self.held.len();
        self.inbox.retain(|queued| queued.question != *question);
        self.outbox.retain(|delivery| delivery.question != *question);
        self.held.remove(&question.event_id);
        let found = before > self.inbox.len() + self.outbox.len() + self.held.len();
        if found {
            self.done.insert(question.event_id.clone(), now);
        }
        found
    }

    fn purge(&mut self, now: u64) {
        self.done.retain(|_, at| now - *at <= KEEP.marks);
        self.own.retain(|_, at| now - *at <= KEEP.marks);
        self.held.retain(|_, event| now - event.sent_at <= KEEP.undecrypted);
        self.turns.values_mut().for_each(|turns| turns.retain(|turn| now - turn.at <= KEEP.turns));
    }
}

/// The store under test and its model.
struct Pair {
    folder: TempDir,
    store: Store,
    model: Model,
}

impl Pair {
    fn accept(&mut self, questions: &[usize], held: &[usize], left: Option<usize>, now: u64) {
        let batch = Accept {
            next_batch: Some(&format!("s{now}")),
            questions: &questions.iter().map(|index| asked(*index)).collect::<Vec<_>>(),
            undecrypted: &held.iter().map(|index| unread(*index, now)).collect::<Vec<_>>(),
            left: &left.map(|index| room(&room_of(index))).into_iter().collect::<Vec<_>>(),
        };
        let new = self.store.accept(&batch, now).unwrap();
        let new: Vec<OwnedEventId> = new.into_iter().map(|queued| queued.question.event_id).collect();
        assert_eq!(new, self.model.accept(&batch, now));
    }

    fn step(&mut self, step: &Step, now: u64) {
        let (store, model) = (&self.store, &mut self.model);
        let draft = |index: usize| event(&format!("draft{index}"));
        match *step {
            Step::Accept { ref questions, ref held, left } => self.accept(questions, held, left, now),
            Step::Begin(index) => {
                let queued = model.inbox.iter_mut().find(|queued| queued.question == asked(index));
                let attempts = queued.map(|queued| {
                    queued.attempts += 1;
                    queued.attempts
                });
                assert_eq!(store.begin(&asked(index)).unwrap(), attempts);
            }
            Step::Draft(index) => {
                let queued = model.inbox.iter_mut().find(|queued| queued.question == asked(index));
                assert_eq!(store.draft(&asked(index), &draft(index), now).unwrap(), queued.is_some());
                if let Some(queued) = queued {
                    queued.draft = Some(draft(index));
                    model.own.insert(draft(index), now);
                }
            }
            Step::Conclude(index) => {
                let question = asked(index);
                let said = turns(&question, now);
                let conclusion = Conclusion { question: &question, turns: said.clone(), answer: answer(&["a", "b"]) };
                let delivery = store.conclude(conclusion, now).unwrap();
                assert_eq!(delivery.is_some(), model.conclude(&question, said, now));
            }
            Step::PartSent(index, part) => {
                let sent = event(&format!("part{index}.{part}.{now}"));
                let stored = store.part_sent(&asked(index), part, &sent, now);
                assert_eq!(stored.is_ok(), model.part_sent(&asked(index), part, &sent, now));
            }
            Step::Delivered(index) => {
                store.delivered(&asked(index), now).unwrap();
                model.outbox.retain(|delivery| delivery.question != asked(index));
                model.done.insert(asked(index).event_id, now);
            }
            Step::Drop(index) => {
                let Incoming { room_id, event_id, .. } = asked(index);
                let found = store.drop_question(&room_id, &event_id, now).unwrap();
                assert_eq!(found, model.drop_question(&asked(index), now));
            }
            Step::ForgetRoom(index) => {
                store.forget_room(&room(&room_of(index)), now).unwrap();
                model.forget(&room(&room_of(index)), now);
            }
            Step::ForgetConversation(index) => {
                store.forget_conversation(&asked(index).conversation()).unwrap();
                model.turns.remove(&asked(index).conversation());
            }
            Step::Decrypted(index) => {
                store.decrypted(&asked(index).room_id, &asked(index).event_id).unwrap();
                model.held.remove(&asked(index).event_id);
            }
            Step::Encrypted(index) => {
                store.remember_encrypted(&room(&room_of(index))).unwrap();
                model.encrypted.insert(room(&room_of(index)));
            }
            Step::Purge => {
                store.purge(now, &KEEP).unwrap();
                model.purge(now);
            }
            Step::Kill => {
                self.folder = after_a_kill(&self.folder);
                self.store = open(&self.folder);
            }
        }
    }

    /// Everything that can be asked gives what the model says.
    fn compare(&self) {
        let (store, model) = (&self.store, &self.model);
        assert_eq!(store.cursor().unwrap(), model.cursor);
        let mut queued = store.queued().unwrap();
        assert!(queued.is_sorted_by(|a, b| a.sequence < b.sequence));
        for queued in &mut queued {
            queued.sequence = 0;
        }
        assert_eq!(queued, model.inbox);
        let mut undelivered = store.undelivered().unwrap();
        assert!(undelivered.is_sorted_by(|a, b| a.sequence < b.sequence));
        for delivery in &mut undelivered {
            delivery.sequence = 0;
        }
        assert_eq!(undelivered, model.outbox);
        let held = store.undecrypted().unwrap().into_iter().map(|held| (held.event_id.clone(), held)).collect();
        assert_eq!(model.held, held);
        for index in 0..EVENTS {
            let conversation = asked(index).conversation();
            let said = model.turns.get(&conversation).cloned().unwrap_or_default();
            let answers = !said.is_empty()
                || model.outbox.iter().any(|delivery| delivery.question.conversation() == conversation);
            assert_eq!(store.turns(&conversation).unwrap(), said);
            assert_eq!(store.answers_in(&conversation).unwrap(), answers);
            let draft = event(&format!("draft{index}"));
            assert_eq!(store.is_own(&draft).unwrap(), model.own.contains_key(&draft));
            let room = room(&room_of(index));
            assert_eq!(store.was_encrypted(&room).unwrap(), model.encrypted.contains(&room));
        }
        assert!(model.own.keys().all(|event| store.is_own(event).unwrap()));
        assert_eq!(store.damaged().unwrap(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_remembers_what_the_model_does(steps in steps()) {
        let folder = folder();
        let mut pair = Pair { store: open(&folder), folder, model: Model::default() };
        let mut now = 0;
        for step in &steps {
            now += 10;
            pair.step(step, now);
            pair.compare();
        }
    }
}
