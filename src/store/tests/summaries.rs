//! The summary of the beginning of a conversation: it is kept as its turns are, and goes with any of them.

use super::{
    KEEP, Retention, accept, after_a_kill, conclude, edit, event, exchange, folder, in_thread, leave, open, question,
    redact,
};
use crate::message::{ConversationId, Incoming};
use crate::store::layout::{Key, Tree};
use crate::store::{Change, Database, NewSummary, Past};

/// Four exchanges of which the first two are summarised.
fn summarised(store: &Database) -> ConversationId {
    for (index, name) in ["1", "2", "3", "4"].into_iter().enumerate() {
        exchange(store, &question("a", name), 10 + index as u64);
    }
    let conversation = question("a", "1").conversation();
    summarise(store, &conversation, 4);
    conversation
}

/// Adds this many turns to the summary.
fn summarise(store: &Database, conversation: &ConversationId, count: usize) {
    assert!(store.summarise(conversation, &next(store, conversation, count), 20).unwrap());
}

fn next(store: &Database, conversation: &ConversationId, count: usize) -> NewSummary {
    let Past { turns, summary, covered, .. } = store.past(conversation).unwrap();
    NewSummary {
        text: format!("résumé CANARI de {}", covered + count),
        continues: summary.map(|summary| summary.number),
        turns: turns[covered..covered + count].to_vec(),
    }
}

/// The summary's text, how many turns it covers, and of how many.
fn seen(store: &Database, conversation: &ConversationId) -> (Option<String>, usize, usize) {
    let past = store.past(conversation).unwrap();
    (past.summary.map(|summary| summary.text), past.covered, past.turns.len())
}

fn records(store: &Database) -> usize {
    store.db.scan_prefix(Key::all(Tree::Summaries).bytes).count()
}

fn answer_again(store: &Database, asked: &Incoming, name: &str) {
    assert_eq!(edit(store, asked, name, "autrement", 30).edited.len(), 1);
    let queued = store.queued().unwrap().remove(0);
    conclude(store, &queued.question, 31).unwrap();
}

#[test]
fn a_summary_is_continued_and_survives_a_kill() {
    let folder = folder();
    let store = open(&folder);
    let conversation = summarised(&store);
    assert_eq!(seen(&store, &conversation), (Some("résumé CANARI de 4".to_owned()), 4, 8));
    let summary = store.past(&conversation).unwrap().summary.unwrap();
    assert_eq!((summary.from, summary.asker), (10, Some(question("a", "1").sender)));
    summarise(&store, &conversation, 2);
    let continued = store.past(&conversation).unwrap().summary.unwrap();
    assert_eq!((continued.from, continued.number > summary.number), (10, true));
    let killed = open(&after_a_kill(&folder));
    assert_eq!(seen(&killed, &conversation), (Some("résumé CANARI de 6".to_owned()), 6, 8));
    // Another conversation has none of it.
    let thread = in_thread(question("a", "5"), "root").conversation();
    assert_eq!(seen(&store, &thread), (None, 0, 0));
}

#[test]
fn a_summary_of_turns_that_several_have_asked_is_nobodys_own() {
    let folder = folder();
    let store = open(&folder);
    let ben = Incoming { sender: "@ben:tchap.test".try_into().unwrap(), ..question("a", "2") };
    exchange(&store, &question("a", "1"), 10);
    exchange(&store, &ben, 11);
    let conversation = ben.conversation();
    summarise(&store, &conversation, 2);
    assert!(store.past(&conversation).unwrap().summary.unwrap().asker.is_some());
    summarise(&store, &conversation, 2);
    assert_eq!(store.past(&conversation).unwrap().summary.unwrap().asker, None);
}

#[test]
fn an_edit_of_a_turn_that_is_covered_removes_the_summary_and_another_does_not() {
    let folder = folder();
    let store = open(&folder);
    let conversation = summarised(&store);
    answer_again(&store, &question("a", "3"), "e3");
    assert_eq!(seen(&store, &conversation).1, 4);
    answer_again(&store, &question("a", "2"), "e2");
    assert_eq!(seen(&store, &conversation), (None, 0, 8));
}

#[test]
fn a_redaction_of_a_turn_that_is_covered_removes_the_summary_and_another_does_not() {
    let folder = folder();
    let store = open(&folder);
    let conversation = summarised(&store);
    redact(&store, "a", &["3"], 30);
    assert_eq!(seen(&store, &conversation), (Some("résumé CANARI de 4".to_owned()), 4, 6));
    redact(&store, "a", &["1"], 31);
    assert_eq!(seen(&store, &conversation), (None, 0, 4));
}

