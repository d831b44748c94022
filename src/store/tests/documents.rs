//! Documents: whose they are, what takes them away, and what a kill leaves of them.

use std::collections::BTreeSet;
use std::fs;

use ruma::{OwnedUserId, owned_user_id};
use tempfile::TempDir;

use super::forgetting::files;
use super::rooms::made;
use super::{
    Accept, KEEP, accept, after_a_kill, event, exchange, folder, in_thread, leave, open, question, redact, room,
};
use crate::document::{Document, Origin, Partition, Passage, Place};
use crate::message::ConversationId;
use crate::store::chunk::{CHUNK, CHUNKS_AT_ONCE};
use crate::store::document::{MOST_OF_GROUP, StoredDocument, document_of};
use crate::store::layout::{Key, Tree};
use crate::store::put_document::{Prepared, PreparedVectors};
use crate::store::seal::Key32;
use crate::store::{
    BackupError, Change, Database, Full, GoneDocuments, NewDocument, Store, StoreError, StoredVectors, backup_key,
    seal_backup, unseal_backup,
};

fn agent() -> OwnedUserId {
    owned_user_id!("@agent:tchap.test")
}

pub(super) fn origin(in_room: &str, name: &str, sender: &OwnedUserId) -> Origin {
    Origin { room_id: room(in_room), event_id: event(name), sender: sender.clone(), sent_at: 3 }
}

pub(super) fn passages(text: &str, count: u32) -> Vec<Passage> {
    let passage = |ordinal: u32| Passage {
        ordinal,
        place: match ordinal % 4 {
            0 => Place::Whole,
            1 => Place::Page(ordinal),
            2 => Place::Slide(ordinal),
            _ => Place::Sheet(format!("{text}feuille")),
        },
        headings: vec![format!("{text}titre {ordinal}"), "Congés".to_owned()],
        text: format!("{text} {ordinal} {}", "été ".repeat(40)),
    };
    (0..count).map(passage).collect()
}

pub(super) fn vectors(model: &str, count: usize, length: usize) -> StoredVectors {
    let vector = |row: usize| (0..length).map(|at| ((row * 31 + at) as f32).cos()).collect();
    StoredVectors { model: model.to_owned(), values: (0..count).map(vector).collect() }
}

/// A document of three passages, that came with the message of this name.
pub(super) fn new(partition: &Partition, in_room: &str, name: &str) -> NewDocument {
    NewDocument {
        partition: partition.clone(),
        title: format!("{name}.pdf"),
        format: "pdf".to_owned(),
        pages: Some(42),
        origin: Some(origin(in_room, name, &agent())),
        link: None,
        passages: passages(name, 3),
        vectors: Some(vectors("e5", 3, 8)),
    }
}

fn put(store: &Database, partition: &Partition, in_room: &str, name: &str) -> Document {
    store.put_document(new(partition, in_room, name), 10).unwrap()
}

fn conversation(in_room: &str, thread: Option<&str>) -> Partition {
    Partition::Conversation(ConversationId { room_id: room(in_room), thread: thread.map(event) })
}

fn made_by_command() -> Partition {
    Partition::Compagnon("made/7".to_owned())
}

/// One partition of each kind.
fn partitions() -> Vec<Partition> {
    vec![
        conversation("a", None),
        conversation("a", Some("root")),
        Partition::Room(room("a")),
        conversation("b", None),
        Partition::Room(room("b")),
        Partition::Person(agent()),
        Partition::Person(owned_user_id!("@ben:tchap.test")),
        made_by_command(),
        Partition::Compagnon("rh".to_owned()),
        Partition::Catalogue,
    ]
}

/// A document in each partition, each of a message of its own in room a or b.
fn office(store: &Database) -> Vec<Document> {
    accept(store, &[question("a", "1"), question("b", "2")], 1);
    store.apply(&[Change::Made(made(7, "a", "texte"))], 1).unwrap();
    let put = |(number, partition): (usize, &Partition)| {
        let in_room = if partition.clone() == conversation("b", None) { "b" } else { "a" };
        self::put(store, partition, in_room, &format!("d{number}"))
    };
    partitions().iter().enumerate().map(put).collect()
}

/// The indices of the partitions whose document is there.
fn there(store: &Database) -> Vec<usize> {
    let has = |(number, partition): (usize, &Partition)| {
        let documents = store.documents(std::slice::from_ref(partition)).unwrap();
        let own = documents.iter().filter(|document| document.title == format!("d{number}.pdf"));
        assert!(documents.iter().all(|document| document.partition == *partition));
        own.count() == 1
    };
    partitions().iter().enumerate().filter(|one| has(*one)).map(|(number, _)| number).collect()
}

