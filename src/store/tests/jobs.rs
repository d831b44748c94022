//! What jobs keep between two messages: whose it is, how long, and what takes it away.

use std::fs;

use ruma::UserId;
use serde_json::json;

use super::forgetting::files;
use super::{KEEP, after_a_kill, exchange, folder, in_thread, leave, open, question, redact, room};
use crate::job::{JobKind, JobScope, JobState, LARGEST_STATE, MOST_STATES};
use crate::store::layout::{Key, Tree};
use crate::store::{Accept, Change, Conclusion, Database, StoreError};

/// Later than all that is written here.
const NEVER: u64 = 1_000_000;

fn person(name: &str) -> ruma::OwnedUserId {
    format!("@{name}:tchap.test").try_into().unwrap()
}

/// The main line of a room.
fn main_line(name: &str) -> JobScope {
    JobScope::Conversation(question(name, "1").conversation())
}

/// A person's own in the main line of a room.
fn member(name: &str) -> JobScope {
    JobScope::Member(question("a", "1").conversation(), person(name))
}

fn thread(name: &str) -> JobScope {
    JobScope::Conversation(in_thread(question(name, "2"), "root").conversation())
}

fn state(kind: JobKind, scope: JobScope, by: Option<&str>) -> JobState {
    let content = json!({"text": format!("CANARI {kind:?}")});
    JobState { kind, scope, by: by.map(person), at: 10, until: NEVER, content }
}

fn keep(store: &Database, states: &[JobState]) {
    let changes: Vec<Change> = states.iter().cloned().map(Box::new).map(Change::KeepJob).collect();
    store.apply(&changes, 10).unwrap();
}

fn kept(store: &Database, kind: JobKind, scope: &JobScope) -> bool {
    store.job_state(kind, scope, 10).unwrap().is_some()
}

fn left(store: &Database) -> usize {
    store.transaction().raw_keys(&Key::all(Tree::Jobs)).unwrap().len()
}

/// One of everything that one room may have, of its two conversations, of a person and of a compagnon.
fn office() -> Vec<JobState> {
    let of_room = JobScope::Room(room("a"));
    vec![
        state(JobKind::Note, main_line("a"), Some("agent")),
        state(JobKind::Note, thread("a"), Some("ben")),
        state(JobKind::Pseudonyms, main_line("a"), None),
        state(JobKind::Reviews, member("ben"), Some("ben")),
        state(JobKind::TranslationMemory, of_room.clone(), None),
        state(JobKind::Glossary, of_room.clone(), Some("agent")),
        state(JobKind::Continuous, of_room, Some("ben")),
        state(JobKind::DocsAddress, JobScope::Person(person("agent")), Some("agent")),
        state(JobKind::Pseudonyms, JobScope::Person(person("ben")), None),
        state(JobKind::Glossary, JobScope::Compagnon("rh".to_owned()), None),
    ]
}

#[test]
fn each_kind_has_one_state_in_a_scope_and_survives_a_kill() {
    let folder = folder();
    let store = open(&folder);
    keep(&store, &office());
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    for expected in office() {
        assert_eq!(store.job_state(expected.kind, &expected.scope, 10).unwrap(), Some(expected.clone()));
    }
    assert!(!kept(&store, JobKind::Reviews, &main_line("a")) && !kept(&store, JobKind::Reviews, &member("agent")));
    assert!(!kept(&store, JobKind::Note, &main_line("b")));
    let notes = store.job_states_of_room(JobKind::Note, &room("a"), 10).unwrap();
    assert_eq!(notes.len(), 2);
    let newer = JobState { at: 20, content: json!(2), ..state(JobKind::Note, main_line("a"), None) };
    keep(&store, std::slice::from_ref(&newer));
    assert_eq!(store.job_states_of_room(JobKind::Note, &room("a"), 10).unwrap()[0], newer, "the newest first");
    store.apply(&[Change::DropJob(JobKind::Note, main_line("a"))], 11).unwrap();
    assert!(!kept(&store, JobKind::Note, &main_line("a")) && kept(&store, JobKind::Note, &thread("a")));
}

