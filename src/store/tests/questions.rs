//! The life of a question, with a kill after each step.

use super::{
    Accept, accept, admitted, after_a_kill, conclude, deliver, event, folder, held, in_thread, item, names, open,
    question, redact, room, turns,
};
use serde_json::Value;

use crate::store::layout::{Key, Tree};
use crate::store::{Change, Sent, StoreError};

#[test]
fn questions_are_queued_in_order_of_arrival_with_the_cursor() {
    let folder = folder();
    let store = open(&folder);
    assert_eq!(store.cursor().unwrap(), None);
    accept(&store, &[question("a", "1"), question("b", "2")], 10);
    accept(&store, &[question("a", "3")], 20);
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    accept(&store, &[question("b", "4")], 30);
    let queued = store.queued().unwrap();
    assert_eq!(names(&queued), ["$1:tchap.test", "$2:tchap.test", "$3:tchap.test", "$4:tchap.test"]);
    assert_eq!(queued[2].received_at, 20);
    assert_eq!(queued[0].question, question("a", "1"));
    assert_eq!(store.cursor().unwrap().as_deref(), Some("s1"));
}

#[test]
fn numbers_grow_even_when_the_inbox_was_empty_at_a_restart() {
    let folder = folder();
    let first = accept(&open(&folder), &[question("a", "1")], 1)[0].sequence;
    let store = open(&folder);
    redact(&store, "a", &["1"], 2);
    drop(store);
    assert!(accept(&open(&folder), &[question("a", "2")], 3)[0].sequence > first);
}

#[test]
fn an_event_is_accepted_once_at_every_stage() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    assert_eq!(accept(&store, &[asked.clone(), asked.clone()], 1).len(), 1, "twice in one response");
    assert!(accept(&store, std::slice::from_ref(&asked), 2).is_empty(), "waiting");
    conclude(&store, &asked, 3).unwrap();
    assert!(accept(&store, std::slice::from_ref(&asked), 4).is_empty(), "being delivered");
    store.delivered(&asked, 5).unwrap();
    assert!(accept(&store, std::slice::from_ref(&asked), 6).is_empty(), "over");
    let killed = after_a_kill(&folder);
    assert!(accept(&open(&killed), &[asked], 7).is_empty(), "over, after a kill");
}

#[test]
fn each_step_survives_a_kill() {
    let first = folder();
    let asked = question("a", "1");
    let store = open(&first);
    accept(&store, std::slice::from_ref(&asked), 1);
    assert_eq!(store.begin(&asked).unwrap().unwrap().attempts, 1);

    let second = after_a_kill(&first);
    let store = open(&second);
    assert_eq!(store.begin(&asked).unwrap().unwrap().attempts, 2);
    assert!(store.draft(&asked, &event("draft"), 2).unwrap());

    let third = after_a_kill(&second);
    let store = open(&third);
    let queued = store.queued().unwrap();
    assert_eq!((queued[0].attempts, queued[0].draft.clone()), (2, Some(event("draft"))));
    assert!(store.is_own(&event("draft")).unwrap());
    conclude(&store, &asked, 3).unwrap();

    let fourth = after_a_kill(&third);
    let store = open(&fourth);
    assert!(store.queued().unwrap().is_empty());
    assert_eq!(store.turns(&asked.conversation()).unwrap(), turns(&asked, 3));
    assert_eq!(store.undelivered().unwrap()[0].answer.items, [item("a"), item("b")]);
    store.part_sent(&asked, 0, &event("part0"), 4).unwrap();

    let fifth = after_a_kill(&fourth);
    let store = open(&fifth);
    assert_eq!(store.undelivered().unwrap()[0].sent, [Sent::Message(event("part0"))]);
    assert!(store.is_own(&event("part0")).unwrap());
    store.part_sent(&asked, 1, &event("part1"), 5).unwrap();
    store.delivered(&asked, 6).unwrap();

    let sixth = after_a_kill(&fifth);
    let store = open(&sixth);
    assert!(store.undelivered().unwrap().is_empty());
    assert!(store.queued().unwrap().is_empty());
}

#[test]
fn parts_come_in_order_and_may_come_twice() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    conclude(&store, &asked, 2).unwrap();
    assert!(matches!(store.part_sent(&asked, 1, &event("p1"), 3), Err(StoreError::Refused(_))));
    store.part_sent(&asked, 0, &event("p0"), 3).unwrap();
    store.part_sent(&asked, 0, &event("p0"), 4).unwrap();
    store.part_sent(&asked, 1, &event("p1"), 5).unwrap();
    assert_eq!(store.undelivered().unwrap()[0].sent, [event("p0"), event("p1")].map(Sent::Message));
}

