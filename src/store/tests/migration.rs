//! A store of version 1, as a release wrote it (`tests/fixtures/store`), becomes one of this version, as one of version 2 does: whole, whatever
//! kills it on the way.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

use ruma::{EventId, RoomId};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::documents::new;
use super::{Database, accept, folder, question};
use crate::document::Partition;
use crate::store::backup::{BackupKey, put, unseal_backup};
use crate::store::database::database_in;
use crate::store::layout::{EventPlace, Key, QUARANTINE, Tree};
use crate::store::migrate::PROGRESS_KEY;
use crate::store::schema::{CURRENT, VERSION_KEY, version};
use crate::store::seal::Key32;
use crate::store::sealed_file::SealReader;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store")
}

fn key() -> BackupKey {
    BackupKey(Key32::read(&fs::read(fixtures().join("version-1.key")).unwrap()).unwrap())
}

fn backup() -> fs::File {
    fs::File::open(fixtures().join("version-1.backup")).unwrap()
}

/// The store of version 1, as a kill left it: nothing was opened since.
fn fixture() -> TempDir {
    let folder = folder();
    let mut reader = SealReader::new(backup(), &key().0).unwrap().unwrap();
    put(&mut reader, folder.path(), &[]).unwrap();
    folder
}

/// What the release that wrote it read of it, by tree and key.
fn listing() -> BTreeMap<String, BTreeMap<String, Value>> {
    let listing: Value = serde_json::from_slice(&fs::read(fixtures().join("version-1.json")).unwrap()).unwrap();
    let tree = |records: &Value| {
        let records = records.as_array().unwrap().iter();
        records.map(|one| (one["key"].as_str().unwrap().to_owned(), one["record"].clone())).collect()
    };
    listing["trees"].as_object().unwrap().iter().map(|(name, records)| (name.clone(), tree(records))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}

/// A message of version 1, as version 2 writes it.
fn message(old: &Value) -> Value {
    let mut new = old.clone();
    let fields = new.as_object_mut().unwrap();
    let body = fields.remove("body").unwrap();
    let content = match fields.remove("origin").unwrap().as_str().unwrap() {
        "message" => json!({"is": "text", "text": body}),
        other => json!({"is": other}),
    };
    fields.insert("content".to_owned(), content);
    new
}

/// A record of version 1, as version 2 writes it.
fn converted(tree: &str, old: &Value) -> Value {
    let mut new = old.clone();
    match tree {
        "inbox" => {
            new["question"] = message(&old["question"]);
            new["kind"] = match old["question"]["origin"].as_str().unwrap() {
                "joined" => json!({"is": "welcome"}),
                "missed" => json!({"is": "missed"}),
                _ => json!({"is": "unparsed"}),
            };
        }
        "outbox" => {
            let mut answer = new.as_object_mut().unwrap().remove("answer").unwrap();
            let answer = answer.as_object_mut().unwrap();
            let notice = answer.remove("kind").unwrap() == "Notice";
            let texts = answer.remove("parts").unwrap();
            let items = texts.as_array().unwrap().iter().map(|text| {
                let markdown = json!({"is": "markdown", "text": text, "links": []});
                if notice { json!({"is": "notice", "text": text}) } else { markdown }
            });
            new["items"] = items.collect();
            for (name, value) in answer.iter() {
                new[name.as_str()] = value.clone();
            }
            new["question"] = message(&old["question"]);
            new["sent"] = old["sent"].as_array().unwrap().iter().map(|event| json!({"message": event})).collect();
            new["uploaded"] = json!({});
            new["usage"] = Value::Null;
        }
        "answered" => {
            new["question"] = message(&old["question"]);
            new["elsewhere"] = json!([]);
            new["usage"] = Value::Null;
        }
        _ => {}
    }
    new
}

/// The messages of the bot that a record of version 1 names.
fn messages_of(tree: &str, old: &Value) -> Vec<Value> {
    let fields = match tree {
        "inbox" => vec![&old["draft"], &old["shown"], &old["lost"]],
        "outbox" => {
            let answer = &old["answer"];
            vec![&old["sent"], &answer["draft"], &answer["shown"], &answer["lost"]]
        }
        "answered" => vec![&old["parts"]],
        _ => vec![],
    };
    let events = |field: &Value| match field {
        Value::Array(events) => events.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    fields.into_iter().flat_map(events).collect()
}

/// What version 2 should hold of the bot's own messages.
fn own(store: &Database, listing: &BTreeMap<String, BTreeMap<String, Value>>) -> BTreeMap<String, Value> {
    let at = |(key, at): (&String, &Value)| (key.clone(), json!({"at": at, "room": null, "question": null}));
    let mut own: BTreeMap<String, Value> = listing["own"].iter().map(at).collect();
    for tree in ["inbox", "outbox", "answered"] {
        for old in listing[tree].values() {
            let room: &RoomId = old["question"]["room_id"].as_str().unwrap().try_into().unwrap();
            let question: &EventId = old["question"]["event_id"].as_str().unwrap().try_into().unwrap();
            let place = EventPlace::new(&store.blinded_ids, room, question);
            for event in messages_of(tree, old) {
                let event: &EventId = event.as_str().unwrap().try_into().unwrap();
                let key = hex(&store.dedup_key(Tree::Own, event).bytes);
                let known = own.get_mut(&key).expect("a message of the bot's own");
                known["room"] = json!(hex(&place.room));
                known["question"] = json!(hex(&place.event));
            }
        }
    }
    own
}

/// Holds the open store against what the earlier release read: each record, each field.
fn is_whole(store: &Database) {
    let listing = listing();
    for (name, before) in &listing {
        let tree = b"miotudwsaxgyclp".iter().map(|letter| Tree::of(*letter).unwrap()).find(|tree| tree.name() == name);
        let all = Key::all(tree.unwrap());
        let (records, _) = store.transaction().page_of_values::<Value>(&all, &all.bytes, 1000).unwrap();
        let records = records.into_iter().map(|(key, record)| (hex(&key.bytes), record));
        let mut now: BTreeMap<String, Value> = records.collect();
        let mut expected: BTreeMap<String, Value> = match name.as_str() {
            "own" => own(store, &listing),
            _ => before.iter().map(|(key, old)| (key.clone(), converted(name, old))).collect(),
        };
        if name == "meta" {
            // The counters have gone on, and the rotation that was cut is ended.
            for gone_on in ["commits", "generation"] {
                let key = hex(&Key::meta(gone_on.as_bytes()).bytes);
                let (before, after) = (expected.remove(&key).unwrap(), now.remove(&key).unwrap());
                assert!(after.as_u64() >= before.as_u64(), "{gone_on}");
            }
        }
        assert_eq!(now, expected, "{name}");
    }
    assert_eq!(store.db.scan_prefix([QUARANTINE]).count(), 1, "the record that did not open before");
    assert!(store.transaction().rooms().in_rotation().is_empty());
    assert_eq!(version(&store.db).unwrap(), Some(CURRENT));
    assert!(store.db.get(PROGRESS_KEY).unwrap().is_none());
    // As the program reads it.
    assert_eq!(store.queued().unwrap().len(), listing["inbox"].len());
    assert_eq!(store.undelivered().unwrap().len(), listing["outbox"].len());
    assert_eq!(store.undecrypted().unwrap().len(), listing["undecrypted"].len());
    assert_eq!(store.withdrawals().unwrap().len(), listing["withdrawals"].len());
    assert_eq!(store.all_made().unwrap().len(), listing["made"].len());
    assert_eq!(store.gaps().unwrap().len(), listing["gaps"].len());
    assert_eq!(store.audit(99).unwrap().len(), listing["audit"].len());
}

#[test]
fn each_record_of_a_store_of_version_1_is_read() {
    let folder = fixture();
    is_whole(&Database::open(folder.path()).unwrap());
    is_whole(&Database::open(folder.path()).unwrap());
}

#[test]
fn a_store_of_version_2_is_of_this_version_from_its_first_start_on() {
    let folder = folder();
    let document = {
        let store = Database::open(folder.path()).unwrap();
        accept(&store, &[question("a", "1")], 1);
        let document = store.put_document(new(&Partition::Catalogue, "a", "d"), 2).unwrap();
        store.db.insert(VERSION_KEY, &2_u32.to_be_bytes()).unwrap();
        store.db.flush().unwrap();
        document
    };
    let store = Database::open(folder.path()).unwrap();
    assert_eq!(version(&store.db).unwrap(), Some(CURRENT), "a program of version 2 refuses it");
    assert!(store.db.get(PROGRESS_KEY).unwrap().is_none());
    assert_eq!(store.queued().unwrap().len(), 1);
    assert_eq!(store.documents(&[Partition::Catalogue]).unwrap(), [document]);
}

#[test]
fn a_backup_of_version_1_becomes_a_store_of_this_version() {
    let folder = folder();
    assert!(unseal_backup(backup(), &key(), folder.path(), &[], 77).unwrap() >= 119);
    let store = Database::open(folder.path()).unwrap();
    assert_eq!(store.restored_at().unwrap(), Some(listing()["meta"].values().filter_map(Value::as_u64).max().unwrap()));
    assert_eq!(store.queued().unwrap().len(), listing()["inbox"].len());
}

#[test]
fn a_record_that_cannot_be_converted_is_set_aside_and_the_others_are_read() {
    let folder = fixture();
    let mut gone = Vec::new();
    {
        let db = database_in(&folder.path().join("store")).unwrap();
        for tree in [Tree::Inbox, Tree::Outbox, Tree::Answered, Tree::Own] {
            let (key, mut sealed) = {
                let (key, sealed) = db.scan_prefix([tree.letter()]).next().unwrap().unwrap();
                (key, sealed.to_vec())
            };
            *sealed.last_mut().unwrap() ^= 1;
            db.insert(&key, sealed).unwrap();
            gone.push(key);
        }
        db.flush().unwrap();
    }
    let store = Database::open(folder.path()).unwrap();
    assert_eq!(store.queued().unwrap().len(), listing()["inbox"].len() - 1);
    assert_eq!(store.undelivered().unwrap().len(), listing()["outbox"].len() - 1);
    assert_eq!(store.damaged().unwrap(), 4, "three of rooms, and the one from before");
    assert!(store.db.contains_key(&gone[3]).unwrap(), "a message of the bot's own counts even when its time is lost");
}

#[test]
fn a_migration_reads_slices() {
    let folder = fixture();
    let before: usize = ["inbox", "outbox", "answered", "own"].map(|tree| listing()[tree].len()).iter().sum();
    assert!(before > 3 * 16, "several slices");
    let store = Database::open(folder.path()).unwrap();
    assert!(store.longest.get() < 200, "{}", store.longest.get());
}

/// Not a test of its own: the process that dies, started by the test below.
#[test]
fn dies_in_the_migration() {
    let (Some(folder), Ok(point)) = (env::var_os("COMPAGNON_TEST_STORE"), env::var("COMPAGNON_TEST_POINT")) else {
        return;
    };
    let passings: u32 = env::var("COMPAGNON_TEST_PASSING").unwrap().parse().unwrap();
    let passed = std::sync::atomic::AtomicU32::new(0);
    let die = move || {
        if passed.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 == passings {
            process::abort();
        }
    };
    fail::cfg_callback(point, die).unwrap();
    drop(Database::open(Path::new(&folder)));
    process::exit(3);
}

/// Opens the store in a process that dies at a passing of a point. Returns whether it came to it.
fn killed(folder: &Path, point: &str, passing: u32) -> bool {
    let status = process::Command::new(env::current_exe().unwrap())
        .args(["--exact", "store::tests::migration::dies_in_the_migration"])
        .env("COMPAGNON_TEST_STORE", folder)
        .env("COMPAGNON_TEST_POINT", point)
        .env("COMPAGNON_TEST_PASSING", passing.to_string())
        .stdout(process::Stdio::null())
        .stderr(process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.signal().is_some() || status.code() == Some(3), "{point}: {status}");
    status.signal().is_some()
}

#[test]
fn a_kill_in_the_migration_loses_nothing_and_doubles_nothing() {
    let points = ["migration-begun", "migration-slice-written", "migration-slice", "rotation-slice", "rotated"];
    for point in points {
        let (mut kills, mut begun) = (0, 0);
        for passing in 1..=4 {
            let folder = fixture();
            // The start that goes on is killed too, as long as it comes by.
            for _ in 0..6 {
                if !killed(folder.path(), point, passing) {
                    break;
                }
                kills += 1;
                let db = database_in(&folder.path().join("store")).unwrap();
                let raised = version(&db).unwrap().unwrap() > 1;
                assert!(raised || db.get(PROGRESS_KEY).unwrap().is_none(), "{point}: an older program would open it");
                begun += u32::from(raised);
            }
            is_whole(&Database::open(folder.path()).unwrap());
        }
        println!("{point}: {kills} kills, {begun} with the version raised; whole after the next start: 4 of 4");
        assert!(kills > 0 || point == "rotation-slice", "{point}");
    }
}
