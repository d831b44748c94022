//! Deleting a question takes its answer back, also once the exchange is forgotten; and nothing else is left of it.

use ruma::{OwnedEventId, OwnedRoomId, event_id};

use super::{
    KEEP, accept, after_a_kill, conclude, event, exchange, folder, in_thread, leave, open, question, redact, room,
    withdrawn,
};
use crate::message::Incoming;
use crate::store::answer::Answered;
use crate::store::layout::{Key, Tree};
use crate::store::withdrawable::MOST_OF_ROOM;
use crate::store::{Answer, Change, Conclusion, Database, Retention};

/// Long after [`exchange`], and not long enough for what is kept of it.
const LATER: u64 = 150;

fn kept(store: &Database) -> usize {
    store.db.scan_prefix(Key::all(Tree::Withdrawable).bytes).count()
}

type Way = (&'static str, fn(&Database));

/// Ways in which an exchange in the main line of the room `a` is forgotten.
fn ways() -> [Way; 5] {
    [
        ("its conversation", |store| {
            store.apply(&[Change::ForgetConversation(question("a", "1").conversation())], LATER).unwrap();
        }),
        ("its conversation, begun anew", |store| {
            store.apply(&[Change::BeginAnew(question("a", "1").conversation())], LATER).unwrap();
        }),
        ("its room", |store| store.apply(&[Change::ForgetTurns(room("a"))], LATER).unwrap()),
        ("its person", |store| store.apply(&[Change::ForgetPerson(question("a", "1").sender)], LATER).unwrap()),
        ("time", |store| assert!(store.purge(LATER, &KEEP).unwrap().records > 0)),
    ]
}

#[test]
fn an_answer_goes_with_its_question_however_the_exchange_was_forgotten() {
    for (way, forget) in ways() {
        let folder = folder();
        let store = open(&folder);
        let asked = question("a", "1");
        let shown = exchange(&store, &asked, 10);
        forget(&store);
        assert!(store.turns(&asked.conversation()).unwrap().is_empty(), "{way}");
        assert_eq!(store.exchange_of(&asked.room_id, &asked.event_id).unwrap(), None, "{way}");
        // As many kills as there are moments.
        let killed = after_a_kill(&folder);
        let store = open(&killed);
        assert_eq!((kept(&store), withdrawn(&store).len()), (1, 0), "{way}");
        assert_eq!(redact(&store, "a", &["1"], LATER + 1).redacted, [event("1")], "{way}");
        assert_eq!(withdrawn(&store), shown.into(), "{way}");
        assert_eq!(kept(&store), 0, "{way}");
        // The same response, given twice.
        let again = after_a_kill(&killed);
        let store = open(&again);
        assert_eq!(withdrawn(&store).len(), 2, "{way}");
        assert!(redact(&store, "a", &["1"], LATER + 2).redacted.is_empty(), "{way}");
        for withdrawal in store.withdrawals().unwrap() {
            store.withdrawn(&withdrawal).unwrap();
        }
        assert!(redact(&store, "a", &["1"], LATER + 3).redacted.is_empty(), "{way}");
        assert!(withdrawn(&store).is_empty(), "{way}: once");
        assert!(accept(&store, &[asked], LATER + 4).is_empty(), "{way}: it is over");
    }
}

#[test]
fn another_question_takes_nothing_back() {
    let folder = folder();
    let store = open(&folder);
    let (one, other) = (question("a", "1"), question("a", "2"));
    exchange(&store, &one, 10);
    exchange(&store, &other, 10);
    store.apply(&[Change::ForgetTurns(room("a"))], 20).unwrap();
    for foreign in ["3", "shown0.1"] {
        assert!(redact(&store, "a", &[foreign], 21).redacted.is_empty());
    }
    // The same event's name in another room.
    assert!(redact(&store, "b", &["1"], 21).redacted.is_empty());
    assert!(withdrawn(&store).is_empty());
    redact(&store, "a", &["2"], 22);
    assert_eq!(withdrawn(&store), [event("shown0.2"), event("shown1.2")].into());
    assert_eq!(kept(&store), 1);
}

#[test]
fn messages_in_other_rooms_go_too() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    let delivery = conclude(&store, &asked, 2).unwrap();
    assert_eq!(delivery.answer.items.len(), 2);
    store.part_sent(&asked, 0, &event("here"), 3).unwrap();
    let elsewhere: (OwnedRoomId, OwnedEventId) = (room("b"), event("there"));
    store.sent_elsewhere(&asked, 1, &elsewhere.0, &elsewhere.1, 3).unwrap();
    store.delivered(&asked, 4).unwrap();
    store.apply(&[Change::ForgetConversation(asked.conversation())], 5).unwrap();
    redact(&store, "a", &["1"], 6);
    let withdrawals = store.withdrawals().unwrap();
    let mut places: Vec<_> = withdrawals.into_iter().map(|one| (one.room_id, one.event_id)).collect();
    places.sort();
    assert_eq!(places, [(room("a"), event("here")), elsewhere]);
}

