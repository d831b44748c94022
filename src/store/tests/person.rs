//! A person of whom there is something of every kind, and who is forgotten: every record of the store is opened and looked at.

use std::collections::{BTreeMap, BTreeSet};

use ruma::{OwnedUserId, owned_user_id};
use serde_json::json;
use tempfile::TempDir;

use super::documents::new;
use super::ratings::{react_on, reaction};
use super::rooms::made;
use super::usage::{answered, conclude};
use super::{
    Accept, accept, admitted, after_a_kill, answer, deliver, event, folder, held, leave, open, question, redact, room,
};
use crate::approved::{AnswerState, MasteredAnswer};
use crate::command::{Call, Command};
use crate::compagnon::{Made, Settings, SettingsPatch, Version};
use crate::document::{Origin, Partition};
use crate::job::{JobKind, JobScope, JobState};
use crate::memory::Fact;
use crate::message::{Content, Gap, Incoming, Item};
use crate::statistics::Day;
use crate::store::layout::{Key, QUARANTINE, ROOM_TREES, Tree};
use crate::store::{Answer, Change, Conclusion, Database, Entry, NewDocument, NewSummary, Personal, QueuedKind};

const DAY: Day = Day(20_420);

/// Stands in all that she has written, and in her name.
const CANARY: &str = "CANARI";

fn her() -> OwnedUserId {
    owned_user_id!("@canari:tchap.test")
}

fn ben() -> OwnedUserId {
    owned_user_id!("@ben:tchap.test")
}

fn by(person: &OwnedUserId, in_room: &str, name: &str) -> Incoming {
    let content = Content::Text(format!("{} {name}", if *person == her() { CANARY } else { "autre" }));
    Incoming { sender: person.clone(), content, name: Some(person.localpart().to_owned()), ..question(in_room, name) }
}

fn document(partition: &Partition, in_room: &str, name: &str, person: &OwnedUserId) -> NewDocument {
    let origin = Origin { room_id: room(in_room), event_id: event(name), sender: person.clone(), sent_at: 3 };
    NewDocument { origin: Some(origin), ..new(partition, in_room, name) }
}

fn job(kind: JobKind, scope: JobScope, by: Option<OwnedUserId>) -> Change {
    // What is chosen for a room is the room's.
    let content = json!({"text": if by == Some(ben()) || kind == JobKind::Glossary { "autre" } else { CANARY }});
    Change::KeepJob(Box::new(JobState { kind, scope, by, at: 10, until: 1_000_000, content }))
}

fn fact(in_room: &str, of_room: bool, person: &OwnedUserId) -> Change {
    // What is told for a room is the room's.
    let text = if of_room || *person != her() { "un fait du salon".to_owned() } else { CANARY.to_owned() };
    Change::Remember(Fact {
        room_id: room(in_room),
        of_room,
        number: 1,
        text,
        by: Some(person.clone()),
        name: Some(person.localpart().to_owned()),
        event_id: event(&format!("fact.{in_room}.{of_room}.{}", *person == her())),
        told_in: None,
        at: 10,
        direct: false,
    })
}

fn addition(in_room: &str, person: &OwnedUserId) -> Change {
    let text = if *person == her() { CANARY } else { "la consigne de Ben" };
    let patch = SettingsPatch::Addition(Some(text.to_owned()), Some(person.clone()));
    Change::Settings(room(in_room), vec![patch, SettingsPatch::Temperature(Some(0.5))])
}

/// A compagnon of this person, whose second version the other one wrote.
fn compagnon(number: u64, author: &OwnedUserId, other: &OwnedUserId) -> Change {
    let version =
        |number, by: &OwnedUserId| Version { number, at: 5, by: Some(by.clone()), text: "un texte".to_owned() };
    let versions = vec![version(1, author), version(2, other)];
    Change::Made(Made { author: author.clone(), versions, ..made(number, "a", "") })
}

fn mastered(author: &OwnedUserId) -> Change {
    Change::ProposeAnswer(MasteredAnswer {
        number: 1,
        partition: Partition::Catalogue,
        question: "Qui ?".to_owned(),
        variants: Vec::new(),
        text: "Une réponse.".to_owned(),
        author: Some(author.clone()),
        proposed_at: 5,
        replaces: None,
        state: AnswerState::Proposed,
    })
}

