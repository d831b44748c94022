//! Backups, and a store that has gone back.

use std::fs;

use tempfile::TempDir;

use super::{accept, after_a_kill, conclude, copy_all, event, exchange, folder, names, open, question};
use crate::store::layout::{Key, Tree};
use crate::store::{BackupError, Database, StoreError, backup_key, copy_store, seal_backup, seal_into, unseal_backup};

/// Backs the store up and puts that into a new folder.
pub(super) fn through_a_backup(store: &Database) -> Result<(TempDir, usize), BackupError> {
    let (there, aside) = (folder(), folder());
    let (file, key_file) = (aside.path().join("backup"), aside.path().join("key"));
    let (key, made) = backup_key(&key_file, true)?;
    assert!(made);
    let mut frames = Vec::new();
    store.write_snapshot(&[], &mut frames)?;
    let records = seal_backup(frames.as_slice(), &file, &key)?;
    let (key, made) = backup_key(&key_file, false)?;
    assert!(!made);
    assert_eq!(unseal_backup(fs::File::open(&file)?, &key, there.path(), &[], 77)?, records);
    Ok((there, records))
}

#[test]
fn a_restored_store_is_the_one_that_was_backed_up() {
    let folder = folder();
    let store = open(&folder);
    let (over, written, waiting) = (question("a", "1"), question("a", "2"), question("b", "3"));
    exchange(&store, &over, 1);
    accept(&store, &[written.clone(), waiting.clone()], 2);
    conclude(&store, &written, 3).unwrap();
    let (there, records) = through_a_backup(&store).unwrap();
    assert!(records > 5);
    // What comes after the snapshot is not in it.
    accept(&store, &[question("b", "4")], 4);
    let restored = open(&there);
    assert_eq!(names(&restored.queued().unwrap()), ["$3:tchap.test"]);
    assert_eq!(restored.undelivered().unwrap().len(), 1);
    assert_eq!(restored.turns(&over.conversation()).unwrap(), store.turns(&over.conversation()).unwrap());
    assert!(accept(&restored, &[over, written, waiting], 5).is_empty(), "all are known");
    assert_eq!((restored.cursor().unwrap().as_deref(), restored.restored_at().unwrap()), (Some("s1"), Some(77)));
    assert_eq!(store.restored_at().unwrap(), None);
}

#[test]
fn a_backup_with_a_record_that_does_not_open_is_not_put_back() {
    let folder = folder();
    let store = open(&folder);
    accept(&store, &[question("a", "1")], 1);
    let mark = Key::new(Tree::Done, &[&[1; 16]]).bytes;
    store.db.insert(mark, b"nonsense").unwrap();
    assert!(matches!(through_a_backup(&store), Err(BackupError::Store(StoreError::Damaged { tree: "done" }))));
}

#[test]
fn a_row_of_frames_that_is_cut_short_is_no_backup() {
    let (folder, aside) = (folder(), folder());
    let store = open(&folder);
    accept(&store, &[question("a", "1")], 1);
    let mut frames = Vec::new();
    store.write_snapshot(&[], &mut frames).unwrap();
    let (key, _) = backup_key(&aside.path().join("key"), true).unwrap();
    for length in [0, 5, frames.len() / 2, frames.len() - 9, frames.len() - 1] {
        let made = seal_backup(&frames[..length], &aside.path().join("backup"), &key);
        assert!(matches!(made, Err(BackupError::Cut)), "{length}");
        assert_eq!(fs::read_dir(aside.path()).unwrap().count(), 1, "only the key is there");
    }
}

/// The frames of a store with one question, and a key.
fn frames() -> (TempDir, Vec<u8>, crate::store::BackupKey) {
    let folder = folder();
    let store = open(&folder);
    accept(&store, &[question("a", "1")], 1);
    let mut frames = Vec::new();
    store.write_snapshot(&[], &mut frames).unwrap();
    drop(store);
    let aside = tempfile::tempdir().unwrap();
    let (key, _) = backup_key(&aside.path().join("key"), true).unwrap();
    (aside, frames, key)
}

