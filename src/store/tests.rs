//! The store as a whole: what survives, what is never twice, and what cannot be read.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;
use ruma::{OwnedEventId, RoomId, room_id};

use super::{Accept, Answer, Conclusion, Store, StoreError};
use crate::{
    conversation::{Role, Turn},
    message::{ConversationId, Incoming, Kind, Undecrypted},
};

const CANARY: &str = "kanari-7411";

fn question(number: u32, room: u32) -> Incoming {
    Incoming {
        event_id: event(number),
        room_id: format!("!room{room}-{CANARY}:h").try_into().expect("a room id"),
        sender: format!("@awa-{CANARY}:h").try_into().expect("a user id"),
        thread: None,
        replies_to: None,
        mentions_me: false,
        direct: true,
        sent_at: 0,
        body: format!("le texte {CANARY} {number}"),
    }
}

fn event(number: u32) -> OwnedEventId {
    format!("$event{number}-{CANARY}:h").try_into().expect("an event id")
}

fn accept(store: &Store, questions: &[Incoming]) -> Vec<OwnedEventId> {
    let accept = Accept { next_batch: Some(CANARY), questions, undecrypted: &[], left: &[] };
    store.accept(&accept, 5).expect("accepted").into_iter().map(|queued| queued.question.event_id).collect()
}

fn conclude(store: &Store, question: &Incoming) {
    let turn = |role| Turn { role, content: question.body.clone(), event_id: question.event_id.clone(), at: 7 };
    let answer = Answer { kind: Kind::Text, parts: vec![format!("réponse {CANARY}")], draft: None };
    let turns = vec![turn(Role::User), turn(Role::Assistant)];
    store.conclude(&Conclusion { question, turns, answer }).expect("concluded");
}

