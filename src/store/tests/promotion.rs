//! Edits that make a question of a message of which nothing is known.

use super::{accept, an_edit, event, exchange, folder, open, question, redact};
use crate::message::{Edit, Incoming};
use crate::store::database::Database;
use crate::store::question::{Accept, Accepted, QueuedKind};

fn calling(original: &Incoming, name: &str, sent_at: u64, body: &str) -> Edit {
    Edit { mentions_me: Some(true), sent_at, ..an_edit(original, name, body) }
}

fn make(store: &Database, edits: &[Edit]) -> Accepted {
    store.accept(&Accept { edits, ..Accept::default() }, 5).unwrap()
}

fn waiting(store: &Database) -> Vec<(String, String)> {
    let queued = store.queued().unwrap();
    queued.iter().map(|one| (one.question.event_id.to_string(), one.question.text().to_owned())).collect()
}

#[test]
fn it_waits_for_its_original_and_then_as_the_original() {
    let folder = folder();
    let store = open(&folder);
    let said = Incoming { mentions_me: false, ..question("a", "1") };
    let edits = [calling(&said, "e1", 10, "un"), calling(&said, "e2", 20, "deux")];
    let accepted = make(&store, &edits);
    assert_eq!((accepted.new.len(), accepted.edited.len()), (2, 0));
    assert_eq!(accepted.new[0].kind, QueuedKind::EditOf(said.event_id.clone()));
    assert!(make(&store, &edits).new.is_empty(), "seen before");
    let store = {
        drop(store);
        open(&folder)
    };
    assert_eq!(store.queued().unwrap(), accepted.new, "it survives a restart");

    let [first, second] = [&accepted.new[0].question, &accepted.new[1].question];
    let promoted = store.promote(first, Some(&said), 6).unwrap();
    let found = &promoted.new[0].question;
    assert_eq!((&found.event_id, found.text(), found.mentions_me), (&said.event_id, "un", true));
    let promoted = store.promote(second, Some(&said), 7).unwrap();
    assert_eq!((promoted.new.len(), promoted.edited.len(), promoted.edited[0].anew), (0, 1, false));
    assert_eq!(waiting(&store), [(said.event_id.to_string(), "deux".to_owned())]);
    assert_eq!(store.promote(second, Some(&said), 8).unwrap(), Accepted::default(), "once");
    assert!(make(&store, &edits).new.is_empty(), "over");
    // It is a question like any other now.
    let edited = store.queued().unwrap().remove(0).question;
    exchange(&store, &edited, 9);
    assert_eq!(make(&store, &[calling(&said, "e3", 30, "trois")]).edited.len(), 1);
}

#[test]
fn one_that_counts_for_nothing_leaves_nothing_and_keeps_nobody_from_asking() {
    let folder = folder();
    let store = open(&folder);
    let said = question("a", "1");
    let new = make(&store, &[calling(&said, "e1", 10, "faux"), calling(&said, "e2", 20, "repris")]).new;
    assert_eq!(store.promote(&new[0].question, None, 6).unwrap(), Accepted::default());
    redact(&store, "a", &["e2"], 7);
    assert_eq!(store.promote(&new[1].question, Some(&said), 8).unwrap(), Accepted::default(), "taken back");
    assert_eq!(waiting(&store), []);
    assert_eq!(make(&store, &[calling(&said, "e3", 30, "vrai")]).new.len(), 1);
    // Of what is answered, or over, no edit waits; nor one that calls nobody.
    accept(&store, &[question("a", "2")], 9);
    store.drop_question(&said.room_id, &event("2"), 10).unwrap();
    assert!(make(&store, &[calling(&question("a", "2"), "e4", 40, "x")]).new.is_empty());
    assert!(make(&store, &[an_edit(&question("a", "3"), "e5", "x")]).new.is_empty());
}

#[test]
fn an_edit_of_an_edit_that_waits_changes_nothing() {
    let folder = folder();
    let store = open(&folder);
    let said = question("a", "1");
    let waits = make(&store, &[calling(&said, "e1", 10, "un")]).new;
    let accepted = make(&store, &[calling(&question("a", "e1"), "e2", 20, "deux")]);
    assert_eq!((accepted.new.len(), accepted.edited.len()), (0, 0));
    assert_eq!(store.queued().unwrap(), waits);
}

#[test]
fn it_waits_no_longer_once_its_original_is_taken_back() {
    let folder = folder();
    let store = open(&folder);
    let (said, other) = (question("a", "1"), question("a", "2"));
    let edits = [calling(&said, "e1", 10, "un"), calling(&other, "e2", 20, "deux")];
    let new = make(&store, &edits).new;
    redact(&store, "a", &["1"], 6);
    assert_eq!(waiting(&store), [(event("e2").to_string(), "deux".to_owned())]);
    assert_eq!(store.promote(&new[0].question, Some(&said), 7).unwrap(), Accepted::default());
    assert!(make(&store, &edits).new.is_empty(), "over");
}

#[test]
fn it_waits_in_a_lane_of_its_own_and_no_death_of_the_process_counts() {
    let folder = folder();
    let store = open(&folder);
    let edit = make(&store, &[calling(&question("a", "1"), "e1", 10, "un")]).new.remove(0).question;
    assert_ne!(edit.conversation(), question("a", "1").conversation());
    assert_eq!(edit.written_in(), question("a", "1").written_in());
    for _ in 0..6 {
        assert_eq!(store.begin(&edit).unwrap().unwrap().interrupted, 0);
    }
}
