//! What is not to be found on disk: names and words at any time, and everything of a room that was forgotten.

use std::fs;
use std::io::Read;
use std::path::Path;

use super::memory::fact;
use super::rooms::{entry, made};
use super::{
    Accept, Accepted, KEEP, accept, admitted, after_a_kill, conclude, edit, event, folder, held, in_thread, leave,
    open, question, redact, room, turns, withdrawn,
};
use crate::compagnon::Settings;
use crate::message::Content;
use crate::store::layout::{Key, Tree};
use crate::store::{Change, StoreError};

pub(super) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found
}

#[test]
fn neither_names_nor_words_stand_on_disk() {
    let folder = folder();
    let store = open(&folder);
    let mut asked = in_thread(question("CANARIroom", "CANARIevent"), "CANARIthread");
    asked.content = Content::Text(format!("CANARIbody {}", "é".repeat(3000)));
    asked.sender = "@CANARIuser:tchap.test".try_into().unwrap();
    let batch = Accept {
        next_batch: Some("CANARIcursor"),
        questions: &[asked.clone(), question("CANARIother", "CANARIwaiting")].map(|message| admitted(&message)),
        undecrypted: &[held("CANARIroom", "CANARIheld")],
        ..Accept::default()
    };
    store.accept(&batch, 1).unwrap();
    store.begin(&asked).unwrap();
    store.draft(&asked, &event("CANARIdraft"), 2).unwrap();
    conclude(&store, &asked, 3).unwrap();
    store.part_sent(&asked, 0, &event("CANARIpart"), 4).unwrap();
    store.delivered(&asked, 5).unwrap();
    edit(&store, &asked, "CANARIedit", "CANARInew", 6);
    let settings = Settings { addition: Some("CANARIaddition".to_owned()), ..Settings::default() };
    let changes = [
        Change::Settings(room("CANARIroom"), Settings::default().patches_to(&settings)),
        Change::Made(made(1, "CANARIroom", "CANARItext")),
        Change::Informed(asked.sender.clone()),
        Change::Remember(fact("CANARIroom", "CANARIagent", 1, false)),
        Change::Audit(entry(1, "CANARIaction")),
    ];
    store.apply(&changes, 7).unwrap();
    redact(&store, "CANARIroom", &["CANARIevent"], 8);
    assert_eq!(withdrawn(&store), [event("CANARIpart")].into());
    drop(store);
    let files = files(folder.path());
    assert!(files.iter().any(|(name, _)| name.ends_with("store/db")), "sled's log was looked at");
    for (name, bytes) in files {
        for word in ["CANARI", "tchap.test", "megolm", "réponse"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word} in {name}");
        }
    }
}

#[test]
fn a_forgotten_room_cannot_be_opened_even_from_the_old_database() {
    let folder = folder();
    let store = open(&folder);
    let (gone, kept) = (question("gone", "1"), question("kept", "2"));
    let waiting = question("gone", "3");
    accept(&store, &[gone.clone(), kept.clone(), waiting.clone()], 1);
    conclude(&store, &gone, 2).unwrap();
    conclude(&store, &kept, 2).unwrap();
    let before = after_a_kill(&folder);
    leave(&store, "gone", 3);
    assert!(store.turns(&gone.conversation()).unwrap().is_empty());
    assert!(store.queued().unwrap().is_empty());
    assert_eq!(store.undelivered().unwrap().len(), 1);
    assert!(store.begin(&waiting).unwrap().is_none(), "an answer under way stops");
    assert!(accept(&store, &[gone.clone(), waiting], 4).is_empty(), "its questions are over");
    drop(store);

    // Every old byte of the database, with today's keys.
    for file in ["store.key", "rooms.keys"] {
        fs::copy(folder.path().join(file), before.path().join(file)).unwrap();
    }
    let db = crate::store::database::database_in(&before.path().join("store")).unwrap();
    let old: Vec<_> = db.scan_prefix([Tree::Turns.letter()]).map(Result::unwrap).collect();
    assert_eq!(old.len(), 4, "the old bytes are there");
    drop(db);
    let store = open(&before);
    assert!(store.turns(&gone.conversation()).unwrap().is_empty());
    assert_eq!(store.turns(&kept.conversation()).unwrap(), turns(&kept, 2));
    assert_eq!(store.undelivered().unwrap().len(), 1);
    assert_eq!(store.damaged().unwrap(), 0);
    let key = store.transaction().rooms().cipher(&store.blinded_ids.room(&gone.room_id));
    assert!(key.is_none(), "no key opens them");
}

#[test]
fn a_room_that_was_left_is_forgotten_in_the_same_write() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    let batch = Accept {
        next_batch: Some("s9"),
        questions: &[admitted(&question("a", "2"))],
        undecrypted: &[held("a", "3")],
        left: &[room("a")],
        ..Accept::default()
    };
    assert_eq!(store.accept(&batch, 2).unwrap(), Accepted::default());
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    assert!(store.queued().unwrap().is_empty());
    assert!(store.undecrypted().unwrap().is_empty());
    assert_eq!(store.transaction().rooms().rooms().count(), 0);
    assert_eq!(store.cursor().unwrap().as_deref(), Some("s9"));
    // Invited again: a new key, a new start.
    assert_eq!(accept(&store, &[question("a", "4")], 3).len(), 1);
    assert_eq!(store.transaction().rooms().rooms().count(), 1);
}