#[test]
fn an_answer_that_is_forgotten_twice_goes_whole() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    let first = exchange(&store, &asked, 10);
    store.apply(&[Change::ForgetConversation(asked.conversation())], 20).unwrap();
    // Its author writes it again under the same event, and it is answered by other messages.
    let place = store.place(&asked.room_id, &asked.event_id);
    let mut transaction = store.transaction();
    transaction.remove(&store.dedup_key(Tree::Done, &asked.event_id));
    transaction.commit().unwrap();
    accept(&store, std::slice::from_ref(&asked), 30);
    conclude(&store, &asked, 31).unwrap();
    store.part_sent(&asked, 0, &event("again"), 32).unwrap();
    store.delivered(&asked, 33).unwrap();
    assert!(store.transaction().contains(&place.of(Tree::Answered)).unwrap());
    store.apply(&[Change::ForgetConversation(asked.conversation())], 40).unwrap();
    assert_eq!(kept(&store), 1);
    redact(&store, "a", &["1"], 50);
    assert_eq!(withdrawn(&store), first.into_iter().chain([event("again")]).collect());
}

#[test]
fn what_is_kept_has_a_time_of_its_own_and_goes_with_the_room() {
    let folder = folder();
    let store = open(&folder);
    for name in ["1", "2"] {
        exchange(&store, &question("a", name), 10);
    }
    exchange(&store, &question("b", "3"), 10);
    store.apply(&[Change::ForgetConversation(question("a", "1").conversation())], 20).unwrap();
    store.apply(&[Change::ForgetTurns(room("b"))], 30).unwrap();
    let keep = Retention { dedup: 10_000, withdrawable: 50, ..KEEP };
    assert_eq!(store.purge(70, &keep).unwrap().records, 0, "exactly as old as allowed");
    assert_eq!(store.purge(71, &keep).unwrap().records, 2);
    assert_eq!(kept(&store), 1, "that of the other room");
    assert!(redact(&store, "a", &["1"], 72).redacted.is_empty(), "too late");
    leave(&store, "b", 73);
    assert_eq!(kept(&store), 0);
    assert_eq!(store.transaction().rooms().rooms().count(), 0, "no key is left for nothing");
}

#[test]
fn nothing_of_the_store_opens_what_is_kept_without_the_question() {
    let folder = folder();
    let store = open(&folder);
    let asked = in_thread(Incoming { name: Some("Awa Diallo".to_owned()), ..question("a", "1") }, "root");
    let shown = exchange(&store, &asked, 10);
    store.apply(&[Change::ForgetPerson(asked.sender.clone())], 20).unwrap();
    let transaction = store.transaction();
    let (bytes, sealed) = store.db.scan_prefix(Key::all(Tree::Withdrawable).bytes).next().unwrap().unwrap();
    let key = Key { tree: Tree::Withdrawable, bytes: bytes.to_vec() };
    // With all keys in hand.
    let plain = transaction.unseal(&key, &sealed).unwrap().unwrap();
    let text = String::from_utf8(plain.to_vec()).unwrap();
    let names =
        [asked.event_id.as_str(), asked.sender.as_str(), asked.room_id.as_str(), "root", "Awa Diallo", "question"];
    for name in names.into_iter().chain(shown.iter().map(|event| event.as_str())) {
        assert!(!text.contains(name), "{name}");
    }
    // Nor does the name by which other records know the question lead there.
    let place = store.place(&asked.room_id, &asked.event_id);
    assert!(!bytes.windows(16).any(|part| part == place.event));
    assert!(transaction.withdrawable(&asked.room_id, event_id!("$2:tchap.test")).unwrap().is_empty());
    assert_eq!(transaction.withdrawable(&asked.room_id, &asked.event_id).unwrap().len(), 2);
}

