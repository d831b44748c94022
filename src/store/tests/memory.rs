//! What people ask to be remembered: for whom, how long, and what takes it away.

use std::fs;

use ruma::UserId;

use super::{KEEP, after_a_kill, event, exchange, folder, leave, open, question, redact, room};
use crate::memory::{Fact, MOST_FACTS};
use crate::store::layout::{Key, Tree};
use crate::store::{Accept, Change, Database, Retention};

pub(super) fn fact(in_room: &str, by: &str, number: u32, of_room: bool) -> Fact {
    Fact {
        room_id: room(in_room),
        of_room,
        number,
        text: format!("{in_room} {by} {number}"),
        by: format!("@{by}:tchap.test").try_into().unwrap(),
        name: None,
        event_id: event(&format!("{in_room}.{by}.{number}.{of_room}")),
        at: 10,
        direct: false,
    }
}

fn remember(store: &Database, facts: &[Fact]) {
    let changes: Vec<Change> = facts.iter().cloned().map(Change::Remember).collect();
    store.apply(&changes, 10).unwrap();
}

fn facts(store: &Database, in_room: &str, person: &str) -> Vec<String> {
    let person = format!("@{person}:tchap.test");
    let facts = store.facts(&room(in_room), <&UserId>::try_from(person.as_str()).unwrap()).unwrap();
    facts.into_iter().map(|fact| format!("{}{}", if fact.of_room { "room: " } else { "" }, fact.text)).collect()
}

/// Facts of two persons in two rooms, and one of a room.
fn office() -> Vec<Fact> {
    vec![
        fact("a", "awa", 2, false),
        fact("a", "awa", 1, false),
        fact("a", "ben", 1, false),
        fact("b", "awa", 1, false),
        fact("a", "awa", 1, true),
    ]
}

#[test]
fn facts_are_of_one_room_and_one_person_or_of_all_there_and_survive_a_kill() {
    let folder = folder();
    let store = open(&folder);
    remember(&store, &office());
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    assert_eq!(facts(&store, "a", "awa"), ["room: a awa 1", "a awa 1", "a awa 2"], "in the order of the numbers");
    assert_eq!(facts(&store, "a", "ben"), ["room: a awa 1", "a ben 1"]);
    assert_eq!(facts(&store, "b", "awa"), ["b awa 1"]);
    assert_eq!(facts(&store, "b", "ben"), [""; 0]);
    store.apply(&[Change::ForgetFacts(vec![fact("a", "awa", 1, false)])], 11).unwrap();
    assert_eq!(facts(&store, "a", "awa"), ["room: a awa 1", "a awa 2"]);
    assert_eq!(facts(&store, "b", "awa"), ["b awa 1"]);
}

#[test]
fn a_forgotten_fact_cannot_be_opened_even_from_the_old_database() {
    let folder = folder();
    let store = open(&folder);
    remember(&store, &office());
    let before = after_a_kill(&folder);
    store.apply(&[Change::ForgetFacts(vec![fact("a", "awa", 1, false)])], 11).unwrap();
    drop(store);
    for file in ["store.key", "rooms.keys"] {
        fs::copy(folder.path().join(file), before.path().join(file)).unwrap();
    }
    fs::remove_file(before.path().join("store.head")).unwrap();
    let store = open(&before);
    assert_eq!(facts(&store, "a", "awa"), [""; 0], "the old bytes do not open with the new key");
    assert_eq!(facts(&store, "b", "awa"), ["b awa 1"]);
}