/// The documents that chunks are of.
pub(super) fn with_chunks(store: &Database) -> BTreeSet<u64> {
    let trees = [Tree::Passages, Tree::Vectors].into_iter();
    let keys = trees.flat_map(|tree| store.db.scan_prefix(Key::all(tree).bytes).keys());
    keys.map(|key| document_of(&key.unwrap()).unwrap()).collect()
}

/// The old database with the keys of today.
fn with_todays_keys(before: &TempDir, today: &TempDir) -> Database {
    for file in ["store.key", "rooms.keys"] {
        fs::copy(today.path().join(file), before.path().join(file)).unwrap();
    }
    fs::remove_file(before.path().join("store.head")).unwrap();
    open(before)
}

#[test]
fn a_document_is_read_back_whole_whatever_its_length() {
    let folder = folder();
    let store = open(&folder);
    let partition = Partition::Room(room("a"));
    for (name, count) in [("none", 0), ("few", 3), ("slices", 6_000)] {
        let passages = passages(name, count);
        let vectors = vectors("e5", count as usize, 384);
        let new = NewDocument {
            passages: passages.clone(),
            vectors: Some(vectors.clone()),
            link: Some("https://docs.example.org".to_owned()),
            ..new(&partition, "a", name)
        };
        let document = store.put_document(new, 10).unwrap();
        assert_eq!((document.passages, document.pages, document.added_at), (count, Some(42), 10));
        let characters: usize = passages.iter().map(|passage| passage.text.chars().count()).sum();
        assert_eq!(document.characters, characters as u64);
        assert!(store.passages(&document).unwrap().as_deref() == Some(&passages), "{name}");
        let read = store.vectors(&document, "e5").unwrap().unwrap();
        assert_eq!(
            (read.len(), read.first().map(Vec::len)),
            (vectors.values.len(), vectors.values.first().map(Vec::len))
        );
        assert!(read.iter().flatten().zip(vectors.values.iter().flatten()).all(|(a, b)| (a - b).abs() < 0.005));
        assert_eq!(store.vectors(&document, "bge").unwrap(), None);
        assert_eq!(store.document_from(&room("a"), &event(name)).unwrap(), Some(document));
    }
    let killed = after_a_kill(&folder);
    assert_eq!(open(&killed).documents(&[partition]).unwrap(), store.documents(&[Partition::Room(room("a"))]).unwrap());
}

#[test]
fn each_partition_has_its_own_documents_and_no_others() {
    let folder = folder();
    let store = open(&folder);
    let documents = office(&store);
    assert_eq!(there(&store), (0..10).collect::<Vec<_>>());
    assert_eq!(store.documents(&partitions()).unwrap(), documents, "in the order of their numbers");
    let foreign = Document { partition: Partition::Room(room("b")), ..documents[0].clone() };
    assert_eq!(store.passages(&foreign).unwrap(), None, "a number opens nothing in another partition");
    assert_eq!(store.vectors(&foreign, "e5").unwrap(), None);
    store.apply(&[Change::RemoveDocument(Partition::Room(room("b")), documents[0].number)], 11).unwrap();
    assert_eq!(there(&store).len(), 10);
    let collection = Partition::Collection("rh".to_owned());
    assert!(matches!(store.documents(std::slice::from_ref(&collection)), Err(StoreError::OfCollection)));
    assert!(matches!(store.put_document(new(&collection, "a", "x"), 1), Err(StoreError::OfCollection)));
    // A person is no room, whatever their names.
    let places: BTreeSet<_> = partitions().iter().map(|one| store.blinded_ids.places_of(one).unwrap()).collect();
    assert_eq!(places.len(), 10);
}

#[test]
fn a_message_makes_one_document_of_a_partition_through_kills() {
    let first = folder();
    let store = open(&first);
    let partition = Partition::Room(room("a"));
    let document = put(&store, &partition, "a", "1");
    let second = after_a_kill(&first);
    let store = open(&second);
    assert_eq!(put(&store, &partition, "a", "1"), document);
    assert_eq!(store.documents(std::slice::from_ref(&partition)).unwrap().len(), 1);
    assert_eq!(with_chunks(&store), [document.number].into());
    // The same message in another partition, and what came with none, are others.
    put(&store, &Partition::Catalogue, "a", "1");
    for _ in 0..2 {
        store.put_document(NewDocument { origin: None, ..new(&partition, "a", "x") }, 1).unwrap();
    }
    assert_eq!(store.documents(&[partition, Partition::Catalogue]).unwrap().len(), 4);
}

