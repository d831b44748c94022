//! What nobody uses any more grows old, too: compagnons, and records that do not open.

use super::damage::{flip, key, tamper};
use super::documents::{new, with_chunks};
use super::rooms::made;
use super::usage::{answered, conclude};
use super::{KEEP, accept, after_a_kill, exchange, folder, open, question, room};
use crate::compagnon::{Choice, Made, SettingsPatch};
use crate::document::Partition;
use crate::message::Incoming;
use crate::statistics::{Compagnon, Counted, Day, Series};
use crate::store::layout::{Key, Tree};
use crate::store::{Change, Database, Retention};

const DAY: u64 = 86_400_000;
const DAYS: u64 = 730 * DAY;
/// Nothing but compagnons grows old.
const LONG: Retention = Retention {
    dedup: u64::MAX,
    turns: u64::MAX,
    turns_at_most: u64::MAX,
    audit: u64::MAX,
    undecrypted: u64::MAX,
    memory: u64::MAX,
    withdrawable: u64::MAX,
    compagnons: DAYS,
};

fn numbers(store: &Database) -> Vec<u64> {
    store.all_made().unwrap().iter().map(|made| made.number).collect()
}

fn choose(choice: Choice, now: u64, store: &Database) {
    store.apply(&[Change::Settings(room("a"), vec![SettingsPatch::Compagnon(Some(choice))])], now).unwrap();
}

/// A question that a compagnon made by command answers.
fn ask(store: &Database, number: u64, name: &str, now: u64) {
    let asked = question("a", name);
    accept(store, std::slice::from_ref(&asked), now);
    let series = Series { compagnon: Compagnon::Made(number), ..super::usage::series("x") };
    assert!(conclude(store, &asked, Counted { series, ..answered(Day(20_420), "x") }, now));
}

#[test]
fn a_compagnon_that_nobody_uses_goes_with_all_that_is_its() {
    let folder = folder();
    let store = open(&folder);
    // Not used; in the catalogue; asked; chosen; changed; chosen as one's own.
    let published = Made { published: Some(1), ..made(2, "a", "deux") };
    let mut changes: Vec<Change> = [1, 3, 4, 5, 6].map(|number| Change::Made(made(number, "a", "un"))).into();
    changes.push(Change::Made(published));
    store.apply(&changes, 1).unwrap();
    let partition = Partition::of_made(1);
    let document = store.put_document(new(&partition, "a", "doc"), 10).unwrap();
    ask(&store, 3, "q3", DAY);
    choose(Choice::Made(4), DAY, &store);
    choose(Choice::Own(6), DAY, &store);
    let mut newer = made(5, "a", "un");
    newer.versions[0].at = DAY;
    store.apply(&[Change::Made(newer)], DAY).unwrap();

    assert_eq!(store.purge(1 + DAYS, &LONG).unwrap().records, 0, "exactly as old as allowed");
    let purged = store.purge(2 + DAYS, &LONG).unwrap();
    assert_eq!((purged.records, purged.unmade), (1, true));
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    assert_eq!(numbers(&store), [2, 3, 4, 5, 6]);
    assert!(!with_chunks(&store).contains(&document.number), "its documents, too");
    assert!(store.transaction().rooms().cipher(&store.blinded_ids.made(1)).is_none(), "and its key");
    // A compagnon that is used within its time stays, however often time passes.
    ask(&store, 3, "q4", DAYS);
    let purged = store.purge(2 + DAY + DAYS, &LONG).unwrap();
    assert!(purged.unmade);
    assert_eq!(numbers(&store), [2, 3]);
    assert!(!store.purge(2 + DAY + DAYS, &LONG).unwrap().unmade);
    assert!(store.purge(u64::MAX, &LONG).unwrap().unmade);
    assert_eq!(numbers(&store), [2], "the catalogue is for everybody");
}

#[test]
fn a_use_is_noted_once_a_day_and_not_of_one_that_is_no_more() {
    let folder = folder();
    let store = open(&folder);
    store.apply(&[Change::Made(made(1, "a", "un"))], 1).unwrap();
    let used = || store.transaction().used_at(&made(1, "a", "un")).unwrap();
    for (at, noted) in [(10, 10), (DAY, 10), (10 + DAY, 10 + DAY), (5, 10 + DAY)] {
        ask(&store, 1, &format!("q{at}"), at);
        assert_eq!(used(), noted, "{at}");
    }
    store.apply(&[Change::Unmade(1)], 20).unwrap();
    ask(&store, 1, "late", 3 * DAY);
    assert_eq!(store.db.scan_prefix(Key::all(Tree::Used).bytes).count(), 0);
    assert!(store.transaction().rooms().cipher(&store.blinded_ids.made(1)).is_none());
}

#[test]
fn what_does_not_open_is_kept_aside_for_a_while() {
    let folder = folder();
    let store = open(&folder);
    let asked: Vec<Incoming> = ["1", "2"].map(|name| question("a", name)).into();
    for asked in &asked {
        exchange(&store, asked, 1);
    }
    let partition = Partition::Room(room("a"));
    let document = store.put_document(new(&partition, "a", "doc"), 1).unwrap();
    let answered = key(&store, &asked[0], Tree::Answered);
    let shelved = store.db.scan_prefix(Key::all(Tree::Documents).bytes).keys().next().unwrap().unwrap();
    drop(store);
    tamper(&folder, |db| {
        flip(db, &answered);
        flip(db, &shelved);
    });
    let keep = Retention { turns: 10_000, turns_at_most: 10_000, ..KEEP };
    let store = open(&folder);
    assert_eq!(store.purge(10, &keep).unwrap().records, 0);
    assert_eq!(store.damaged().unwrap(), 2, "found by the purge, if by nobody else");
    // The first purge after that has noted when it saw them.
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    store.purge(10 + KEEP.dedup, &keep).unwrap();
    assert_eq!(store.damaged().unwrap(), 2, "exactly as old as allowed");
    let purged = store.purge(11 + KEEP.dedup, &keep).unwrap();
    assert!(purged.records >= 2, "{purged:?}");
    let again = after_a_kill(&killed);
    let store = open(&again);
    assert_eq!(store.damaged().unwrap(), 0);
    assert!(!with_chunks(&store).contains(&document.number), "nobody could find its passages");
    // The others are there, and no note is left of what is gone.
    assert_eq!(store.turns(&asked[1].conversation()).unwrap().len(), 4);
    let notes = store.transaction().raw_keys(&Key::aside(&[])).unwrap();
    assert!(notes.is_empty());
}

#[test]
fn the_note_of_what_went_with_its_room_goes() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    exchange(&store, &asked, 1);
    let answered = key(&store, &asked, Tree::Answered);
    drop(store);
    tamper(&folder, |db| flip(db, &answered));
    let store = open(&folder);
    store.purge(10, &KEEP).unwrap();
    assert_eq!(store.damaged().unwrap(), 1);
    super::leave(&store, "a", 11);
    assert_eq!(store.damaged().unwrap(), 0);
    assert_eq!(store.transaction().raw_keys(&Key::aside(&[])).unwrap().len(), 1);
    store.purge(12, &KEEP).unwrap();
    assert!(store.transaction().raw_keys(&Key::aside(&[])).unwrap().is_empty());
}