fn waiting(store: &Store) -> Vec<OwnedEventId> {
    store.queued().expect("read").into_iter().map(|queued| queued.question.event_id).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("read") {
        let entry = entry.expect("read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

fn files(folder: &Path, out: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("read") {
        let path = entry.expect("read").path();
        if path.is_dir() { files(&path, out) } else { out.push(fs::read(path).expect("read")) }
    }
}

#[test]
fn each_step_is_found_again_after_a_restart_and_no_event_is_a_question_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (question(1, 1), question(2, 1));
    let store = Store::open(folder.path()).expect("open");
    assert_eq!(accept(&store, &[first.clone(), second.clone(), first.clone()]), [event(1), event(2)]);
    assert_eq!(store.begin(&first).expect("begun"), 1);
    store.draft(&first, &event(100)).expect("noted");
    drop(store);

    let store = Store::open(folder.path()).expect("open");
    assert_eq!(store.cursor().expect("read").as_deref(), Some(CANARY));
    let queued = store.queued().expect("read");
    assert_eq!((queued.len(), queued[0].attempts, queued[0].draft.clone()), (2, 1, Some(event(100))));
    assert_eq!(store.begin(&first).expect("begun"), 2);
    assert!(accept(&store, &[first.clone(), second.clone()]).is_empty());
    conclude(&store, &first);
    drop(store);

    let store = Store::open(folder.path()).expect("open");
    assert_eq!(waiting(&store), [event(2)]);
    assert!(accept(&store, std::slice::from_ref(&first)).is_empty(), "an answer on its way is no new question");
    assert!(store.answers_in(&first.conversation()).expect("read"));
    store.part_sent(&first, &event(101), 9).expect("noted");
    drop(store);

    let store = Store::open(folder.path()).expect("open");
    let deliveries = store.undelivered().expect("read");
    assert_eq!((deliveries.len(), &deliveries[0].sent[..]), (1, &[event(101)][..]));
    assert!(store.is_own(&event(101)).expect("read") && !store.is_own(&event(1)).expect("read"));
    store.delivered(&first, 9).expect("noted");
    assert!(store.undelivered().expect("read").is_empty());
    assert!(accept(&store, &[first]).is_empty(), "done with");
}

#[test]
fn threads_and_rooms_have_histories_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("open");
    let main = question(1, 1);
    let thread = Incoming { thread: Some(event(50)), ..question(2, 1) };
    let other = question(3, 2);
    for asked in [&main, &thread, &other] {
        accept(&store, std::slice::from_ref(asked));
        conclude(&store, asked);
    }
    for asked in [&main, &thread, &other] {
        let turns = store.turns(&asked.conversation()).expect("read");
        assert_eq!(turns.iter().map(|turn| &turn.event_id).collect::<Vec<_>>(), [&asked.event_id; 2]);
    }
    let nowhere = ConversationId { thread: Some(event(60)), ..main.conversation() };
    assert!(!store.answers_in(&nowhere).expect("read"));
    store.forget_conversation(&thread.conversation()).expect("forgotten");
    assert!(store.turns(&thread.conversation()).expect("read").is_empty());
    assert_eq!(store.turns(&main.conversation()).expect("read").len(), 2);
}

#[test]
fn nothing_on_disk_can_be_read_and_no_name_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("open");
    let asked = question(1, 1);
    let late = Undecrypted {
        room_id: asked.room_id.clone(),
        event_id: event(2),
        session_id: Some(CANARY.to_owned()),
        sent_at: 0,
        raw: CANARY.to_owned(),
    };
    let left = [];
    let brought = Accept {
        next_batch: Some(CANARY),
        questions: std::slice::from_ref(&asked),
        undecrypted: &[late.clone()],
        left: &left,
    };
    store.accept(&brought, 1).expect("accepted");
    conclude(&store, &asked);
    store.part_sent(&asked, &event(3), 1).expect("noted");
    assert_eq!(store.undecrypted().expect("read"), [late]);
    drop(store);
    let mut contents = Vec::new();
    files(folder.path(), &mut contents);
    assert!(contents.iter().map(Vec::len).sum::<usize>() > 500, "something was written");
    let found = |needle: &[u8]| contents.iter().any(|file| file.windows(needle.len()).any(|window| window == needle));
    for needle in [CANARY.as_bytes(), b"event1", b"room1", b"r\xc3\xa9ponse"] {
        assert!(!found(needle), "{}", String::from_utf8_lossy(needle));
    }
    assert!(found(b"mschema"), "the search itself works: this word stands in clear");
}

#[test]
fn a_forgotten_room_cannot_be_read_even_from_an_old_copy_of_the_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = tempfile::tempdir().expect("a folder");
    let (gone, kept) = (question(1, 1), question(2, 2));
    let store = Store::open(folder.path()).expect("open");
    for asked in [&gone, &kept] {
        accept(&store, std::slice::from_ref(asked));
        conclude(&store, asked);
    }
    drop(store);
    copy(&folder.path().join("store"), &old.path().join("store"));

    let store = Store::open(folder.path()).expect("open");
    let left = [gone.room_id.clone()];
    store.accept(&Accept { next_batch: None, questions: &[], undecrypted: &[], left: &left }, 1).expect("accepted");
    assert!(store.turns(&gone.conversation()).expect("read").is_empty());
    drop(store);
    for file in ["store.key", "rooms.keys"] {
        fs::copy(folder.path().join(file), old.path().join(file)).expect("copied");
    }
    let store = Store::open(old.path()).expect("open");
    assert!(store.turns(&gone.conversation()).expect("read").is_empty());
    assert_eq!(store.turns(&kept.conversation()).expect("read").len(), 2);
    assert_eq!(store.undelivered().expect("read").len(), 1);
}

#[test]
fn an_older_key_file_and_a_second_process_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("open");
    assert!(matches!(Store::open(folder.path()), Err(StoreError::InUse)));
    accept(&store, &[question(1, 1)]);
    let old = fs::read(folder.path().join("rooms.keys")).expect("read");
    accept(&store, &[question(2, 2)]);
    drop(store);
    fs::write(folder.path().join("rooms.keys"), old).expect("written");
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Refused(_))));
}