#[test]
fn what_a_kill_leaves_of_a_document_is_removed_at_the_next_start() {
    for ended in [false, true] {
        let first = folder();
        let store = open(&first);
        let partition = Partition::Room(room("a"));
        let kept = put(&store, &partition, "a", "1");
        let new = NewDocument { passages: passages("é", 4_000), vectors: None, ..new(&partition, "a", "2") };
        let prepared = Prepared::new(new.clone(), 10).unwrap();
        assert!(prepared.passages.len() > CHUNK * CHUNKS_AT_ONCE, "of more than a slice");
        let Err(begun) = store.begin_document(&prepared).unwrap() else { panic!("it is new") };
        store.put_passages(&prepared, &begun, 0).unwrap();
        if ended {
            store.put_passages(&prepared, &begun, CHUNK * CHUNKS_AT_ONCE).unwrap();
            store.end_document(&prepared, &begun).unwrap();
        }
        assert_eq!(with_chunks(&store).len(), 2, "its chunks were there");
        let second = after_a_kill(&first);
        let store = open(&second);
        assert_eq!(with_chunks(&store).len(), 1 + usize::from(ended));
        assert_eq!(store.documents(std::slice::from_ref(&partition)).unwrap().len(), 1 + usize::from(ended));
        assert!(store.passages(&kept).unwrap().is_some());
        let again = store.put_document(new.clone(), 11).unwrap();
        assert_eq!(store.documents(std::slice::from_ref(&partition)).unwrap(), [kept, again.clone()]);
        assert_eq!(again.added_at, if ended { 10 } else { 11 });
        assert!(store.passages(&again).unwrap() == Some(new.passages));
    }
}

#[test]
fn what_somebody_leaves_who_was_stopped_goes_with_the_next_document() {
    let folder = folder();
    let store = open(&folder);
    let prepared = |name: &str| Prepared::new(new(&Partition::Catalogue, "a", name), 10).unwrap();
    let begin = |name: &str| {
        let Err(begun) = store.begin_document(&prepared(name)).unwrap() else { panic!("it is new") };
        store.put_passages(&prepared(name), &begun, 0).unwrap();
        begun
    };
    let (first, second) = (begin("1"), begin("2"));
    assert_eq!(with_chunks(&store).len(), 2);
    drop(first);
    store.sweep_given_up().unwrap();
    assert_eq!(with_chunks(&store).len(), 1, "the other one goes on");
    let kept = store.end_document(&prepared("2"), &second).unwrap();
    drop(second);
    drop(begin("3"));
    let more = put(&store, &Partition::Catalogue, "a", "4");
    assert_eq!(with_chunks(&store), [kept.number, more.number].into());
}

#[test]
fn vectors_of_another_model_take_the_place_of_those_that_were() {
    let first = folder();
    let store = open(&first);
    let document = put(&store, &Partition::Catalogue, "a", "1");
    let chunks = |store: &Database| store.db.scan_prefix(Key::all(Tree::Vectors).bytes).count();
    store.put_vectors(&document, &vectors("bge", 3, 100_000)).unwrap();
    assert_eq!(store.vectors(&document, "e5").unwrap(), None);
    assert_eq!(store.vectors(&document, "bge").unwrap().unwrap().len(), 3);
    let many = chunks(&store);
    assert_eq!(many, 300_016_usize.div_ceil(CHUNK));
    for wrong in [vectors("e5", 2, 8), StoredVectors { values: vec![vec![f32::NAN]; 3], ..vectors("e5", 3, 8) }] {
        assert!(matches!(store.put_vectors(&document, &wrong), Err(StoreError::Unfit)));
    }
    // Killed before the record says so: the former ones count.
    let prepared = PreparedVectors::new(&vectors("e5", 3, 8), 3).unwrap();
    let put_first = |store: &Database| {
        let begun = store.begin_vectors(&document.partition, document.number, 28).unwrap().unwrap();
        store.put_set(&begun, &prepared, 0).unwrap();
        begun
    };
    let begun = put_first(&store);
    assert_eq!(chunks(&store), many + 1);
    // Who was stopped leaves nothing.
    drop(begun);
    store.sweep_given_up().unwrap();
    assert_eq!(chunks(&store), many);
    let _begun = put_first(&store);
    let second = after_a_kill(&first);
    let store = open(&second);
    assert_eq!(chunks(&store), many, "what was not ended is gone");
    assert!(store.vectors(&document, "bge").unwrap().is_some());
    store.put_vectors(&document, &vectors("e5", 3, 8)).unwrap();
    assert_eq!(chunks(&store), 1);
    store.apply(&[Change::RemoveDocument(Partition::Catalogue, document.number)], 12).unwrap();
    store.put_vectors(&document, &vectors("e5", 3, 8)).unwrap();
    assert_eq!((chunks(&store), store.vectors(&document, "e5").unwrap()), (0, None), "what went meanwhile has none");
}

