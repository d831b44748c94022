//! What people ask to be remembered: for whom, how long, and what takes it away.

use std::fs;

use ruma::UserId;

use super::{KEEP, admitted, after_a_kill, an_edit, event, exchange, folder, leave, open, question, redact, room};
use crate::command::{Call, Command};
use crate::memory::{Fact, MOST_FACTS};
use crate::message::{Edit, Incoming};
use crate::store::layout::{Key, Tree};
use crate::store::{Accept, Accepted, Admitted, Change, Database, QueuedKind, Retention};

pub(super) fn fact(in_room: &str, by: &str, number: u32, of_room: bool) -> Fact {
    Fact {
        room_id: room(in_room),
        of_room,
        number,
        text: format!("{in_room} {by} {number}"),
        by: Some(format!("@{by}:tchap.test").try_into().unwrap()),
        name: None,
        event_id: event(&format!("{in_room}.{by}.{number}.{of_room}")),
        told_in: None,
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
    assert_eq!((accepted.redacted, accepted.untold), (vec![event("a.awa.1.false")], vec![room("a")]));
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
    remember(&store, &[Fact { name: Some("Awa".to_owned()), ..fact("a", "awa", 1, true) }]);
    let awa = <&UserId>::try_from("@awa:tchap.test").unwrap();
    let held = store.personal(awa).unwrap().facts;
    assert_eq!(held.len(), 4);
    assert!(held.iter().all(|fact| fact.by.as_deref() == Some(awa)));
    store.tell_unread(awa, 10).unwrap();
    store.apply(&[Change::ForgetPerson(awa.to_owned())], 11).unwrap();
    assert_eq!(facts(&store, "a", "awa"), ["room: a awa 1"]);
    assert_eq!(facts(&store, "b", "awa"), [""; 0]);
    assert_eq!(facts(&store, "a", "ben"), ["room: a awa 1", "a ben 1"]);
    assert_eq!(store.personal(awa).unwrap().told_unread_at, None);
    let kept = store.facts(&room("a"), awa).unwrap().remove(0);
    assert_eq!((kept.by, kept.name), (None, None), "it says no more who told it");
    assert!(store.personal(awa).unwrap().facts.is_empty());
    // Its message still takes it away.
    redact(&store, "a", &["a.awa.1.true"], 12);
    assert_eq!(facts(&store, "a", "awa"), [""; 0]);
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
    // What told the others stands in the old room, also once the new one is replaced as well.
    assert!(redact(&store, "c", &["a.awa.2.false"], 13).redacted.is_empty(), "it was not told there");
    let upgraded = [(room("c"), room("d"))];
    store.accept(&Accept { upgraded: &upgraded, ..Accept::default() }, 14).unwrap();
    let accepted = redact(&store, "a", &["a.awa.2.false"], 15);
    assert_eq!((accepted.redacted, accepted.untold), (vec![event("a.awa.2.false")], vec![room("d")]));
    assert_eq!(facts(&store, "d", "awa"), ["room: a awa 1", "a awa 1"]);
}

#[test]
fn what_has_moved_with_a_room_does_not_open_in_the_old_one() {
    let folder = folder();
    let store = open(&folder);
    remember(&store, &office());
    // The old room has a key for as long as something is left in it.
    exchange(&store, &question("a", "1"), 5);
    let before = after_a_kill(&folder);
    let upgraded = [(room("a"), room("c"))];
    store.accept(&Accept { upgraded: &upgraded, ..Accept::default() }, 11).unwrap();
    drop(store);
    for file in ["store.key", "rooms.keys"] {
        fs::copy(folder.path().join(file), before.path().join(file)).unwrap();
    }
    fs::remove_file(before.path().join("store.head")).unwrap();
    assert_eq!(facts(&open(&before), "a", "awa"), [""; 0], "the old bytes do not open with the new key");
}

/// An edit of the message that told a fact.
fn edit_of(fact: &Fact, by: &str) -> Edit {
    let told = Incoming { event_id: fact.event_id.clone(), ..question(fact.text.split(' ').next().unwrap(), "x") };
    Edit { sender: format!("@{by}:tchap.test").try_into().unwrap(), ..an_edit(&told, "edit", "oups") }
}

#[test]
fn an_edit_by_who_told_it_takes_a_fact_away_however_old() {
    let folder = folder();
    let store = open(&folder);
    remember(&store, &office());
    let told = fact("a", "awa", 1, false);
    for unheeded in [false, true] {
        let accept = |edit: Edit| {
            let edits = [edit];
            let accept = if unheeded {
                Accept { unheeded: &edits, ..Accept::default() }
            } else {
                Accept { edits: &edits, ..Accept::default() }
            };
            store.accept(&accept, 20).unwrap()
        };
        remember(&store, std::slice::from_ref(&told));
        assert!(accept(edit_of(&told, "ben")).untold.is_empty(), "another's edit");
        assert_eq!(facts(&store, "a", "awa").len(), 3);
        assert_eq!(accept(edit_of(&told, "awa")).untold, [room("a")]);
        assert_eq!(facts(&store, "a", "awa"), ["room: a awa 1", "a awa 2"], "{unheeded}");
    }
}

#[test]
fn a_command_that_an_edit_makes_another_one_tells_nothing() {
    let folder = folder();
    let store = open(&folder);
    let remembers = Call {
        command: Some(Command::Remember),
        name: "retenir".to_owned(),
        english: false,
        arguments: "Mon code est 1234".to_owned(),
        text: String::new(),
        unasked: false,
    };
    let command =
        |name: &str| Admitted { kind: QueuedKind::Command(remembers.clone()), ..admitted(&question("a", name)) };
    let unheeded = |name: &str| [an_edit(&question("a", name), &format!("e{name}"), "!retenir Mon code est 5678")];
    // It waits still.
    store.accept(&Accept { questions: &[command("1")], ..Accept::default() }, 1).unwrap();
    let accepted = store.accept(&Accept { unheeded: &unheeded("1"), ..Accept::default() }, 2).unwrap();
    assert_eq!(accepted.redacted, [event("1")]);
    assert!(store.queued().unwrap().is_empty());
    // It has told a fact: what was said of it goes with the fact.
    let asked = question("a", "2");
    let shown = exchange(&store, &asked, 3);
    let told =
        Fact { by: Some(asked.sender.clone()), event_id: asked.event_id.clone(), ..fact("a", "agent", 1, false) };
    remember(&store, &[told]);
    let accepted = store.accept(&Accept { unheeded: &unheeded("2"), ..Accept::default() }, 4).unwrap();
    assert_eq!((accepted.redacted, accepted.untold), (vec![event("2")], vec![room("a")]));
    assert_eq!(store.withdrawals().unwrap().len(), shown.len());
    // A question is not given up for it.
    exchange(&store, &question("a", "3"), 5);
    let accepted = store.accept(&Accept { unheeded: &unheeded("3"), ..Accept::default() }, 6).unwrap();
    assert_eq!(accepted, Accepted::default());
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