#[test]
fn a_record_that_does_not_open_is_put_aside_and_the_others_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("open");
    accept(&store, &[question(1, 1), question(2, 1)]);
    let key = store.event_key(super::records::INBOX, &question(1, 1).room_id, &event(1));
    let mut sealed = store.inner.db.get(&key).expect("read").expect("there").to_vec();
    *sealed.last_mut().expect("not empty") ^= 1;
    store.inner.db.insert(&key, sealed).expect("written");
    assert_eq!(waiting(&store), [event(2)]);
    assert_eq!(store.inner.db.scan_prefix(b"q").count(), 1);
}

#[test]
fn what_is_too_old_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("open");
    let asked = question(1, 1);
    accept(&store, std::slice::from_ref(&asked));
    conclude(&store, &asked);
    store.part_sent(&asked, &event(9), 100).expect("noted");
    store.delivered(&asked, 100).expect("noted");
    store.purge(150, 60, 150).expect("purged");
    assert_eq!(store.turns(&asked.conversation()).expect("read").len(), 2);
    assert!(store.is_own(&event(9)).expect("read"));
    store.purge(200, 60, 150).expect("purged");
    assert!(store.turns(&asked.conversation()).expect("read").is_empty());
    assert!(!store.is_own(&event(9)).expect("read"));
}

/// A step in the life of a store.
#[derive(Clone, Debug)]
enum Step {
    Accept(u32),
    Conclude(u32),
    Deliver(u32),
    ForgetRoom(u32),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u32..12).prop_map(Step::Accept),
        3 => (0_u32..12).prop_map(Step::Conclude),
        3 => (0_u32..12).prop_map(Step::Deliver),
        1 => (0_u32..3).prop_map(Step::ForgetRoom),
        1 => Just(Step::Reopen),
    ]
}

/// Where a question stands, in the plainest way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Waiting,
    Concluded,
    Done,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_store_agrees_with_a_plain_model_of_it(steps in prop::collection::vec(step(), 1..40)) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Some(Store::open(folder.path()).expect("open"));
        let mut model: BTreeMap<u32, State> = BTreeMap::new();
        for step in steps {
            let open = store.as_ref().expect("open");
            match step {
                Step::Accept(n) => {
                    let new = accept(open, &[question(n, n % 3)]);
                    prop_assert_eq!(new.is_empty(), model.contains_key(&n));
                    model.entry(n).or_insert(State::Waiting);
                }
                Step::Conclude(n) if model.get(&n) == Some(&State::Waiting) => {
                    conclude(open, &question(n, n % 3));
                    model.insert(n, State::Concluded);
                }
                Step::Deliver(n) if model.get(&n) == Some(&State::Concluded) => {
                    open.delivered(&question(n, n % 3), 9).expect("noted");
                    model.insert(n, State::Done);
                }
                Step::ForgetRoom(room) => {
                    open.forget_room(&question(room, room).room_id).expect("forgotten");
                    model.retain(|n, state| n % 3 != room || *state == State::Done);
                }
                Step::Reopen => {
                    drop(store.take());
                    store = Some(Store::open(folder.path()).expect("open"));
                }
                Step::Conclude(_) | Step::Deliver(_) => {}
            }
            let open = store.as_ref().expect("open");
            let in_state = |wanted| model.iter().filter(|(_, state)| **state == wanted).count();
            prop_assert_eq!(waiting(open).len(), in_state(State::Waiting));
            prop_assert_eq!(open.undelivered().expect("read").len(), in_state(State::Concluded));
        }
    }
}

#[test]
fn a_forgotten_room_can_be_used_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("open");
    let room: &RoomId = room_id!("!r:h");
    store.forget_room(room).expect("nothing to forget is no error");
    accept(&store, &[question(1, 1)]);
    store.forget_room(&question(1, 1).room_id).expect("forgotten");
    assert_eq!(accept(&store, &[question(2, 1)]), [event(2)]);
    assert_eq!(waiting(&store), [event(2)]);
}
