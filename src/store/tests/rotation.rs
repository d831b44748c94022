//! That a part of a room which was removed cannot be opened again, and that no kill on the way loses what stays.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{
    KEEP, accept, after_a_kill, answer, edit, event, exchange, folder, in_thread, open, question, redact, room, turns,
};
use crate::message::Incoming;
use crate::store::layout::{Key, Tree};
use crate::store::{Change, Conclusion, Database};

fn conversations() -> [Incoming; 3] {
    [question("a", "1"), in_thread(question("a", "2"), "root"), question("b", "3")]
}

/// Today's keys with every byte the database held then.
fn old_bytes_with_new_keys(before: &TempDir, after: &Path) {
    for file in ["store.key", "rooms.keys"] {
        fs::copy(after.join(file), before.path().join(file)).unwrap();
    }
}

/// Removes something of the first conversation, and tries to read it from the database as it was before.
fn is_really_gone(removes: impl FnOnce(&Database)) {
    let folder = folder();
    let store = open(&folder);
    let [gone, thread, other] = conversations();
    for asked in [&gone, &thread, &other] {
        exchange(&store, asked, if asked == &gone { 1 } else { 100 });
    }
    let before = after_a_kill(&folder);
    removes(&store);
    assert!(store.turns(&gone.conversation()).unwrap().is_empty());
    assert_eq!(store.turns(&thread.conversation()).unwrap(), turns(&thread, 100), "the room's other conversation");
    assert_eq!(store.transaction().rooms().in_rotation().len(), 0);
    let key = |store: &Database| store.transaction().rooms().cipher(&store.blinded_ids.room(&room("a")));
    let now = key(&store).expect("the room still has a key");
    drop(store);
    let store = open(&folder);
    assert_eq!(store.turns(&thread.conversation()).unwrap(), turns(&thread, 100), "after a restart");
    drop(store);

    old_bytes_with_new_keys(&before, folder.path());
    let db = crate::store::database::database_in(&before.path().join("store")).unwrap();
    let old: Vec<_> = db.scan_prefix([Tree::Turns.letter()]).map(Result::unwrap).collect();
    assert_eq!(old.len(), 6, "the old bytes are there");
    let opened = old.iter().filter(|(key, sealed)| now.open("turns", key, sealed).is_some());
    assert_eq!(opened.count(), 0, "and do not open");
    drop((db, old));
    let store = open(&before);
    assert!(store.turns(&gone.conversation()).unwrap().is_empty());
    assert!(store.turns(&thread.conversation()).unwrap().is_empty(), "its old bytes are no use either");
    assert_eq!(store.turns(&other.conversation()).unwrap(), turns(&other, 100), "another room");
}

#[test]
fn a_forgotten_conversation() {
    is_really_gone(|store| {
        store.apply(&[Change::ForgetConversation(question("a", "1").conversation())], 101).unwrap();
    });
}

#[test]
fn an_expired_exchange() {
    is_really_gone(|store| assert_eq!(store.purge(102, &KEEP).unwrap().records, 6, "with its marks"));
}

#[test]
fn a_redacted_question() {
    is_really_gone(|store| assert_eq!(redact(store, "a", &["1"], 101).redacted, [event("1")]));
}

#[test]
fn the_old_text_of_an_edited_question() {
    is_really_gone(|store| {
        let asked = question("a", "1");
        edit(store, &asked, "e", "autrement", 101);
        let queued = store.begin(&asked).unwrap().expect("it waits again");
        // Answered by a notice, which leaves no turn.
        let answer = answer(&["Non."]);
        let conclusion = Conclusion {
            question: &queued.question,
            turns: Vec::new(),
            answer,
            changes: Vec::new(),
            usage: None,
            counted: None,
        };
        assert!(store.conclude(conclusion, 102).unwrap().is_some());
    });
}

#[test]
fn a_redacted_answer() {
    is_really_gone(|store| assert_eq!(redact(store, "a", &["shown1.1"], 101).redacted, [event("1")]));
}

#[test]
fn all_that_was_said_in_a_room_or_by_a_person() {
    for forget in [Change::ForgetTurns(room("a")), Change::ForgetPerson(question("a", "1").sender)] {
        let folder = folder();
        let store = open(&folder);
        let [one, two, other] = conversations();
        let waiting = question("a", "4");
        for asked in [&one, &two, &other] {
            exchange(&store, asked, 1);
        }
        accept(&store, std::slice::from_ref(&waiting), 1);
        let everywhere = matches!(forget, Change::ForgetPerson(_));
        let before = after_a_kill(&folder);
        store.apply(&[forget], 2).unwrap();
        let queued = store.queued().unwrap();
        assert_eq!(queued.first().map(|queued| &queued.question), Some(&waiting).filter(|_| !everywhere));
        old_bytes_with_new_keys(&before, folder.path());
        for store in [store, open(&before)] {
            assert!(store.turns(&one.conversation()).unwrap().is_empty());
            assert!(store.turns(&two.conversation()).unwrap().is_empty());
            assert_eq!(store.turns(&other.conversation()).unwrap().is_empty(), everywhere);
            assert!(edit(&store, &one, "e", "x", 3).edited.is_empty());
        }
    }
}

#[test]
fn nothing_removed_is_nothing_rotated() {
    let folder = folder();
    let store = open(&folder);
    exchange(&store, &question("a", "1"), 1);
    let generation = store.transaction().rooms().generation();
    let elsewhere = in_thread(question("a", "9"), "nowhere").conversation();
    store.apply(&[Change::ForgetConversation(elsewhere), Change::ForgetTurns(room("z"))], 2).unwrap();
    redact(&store, "a", &["9"], 2);
    store.purge(3, &KEEP).unwrap();
    assert_eq!(store.transaction().rooms().generation(), generation);
}