#[test]
fn it_is_written_with_the_conclusion_or_not_at_all() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    super::accept(&store, std::slice::from_ref(&asked), 1);
    let conclude = |content: serde_json::Value| {
        let job = JobState { content, ..state(JobKind::Note, main_line("a"), None) };
        let changes = vec![Change::KeepJob(Box::new(job))];
        let (turns, answer) = (super::turns(&asked, 2), super::answer(&["a"]));
        store.conclude(Conclusion { question: &asked, turns, answer, changes, usage: None, counted: None }, 2)
    };
    assert!(matches!(conclude(json!("a".repeat(LARGEST_STATE))), Err(StoreError::TooLarge)));
    assert_eq!((store.queued().unwrap().len(), left(&store)), (1, 0), "nothing was written");
    conclude(json!("a")).unwrap().unwrap();
    let store = open(&after_a_kill(&folder));
    assert!(kept(&store, JobKind::Note, &main_line("a")));
    assert_eq!(store.undelivered().unwrap().len(), 1);
}

#[test]
fn nothing_of_it_stands_on_disk_and_its_time_is_over_when_it_says() {
    let folder = folder();
    let store = open(&folder);
    keep(&store, &[office(), vec![JobState { until: 30, ..state(JobKind::Reviews, main_line("a"), None) }]].concat());
    assert!(store.job_state(JobKind::Reviews, &main_line("a"), 30).unwrap().is_some());
    assert!(store.job_state(JobKind::Reviews, &main_line("a"), 31).unwrap().is_none());
    let others = store.job_states_of_room(JobKind::Reviews, &room("a"), 31).unwrap();
    assert_eq!(others.len(), 1, "that of a person");
    assert_eq!(store.purge(31, &KEEP).unwrap().records, 1);
    // What repeats what was said goes as that does; choices stay, and so does what is a person's or a compagnon's.
    assert_eq!(store.purge(111, &KEEP).unwrap().records, 5);
    assert_eq!(left(&store), 5);
    assert!(kept(&store, JobKind::Glossary, &JobScope::Room(room("a"))));
    assert_eq!(store.purge(NEVER + 1, &KEEP).unwrap().records, 5);
    assert_eq!(store.transaction().rooms().rooms().count(), 0, "no key is left");
    drop(store);
    for (name, bytes) in files(folder.path()) {
        for word in ["CANARI", "tchap.test"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word} in {name}");
        }
    }
}

/// Forgets something, and counts what of the office can be read then, and what of it in the database as it was before with today's keys.
fn after(forgets: impl FnOnce(&Database)) -> Vec<JobKind> {
    let folder = folder();
    let store = open(&folder);
    exchange(&store, &question("a", "1"), 5);
    exchange(&store, &in_thread(question("a", "2"), "root"), 5);
    keep(&store, &office());
    let before = after_a_kill(&folder);
    forgets(&store);
    let kinds = |store: &Database| -> Vec<JobKind> {
        let kept = office().into_iter().filter(|state| kept(store, state.kind, &state.scope));
        kept.map(|state| state.kind).collect()
    };
    let stays = kinds(&store);
    // A kill between the write and the end of the rotation is made good.
    let store = {
        drop(store);
        open(&folder)
    };
    assert_eq!(kinds(&store), stays);
    drop(store);
    for file in ["store.key", "rooms.keys"] {
        fs::copy(folder.path().join(file), before.path().join(file)).unwrap();
    }
    fs::remove_file(before.path().join("store.head")).unwrap();
    let old = open(&before);
    assert!(kinds(&old).len() < office().len(), "the old bytes do not open with the new keys");
    for state in office().iter().filter(|state| !stays.contains(&state.kind)) {
        assert!(!kept(&old, state.kind, &state.scope), "{:?}", state.kind);
    }
    stays
}