/// What forgets, and the partitions (by their index) that are without a document then.
#[allow(clippy::type_complexity)]
fn ways() -> Vec<(&'static str, Box<dyn Fn(&Database)>, Vec<usize>)> {
    let change = |change: Change| -> Box<dyn Fn(&Database)> {
        Box::new(move |store| store.apply(std::slice::from_ref(&change), 20).unwrap())
    };
    let conversation = |thread: Option<&str>| ConversationId { room_id: room("a"), thread: thread.map(event) };
    vec![
        ("the main line of a room", change(Change::ForgetConversation(conversation(None))), vec![0]),
        ("a thread", change(Change::ForgetConversation(conversation(Some("root")))), vec![1]),
        ("all of a room", change(Change::ForgetTurns(room("a"))), vec![0, 1, 2]),
        ("a person", change(Change::ForgetPerson(agent())), vec![0, 1, 3, 5]),
        ("a compagnon", change(Change::Unmade(7)), vec![7]),
        ("leaving a room", Box::new(|store| leave(store, "a", 20)), vec![0, 1, 2]),
        ("a redaction", Box::new(|store| drop(redact(store, "a", &["d9"], 20))), vec![9]),
        ("time", Box::new(|store| drop(store.purge(111, &KEEP).unwrap())), vec![0, 1, 3, 5, 6]),
        (
            "a command",
            Box::new(|store| {
                let [document] = store.documents(&[Partition::Catalogue]).unwrap().try_into().unwrap();
                store.apply(&[Change::RemoveDocument(Partition::Catalogue, document.number)], 20).unwrap();
            }),
            vec![9],
        ),
    ]
}

#[test]
fn whatever_forgets_takes_documents_with_it_for_good() {
    for (name, forget, gone) in ways() {
        let first = folder();
        let store = open(&first);
        let documents = office(&store);
        let before = after_a_kill(&first);
        assert_eq!(store.gone_documents(), GoneDocuments::default());
        forget(&store);
        let left: Vec<usize> = (0..10).filter(|number| !gone.contains(number)).collect();
        assert_eq!(there(&store), left, "{name}");
        let numbers: BTreeSet<u64> = left.iter().map(|number| documents[*number].number).collect();
        assert_eq!(with_chunks(&store), numbers, "{name}: no chunk stays without its document");
        let mut told = store.gone_documents().documents;
        told.sort_by_key(|(_, number)| *number);
        let lost = gone.iter().map(|number| (documents[*number].partition.clone(), documents[*number].number));
        assert_eq!(told, lost.collect::<Vec<_>>(), "{name}");
        let killed = after_a_kill(&first);
        assert_eq!(there(&open(&killed)), left, "{name}");
        drop(store);
        // Every old byte is there, and today's keys open none of what was forgotten.
        let old = with_todays_keys(&before, &first);
        for number in gone {
            let document = &documents[number];
            assert!(!matches!(old.passages(document), Ok(Some(_))), "{name}: {number}");
            assert!(!matches!(old.vectors(document, "e5"), Ok(Some(_))), "{name}: {number}");
        }
    }
}