fn entry(person: &OwnedUserId) -> Change {
    let (by, action) = (person.clone(), "compagnon.instruction".to_owned());
    Change::Audit(Entry { at: 1, by, room_id: room("a"), action, made: None })
}

/// The same of her and of Ben, in the room `a`, where both talk.
#[allow(clippy::too_many_lines)] // One of everything.
fn fill(store: &Database) {
    for (person, name) in [(her(), "h"), (ben(), "b")] {
        let named = |rest: &str| format!("{name}{rest}");
        let (number, other) = if name == "h" { (1, ben()) } else { (2, her()) };
        let done = by(&person, "a", &named("done"));
        accept(store, std::slice::from_ref(&done), 1_000);
        assert!(conclude(store, &done, answered(DAY, "juriste"), 2_000));
        for part in 0..2 {
            store.part_sent(&done, part, &event(&named(&format!("shown{part}"))), 3_000).unwrap();
        }
        store.delivered(&done, 3_000).unwrap();
        // A job, which leaves no turn.
        let asked = by(&person, "a", &named("job"));
        accept(store, std::slice::from_ref(&asked), 1_000);
        let conclusion = Conclusion {
            question: &asked,
            turns: Vec::new(),
            answer: answer(&["traduit"]),
            changes: vec![job(JobKind::TranslationMemory, JobScope::Room(room("a")), None)],
            usage: None,
            counted: None,
        };
        store.conclude(conclusion, 2_000).unwrap().unwrap();
        store.part_sent(&asked, 0, &event(&named("jobshown")), 3_000).unwrap();
        store.delivered(&asked, 3_000).unwrap();
        react_on(store, DAY, reaction(person.as_str(), &named("rating"), &named("shown0"), "👎"), true);
        // Waiting: a question with a draft, a command, and what an edit may be about.
        let waiting = by(&person, "a", &named("waits"));
        let call = Call {
            command: Some(Command::Forget),
            name: "oublier".to_owned(),
            english: false,
            arguments: if person == her() { CANARY } else { "autre" }.to_owned(),
            text: String::new(),
            unasked: false,
        };
        let mut command = admitted(&by(&person, "a", &named("command")));
        command.kind = QueuedKind::Command(call);
        let mut edit = admitted(&by(&person, "a", &named("edit")));
        edit.kind = QueuedKind::EditOf(event("unknown"));
        let batch = Accept {
            questions: &[admitted(&waiting), command, edit],
            undecrypted: &[crate::message::Undecrypted { sender: Some(person.clone()), ..held("a", &named("held")) }],
            gaps: &[Gap { room_id: room("a"), from: "f".to_owned(), to: "t".to_owned(), since: 1, pages: 0 }],
            ..Accept::default()
        };
        store.accept(&batch, 4_000).unwrap();
        store.begin(&waiting).unwrap();
        store.draft(&waiting, &event(&named("draft")), 4_000).unwrap();
        // On its way: an answer of the model, and a file.
        let answering = by(&person, "a", &named("way"));
        let exporting = by(&person, "a", &named("file"));
        accept(store, &[answering.clone(), exporting.clone()], 4_000);
        super::conclude(store, &answering, 4_000).unwrap();
        let file = store.put_file(&room("a"), "f.json", "application/json", CANARY.as_bytes(), 4_000).unwrap();
        let conclusion = Conclusion {
            question: &exporting,
            turns: Vec::new(),
            answer: Answer { items: vec![Item::File(file), Item::Notice { text: "voici".to_owned() }], ..answer(&[]) },
            changes: Vec::new(),
            usage: None,
            counted: None,
        };
        store.conclude(conclusion, 4_000).unwrap().unwrap();
        let conversation = done.conversation();
        let thread = super::in_thread(done.clone(), &named("thread")).conversation();
        let changes = [
            addition(&named("room"), &person),
            fact("a", true, &person),
            fact("a", false, &person),
            compagnon(number, &person, &other),
            entry(&person),
            Change::Informed(person.clone()),
            job(JobKind::Note, JobScope::Conversation(thread), Some(person.clone())),
            job(JobKind::Pseudonyms, JobScope::Member(conversation.clone(), person.clone()), Some(person.clone())),
            job(JobKind::DocsAddress, JobScope::Person(person.clone()), Some(person.clone())),
            job(JobKind::Glossary, JobScope::Room(room(&named("room"))), Some(person.clone())),
        ];
        store.apply(&changes, 4_000).unwrap();
        store.tell_unread(&person, 4_000).unwrap();
        let mut transaction = store.transaction();
        assert!(transaction.tell_not_served(&room("z"), &person, 4_000).unwrap());
        transaction.commit().unwrap();
        let partitions =
            [Partition::Conversation(conversation), Partition::Person(person.clone()), Partition::Room(room("a"))];
        for (index, partition) in partitions.into_iter().enumerate() {
            store.put_document(document(&partition, "a", &named(&format!("doc{index}")), &person), 4_000).unwrap();
        }
    }
    store.apply(&[mastered(&her())], 4_000).unwrap();
    let said = store.past(&by(&her(), "a", "hdone").conversation()).unwrap();
    let summary = NewSummary { text: CANARY.to_owned(), continues: None, turns: said.turns[..2].to_vec() };
    assert!(store.summarise(&by(&her(), "a", "hdone").conversation(), &summary, 4_000).unwrap());
    // Messages still to be taken back, here and where the bot is no more; and answers forgotten before.
    let gone = by(&her(), "a", "gone");
    accept(store, std::slice::from_ref(&gone), 4_000);
    super::conclude(store, &gone, 4_000).unwrap();
    deliver(store, &gone, 4_000);
    redact(store, "a", &["gone"], 4_000);
    let left = by(&her(), "left", "left");
    accept(store, std::slice::from_ref(&left), 4_000);
    store.begin(&left).unwrap();
    store.draft(&left, &event("leftdraft"), 4_000).unwrap();
    leave(store, "left", 4_000);
    let private = by(&her(), "private", "private");
    super::exchange(store, &private, 4_000);
    store.apply(&[Change::ForgetConversation(private.conversation())], 4_000).unwrap();
    let mut transaction = store.transaction();
    transaction.note_used(1, 4_000).unwrap();
    transaction.commit().unwrap();
}

