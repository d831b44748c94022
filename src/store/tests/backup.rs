//! Backups, and a store that has gone back.

use std::fs;

use tempfile::TempDir;

use super::{accept, after_a_kill, conclude, copy_all, event, exchange, folder, names, open, question};
use crate::store::records::{Key, Tree};
use crate::store::{BackupError, Store, StoreError, backup_key, seal_backup, unseal_backup};

/// Backs the store up and puts that into a new folder.
fn through_a_backup(store: &Store) -> Result<(TempDir, usize), BackupError> {
    let (there, aside) = (folder(), folder());
    let (file, key_file) = (aside.path().join("backup"), aside.path().join("key"));
    let (key, made) = backup_key(&key_file, true)?;
    assert!(made);
    let mut frames = Vec::new();
    store.snapshot()?.write(&[], &mut frames)?;
    let records = seal_backup(frames.as_slice(), &file, &key)?;
    let (key, made) = backup_key(&key_file, false)?;
    assert!(!made);
    assert_eq!(unseal_backup(&file, &key, there.path(), &[], 77)?, records);
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
    store.0.db.insert(mark, b"nonsense").unwrap();
    assert!(matches!(through_a_backup(&store), Err(BackupError::Store(StoreError::Damaged { tree: "done" }))));
}

#[test]
fn a_row_of_frames_that_is_cut_short_is_no_backup() {
    let (folder, aside) = (folder(), folder());
    let store = open(&folder);
    accept(&store, &[question("a", "1")], 1);
    let mut frames = Vec::new();
    store.snapshot().unwrap().write(&[], &mut frames).unwrap();
    let (key, _) = backup_key(&aside.path().join("key"), true).unwrap();
    for length in [0, 5, frames.len() / 2, frames.len() - 9, frames.len() - 1] {
        let made = seal_backup(&frames[..length], &aside.path().join("backup"), &key);
        assert!(matches!(made, Err(BackupError::Cut)), "{length}");
        assert_eq!(fs::read_dir(aside.path()).unwrap().count(), 1, "only the key is there");
    }
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
        match Store::open(folder.path()) {
            Err(StoreError::Refused(sentence)) => assert!(sentence.contains("lost writes"), "{sentence}"),
            other => panic!("{other:?}"),
        }
    }
    fs::remove_file(folder.path().join("store.head")).unwrap();
    assert_eq!(names(&open(&folder).queued().unwrap()), ["$1:tchap.test"]);
}