#[test]
fn a_document_that_moves_keeps_its_bytes_and_leaves_nothing_behind() {
    for to in [1, 2, 4, 5, 7, 8, 9] {
        let first = folder();
        let store = open(&first);
        let documents = office(&store);
        let before = after_a_kill(&first);
        let (from, to) = (conversation("a", None), partitions()[to].clone());
        let chunks =
            |store: &Database| store.db.scan_prefix(Key::all(Tree::Passages).bytes).map(Result::unwrap).collect();
        let bytes: Vec<_> = chunks(&store);
        let moved = Change::MoveDocument { from: from.clone(), number: documents[0].number, to: to.clone() };
        store.apply(std::slice::from_ref(&moved), 20).unwrap();
        // Again, as after a kill between the write and its acknowledgement.
        store.apply(std::slice::from_ref(&moved), 20).unwrap();
        let second = after_a_kill(&first);
        drop(store);
        let store = open(&second);
        assert!(chunks(&store) == bytes, "no chunk is written");
        let document = Document { partition: to.clone(), ..documents[0].clone() };
        assert_eq!(store.document_from(&room("a"), &event("d0")).unwrap(), Some(document.clone()));
        assert!(store.documents(std::slice::from_ref(&from)).unwrap().is_empty());
        assert_eq!(store.documents(std::slice::from_ref(&to)).unwrap().len(), 2);
        assert!(store.passages(&document).unwrap().is_some() && store.vectors(&document, "e5").unwrap().is_some());
        assert_eq!(store.passages(&documents[0]).unwrap(), None);
        // What opens where it was, opens only where the group is the same.
        drop(store);
        let old = with_todays_keys(&before, &second);
        let opens = matches!(old.passages(&documents[0]), Ok(Some(_)));
        let same_group = old.blinded_ids.places_of(&from).unwrap().0 == old.blinded_ids.places_of(&to).unwrap().0;
        assert_eq!(opens, same_group, "{to:?}");
    }
}

#[test]
fn a_document_that_is_there_already_is_moved_onto_it_and_not_beside_it() {
    let folder = folder();
    let store = open(&folder);
    let (here, there) = (Partition::Room(room("a")), Partition::Catalogue);
    let (one, two) = (put(&store, &here, "a", "1"), put(&store, &there, "a", "1"));
    store.apply(&[Change::MoveDocument { from: here.clone(), number: one.number, to: there.clone() }], 11).unwrap();
    assert_eq!(store.documents(&[here.clone(), there]).unwrap(), std::slice::from_ref(&two));
    assert_eq!(with_chunks(&store), [two.number].into());
    // To a compagnon that was deleted meanwhile it does not go.
    let three = put(&store, &here, "a", "3");
    store
        .apply(&[Change::MoveDocument { from: here.clone(), number: three.number, to: made_by_command() }], 12)
        .unwrap();
    assert_eq!(store.documents(&[here]).unwrap(), [three]);
}

#[test]
fn the_deletion_of_its_message_takes_a_document_wherever_it_is() {
    let folder = folder();
    let store = open(&folder);
    let documents = office(&store);
    let (from, number) = (conversation("a", None), documents[0].number);
    store.apply(&[Change::MoveDocument { from, number, to: Partition::Catalogue }], 11).unwrap();
    assert!(redact(&store, "b", &["d0"], 12).undocumented.is_empty(), "the message of another room");
    let accepted = redact(&store, "a", &["d0"], 13);
    assert_eq!((accepted.redacted, accepted.undocumented), (vec![event("d0")], vec![Partition::Catalogue]));
    assert_eq!(store.documents(&[Partition::Catalogue]).unwrap(), [documents[9].clone()]);
    assert!(redact(&store, "a", &["d0"], 14).redacted.is_empty(), "there is nothing more to take away");
    // Nor is it stored by who was still reading it.
    let late = store.put_document(new(&conversation("a", None), "a", "d0"), 15);
    assert!(matches!(late, Err(StoreError::Gone)));
}

#[test]
fn a_document_that_is_under_way_does_not_outlive_what_it_was_for() {
    let folder = folder();
    let store = open(&folder);
    office(&store);
    leave(&store, "a", 20);
    store.apply(&[Change::Unmade(7)], 20).unwrap();
    for partition in [conversation("a", None), Partition::Room(room("a")), made_by_command()] {
        assert!(matches!(store.put_document(new(&partition, "b", "late"), 21), Err(StoreError::Gone)));
    }
    assert_eq!(with_chunks(&store).len(), 6);
    // Invited again, it takes documents again.
    accept(&store, &[question("a", "3")], 22);
    put(&store, &Partition::Room(room("a")), "a", "anew");
    // A person who was forgotten may come back as well.
    store.apply(&[Change::ForgetPerson(agent())], 23).unwrap();
    put(&store, &Partition::Person(agent()), "a", "mine");
}