/// Has a conversation forgotten in some way.
type Way = fn(&Database, &ConversationId);

#[test]
fn whatever_forgets_the_conversation_forgets_the_summary() {
    let ways: [(&str, Way); 5] = [
        ("conversation", |store, conversation| {
            store.apply(&[Change::ForgetConversation(conversation.clone())], 30).unwrap();
        }),
        ("room", |store, conversation| {
            store.apply(&[Change::ForgetTurns(conversation.room_id.clone())], 30).unwrap();
        }),
        ("person", |store, _| store.apply(&[Change::ForgetPerson(question("a", "1").sender)], 30).unwrap()),
        ("left", |store, _| leave(store, "a", 30)),
        ("purge", |store, _| assert!(store.purge(1_000, &KEEP).unwrap().records > 0)),
    ];
    for (name, forget) in ways {
        let folder = folder();
        let store = open(&folder);
        let conversation = summarised(&store);
        store.apply(&[Change::ToldCut(conversation.clone())], 21).unwrap();
        assert!(store.past(&conversation).unwrap().told);
        forget(&store, &conversation);
        assert_eq!(store.past(&conversation).unwrap(), Past::default(), "{name}");
        assert_eq!(records(&store), 0, "{name}");
    }
}

#[test]
fn the_summary_goes_when_the_oldest_of_its_turns_has_grown_old() {
    let folder = folder();
    let store = open(&folder);
    let conversation = summarised(&store);
    store.apply(&[Change::ToldCut(conversation.clone())], 21).unwrap();
    store.purge(10 + KEEP.turns, &KEEP).unwrap();
    assert_eq!(seen(&store, &conversation).1, 4, "exactly as old as allowed");
    store.purge(11 + KEEP.turns, &KEEP).unwrap();
    assert_eq!(seen(&store, &conversation), (None, 0, 6));
    // That people were told is no older than what it is about.
    assert!(store.past(&conversation).unwrap().told);
    store.purge(22 + KEEP.turns, &Retention { turns: KEEP.turns, ..KEEP }).unwrap();
    assert_eq!(records(&store), 0);
}

#[test]
fn a_conversation_of_which_people_were_told_is_forgotten_without_turns_too() {
    let folder = folder();
    let store = open(&folder);
    let conversation = question("a", "1").conversation();
    store.apply(&[Change::ToldCut(conversation.clone())], 1).unwrap();
    store.apply(&[Change::ForgetConversation(conversation.clone())], 2).unwrap();
    assert_eq!(records(&store), 0);
}

#[test]
fn a_summary_of_what_has_changed_meanwhile_is_not_kept() {
    let folder = folder();
    let store = open(&folder);
    let conversation = summarised(&store);
    let made = next(&store, &conversation, 2);
    // A covered turn goes, and with it the summary that this one continues.
    redact(&store, "a", &["1"], 30);
    assert!(!store.summarise(&conversation, &made, 31).unwrap());
    // One that it adds has another text.
    let made = next(&store, &conversation, 4);
    answer_again(&store, &question("a", "3"), "e3");
    assert!(!store.summarise(&conversation, &made, 32).unwrap());
    // All is gone.
    let made = next(&store, &conversation, 2);
    store.apply(&[Change::ForgetConversation(conversation.clone())], 33).unwrap();
    assert!(!store.summarise(&conversation, &made, 34).unwrap());
    assert!(!store.summarise(&conversation, &NewSummary { turns: Vec::new(), ..made }, 35).unwrap());
    assert_eq!(seen(&store, &conversation), (None, 0, 0));
    // Twice the same.
    accept(&store, &[question("a", "9")], 36);
    conclude(&store, &question("a", "9"), 36).unwrap();
    let made = next(&store, &conversation, 2);
    assert!(store.summarise(&conversation, &made, 37).unwrap());
    assert!(!store.summarise(&conversation, &made, 38).unwrap());
    assert!(!store.is_own(&event("9")).unwrap());
}

#[test]
fn a_summary_is_sealed_and_its_key_is_replaced_with_it() {
    let folder = folder();
    let store = open(&folder);
    let conversation = summarised(&store);
    let before = after_a_kill(&folder);
    redact(&store, "a", &["1"], 30);
    drop(store);
    for file in ["store.key", "rooms.keys"] {
        std::fs::copy(folder.path().join(file), before.path().join(file)).unwrap();
    }
    let old = open(&before);
    assert_eq!(old.past(&conversation).unwrap(), Past::default(), "today's keys open none of the old bytes");
}