#[test]
fn a_conversation_takes_its_own_and_what_was_made_from_it() {
    use JobKind::{Continuous, DocsAddress, Glossary, Note, Pseudonyms};
    let forgotten = Change::ForgetConversation(question("a", "1").conversation());
    let stays = after(|store| store.apply(&[forgotten], 11).unwrap());
    assert_eq!(stays, [Note, Glossary, Continuous, DocsAddress, Pseudonyms, Glossary]);
}

#[test]
fn a_room_takes_all_but_what_was_chosen_for_it_and_leaving_takes_that() {
    use JobKind::{Continuous, DocsAddress, Glossary, Pseudonyms};
    let stays = after(|store| store.apply(&[Change::ForgetTurns(room("a"))], 11).unwrap());
    assert_eq!(stays, [Glossary, Continuous, DocsAddress, Pseudonyms, Glossary]);
    let stays = after(|store| leave(store, "a", 11));
    assert_eq!(stays, [DocsAddress, Pseudonyms, Glossary]);
}

#[test]
fn a_person_takes_what_is_theirs_and_what_was_made_from_what_they_said() {
    use JobKind::{Continuous, Glossary, Note, Pseudonyms, Reviews};
    let stays = after(|store| {
        let agent: &UserId = &person("agent");
        assert_eq!(store.personal(agent).unwrap().jobs.len(), 3);
        store.apply(&[Change::ForgetPerson(agent.to_owned())], 11).unwrap();
        assert!(store.personal(agent).unwrap().jobs.is_empty());
        let glossary = store.job_state(JobKind::Glossary, &JobScope::Room(room("a")), 11).unwrap().unwrap();
        assert_eq!(glossary.by, None, "it says no more who chose it");
    });
    assert_eq!(stays, [Note, Reviews, Glossary, Continuous, Pseudonyms, Glossary]);
}

#[test]
fn a_deleted_message_takes_what_was_made_from_its_conversation() {
    use JobKind::{Continuous, DocsAddress, Glossary, Note, Pseudonyms, Reviews};
    let stays = after(|store| drop(redact(store, "a", &["1"], 11)));
    assert_eq!(stays, [Note, Note, Reviews, Glossary, Continuous, DocsAddress, Pseudonyms, Glossary]);
}

#[test]
fn choices_move_with_a_room_to_the_one_that_takes_its_place() {
    let folder = folder();
    let store = open(&folder);
    let own = JobState { content: json!("own"), ..state(JobKind::Continuous, JobScope::Room(room("b")), None) };
    keep(&store, &[office(), vec![own.clone()]].concat());
    let upgraded = [(room("a"), room("b"))];
    store.accept(&Accept { upgraded: &upgraded, ..Accept::default() }, 11).unwrap();
    let of = |kind, name: &str| store.job_state(kind, &JobScope::Room(room(name)), 11).unwrap();
    assert_eq!(of(JobKind::Glossary, "b").unwrap().by, Some(person("agent")));
    assert_eq!(of(JobKind::Continuous, "b"), Some(own));
    assert!(of(JobKind::Glossary, "a").is_none() && of(JobKind::TranslationMemory, "a").is_some());
}

#[test]
fn there_are_no_more_of_a_kind_than_there_may_be() {
    let folder = folder();
    let store = open(&folder);
    let scope =
        |number: usize| JobScope::Conversation(in_thread(question("a", "1"), &format!("root{number}")).conversation());
    let glossary = state(JobKind::Glossary, JobScope::Room(room("a")), None);
    keep(&store, std::slice::from_ref(&glossary));
    for number in 0..=MOST_STATES {
        let at = if number == 7 { 0 } else { 10 };
        keep(&store, &[JobState { at, ..state(JobKind::Pseudonyms, scope(number), None) }]);
    }
    assert_eq!(left(&store), MOST_STATES + 1);
    assert!(!kept(&store, JobKind::Pseudonyms, &scope(7)), "the one that was written first");
    assert!(kept(&store, JobKind::Glossary, &glossary.scope), "another kind");
}