#[test]
fn who_is_forgotten_is_named_no_more_in_what_is_others() {
    let folder = folder();
    let store = open(&folder);
    office(&store);
    let held = store.personal(&agent()).unwrap().documents;
    assert_eq!(held.len(), 10, "all that this person has added");
    let ben = owned_user_id!("@ben:tchap.test");
    assert_eq!(store.personal(&ben).unwrap().documents.len(), 1, "what is for him alone");
    let before = after_a_kill(&folder);
    store.apply(&[Change::ForgetPerson(agent())], 20).unwrap();
    assert!(store.personal(&agent()).unwrap().documents.is_empty());
    let kept = store.documents(&partitions()).unwrap();
    assert!(kept.iter().all(|document| document.origin.is_none()), "it says no more who added it");
    // Its message is still known, and still takes it away.
    assert!(store.document_from(&room("a"), &event("d2")).unwrap().is_some());
    redact(&store, "a", &["d2"], 21);
    assert!(store.documents(&[Partition::Room(room("a"))]).unwrap().is_empty());
    drop(store);
    let old = with_todays_keys(&before, &folder);
    assert!(old.personal(&agent()).unwrap().documents.is_empty(), "no old record opens that names the person");
}

#[test]
fn documents_grow_old_as_what_they_belong_to() {
    let folder = folder();
    let store = open(&folder);
    let asked = in_thread(question("a", "0"), "root");
    exchange(&store, &asked, 100);
    office(&store);
    assert_eq!(store.purge(110, &KEEP).unwrap().partitions, [].into(), "exactly as old as allowed");
    let keep = super::Retention { memory: 300, ..KEEP };
    let purged = store.purge(120, &keep).unwrap();
    assert_eq!(purged.partitions, [0, 1, 3].map(|number| partitions()[number].clone()).into());
    assert_eq!(store.turns(&asked.conversation()).unwrap().len(), 2, "younger than the documents");
    let purged = store.purge(100_000, &keep).unwrap();
    assert_eq!(purged.partitions, [5, 6].map(|number| partitions()[number].clone()).into());
    assert_eq!(there(&store), [2, 4, 7, 8, 9], "until somebody removes them");
}

#[test]
fn the_documents_of_a_room_move_to_the_one_that_takes_its_place() {
    let first = folder();
    let store = open(&first);
    let documents = office(&store);
    let upgraded = [(room("a"), room("c"))];
    let accepted = store.accept(&Accept { upgraded: &upgraded, ..Accept::default() }, 11).unwrap();
    assert_eq!(accepted.undocumented, [Partition::Room(room("a"))]);
    leave(&store, "a", 12);
    let second = after_a_kill(&first);
    let store = open(&second);
    let [moved] = store.documents(&[Partition::Room(room("c"))]).unwrap().try_into().unwrap();
    assert_eq!((moved.number, &moved.title), (documents[2].number, &documents[2].title));
    assert!(store.passages(&moved).unwrap().is_some());
    assert_eq!(there(&store), [3, 4, 5, 6, 7, 8, 9], "what was said in the old room is gone with it");
    // Its message stands in the old room.
    assert_eq!(redact(&store, "a", &["d2"], 13).undocumented, [Partition::Room(room("c"))]);
}

#[test]
fn both_in_one_response_leave_the_document_in_the_new_room() {
    let folder = folder();
    let store = open(&folder);
    office(&store);
    let (upgraded, left) = ([(room("a"), room("c"))], [room("a")]);
    store.accept(&Accept { upgraded: &upgraded, left: &left, ..Accept::default() }, 11).unwrap();
    let [moved] = store.documents(&[Partition::Room(room("c"))]).unwrap().try_into().unwrap();
    assert!(store.passages(&moved).unwrap().is_some() && store.vectors(&moved, "e5").unwrap().is_some());
}

