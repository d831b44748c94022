//! Random histories, with kills, against a plain model in memory.

mod documents;
mod memory;

use std::collections::BTreeSet;

use proptest::prelude::*;
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use tempfile::TempDir;

use self::memory::Model;
use super::usage::{answered, series};
use super::{
    Accept, Conclusion, Database, Delivery, Queued, Undecrypted, admitted, after_a_kill, answer, event, folder, held,
    in_thread, open, question, room, turns, withdrawn,
};
use crate::compagnon::SettingsPatch;
use crate::conversation::Turn;
use crate::message::{Content, Edit, Incoming, Item, Reaction, Redaction};
use crate::statistics::{Crowd, Day};
use crate::store::layout::{Key, Tree};
use crate::store::{Answer, Change, QueuedKind, Reactions, Retention};

const EVENTS: usize = 6;
/// A file, of more than a chunk.
static FILE: [u8; 70_000] = [7; 70_000];
const ROOMS: usize = 2;
const DAY: Day = Day(20_420);
const KEEP: Retention = Retention {
    dedup: 60,
    turns: 40,
    turns_at_most: 70,
    audit: 50,
    undecrypted: 50,
    memory: 50,
    withdrawable: 50,
    compagnons: 50,
};

#[derive(Clone, Debug)]
enum Step {
    Accept(Response),
    Begin(usize),
    Pause(usize),
    Drop(usize),
    /// What a person finds of a part of an answer.
    Rate(usize, usize, usize, bool),
    Draft(usize),
    Conclude(usize),
    PartSent(usize, usize),
    Delivered(usize),
    Reopen(usize),
    ForgetConversation(usize),
    ForgetTurns(usize),
    ForgetPerson(usize),
    Settings(usize, u64),
    Decrypted(usize),
    Withdrawn,
    /// The document of a message, in one of its partitions.
    PutDocument(usize, usize),
    RemoveDocument(usize),
    MoveDocument(usize, usize),
    Rotate,
    Purge,
    Kill,
}

/// What one sync response brings, as indices.
#[derive(Clone, Debug, Default)]
struct Response {
    questions: Vec<usize>,
    held: Vec<usize>,
    /// Questions, the numbers of their edits, and whether another than the author made them.
    edits: Vec<(usize, usize, bool)>,
    /// Questions that are taken back; or, instead, a message that shows part of their answer.
    redactions: Vec<(usize, Option<usize>)>,
    left: Option<usize>,
}