#[test]
fn a_kill_between_records_and_key_is_made_good_at_start() {
    let folder = folder();
    let store = open(&folder);
    accept(&store, &[question("a", "1"), question("b", "2")], 1);
    // Records gone, key not yet.
    let mut transaction = store.transaction();
    let (a, b) = (store.blinded_ids.room(&room("a")), store.blinded_ids.room(&room("b")));
    for key in transaction.raw_keys(&Key::new(Tree::Inbox, &[&a])).unwrap() {
        transaction.remove_raw(&key);
    }
    transaction.commit().unwrap();
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    assert!(store.transaction().rooms().cipher(&a).is_none());
    assert!(store.transaction().rooms().cipher(&b).is_some());
    assert_eq!(store.queued().unwrap().len(), 1);
}

/// Makes writing `rooms.keys` fail, as a full disk would.
fn with_unwritable_keys(folder: &Path, act: impl FnOnce()) {
    let in_the_way = folder.join("rooms.new");
    fs::create_dir(&in_the_way).unwrap();
    act();
    fs::remove_dir(&in_the_way).unwrap();
}

#[test]
fn no_record_is_written_before_its_key() {
    let folder = folder();
    let store = open(&folder);
    with_unwritable_keys(folder.path(), || {
        let batch = Accept { next_batch: Some("s1"), questions: &[admitted(&question("a", "1"))], ..Accept::default() };
        assert!(matches!(store.accept(&batch, 1), Err(StoreError::Files(_))));
        assert!(store.queued().unwrap().is_empty());
        assert_eq!(store.cursor().unwrap(), None);
    });
    assert_eq!(accept(&store, &[question("a", "1")], 2).len(), 1, "the same response again, when there is room");
    let killed = after_a_kill(&folder);
    assert_eq!(open(&killed).queued().unwrap().len(), 1);
}

#[test]
fn a_key_that_could_not_be_destroyed_is_destroyed_by_the_next_write() {
    let folder = folder();
    let store = open(&folder);
    accept(&store, &[question("a", "1")], 1);
    let keys = folder.path().join("rooms.keys");
    let mut old = fs::File::open(&keys).unwrap();
    with_unwritable_keys(folder.path(), || {
        let left = Accept { left: &[room("a")], ..Accept::default() };
        assert!(matches!(store.accept(&left, 2), Err(StoreError::Files(_))));
    });
    accept(&store, &[], 3);
    let mut left = Vec::new();
    old.read_to_end(&mut left).unwrap();
    assert!(left.iter().all(|byte| *byte == 0), "the file that held it is overwritten");
    let killed = after_a_kill(&folder);
    assert_eq!(open(&killed).transaction().rooms().rooms().count(), 0);
}

#[test]
fn what_is_old_is_purged_with_the_keys_of_empty_rooms() {
    let folder = folder();
    let store = open(&folder);
    let (old, new) = (question("old", "1"), question("new", "2"));
    for (asked, at) in [(&old, 100), (&new, 200)] {
        accept(&store, std::slice::from_ref(asked), at);
        conclude(&store, asked, at).unwrap();
        store.part_sent(asked, 0, &event(&format!("part{at}")), at).unwrap();
        store.delivered(asked, at).unwrap();
    }
    assert_eq!(store.purge(200, &KEEP).unwrap().records, 0, "exactly as old as allowed");
    assert_eq!(store.purge(201, &KEEP).unwrap().records, 5, "two turns, two marks, what was shown");
    assert!(store.turns(&old.conversation()).unwrap().is_empty());
    assert_eq!(store.turns(&new.conversation()).unwrap().len(), 2);
    assert!(!store.is_own(&event("part100")).unwrap());
    assert!(store.is_own(&event("part200")).unwrap());
    let of_messages = store.db.scan_prefix(Key::all(Tree::Withdrawable).bytes).count();
    assert_eq!(
        (store.transaction().rooms().rooms().count(), of_messages),
        (2, 1),
        "the messages go with their question"
    );
    assert_eq!(store.purge(0, &KEEP).unwrap().records, 0, "a clock set back removes nothing");
    assert_eq!(accept(&store, &[old, new], 202).len(), 1, "only the forgotten mark lets its event in again");
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let folder = folder();
    let store = open(&folder);
    accept(&store, &[question("a", "1")], 1);
    let early = after_a_kill(&folder);
    accept(&store, &[question("b", "2")], 2);
    drop(store);
    let refused = |change: &dyn Fn(&Path)| {
        let copy = after_a_kill(&folder);
        change(copy.path());
        match super::Database::open(copy.path()) {
            Err(StoreError::Refused(sentence)) => sentence,
            other => panic!("{other:?}"),
        }
    };
    assert!(refused(&|path| fs::remove_file(path.join("store.key")).unwrap()).contains("store.key"));
    assert!(refused(&|path| fs::remove_file(path.join("rooms.keys")).unwrap()).contains("rooms.keys"));
    assert!(refused(&|path| fs::remove_dir_all(path.join("store")).unwrap()).contains("the store is not"));
    let older = refused(&|path| {
        fs::copy(early.path().join("rooms.keys"), path.join("rooms.keys")).unwrap();
    });
    assert!(older.contains("older"));
    let foreign = refused(&|path| fs::write(path.join("store.key"), [7; 32]).unwrap());
    assert!(foreign.contains("does not open"));
}
