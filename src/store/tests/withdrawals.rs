//! Which messages of the bot are to be taken back, and which attempts count.

use super::{
    KEEP, accept, after_a_kill, answer, conclude, event, exchange, folder, leave, open, question, redact, withdrawn,
};
use crate::message::{Content, Incoming};
use crate::store::{Answer, Conclusion, Database};

/// A question with a draft in its room.
fn with_draft(store: &Database, name: &str, draft: &str) -> Incoming {
    let asked = question("a", name);
    accept(store, std::slice::from_ref(&asked), 1);
    store.begin(&asked).unwrap();
    assert!(store.draft(&asked, &event(draft), 2).unwrap());
    asked
}

/// The bot comes into a room.
fn come_in(store: &Database, room: &str, name: &str, now: u64) {
    let joined = Incoming { content: Content::Joined, ..question(room, name) };
    assert_eq!(accept(store, &[joined], now).len(), 1);
}

#[test]
fn a_draft_that_somebody_takes_away_is_replaced_by_another_message() {
    let first = folder();
    let store = open(&first);
    let asked = with_draft(&store, "1", "d1");
    let accepted = redact(&store, "a", &["d1"], 3);
    assert_eq!((accepted.redacted.len(), accepted.lost.len()), (0, 1), "the question goes on");
    assert_eq!(withdrawn(&store), [event("d1")].into(), "its edits still hold the text");
    let second = after_a_kill(&first);
    let store = open(&second);
    let queued = store.begin(&asked).unwrap().unwrap();
    assert_eq!((queued.draft, queued.lost), (None, vec![event("d1")]));

    // The next one goes as well, after the answer is written and before it is sent.
    store.draft(&asked, &event("d2"), 4).unwrap();
    let conclusion = Conclusion {
        question: &asked,
        turns: Vec::new(),
        answer: Answer { draft: Some(event("d2")), ..answer(&["a", "b"]) },
        changes: Vec::new(),
        usage: None,
        counted: None,
    };
    let delivery = store.conclude(conclusion, 5).unwrap().unwrap();
    assert_eq!((delivery.answer.draft, delivery.answer.lost), (Some(event("d2")), vec![event("d1")]));
    assert_eq!(redact(&store, "a", &["d2"], 6).lost.len(), 1);
    let delivery = store.delivery(&asked).unwrap().unwrap();
    assert_eq!((delivery.answer.draft, delivery.answer.lost), (None, vec![event("d1"), event("d2")]));
    store.part_sent(&asked, 0, &event("p0"), 7).unwrap();

    // What is taken away now is a part of the answer, and the rest of it goes too.
    assert_eq!(redact(&store, "a", &["p0"], 8).redacted, [event("1")]);
    assert_eq!(store.delivery(&asked).unwrap(), None);
}

#[test]
fn a_draft_that_is_lost_while_the_answer_is_concluded_is_not_edited() {
    let folder = folder();
    let store = open(&folder);
    let asked = with_draft(&store, "1", "d1");
    redact(&store, "a", &["d1"], 3);
    let answer = Answer { draft: Some(event("d1")), ..answer(&["a"]) };
    let conclusion =
        Conclusion { question: &asked, turns: Vec::new(), answer, changes: Vec::new(), usage: None, counted: None };
    let delivery = store.conclude(conclusion, 4).unwrap().unwrap();
    assert_eq!((delivery.answer.draft, delivery.answer.lost), (None, vec![event("d1")]));
}

#[test]
fn a_dropped_question_leaves_no_draft() {
    let folder = folder();
    let store = open(&folder);
    let (shown, unknown) = (with_draft(&store, "1", "d1"), question("a", "2"));
    let (untouched, closed) = (question("a", "3"), with_draft(&store, "4", "d4"));
    accept(&store, &[unknown.clone(), untouched.clone()], 3);
    store.begin(&unknown).unwrap();
    for asked in [&shown, &unknown, &untouched] {
        assert!(store.drop_question(&asked.room_id, &asked.event_id, 4).unwrap());
    }
    assert!(store.close_question(&closed.room_id, &closed.event_id, 4).unwrap());
    assert_eq!(withdrawn(&store), [event("d1"), event("2")].into());
    let unnamed = |one: &crate::store::Withdrawal| one.is_of_question();
    assert_eq!(store.withdrawals().unwrap().iter().filter(|one| unnamed(one)).count(), 1);
}