#[test]
fn no_more_documents_are_kept_than_there_may_be() {
    let folder = folder();
    let store = open(&folder);
    let partition = Partition::Room(room("a"));
    let document = put(&store, &partition, "a", "first");
    let mut transaction = store.transaction();
    for number in 1..MOST_OF_GROUP as u64 {
        let document = Document { number: 1_000 + number, origin: None, ..document.clone() };
        let stored = StoredDocument { document, key: Key32::random(), bytes: 0, vectors: None };
        transaction.shelve(&stored, [0; 16]).unwrap();
    }
    transaction.commit().unwrap();
    let more = store.put_document(new(&conversation("a", None), "a", "more"), 11);
    assert!(matches!(more, Err(StoreError::Full(Full::Group))), "a room with its conversations");
    assert_eq!(with_chunks(&store), [document.number].into());
    assert_eq!(put(&store, &partition, "a", "first"), document, "what is there is given");
    let elsewhere = put(&store, &Partition::Room(room("b")), "a", "more");
    let moved = Change::MoveDocument {
        from: elsewhere.partition.clone(),
        number: elsewhere.number,
        to: conversation("a", None),
    };
    assert!(!store.has_place_for(&elsewhere.partition, elsewhere.number, &conversation("a", None)).unwrap());
    store.apply(std::slice::from_ref(&moved), 12).unwrap();
    assert_eq!(store.documents(&[Partition::Room(room("b"))]).unwrap(), std::slice::from_ref(&elsewhere), "it stays");
    let within = Change::MoveDocument { from: partition.clone(), number: document.number, to: conversation("a", None) };
    store.apply(&[within], 12).unwrap();
    let partition = conversation("a", None);
    assert_eq!(store.documents(std::slice::from_ref(&partition)).unwrap().len(), 1, "within a group none is added");
    store.apply(&[Change::RemoveDocument(partition, document.number)], 12).unwrap();
    assert!(store.has_place_for(&elsewhere.partition, elsewhere.number, &conversation("a", None)).unwrap());
    store.apply(&[Change::RemoveDocument(elsewhere.partition, elsewhere.number)], 12).unwrap();
    let second = after_a_kill(&folder);
    let store = open(&second);
    put(&store, &conversation("a", None), "a", "more");
    let much = NewDocument {
        passages: vec![Passage { text: "a".repeat(33 << 20), ..passages("", 1).remove(0) }],
        vectors: None,
        ..new(&Partition::Catalogue, "a", "much")
    };
    assert!(matches!(store.put_document(much, 1), Err(StoreError::TooLarge)));
}

#[test]
fn neither_titles_nor_text_nor_names_of_documents_stand_on_disk() {
    let folder = folder();
    let store = open(&folder);
    let person = owned_user_id!("@CANARIperson:tchap.test");
    for partition in [
        conversation("CANARIroom", Some("CANARIroot")),
        Partition::Person(person.clone()),
        Partition::Compagnon("CANARIcompagnon".to_owned()),
    ] {
        let new = NewDocument {
            origin: Some(origin("CANARIroom", "CANARIevent", &person)),
            title: "CANARItitle".to_owned(),
            format: "CANARIformat".to_owned(),
            link: Some("https://CANARIlink".to_owned()),
            passages: passages("CANARItext", 900),
            vectors: Some(vectors("CANARImodel", 900, 8)),
            ..new(&partition, "a", "x")
        };
        let document = store.put_document(new, 1).unwrap();
        store.put_vectors(&document, &vectors("CANARIother", 900, 8)).unwrap();
        store
            .apply(&[Change::MoveDocument { from: partition, number: document.number, to: Partition::Catalogue }], 2)
            .unwrap();
    }
    drop(store);
    for (name, bytes) in files(folder.path()) {
        for word in ["CANARI", "tchap.test", "Congés", "feuille"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word} in {name}");
        }
    }
}

/// Backs the store up and puts that into a new folder.
fn restored(store: &Database) -> Result<TempDir, BackupError> {
    let (there, aside) = (folder(), folder());
    let file = aside.path().join("backup");
    let (key, _) = backup_key(&aside.path().join("key"), true)?;
    let mut frames = Vec::new();
    store.write_snapshot(&[], &mut frames)?;
    seal_backup(frames.as_slice(), &file, &key)?;
    unseal_backup(fs::File::open(&file)?, &key, there.path(), &[], 77)?;
    Ok(there)
}

#[test]
fn documents_are_in_a_backup_and_verified_when_it_is_put_back() {
    let first = folder();
    let store = open(&first);
    let documents = office(&store);
    let there = restored(&store).unwrap();
    let back = open(&there);
    assert_eq!(back.documents(&partitions()).unwrap(), documents);
    for document in &documents {
        assert_eq!(back.passages(document).unwrap(), store.passages(document).unwrap());
        assert_eq!(back.vectors(document, "e5").unwrap(), store.vectors(document, "e5").unwrap());
    }
    for tree in [Tree::Passages, Tree::Vectors] {
        let (key, value) = store.db.scan_prefix(Key::all(tree).bytes).nth(1).unwrap().unwrap();
        let mut changed = value.to_vec();
        changed[40] ^= 1;
        store.db.insert(&key, changed).unwrap();
        let damaged = restored(&store);
        assert!(
            matches!(damaged, Err(BackupError::Store(StoreError::Damaged { tree: found })) if found == tree.name())
        );
        store.db.remove(&key).unwrap();
        let missing = restored(&store);
        assert!(
            matches!(missing, Err(BackupError::Store(StoreError::Damaged { tree: found })) if found == tree.name())
        );
        store.db.insert(&key, value).unwrap();
    }
    restored(&store).unwrap();
}

