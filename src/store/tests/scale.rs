//! A store of 100,000 records: each operation reads and writes what it is about, not what the store holds beside it. Records are
//! counted, not seconds.

use super::super::answer::Answered;
use super::super::layout::{EventPlace, Tree};
use super::super::own::OwnMessage;
use super::super::purge::SLICE;
use super::super::{Accept, Database, MOST_TURNS, Retention};
use super::{accept, conclude, deliver, event, folder, leave, open, question, redact, room, turns};
use crate::message::Incoming;

const ROOMS: usize = 200;
/// Exchanges in each room, in its main line.
const EXCHANGES: usize = 100;
/// Of an exchange: two turns, what was shown, and the marks of the question and of the answer.
const RECORDS: usize = ROOMS * EXCHANGES * 5;
/// Of one room: turns and what was shown.
const OF_A_ROOM: usize = EXCHANGES * 3;

fn exchange(room: usize, number: usize) -> Incoming {
    question(&format!("r{room}"), &format!("q{room}.{number}"))
}

/// When an exchange was: those of the first rooms are the oldest.
fn at(room: usize) -> u64 {
    1000 + room as u64
}

/// As exchanges leave it, but written in a few batches: each exchange by itself would wait for the disk five times.
fn fill(store: &Database) {
    for rooms in (0..ROOMS).collect::<Vec<_>>().chunks(25) {
        let mut transaction = store.transaction();
        for room in rooms {
            for number in 0..EXCHANGES {
                let question = exchange(*room, number);
                let shown = event(&format!("a{room}.{number}"));
                let place = EventPlace::new(transaction.blinded_ids(), &question.room_id, &question.event_id);
                transaction.say(&question, turns(&question, at(*room))).unwrap();
                let (done, own_key) =
                    (store.dedup_key(Tree::Done, &question.event_id), store.dedup_key(Tree::Own, &shown));
                let own = OwnMessage { at: at(*room), answers: Some(place) };
                let answered = Answered {
                    question,
                    parts: vec![shown],
                    elsewhere: Vec::new(),
                    at: at(*room),
                    usage: None,
                    series: None,
                    citations: Vec::new(),
                    calls: Vec::new(),
                };
                transaction.put(&place.of(Tree::Answered), &answered).unwrap();
                transaction.put_value(&done, &at(*room)).unwrap();
                transaction.put(&own_key, &own).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}

/// How many records an operation touches.
fn touched<T>(store: &Database, operation: impl FnOnce() -> T) -> usize {
    let before = store.touched.get();
    store.longest.set(0);
    operation();
    store.touched.get() - before
}

fn longest(store: &Database) -> usize {
    store.longest.get()
}

#[test]
fn the_work_of_an_operation_does_not_grow_with_the_store() {
    let folder = folder();
    let store = open(&folder);
    fill(&store);
    assert!(store.db.len() >= RECORDS, "{}", store.db.len());
    drop(store);

    let store = open(&folder);
    let opening = store.touched.get();
    assert!(opening <= 4 * ROOMS + 100, "opening looks at rooms and not into them: {opening}");

    let new = question("r7", "new");
    let asked = touched(&store, || accept(&store, std::slice::from_ref(&new), 2000));
    let read = touched(&store, || store.turns(&new.conversation()).unwrap());
    let concluded = touched(&store, || conclude(&store, &new, 2000));
    let delivered = touched(&store, || deliver(&store, &new, 2000));
    let meant = touched(&store, || store.answers_in(&new.conversation()).unwrap());
    println!("asked {asked}, history {read}, concluded {concluded}, delivered {delivered}, meant {meant}");
    assert!(asked <= 20 && concluded <= 20 && delivered <= 30 && meant <= 5);
    assert!(read <= 2 * EXCHANGES);

    // What is removed of a room is sealed anew with all that is left of it, and with nothing else.
    let redacted = touched(&store, || redact(&store, "r8", &["q8.3"], 2000));
    let left = touched(&store, || leave(&store, "r9", 2000));
    let edited = touched(&store, || super::edit(&store, &exchange(10, 3), "e", "autre", 2000));
    println!("redacted {redacted}, left {left}, edited {edited}");
    assert!(redacted <= 4 * OF_A_ROOM && left <= 3 * OF_A_ROOM && edited <= 30);

    let nothing = Retention {
        dedup: 9999,
        turns: 9999,
        turns_at_most: 9999,
        audit: 9999,
        undecrypted: 9999,
        memory: 9999,
        withdrawable: 9999,
        compagnons: 9999,
    };
    let walked = touched(&store, || assert_eq!(store.purge(2000, &nothing).unwrap().records, 0));
    println!("purge of nothing {walked}, {} at a stretch", longest(&store));
    assert!(walked <= RECORDS + 20 * ROOMS, "once over everything: {walked}");
    assert!(longest(&store) <= SLICE + 2 * OF_A_ROOM, "others have their turn: {}", longest(&store));

    // Of the first twenty rooms all goes that is still there, but for what is new in one of them; their marks stay.
    let keep = Retention { turns: 980, ..nothing };
    let walked = touched(&store, || assert_eq!(store.purge(2000, &keep).unwrap().records, 19 * OF_A_ROOM - 3));
    println!("purge of a tenth {walked}, {} at a stretch", longest(&store));
    assert!(walked <= RECORDS + 20 * ROOMS + 20 * 4 * OF_A_ROOM, "{walked}");
    assert!(longest(&store) <= 6 * SLICE, "{}", longest(&store));
    let sought = touched(&store, || store.accept(&Accept { left: &[room("r1")], ..Accept::default() }, 2000).unwrap());
    assert!(sought <= 50 + 2 * EXCHANGES, "what is kept to be taken back goes, too: {sought}");
    assert_eq!(store.damaged().unwrap(), 0);
}

#[test]
fn of_a_very_long_conversation_the_newest_turns_are_read() {
    let folder = folder();
    let store = open(&folder);
    let mut transaction = store.transaction();
    for number in 0..MOST_TURNS / 2 + 10 {
        let question = exchange(1, number);
        transaction.say(&question, turns(&question, number as u64)).unwrap();
    }
    transaction.commit().unwrap();
    let mut found = Vec::new();
    let read = touched(&store, || found = store.turns(&exchange(1, 0).conversation()).unwrap());
    assert_eq!((read, found.len()), (MOST_TURNS, MOST_TURNS));
    assert!(found.first().unwrap().event_id == event("q1.10") && found.is_sorted_by_key(|turn| turn.at));
}