#[test]
fn where_nothing_could_be_sent_the_draft_goes() {
    let folder = folder();
    let store = open(&folder);
    let asked = with_draft(&store, "1", "d1");
    let answer = Answer { draft: Some(event("d1")), ..answer(&["a"]) };
    store
        .conclude(
            Conclusion { question: &asked, turns: Vec::new(), answer, changes: Vec::new(), usage: None, counted: None },
            3,
        )
        .unwrap();
    store.delivered(&asked, 4).unwrap();
    assert_eq!(withdrawn(&store), [event("d1")].into());
}

#[test]
fn what_is_unfinished_in_a_room_the_bot_is_put_out_of_goes_when_it_comes_in_again() {
    let first = folder();
    let store = open(&first);
    with_draft(&store, "1", "d1");
    let unknown = question("a", "2");
    accept(&store, &[unknown.clone(), question("a", "3")], 3);
    store.begin(&unknown).unwrap();
    let answered = question("a", "4");
    exchange(&store, &answered, 3);
    redact(&store, "a", &["4"], 4);
    leave(&store, "a", 5);
    assert!(withdrawn(&store).is_empty(), "there is no way to it");
    let second = after_a_kill(&first);
    let store = open(&second);
    come_in(&store, "b", "j1", 6);
    assert!(withdrawn(&store).is_empty(), "another room");
    come_in(&store, "a", "j2", 7);
    let unfinished = [event("d1"), event("2"), event("shown0.4"), event("shown1.4")];
    assert_eq!(withdrawn(&store), unfinished.into());
    come_in(&store, "a", "j3", 8);
    assert_eq!(store.withdrawals().unwrap().len(), 4, "told once");
}

#[test]
fn what_cannot_be_taken_back_for_too_long_is_given_up() {
    let folder = folder();
    let store = open(&folder);
    for room in ["a", "b"] {
        let asked = question(room, &format!("in-{room}"));
        exchange(&store, &asked, 1);
        redact(&store, room, &[&format!("in-{room}")], 2);
    }
    leave(&store, "b", 3);
    store.purge(2 + KEEP.dedup, &KEEP).unwrap();
    assert_eq!(withdrawn(&store).len(), 2);
    store.purge(4 + KEEP.dedup, &KEEP).unwrap();
    assert!(withdrawn(&store).is_empty());
    come_in(&store, "b", "j", 5 + KEEP.dedup);
    assert!(withdrawn(&store).is_empty());
}

#[test]
fn an_attempt_counts_as_interrupted_when_its_process_ends_in_it_and_only_then() {
    let first = folder();
    let store = open(&first);
    let (asked, other) = (question("a", "1"), question("b", "2"));
    accept(&store, &[asked.clone(), other.clone()], 1);
    let interrupted = |store: &Database| {
        let queued = store.begin(&asked).unwrap().unwrap();
        (queued.attempts, queued.interrupted)
    };
    assert_eq!(interrupted(&store), (1, 0));
    store.pause(&asked).unwrap();
    assert_eq!(interrupted(&store), (2, 0), "it ended in order");
    let second = after_a_kill(&first);
    let store = open(&second);
    assert_eq!(interrupted(&store), (3, 1));
    // The process is told to end; what comes after that is no death.
    store.begin(&other).unwrap();
    store.pause_all().unwrap();
    let third = after_a_kill(&second);
    let store = open(&third);
    assert_eq!(interrupted(&store), (4, 1));
    assert_eq!(store.begin(&other).unwrap().unwrap().interrupted, 0);
    conclude(&store, &asked, 5).unwrap();
    store.pause(&asked).unwrap();
}
