//! A snapshot is of one moment, whatever is written while it is read.

use std::collections::BTreeMap;

use sled::IVec;

use super::documents::{new, passages};
use super::{accept, conclude, exchange, folder, leave, open, question, redact};
use crate::document::Partition;
use crate::store::chunk::CHUNK;
use crate::store::snapshot::SLICE_BYTES;
use crate::store::{Database, NewDocument};

fn all(store: &Database) -> BTreeMap<IVec, IVec> {
    store.db.iter().map(Result::unwrap).collect()
}

#[test]
fn what_is_written_while_a_snapshot_is_read_is_not_in_it() {
    let folder = folder();
    let store = open(&folder);
    for number in 0..400 {
        let asked = question(&format!("r{}", number % 7), &format!("q{number}"));
        accept(&store, std::slice::from_ref(&asked), 1);
        if number % 2 == 0 {
            conclude(&store, &asked, 1).unwrap();
        }
    }
    let before = all(&store);
    assert!(before.len() > 500, "several slices: {}", before.len());
    let token = store.begin_snapshot();
    let mut read = BTreeMap::new();
    let mut slices = 0;
    loop {
        // Changed, added and removed, before and after the place that was come to; a key is replaced, and one is destroyed.
        let now = 10 + slices;
        exchange(&store, &question("r1", &format!("new{slices}")), now);
        redact(&store, "r2", &[&format!("q{}", 2 + 14 * slices)], now);
        leave(&store, &format!("r{}", 5 + slices), now);
        let slice = store.snapshot_slice(&token).unwrap();
        if slice.is_empty() {
            break;
        }
        slices += 1;
        read.extend(slice);
    }
    assert!(slices > 1, "{slices}");
    assert_ne!(all(&store), before);
    assert!(read == before, "{} records, {} before", read.len(), before.len());
    assert!(store.snapshots.borrow().is_empty(), "nothing is kept for it any more");
}

#[test]
fn a_slice_has_few_bytes_however_large_the_records_are() {
    let folder = folder();
    let store = open(&folder);
    let large = NewDocument { passages: passages("é", 40_000), vectors: None, ..new(&Partition::Catalogue, "a", "1") };
    store.put_document(large, 1).unwrap();
    let before = all(&store);
    let size = |slice: &[(IVec, IVec)]| slice.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    let all_bytes: usize = before.iter().map(|(key, value)| key.len() + value.len()).sum();
    assert!(all_bytes > 2 * SLICE_BYTES, "{all_bytes} bytes in {} records", before.len());
    let token = store.begin_snapshot();
    let mut read = BTreeMap::new();
    loop {
        let slice = store.snapshot_slice(&token).unwrap();
        assert!(size(&slice) <= SLICE_BYTES + 2 * CHUNK, "{}", size(&slice));
        if slice.is_empty() {
            break;
        }
        read.extend(slice);
    }
    assert!(read == before);
}

#[test]
fn what_is_kept_for_a_snapshot_goes_with_its_reader() {
    let folder = folder();
    let store = open(&folder);
    let token = store.begin_snapshot();
    accept(&store, &[question("a", "1")], 1);
    assert_eq!(store.snapshots.borrow().len(), 1);
    drop(token);
    accept(&store, &[question("a", "2")], 2);
    assert!(store.snapshots.borrow().is_empty());
}

#[test]
fn two_snapshots_at_once_are_each_of_their_own_moment() {
    let folder = folder();
    let store = open(&folder);
    accept(&store, &[question("a", "1")], 1);
    let first = (all(&store), store.begin_snapshot());
    accept(&store, &[question("a", "2")], 2);
    let second = (all(&store), store.begin_snapshot());
    accept(&store, &[question("a", "3")], 3);
    for (before, token) in [first, second] {
        let read: BTreeMap<IVec, IVec> = store.snapshot_slice(&token).unwrap().into_iter().collect();
        assert!(read == before);
    }
}