#[test]
fn the_deletion_of_its_message_takes_a_fact_away_however_old() {
    let folder = folder();
    let store = open(&folder);
    remember(&store, &office());
    let other = fact("b", "awa", 1, false).event_id;
    assert!(redact(&store, "a", &[other.localpart()], 20).redacted.is_empty(), "the message of another room");
    let accepted = redact(&store, "a", &["a.awa.1.false"], 20);
    assert_eq!(accepted.redacted, [event("a.awa.1.false")]);
    assert_eq!(facts(&store, "a", "awa"), ["room: a awa 1", "a awa 2"]);
    redact(&store, "a", &["a.awa.1.true"], 21);
    assert_eq!(facts(&store, "a", "ben"), ["a ben 1"]);
    assert!(redact(&store, "a", &["a.awa.1.true"], 22).redacted.is_empty(), "there is nothing more to take away");
}

#[test]
fn who_is_forgotten_leaves_only_what_is_the_rooms() {
    let folder = folder();
    let store = open(&folder);
    remember(&store, &office());
    let awa = <&UserId>::try_from("@awa:tchap.test").unwrap();
    let held = store.personal(awa).unwrap().facts;
    assert_eq!(held.len(), 4);
    assert!(held.iter().all(|fact| fact.by == awa));
    store.tell_unread(awa, 10).unwrap();
    store.apply(&[Change::ForgetPerson(awa.to_owned())], 11).unwrap();
    assert_eq!(facts(&store, "a", "awa"), ["room: a awa 1"]);
    assert_eq!(facts(&store, "b", "awa"), [""; 0]);
    assert_eq!(facts(&store, "a", "ben"), ["room: a awa 1", "a ben 1"]);
    assert_eq!(store.personal(awa).unwrap().told_unread_at, None);
}

#[test]
fn a_conversation_that_is_forgotten_takes_no_fact_a_room_takes_all() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    exchange(&store, &asked, 5);
    remember(&store, &office());
    store.apply(&[Change::ForgetConversation(asked.conversation())], 11).unwrap();
    assert_eq!(facts(&store, "a", "awa").len(), 3);
    store.apply(&[Change::ForgetTurns(room("a"))], 12).unwrap();
    assert_eq!((facts(&store, "a", "awa").len(), facts(&store, "a", "ben").len()), (0, 0));
    assert_eq!(facts(&store, "b", "awa").len(), 1);
    leave(&store, "b", 13);
    assert_eq!(facts(&store, "b", "awa").len(), 0);
    assert_eq!(store.transaction().raw_keys(&Key::all(Tree::Memory)).unwrap().len(), 0);
}

#[test]
fn facts_move_with_a_room_to_the_one_that_takes_its_place() {
    let folder = folder();
    let store = open(&folder);
    remember(&store, &office());
    // Something is remembered there already.
    remember(&store, &[fact("c", "awa", 1, false)]);
    let many: Vec<Fact> = (1..=MOST_FACTS as u32).map(|number| fact("c", "ben", number, false)).collect();
    remember(&store, &many);
    let upgraded = [(room("a"), room("c"))];
    store.accept(&Accept { upgraded: &upgraded, ..Accept::default() }, 11).unwrap();
    let awa = facts(&store, "c", "awa");
    assert_eq!(awa, ["room: a awa 1", "c awa 1", "a awa 1", "a awa 2"], "each has a number of its own");
    assert_eq!(facts(&store, "c", "ben").len(), 1 + MOST_FACTS, "beside the room's, no more than there may be");
    assert!(facts(&store, "a", "awa").is_empty());
    redact(&store, "c", &["c.awa.1.false"], 12);
    assert_eq!(facts(&store, "c", "awa").len(), 3);
}

#[test]
fn facts_go_by_a_retention_of_their_own() {
    let folder = folder();
    let store = open(&folder);
    let new = Fact { at: 90, ..fact("a", "awa", 3, false) };
    remember(&store, &[office(), vec![new]].concat());
    let keep = Retention { turns: 1, ..KEEP };
    assert_eq!(store.purge(100, &keep).unwrap().records, 0);
    let purged = store.purge(120, &keep).unwrap();
    assert_eq!((purged.records, purged.rooms), (5, [room("a"), room("b")].into()));
    assert_eq!(facts(&store, "a", "awa"), ["a awa 3"]);
}