/// What each kill would have left, with the name of its point.
type Copies = Vec<(&'static str, TempDir)>;

thread_local! {
    /// The folder to copy at each kill point this thread comes by, and the copies.
    static WATCHED: RefCell<Option<(PathBuf, Copies)>> = const { RefCell::new(None) };
}

/// What a kill would have left at each kill point of a rotation while `act` runs on this thread.
fn at_each_kill_point(folder: &TempDir, act: impl FnOnce()) -> Copies {
    for point in ["before-rotation", "rotation-keys-saved", "rotated"] {
        // Other tests, on other threads, come by and are let through. The points stay set: they have no effect unwatched.
        let copy = move || {
            WATCHED.with_borrow_mut(|watched| {
                if let Some((path, copies)) = watched {
                    let copy = super::folder();
                    super::copy_all(path, copy.path());
                    copies.push((point, copy));
                }
            });
        };
        fail::cfg_callback(point, copy).unwrap();
    }
    WATCHED.set(Some((folder.path().to_owned(), Vec::new())));
    act();
    WATCHED.take().unwrap().1
}

#[test]
fn a_kill_during_a_rotation_loses_nothing_and_the_next_start_ends_it() {
    let folder = folder();
    let store = open(&folder);
    let [gone, thread, other] = conversations();
    for asked in [&gone, &thread, &other] {
        exchange(&store, asked, 1);
    }
    let waiting = question("a", "4");
    accept(&store, std::slice::from_ref(&waiting), 1);
    let name = store.blinded_ids.room(&room("a"));
    let old = store.transaction().rooms().cipher(&name).unwrap();
    let copies = at_each_kill_point(&folder, || {
        store.apply(&[Change::ForgetConversation(gone.conversation())], 2).unwrap();
    });
    let points: Vec<_> = copies.iter().map(|(point, _)| *point).collect();
    assert_eq!(points, ["before-rotation", "rotation-keys-saved", "rotated"]);
    for (point, copy) in &copies {
        // The start that makes it good may itself be killed.
        let mut store = None;
        let again = at_each_kill_point(copy, || store = Some(open(copy)));
        ended(&store.unwrap(), point, &old);
        for (second, copy) in &again {
            ended(&open(copy), &format!("{point}, then {second}"), &old);
        }
        assert!(!again.is_empty(), "{point}: there was something to make good");
    }
}

/// The rotation of room a came to its end, and nothing but what was forgotten is missing.
fn ended(store: &Database, point: &str, old: &crate::store::seal::Cipher) {
    let [gone, thread, other] = conversations();
    assert!(store.turns(&gone.conversation()).unwrap().is_empty(), "{point}");
    assert_eq!(store.turns(&thread.conversation()).unwrap(), turns(&thread, 1), "{point}");
    assert_eq!(store.turns(&other.conversation()).unwrap(), turns(&other, 1), "{point}");
    assert_eq!(store.queued().unwrap()[0].question, question("a", "4"), "{point}");
    assert_eq!(store.damaged().unwrap(), 0, "{point}");
    let transaction = store.transaction();
    assert!(transaction.rooms().in_rotation().is_empty(), "{point}");
    assert!(transaction.raw_keys(&Key::meta(b"rotate")).unwrap().is_empty(), "{point}");
    let name = store.blinded_ids.room(&room("a"));
    for tree in [Tree::Turns, Tree::Inbox, Tree::Answered] {
        for record in store.db.scan_prefix(Key::new(tree, &[&name]).bytes) {
            let (key, sealed) = record.unwrap();
            assert!(old.open(tree.name(), &key, &sealed).is_none(), "{point}: {tree:?} under the old key");
        }
    }
}

#[test]
fn a_rotation_that_could_not_be_made_is_made_by_the_next_write() {
    let folder = folder();
    let store = open(&folder);
    let [gone, thread, _] = conversations();
    exchange(&store, &gone, 1);
    exchange(&store, &thread, 1);
    let before = after_a_kill(&folder);
    let in_the_way = folder.path().join("rooms.new");
    fs::create_dir(&in_the_way).unwrap();
    store.apply(&[Change::ForgetConversation(gone.conversation())], 2).unwrap_err();
    assert!(store.turns(&gone.conversation()).unwrap().is_empty(), "it is removed all the same");
    assert_eq!(store.turns(&thread.conversation()).unwrap(), turns(&thread, 1));
    fs::remove_dir(&in_the_way).unwrap();
    accept(&store, &[], 3);
    assert_eq!(store.turns(&thread.conversation()).unwrap(), turns(&thread, 1));
    old_bytes_with_new_keys(&before, folder.path());
    assert!(open(&before).turns(&gone.conversation()).unwrap().is_empty());
}

#[test]
fn a_record_that_does_not_open_is_set_aside_by_a_rotation() {
    let folder = folder();
    let store = open(&folder);
    let [gone, thread, _] = conversations();
    exchange(&store, &gone, 1);
    exchange(&store, &thread, 1);
    let place = store.place(&thread.room_id, &thread.event_id).of(Tree::Answered);
    store.db.insert(&place.bytes, b"rubbish").unwrap();
    store.apply(&[Change::ForgetTurns(room("b")), Change::ForgetConversation(gone.conversation())], 2).unwrap();
    assert_eq!(store.damaged().unwrap(), 1);
    assert_eq!(store.turns(&thread.conversation()).unwrap(), turns(&thread, 1));
}