#[test]
fn of_a_room_no_more_are_kept_than_there_may_be() {
    let folder = folder();
    let store = open(&folder);
    let answered = |number: usize| Answered {
        question: question("a", &number.to_string()),
        parts: vec![event(&format!("part{number}"))],
        elsewhere: Vec::new(),
        at: 1,
        usage: None,
        series: None,
        citations: Vec::new(),
        calls: Vec::new(),
    };
    for (at, numbers) in [(1, 0..MOST_OF_ROOM / 2), (2, MOST_OF_ROOM / 2..MOST_OF_ROOM)] {
        let mut transaction = store.transaction();
        transaction.forget_answers(numbers.map(answered), at).unwrap();
        transaction.commit().unwrap();
    }
    assert_eq!(kept(&store), MOST_OF_ROOM);
    let mut transaction = store.transaction();
    transaction.forget_answers([answered(MOST_OF_ROOM)], 3).unwrap();
    transaction.commit().unwrap();
    assert_eq!(kept(&store), MOST_OF_ROOM - MOST_OF_ROOM / 10, "some at a time, so that not each one costs it");
    let is_kept = |number: usize| {
        let asked = question("a", &number.to_string());
        store.transaction().is_withdrawable(&asked.room_id, &asked.event_id).unwrap()
    };
    assert!((MOST_OF_ROOM / 2..=MOST_OF_ROOM).all(is_kept), "the oldest went");
}

#[test]
fn an_answer_that_is_delivered_after_its_person_was_forgotten_says_no_more_whose_it_was() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    let forget = Change::ForgetPerson(asked.sender.clone());
    let notice =
        Answer { items: vec![crate::message::Item::Notice { text: "oublié".to_owned() }], ..super::answer(&[]) };
    let conclusion = |answer| Conclusion {
        question: &asked,
        turns: Vec::new(),
        answer,
        changes: vec![forget.clone()],
        usage: None,
        counted: None,
    };
    assert!(store.conclude(conclusion(notice), 2).unwrap().unwrap().forgotten);
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    store.part_sent(&asked, 0, &event("said"), 3).unwrap();
    store.delivered(&asked, 4).unwrap();
    let place = store.place(&asked.room_id, &asked.event_id);
    assert!(!store.transaction().contains(&place.of(Tree::Answered)).unwrap());
    redact(&store, "a", &["1"], 5);
    assert_eq!(withdrawn(&store), [event("said")].into());
}

#[test]
fn what_the_model_writes_for_who_is_forgotten_stops() {
    let folder = folder();
    let store = open(&folder);
    // One that waits, one with a draft, one that is written and not sent, one that is half sent; and another person's.
    let [waits, drafted, written, half] = ["1", "2", "3", "4"].map(|name| question("a", name));
    let others = Incoming { sender: "@ben:tchap.test".try_into().unwrap(), ..question("a", "5") };
    let all = [waits.clone(), drafted.clone(), written.clone(), half.clone(), others.clone()];
    accept(&store, &all, 1);
    store.begin(&drafted).unwrap();
    assert!(store.draft(&drafted, &event("draft"), 2).unwrap());
    conclude(&store, &written, 3).unwrap();
    conclude(&store, &half, 3).unwrap();
    store.part_sent(&half, 0, &event("half"), 4).unwrap();
    store.apply(&[Change::ForgetPerson(waits.sender.clone())], 5).unwrap();
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    assert_eq!(super::names(&store.queued().unwrap()), [others.event_id.as_str()]);
    let left: Vec<_> = store.undelivered().unwrap().into_iter().map(|one| one.question).collect();
    assert_eq!(left, std::slice::from_ref(&half));
    // Of what may have been sent without being written down, the question stands for it.
    assert_eq!(withdrawn(&store), [event("draft"), written.event_id.clone()].into());
    assert!(store.begin(&waits).unwrap().is_none());
    // A message that was on its way.
    store.part_sent(&written, 0, &event("late"), 6).unwrap();
    assert!(withdrawn(&store).contains(&event("late")));
    // What people see the beginning of comes to its end.
    store.part_sent(&half, 1, &event("whole"), 7).unwrap();
    store.delivered(&half, 8).unwrap();
    redact(&store, "a", &["4"], 9);
    let taken = withdrawn(&store);
    assert!(taken.contains(&event("half")) && taken.contains(&event("whole")));
    assert!(accept(&store, &all[..4], 10).is_empty(), "they are over");
    assert!(store.undelivered().unwrap().is_empty());
}