/// Of each tree: how many records there are, how many bytes they have, and in how many of them she is found.
fn scan(store: &Database) -> BTreeMap<&'static str, (usize, usize, usize)> {
    let transaction = store.transaction();
    let person = store.blinded_ids.person(&her());
    let hex = person.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let words = [CANARY.to_owned(), "canari".to_owned(), hex];
    let mut found: BTreeMap<&'static str, (usize, usize, usize)> = BTreeMap::new();
    for record in store.db.iter() {
        let (bytes, sealed) = record.unwrap();
        assert_ne!(bytes[0], QUARANTINE);
        let Some(tree) = Tree::of(bytes[0]) else { continue };
        let key = Key { tree, bytes: bytes.to_vec() };
        // Chunks are under keys of their own, which stand in the records that name them; the schema's number is in plain.
        let plain = transaction.unseal(&key, &sealed).unwrap_or_default().unwrap_or_default();
        let text = String::from_utf8_lossy(&plain);
        let hers = words.iter().any(|word| text.contains(word.as_str()))
            || bytes.windows(person.len()).any(|part| part == person);
        let (records, size, of_her) = found.entry(tree.name()).or_default();
        *records += 1;
        *size += bytes.len() + sealed.len();
        *of_her += usize::from(hers);
    }
    found
}

/// The trees in which she is found.
fn with_her(store: &Database) -> BTreeSet<&'static str> {
    scan(store).into_iter().filter(|(_, (.., hers))| *hers > 0).map(|(tree, _)| tree).collect()
}

fn filled() -> (TempDir, Database) {
    let folder = folder();
    let store = open(&folder);
    fill(&store);
    (folder, store)
}