#[test]
fn two_backups_at_once_share_nothing_and_neither_takes_the_others_name() {
    let (aside, frames, _) = frames();
    fs::remove_file(aside.path().join("key")).unwrap();
    std::thread::scope(|scope| {
        let (frames, aside) = (&frames, aside.path());
        for name in ["b.1", "b.2", "b.3", "b.4"] {
            scope.spawn(move || {
                // The first of them makes the key for all.
                let (key, _) = backup_key(&aside.join("key"), true).unwrap();
                seal_backup(frames.as_slice(), &aside.join(name), &key).unwrap();
            });
        }
    });
    let (key, _) = backup_key(&aside.path().join("key"), false).unwrap();
    assert_eq!(fs::read_dir(aside.path()).unwrap().count(), 5, "four backups and the key");
    for name in ["b.1", "b.2", "b.3", "b.4"] {
        let there = folder();
        let file = fs::File::open(aside.path().join(name)).unwrap();
        assert!(unseal_backup(file, &key, there.path(), &[], 77).unwrap() > 0);
    }
    let before = fs::read(aside.path().join("b.1")).unwrap();
    let refused = seal_backup(frames.as_slice(), &aside.path().join("b.1"), &key).unwrap_err().to_string();
    assert!(refused.contains("b.1") && refused.contains("exists"), "{refused}");
    assert_eq!(fs::read(aside.path().join("b.1")).unwrap(), before);
}

#[test]
fn a_backup_goes_through_a_stream_as_through_a_file() {
    let (_aside, frames, key) = frames();
    let mut stream = Vec::new();
    let records = seal_into(frames.as_slice(), &mut stream, &key).unwrap();
    let there = folder();
    assert_eq!(unseal_backup(stream.as_slice(), &key, there.path(), &[], 77).unwrap(), records);
}

/// A running bot that stops in the middle.
struct Gone;
impl std::io::Read for Gone {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::WouldBlock.into())
    }
}

#[test]
fn a_backup_that_cannot_be_written_names_its_file() {
    let (aside, frames, key) = frames();
    let refused = seal_backup(frames.as_slice(), &aside.path().join("nowhere/b"), &key).unwrap_err().to_string();
    assert!(refused.contains("nowhere/b"), "{refused}");
    let refused = seal_backup(Gone, &aside.path().join("b"), &key).unwrap_err();
    assert!(matches!(refused, BackupError::Source(_)), "{refused}");
    assert_eq!(fs::read_dir(aside.path()).unwrap().count(), 1, "only the key is there");
}

#[test]
fn a_copy_is_opened_beside_and_the_original_stays_untouched() {
    let folder = folder();
    let store = open(&folder);
    accept(&store, &[question("a", "1")], 1);
    drop(store);
    crate::store::files::wait_until_free(&folder.path().join("store/db")).unwrap();
    let look = || {
        let mut files: Vec<_> = walk(folder.path());
        files.sort();
        files
    };
    let before = look();
    let beside = tempfile::tempdir().unwrap();
    copy_store(folder.path(), beside.path()).unwrap();
    let copy = Database::open(beside.path()).unwrap();
    assert_eq!(names(&copy.queued().unwrap()), ["$1:tchap.test"]);
    accept(&copy, &[question("a", "2")], 2);
    assert_eq!(look(), before, "neither a file nor a byte has changed");
    assert!(fs::symlink_metadata(beside.path().join("store.key")).unwrap().is_symlink(), "the key is nowhere else");
    assert!(copy_store(&folder.path().join("nowhere"), beside.path()).unwrap_err().to_string().contains("nowhere"));
}

/// Every file with its content.
fn walk(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    fs::read_dir(folder)
        .unwrap()
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path) } else { vec![(path.clone(), fs::read(path).unwrap())] }
        })
        .collect()
}

#[test]
fn what_another_bot_may_have_answered_is_noted_once_and_never_goes_back() {
    let folder = folder();
    let store = open(&folder);
    store.note_another_bot(5).unwrap();
    store.note_another_bot(3).unwrap();
    assert_eq!(store.restored_at().unwrap(), Some(5));
}

#[test]
fn a_store_that_has_gone_back_is_refused_until_that_is_accepted() {
    let folder = folder();
    let store = open(&folder);
    accept(&store, &[question("a", "1")], 1);
    let before = after_a_kill(&folder);
    accept(&store, &[question("a", "2")], 2);
    assert!(!store.is_own(&event("1")).unwrap());
    drop(store);
    crate::store::files::wait_until_free(&folder.path().join("store/db")).unwrap();
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    copy_all(&before.path().join("store"), &folder.path().join("store"));
    for _ in 0..2 {
        match Database::open(folder.path()) {
            Err(StoreError::Refused(sentence)) => assert!(sentence.contains("lost writes"), "{sentence}"),
            other => panic!("{other:?}"),
        }
    }
    fs::remove_file(folder.path().join("store.head")).unwrap();
    assert_eq!(names(&open(&folder).queued().unwrap()), ["$1:tchap.test"]);
}