#[test]
fn what_does_not_open_is_told_and_is_forgotten_with_the_rest() {
    let first = folder();
    let store = open(&first);
    let documents = office(&store);
    let place = store.transaction().held_document(documents[0].number).unwrap().place.key();
    let (key, value) = store.db.scan_prefix(Key::all(Tree::Passages).bytes).next().unwrap().unwrap();
    store.db.insert(&key, vec![0; value.len()]).unwrap();
    assert!(matches!(store.passages(&documents[0]), Err(StoreError::Damaged { tree: "passages" })));
    store.db.insert(&place.bytes, vec![0; 99]).unwrap();
    assert_eq!(store.passages(&documents[0]).unwrap(), None);
    assert_eq!((there(&store).len(), store.damaged().unwrap()), (9, 1));
    store.db.flush().unwrap();
    let second = after_a_kill(&first);
    let store = open(&second);
    assert_eq!((there(&store).len(), store.damaged().unwrap()), (9, 1));
    // Its message, and its conversation, are known from its place.
    redact(&store, "a", &["d0"], 20);
    assert_eq!(store.damaged().unwrap(), 0);
    assert!(!with_chunks(&store).contains(&documents[0].number));
    let second = after_a_kill(&first);
    let store = open(&second);
    store.apply(&[Change::ForgetConversation(ConversationId { room_id: room("a"), thread: None })], 20).unwrap();
    assert_eq!((store.damaged().unwrap(), with_chunks(&store).len()), (0, 9));
}

#[test]
fn the_work_for_a_document_does_not_grow_with_the_others() {
    let folder = folder();
    let store = open(&folder);
    let document = put(&store, &Partition::Catalogue, "a", "first");
    for of_room in 0..10 {
        let mut transaction = store.transaction();
        for number in 0..500 {
            let partition = Partition::Room(room(&format!("r{of_room}")));
            let document = Document { number: 10_000 + of_room * 500 + number, partition, ..document.clone() };
            let name = event(&format!("e{of_room}.{number}"));
            let origin = store.blinded_ids.origin(&room("a"), &name);
            transaction
                .shelve(&StoredDocument { document, key: Key32::random(), bytes: 0, vectors: None }, origin)
                .unwrap();
        }
        transaction.commit().unwrap();
    }
    let touched = |operation: &dyn Fn()| {
        let before = store.touched.get();
        operation();
        store.touched.get() - before
    };
    let put = touched(&|| drop(self::put(&store, &Partition::Person(agent()), "a", "new")));
    let listed = touched(&|| drop(store.documents(&[Partition::Person(agent())]).unwrap()));
    let redacted = touched(&|| drop(redact(&store, "a", &["new"], 20)));
    let nothing = touched(&|| drop(redact(&store, "a", &["none"], 20)));
    println!("put {put}, listed {listed}, redacted {redacted}, nothing redacted {nothing}");
    assert!(put <= 20 && listed <= 2 && redacted <= 40 && nothing <= 20);
    drop(store);
    let store = open(&folder);
    println!("opened {}", store.touched.get());
    assert!(store.touched.get() <= 3 * 5_001 + 200);
}

#[tokio::test]
async fn the_handle_puts_and_reads_as_the_database_does() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let partition = Partition::Room(room("a"));
    let new = NewDocument { passages: passages("long", 20_000), vectors: None, ..new(&partition, "a", "1") };
    let expected = new.passages.clone();
    // Two at a time: one document.
    let (one, two) = tokio::join!(store.put_document(new.clone(), 1), store.put_document(new, 1));
    let document = one.unwrap();
    assert_eq!(two.unwrap(), document);
    assert_eq!(store.documents(std::slice::from_ref(&partition)).await.unwrap(), std::slice::from_ref(&document));
    assert!(store.passages(&document).await.unwrap() == Some(expected));
    assert_eq!(store.document_from(&room("a"), &event("1")).await.unwrap().as_ref(), Some(&document));
    assert_eq!(store.vectors(&document, "e5").await.unwrap(), None);
    store.put_vectors(&document, vectors("e5", 20_000, 32)).await.unwrap();
    assert_eq!(store.vectors(&document, "e5").await.unwrap().unwrap().len(), 20_000);
    store.apply(&[Change::RemoveDocument(partition.clone(), document.number)], 2).await.unwrap();
    assert_eq!(store.passages(&document).await.unwrap(), None);
    assert_eq!(store.gone_documents().await.unwrap().documents, [(partition, document.number)]);
    assert_eq!(store.gone_documents().await.unwrap(), GoneDocuments::default(), "it is told once");
}