#[test]
fn of_who_is_forgotten_nothing_is_left_but_what_is_said_to_stay() {
    let (folder, store) = filled();
    let before = scan(&store);
    for tree in ROOM_TREES.iter().map(|tree| tree.name()).chain([
        "own",
        "done",
        "audit",
        "informed",
        "told",
        "not served",
        "stranded",
    ]) {
        assert!(before.contains_key(tree), "there is nothing in {tree}");
    }
    let (chunks, passages) = (before["chunks"].0, before["passages"].0);
    store.apply(&[Change::ForgetPerson(her())], 5_000).unwrap();
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    let after = scan(&store);
    println!("| tree | records, bytes | of her | after | of her |\n|---|---|---|---|---|");
    for (tree, (records, bytes, hers)) in &before {
        let (left, size, still) = after.get(tree).copied().unwrap_or_default();
        println!("| {tree} | {records}, {bytes} | {hers} | {left}, {size} | {still} |");
    }
    // The trail, her compagnon, and the file that she has asked for, until it is delivered.
    assert_eq!(with_her(&store), ["audit", "made", "outbox"].into());
    assert_eq!((after["audit"].2, after["made"].2, after["outbox"].2), (1, 1, 1));
    let exporting = by(&her(), "a", "hfile");
    for part in 0..2 {
        store.part_sent(&exporting, part, &event(&format!("sent{part}")), 6_000).unwrap();
    }
    store.delivered(&exporting, 6_000).unwrap();
    assert_eq!(with_her(&store), ["audit", "made"].into());
    let after = scan(&store);
    assert_eq!(after["chunks"].0, chunks - 1, "the bytes of her file");
    // Two documents of hers are gone; what she has put for the room is the room's.
    assert_eq!(after["passages"].0, passages - 2);
    assert_eq!(store.damaged().unwrap(), 0);
}

#[test]
fn what_others_have_stays_when_somebody_is_forgotten() {
    let (_folder, store) = filled();
    let mut before = store.personal(&ben()).unwrap();
    // That she has written a version of his compagnon is said no more.
    before.made[0].versions[1].by = None;
    let hers = store.personal(&her()).unwrap();
    store.apply(&[Change::ForgetPerson(her())], 5_000).unwrap();
    // What is made of what both have said goes, and is made again.
    let personal = store.personal(&ben()).unwrap();
    assert!(personal == before, "{personal:?}");
    assert!(!personal.waiting.is_empty() && !personal.under_way.is_empty() && !personal.ratings.is_empty());
    let settings: Settings = store.room_settings(&room("broom")).unwrap();
    assert_eq!((settings.addition.as_deref(), settings.addition_by), (Some("la consigne de Ben"), Some(ben())));
    let settings = store.room_settings(&room("hroom")).unwrap();
    assert_eq!((settings.addition, settings.addition_by, settings.temperature), (None, None, Some(0.5)));
    let versions = &store.made(2).unwrap().unwrap().versions;
    assert_eq!((&versions[0].by, &versions[1].by), (&Some(ben()), &None), "who wrote the other version is not said");
    // All that there was is handed over before, and nothing of it after.
    assert_eq!((hers.exchanges.len(), hers.models.len(), hers.waiting.len(), hers.under_way.len()), (1, 4, 4, 2));
    assert_eq!((hers.undecrypted.len(), hers.instructions.len(), hers.versions.len()), (1, 1, 1));
    assert_eq!((hers.facts.len(), hers.documents.len(), hers.answers.len(), hers.ratings.len()), (2, 3, 1, 1));
    assert_eq!((hers.jobs.len(), hers.made.len(), hers.answered.len()), (4, 1, 1));
    assert!(hers.counted_this_week && hers.informed_at.is_some() && hers.told_unread_at.is_some());
    let left = store.personal(&her()).unwrap();
    assert_eq!((left.made.len(), left.audit.len()), (1, 1));
    let of_the_file = (left.under_way.clone(), left.models.clone());
    assert_eq!((of_the_file.0.len(), of_the_file.1.len()), (1, 1), "it is on its way");
    let (made, audit, (under_way, models)) = (left.made.clone(), left.audit.clone(), of_the_file);
    assert!(left == Personal { models, under_way, made, audit, ..Personal::default() });
}