fn responses() -> impl Strategy<Value = Response> {
    let some = || prop::collection::vec(0..EVENTS, 0..4);
    let edits = prop::collection::vec((0..EVENTS, 0..3_usize, prop::bool::weighted(0.2)), 0..3);
    let redactions = prop::collection::vec((0..EVENTS, prop::option::of(0..2_usize)), 0..2);
    let left = prop::option::weighted(0.15, 0..ROOMS);
    (some(), some(), edits, redactions, left).prop_map(|(questions, held, edits, redactions, left)| Response {
        questions,
        held,
        edits,
        redactions,
        left,
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => responses().prop_map(Step::Accept),
        3 => (0..EVENTS).prop_map(Step::Begin),
        1 => (0..EVENTS).prop_map(Step::Pause),
        1 => (0..EVENTS).prop_map(Step::Drop),
        2 => (0..EVENTS).prop_map(Step::Draft),
        9 => (0..EVENTS).prop_map(Step::Conclude),
        9 => (0..EVENTS, 0..2_usize).prop_map(|(event, part)| Step::PartSent(event, part)),
        9 => (0..EVENTS).prop_map(Step::Delivered),
        4 => (0..EVENTS, 0..2_usize, 0..2_usize, any::<bool>())
            .prop_map(|(event, part, by, useful)| Step::Rate(event, part, by, useful)),
        2 => (0..EVENTS).prop_map(Step::Reopen),
        1 => (0..EVENTS).prop_map(Step::ForgetConversation),
        1 => (0..ROOMS).prop_map(Step::ForgetTurns),
        1 => (0..2_usize).prop_map(Step::ForgetPerson),
        1 => (0..ROOMS, 20..90_u64).prop_map(|(room, retention)| Step::Settings(room, retention)),
        1 => (0..EVENTS).prop_map(Step::Decrypted),
        1 => Just(Step::Withdrawn),
        6 => (0..EVENTS, 0..documents::SCOPES).prop_map(|(event, scope)| Step::PutDocument(event, scope)),
        1 => any::<usize>().prop_map(Step::RemoveDocument),
        2 => (any::<usize>(), 0..documents::SCOPES).prop_map(|(document, scope)| Step::MoveDocument(document, scope)),
        3 => Just(Step::Rotate),
        2 => Just(Step::Purge),
        3 => Just(Step::Kill),
    ];
    prop::collection::vec(step, 1..60)
}

fn room_of(index: usize) -> String {
    format!("r{}", index % ROOMS)
}

fn person(index: usize) -> OwnedUserId {
    format!("@agent{}:tchap.test", index % 2).try_into().unwrap()
}

/// Events are spread over two rooms, in each over the main line and a thread, and over two persons.
fn asked(index: usize) -> Incoming {
    let question = Incoming { sender: person(index / 2), ..question(&room_of(index), &index.to_string()) };
    if index % 4 < 2 { question } else { in_thread(question, "root") }
}

/// Whether a question is asked in a room.
fn is_in(question: &OwnedEventId, in_room: &OwnedRoomId) -> bool {
    question.localpart().parse().is_ok_and(|index| room(&room_of(index)) == *in_room)
}

/// A message that shows part of an answer: the same one when the answer is given again.
fn part(index: usize, part: usize) -> OwnedEventId {
    event(&format!("part{index}.{part}"))
}

fn unread(index: usize, now: u64) -> Undecrypted {
    Undecrypted { sent_at: now, sender: Some(person(index / 2)), ..held(&room_of(index), &index.to_string()) }
}

/// The store under test and its model.
struct Pair {
    folder: TempDir,
    store: Database,
    model: Model,
    /// Whether keys are replaced slice by slice, with other steps between.
    deferred: bool,
}

impl Pair {
    /// Has rotations made as the store's thread makes them, in slices of two records.
    fn defer(&self) {
        if self.deferred {
            self.store.defer_rotations();
            self.store.rotation_records.set(Some(2));
        }
    }

    fn accept(&mut self, response: &Response, now: u64) {
        let edit = |&(index, number, foreign): &(usize, usize, bool)| Edit {
            room_id: room(&room_of(index)),
            event_id: event(&format!("edit{index}.{number}")),
            replaces: asked(index).event_id,
            sender: person(index / 2 + usize::from(foreign)),
            sent_at: number as u64,
            body: format!("édition {number}"),
            mentions_me: None,
            direct: false,
            without_call: None,
        };
        let redaction = |&(index, message): &(usize, Option<usize>)| Redaction {
            room_id: room(&room_of(index)),
            redacts: message.map_or(asked(index).event_id, |number| part(index, number)),
        };
        let batch = Accept {
            next_batch: Some(&format!("s{now}")),
            questions: &response.questions.iter().map(|index| admitted(&asked(*index))).collect::<Vec<_>>(),
            undecrypted: &response.held.iter().map(|index| unread(*index, now)).collect::<Vec<_>>(),
            left: &response.left.map(|index| room(&room_of(index))).into_iter().collect::<Vec<_>>(),
            edits: &response.edits.iter().map(edit).collect::<Vec<_>>(),
            redactions: &response.redactions.iter().map(redaction).collect::<Vec<_>>(),
            gaps: &[],
            closed: &[],
            upgraded: &[],
            unheeded: &[],
            reactions: None,
        };
        let accepted = self.store.accept(&batch, now).unwrap();
        let new = accepted.new.into_iter().map(|queued| queued.question).collect();
        let edited = accepted.edited.into_iter().map(|edited| (edited.queued.question, edited.anew)).collect();
        assert_eq!((new, edited, accepted.redacted), self.model.accept(&batch, now));
    }

    /// The question as it stands now; as it was first asked when it is not waiting.
    fn current(&mut self, index: usize) -> Incoming {
        let question = asked(index);
        self.model.waiting(&question.event_id).map_or(question, |queued| queued.question.clone())
    }

    fn answer(&mut self, index: usize, now: u64) {
        // Answering begins when the earlier answer is delivered, as one question of a conversation at a time is seen to.
        let question = self.current(index);
        if self.model.delivering(&question.event_id).is_some() {
            return;
        }
        let queued = self.model.waiting(&question.event_id).cloned();
        let (again, shown) = queued.map(|queued| (queued.again, queued.shown)).unwrap_or_default();
        let mut answer = Answer { again, shown, ..answer(&["a", "b"]) };
        if index.is_multiple_of(3) {
            let file = self.store.put_file(&question.room_id, "f", "text/plain", &FILE, now).unwrap();
            answer.items[1] = Item::File(file);
        }
        let said = turns(&question, now);
        let conclude = |question| {
            let (turns, answer, counted) = (said.clone(), answer.clone(), Some(answered(DAY, "juriste")));
            self.store
                .conclude(Conclusion { question, turns, answer, changes: Vec::new(), usage: None, counted }, now)
                .unwrap()
        };
        let stale = Incoming { content: Content::Text("un texte d'avant".to_owned()), ..question.clone() };
        assert_eq!(conclude(&stale), None);
        let delivery = conclude(&question);
        assert_eq!(delivery.is_some(), self.model.conclude(&question, answer, said, now));
    }

    fn begin(&mut self, index: usize) {
        let shown = self.model.answered(&asked(index).event_id).map_or(Vec::new(), |(_, parts, _)| parts.clone());
        let begun = self.model.waiting(&asked(index).event_id).map(|queued| {
            queued.attempts += 1;
            queued.interrupted += u32::from(queued.begun);
            queued.begun = true;
            if queued.again.is_some() {
                queued.shown = shown;
            }
            queued.clone()
        });
        let stored = self.store.begin(&asked(index)).unwrap();
        assert_eq!(stored.map(|queued| Queued { sequence: 0, ..queued }), begun);
    }

    fn draft(&mut self, index: usize, now: u64) {
        let (question, draft) = (asked(index), event(&format!("draft{index}")));
        let has_key = self.has_key(index);
        let waiting = self.model.waiting(&question.event_id);
        assert_eq!(self.store.draft(&question, &draft, now).unwrap(), waiting.is_some());
        if let Some(queued) = waiting {
            queued.draft = Some(draft.clone());
            self.model.own.insert(draft, now);
        } else {
            self.model.late(&question, &draft, has_key, now);
        }
    }

    fn rate(&mut self, index: usize, number: usize, by: usize, useful: bool, now: u64) {
        let (question, message, by) = (asked(index), part(index, number), person(by));
        let reaction = Reaction {
            room_id: question.room_id.clone(),
            event_id: event(&format!("reaction{now}")),
            sender: by.clone(),
            target: message.clone(),
            key: if useful { "👍" } else { "👎" }.to_owned(),
        };
        let reactions = Reactions { day: DAY, given: vec![reaction], asks_why: false };
        self.store.accept(&Accept { reactions: Some(&reactions), ..Accept::default() }, now).unwrap();
        self.model.rate(&question.event_id, &message, &by, useful, now);
    }

    fn has_key(&self, index: usize) -> bool {
        self.store.transaction().rooms().cipher(&self.store.blinded_ids.room(&room(&room_of(index)))).is_some()
    }

    fn apply(&self, change: Change, now: u64) {
        self.store.apply(&[change], now).unwrap();
    }

    fn step(&mut self, step: &Step, now: u64) {
        match *step {
            Step::Accept(ref response) => self.accept(response, now),
            Step::Begin(index) => self.begin(index),
            Step::Pause(index) => {
                self.store.pause(&asked(index)).unwrap();
                self.model.waiting(&asked(index).event_id).into_iter().for_each(|queued| queued.begun = false);
            }
            Step::Drop(index) => {
                let Incoming { room_id, event_id, .. } = asked(index);
                let dropped = self.store.drop_question(&room_id, &event_id, now).unwrap();
                assert_eq!(dropped, self.model.drop_question(&room_id, &event_id, now));
            }
            Step::Rate(index, number, by, useful) => self.rate(index, number, by, useful, now),
            Step::Draft(index) => self.draft(index, now),
            Step::Conclude(index) => self.answer(index, now),
            Step::PartSent(index, number) => {
                let (sent, has_key) = (part(index, number), self.has_key(index));
                let stored = self.store.part_sent(&asked(index), number, &sent, now);
                assert_eq!(stored.is_ok(), self.model.part_sent(&asked(index), number, &sent, has_key, now));
            }
            Step::Delivered(index) => {
                self.store.delivered(&asked(index), now).unwrap();
                self.model.delivered(&asked(index), now);
            }
            Step::Reopen(index) => {
                let (question, trigger) = (asked(index), event(&format!("trigger{now}")));
                let stored = self.store.reopen(&question, &trigger, now).unwrap();
                let waits = self.model.waiting(&question.event_id).is_some();
                // With the time of the edit that counts, so that an older one read late still changes nothing.
                let anew = self.model.answered(&question.event_id).filter(|_| !waits);
                let anew = anew.map(|(answered, ..)| Incoming { content: question.content, ..answered.clone() });
                assert_eq!(stored.map(|queued| queued.question), anew);
                if let Some(question) = anew {
                    self.model.queue(question, Some(trigger), now);
                }
            }
            Step::ForgetConversation(index) => {
                let conversation = asked(index).conversation();
                self.apply(Change::ForgetConversation(conversation.clone()), now);
                self.model.forget_said(|other| *other == conversation, now);
                self.model.library.forget_conversation(&conversation);
            }
            Step::ForgetTurns(index) => {
                let room = room(&room_of(index));
                self.apply(Change::ForgetTurns(room.clone()), now);
                self.model.forget_said(|other| other.room_id == room, now);
                // Also of answers that are on their way.
                self.model.counts.rated.retain(|(question, _), _| !is_in(question, &room));
                self.model.library.forget_room(&room);
            }
            Step::ForgetPerson(index) => {
                self.apply(Change::ForgetPerson(person(index)), now);
                self.model.forget_person(&person(index), now);
            }
            Step::Settings(index, retention) => {
                let patches = vec![SettingsPatch::Retention(Some(retention))];
                self.apply(Change::Settings(room(&room_of(index)), patches), now);
                self.model.settings.insert(room(&room_of(index)), retention);
            }
            Step::Decrypted(index) => {
                self.store.decrypted(&asked(index).room_id, &asked(index).event_id).unwrap();
                self.model.held.remove(&asked(index).event_id);
            }
            Step::Withdrawn => {
                if let Some(withdrawal) = self.store.withdrawals().unwrap().first() {
                    self.store.withdrawn(withdrawal).unwrap();
                    self.model.withdrawals.remove(&withdrawal.event_id);
                }
            }
            Step::PutDocument(index, scope) => self.put_document(index, scope, now),
            Step::RemoveDocument(which) => self.remove_document(which, now),
            Step::MoveDocument(which, scope) => self.move_document(which, scope, now),
            Step::Rotate => drop(self.store.rotation_slice().unwrap()),
            Step::Purge => {
                self.store.purge(now, &KEEP).unwrap();
                self.model.purge(now);
            }
            Step::Kill => {
                self.begin_document(now);
                self.folder = after_a_kill(&self.folder);
                self.store = open(&self.folder);
                assert!(self.store.transaction().rooms().in_rotation().is_empty());
                let kept = self.store.db.scan_prefix(Key::all(Tree::Files).bytes).count();
                assert_eq!(kept, self.model.files().count(), "a file stays as long as its answer is on its way");
                self.model.library.killed();
                self.compare_chunks();
                self.defer();
            }
        }
    }

    /// Everything that can be asked gives what the model says.
    fn compare(&mut self) {
        let (store, model) = (&self.store, &self.model);
        assert_eq!(store.cursor().unwrap(), model.cursor);
        let queued = store.queued().unwrap();
        assert!(queued.is_sorted_by(|a, b| a.sequence < b.sequence));
        let queued: Vec<Queued> = queued.into_iter().map(|queued| Queued { sequence: 0, ..queued }).collect();
        assert_eq!(queued, model.inbox);
        let undelivered = store.undelivered().unwrap();
        assert!(undelivered.is_sorted_by(|a, b| a.sequence < b.sequence));
        let undelivered: Vec<Delivery> =
            undelivered.into_iter().map(|delivery| Delivery { sequence: 0, ..delivery }).collect();
        assert_eq!(undelivered, model.outbox);
        let held = store.undecrypted().unwrap().into_iter().map(|held| (held.event_id.clone(), held)).collect();
        assert_eq!(model.held, held);
        for index in 0..EVENTS {
            let conversation = asked(index).conversation();
            let said = model.said.iter().filter(|(place, _)| *place == conversation).map(|(_, turn)| turn.clone());
            let said: Vec<Turn> = said.collect();
            let waits =
                |queued: &Queued| queued.kind == QueuedKind::Question && queued.question.conversation() == conversation;
            let answers = !said.is_empty()
                || model.inbox.iter().any(waits)
                || model.outbox.iter().any(|delivery| delivery.question.conversation() == conversation);
            assert_eq!(store.turns(&conversation).unwrap(), said);
            assert_eq!(store.answers_in(&conversation).unwrap(), answers);
            let draft = event(&format!("draft{index}"));
            assert_eq!(store.is_own(&draft).unwrap(), model.own.contains_key(&draft));
            let retention = store.room_settings(&asked(index).room_id).unwrap().retention;
            assert_eq!(retention.as_ref(), model.settings.get(&asked(index).room_id));
        }
        for index in 0..2 {
            let theirs = model.said.iter().filter(|(_, turn)| turn.asker == Some(person(index))).count();
            let personal = store.personal(&person(index)).unwrap();
            assert_eq!(personal.exchanges.iter().map(|(_, said)| said.len()).sum::<usize>(), theirs);
        }
        let withdrawals: BTreeSet<OwnedEventId> = model.withdrawals.keys().cloned().collect();
        assert_eq!(withdrawn(store), withdrawals);
        self.compare_kept();
        assert!(model.own.keys().all(|event| store.is_own(event).unwrap()));
        assert!(self.deferred || store.transaction().rooms().in_rotation().is_empty());
        for file in model.files() {
            assert!(store.file(file).unwrap().as_deref() == Some(&FILE));
        }
        assert_eq!(store.damaged().unwrap(), 0);
        self.compare_documents();
    }
}

impl Pair {
    /// What is kept of answers that were forgotten, and what is counted.
    fn compare_kept(&self) {
        let (store, model) = (&self.store, &self.model);
        let kept = store.db.scan_prefix(Key::all(Tree::Withdrawable).bytes).count();
        assert_eq!(kept, model.withdrawable.len());
        for (question, forgotten) in &model.withdrawable {
            let index: usize = question.localpart().parse().unwrap();
            let messages = store.transaction().withdrawable(&asked(index).room_id, question).unwrap();
            let messages: BTreeSet<OwnedEventId> = messages.into_iter().map(|(_, message)| message).collect();
            assert_eq!(messages, forgotten.messages);
        }
        let counts = &model.counts;
        let statistics = store.statistics().unwrap();
        let counters = statistics.days.get(&(DAY, series("juriste"))).cloned().unwrap_or_default();
        assert_eq!((counters.questions, counters.answers), (counts.questions, counts.questions));
        assert_eq!((counters.useful, counters.not_useful), (counts.useful, counts.not_useful));
        let people = statistics.people.get(&(DAY.week(), Crowd::All)).copied().unwrap_or_default();
        assert_eq!(people, counts.people);
        for index in 0..2 {
            let theirs = counts.rated.keys().filter(|(_, by)| *by == person(index)).count();
            assert_eq!(store.personal(&person(index)).unwrap().ratings.len(), theirs);
        }
        let answers = store.db.scan_prefix(Key::all(Tree::Reactions).bytes).count();
        assert!(answers >= counts.rated.len() && (answers == 0) == counts.rated.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_remembers_what_the_model_does(steps in steps(), deferred in any::<bool>()) {
        let folder = folder();
        let mut pair = Pair { store: open(&folder), folder, model: Model::default(), deferred };
        pair.defer();
        let mut now = 0;
        for step in &steps {
            now += 10;
            pair.step(step, now);
            pair.compare();
        }
    }
}