#[test]
fn conversations_of_one_room_are_apart() {
    let folder = folder();
    let store = open(&folder);
    let main = question("a", "1");
    let thread = in_thread(question("a", "2"), "root");
    accept(&store, &[main.clone(), thread.clone()], 1);
    assert!(store.answers_in(&thread.conversation()).unwrap(), "a question waits there");
    assert!(!store.answers_in(&in_thread(question("a", "3"), "other").conversation()).unwrap());
    conclude(&store, &thread, 2).unwrap();
    assert!(store.answers_in(&thread.conversation()).unwrap(), "an answer is on its way");
    conclude(&store, &main, 3).unwrap();
    assert_eq!(store.turns(&main.conversation()).unwrap(), turns(&main, 3));
    store.apply(&[Change::ForgetConversation(main.conversation())], 4).unwrap();
    assert!(store.turns(&main.conversation()).unwrap().is_empty());
    assert_eq!(store.turns(&thread.conversation()).unwrap(), turns(&thread, 2));
    assert!(store.answers_in(&main.conversation()).unwrap(), "its answer is still on its way");
}

#[test]
fn a_message_leads_to_its_exchange_at_every_stage_and_in_its_room_only() {
    let folder = folder();
    let store = open(&folder);
    let asked = in_thread(question("a", "1"), "root");
    let of = |name: &str, room: &str| {
        let found = store.exchange_of(&self::room(room), &event(name)).unwrap();
        found.map(|found| (found.event_id, found.thread))
    };
    let expected = Some((asked.event_id.clone(), asked.thread.clone()));
    assert_eq!(of("1", "a"), None);
    accept(&store, std::slice::from_ref(&asked), 1);
    assert_eq!(of("1", "a"), expected, "it waits");
    store.draft(&asked, &event("draft"), 1).unwrap();
    assert_eq!(of("draft", "a"), expected);
    conclude(&store, &asked, 2).unwrap();
    assert_eq!(of("1", "a"), expected, "its answer is on its way");
    let [first, second] = deliver(&store, &asked, 3);
    for part in [first, second] {
        assert_eq!(store.exchange_of(&asked.room_id, &part).unwrap().map(|found| found.event_id), Some(event("1")));
        assert_eq!(store.exchange_of(&self::room("b"), &part).unwrap(), None, "a room's messages are not another's");
    }
    assert_eq!((of("1", "a"), of("1", "b"), of("root", "a")), (expected, None, None));
    store.apply(&[Change::ForgetConversation(asked.conversation())], 4).unwrap();
    assert_eq!(of("1", "a"), None);
}

#[test]
fn an_event_waits_for_its_key_until_it_is_a_question() {
    let first = folder();
    let store = open(&first);
    let batch = Accept { next_batch: Some("s2"), undecrypted: &[held("a", "1"), held("a", "2")], ..Accept::default() };
    store.accept(&batch, 1).unwrap();
    store.accept(&batch, 2).unwrap();
    let second = after_a_kill(&first);
    let store = open(&second);
    assert_eq!(store.undecrypted().unwrap(), [held("a", "1"), held("a", "2")]);
    // The key of the first one came: a question, without a sync.
    let late = Accept { questions: &[admitted(&question("a", "1"))], ..Accept::default() };
    assert_eq!(store.accept(&late, 3).unwrap().new.len(), 1);
    assert_eq!(store.undecrypted().unwrap(), [held("a", "2")]);
    assert_eq!(store.cursor().unwrap().as_deref(), Some("s2"));
    // Seen again, still encrypted: it is a question already.
    store.accept(&batch, 4).unwrap();
    assert_eq!(store.undecrypted().unwrap(), [held("a", "2")]);
    store.decrypted(&room("a"), &event("2")).unwrap();
    assert!(store.undecrypted().unwrap().is_empty());
}

#[test]
fn the_folder_serves_one_process_at_a_time() {
    let folder = folder();
    let store = open(&folder);
    assert!(matches!(super::Database::open(folder.path()), Err(StoreError::InUse)));
    drop(store);
    open(&folder);
}

#[test]
fn what_an_older_program_wrote_is_read() {
    let folder = folder();
    let store = open(&folder);
    let (asked, waiting) = (question("a", "1"), question("a", "2"));
    accept(&store, &[asked.clone(), waiting.clone()], 1);
    conclude(&store, &asked, 2).unwrap();
    // Turns that did not say where they were said.
    let mut transaction = store.transaction();
    let turns_of = Key::all(Tree::Turns);
    let (turns_then, _) = transaction.page_of_values::<Value>(&turns_of, &turns_of.bytes, 10).unwrap();
    for (key, mut record) in turns_then {
        record.as_object_mut().unwrap().remove("conversation").unwrap();
        transaction.put_value(&key, &record).unwrap();
    }
    transaction.commit().unwrap();
    assert_eq!(store.turns(&asked.conversation()).unwrap(), turns(&asked, 2));
    assert_eq!(store.queued().unwrap()[0].question, waiting);
    assert_eq!(store.undelivered().unwrap()[0].question, asked);
    let personal = store.personal(&asked.sender).unwrap();
    assert_eq!(personal.exchanges, [(None, turns(&asked, 2))], "nobody knows where");
    store.apply(&[Change::ForgetPerson(asked.sender.clone())], 3).unwrap();
    assert!(store.turns(&asked.conversation()).unwrap().is_empty(), "but forgetting reaches them");
    assert_eq!(store.damaged().unwrap(), 0);
}
