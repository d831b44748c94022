//! Events that wait for their keys: found by session, and never more of them than is good.

use ruma::{OwnedUserId, owned_user_id};

use super::{Accept, Database, accept, edit, event, exchange, folder, held, open, question, redact, room};
use crate::message::{Edit, Undecrypted};

fn waiting(session: &str, number: usize, sender: &OwnedUserId) -> Undecrypted {
    let session_id = Some(session.to_owned());
    let sent_at = number as u64;
    Undecrypted { session_id, sender: Some(sender.clone()), sent_at, ..held("a", &format!("u{number}")) }
}

fn hold(store: &Database, events: &[Undecrypted]) {
    store.accept(&Accept { undecrypted: events, ..Accept::default() }, 1).unwrap();
}

#[test]
fn a_key_opens_the_events_of_its_session_and_room_and_no_others() {
    let folder = folder();
    let store = open(&folder);
    let awa = owned_user_id!("@awa:tchap.test");
    let elsewhere = Undecrypted { room_id: room("b"), ..waiting("one", 3, &awa) };
    let nameless = Undecrypted { session_id: None, ..waiting("", 4, &awa) };
    hold(&store, &[waiting("one", 2, &awa), waiting("two", 0, &awa), waiting("one", 1, &awa), elsewhere, nameless]);
    let of = |session| store.undecrypted_of(&room("a"), session).unwrap();
    assert_eq!(of("one"), [waiting("one", 1, &awa), waiting("one", 2, &awa)]);
    assert_eq!(of("two"), [waiting("two", 0, &awa)]);
    assert_eq!(of(""), []);
    assert_eq!(store.undecrypted().unwrap().len(), 5);
    store.decrypted(&room("a"), &event("u1")).unwrap();
    assert!(!store.is_undecrypted(&room("a"), &event("u1")).unwrap());
    redact(&store, "a", &["u0"], 2);
    assert_eq!((of("one"), of("two")), (vec![waiting("one", 2, &awa)], vec![]));
}

#[test]
fn what_an_older_program_kept_is_found_and_let_go() {
    let folder = folder();
    let store = open(&folder);
    {
        let mut transaction = store.transaction();
        let place = store.place(&room("a"), &event("old"));
        transaction.put(&place.of(super::super::layout::Tree::Undecrypted), &held("a", "old")).unwrap();
        transaction.commit().unwrap();
    }
    hold(&store, &[held("a", "old")]);
    assert_eq!(store.undecrypted().unwrap(), [held("a", "old")], "kept once");
    assert_eq!(store.undecrypted_of(&room("a"), "megolm").unwrap(), [held("a", "old")]);
    assert_eq!(store.undecrypted_of(&room("a"), "other").unwrap(), []);
    accept(&store, &[question("a", "old")], 2);
    assert!(store.undecrypted().unwrap().is_empty());
}

#[test]
fn one_person_fills_neither_the_store_nor_the_place_of_others() {
    let folder = folder();
    let store = open(&folder);
    let (awa, mallory) = (owned_user_id!("@awa:tchap.test"), owned_user_id!("@mallory:tchap.test"));
    hold(&store, &[waiting("a", 1_000, &awa)]);
    let flood: Vec<Undecrypted> = (0..150).map(|number| waiting("m", number, &mallory)).collect();
    hold(&store, &flood);
    hold(&store, &flood[140..]);
    let kept = store.undecrypted().unwrap();
    // The newest hundred, and the one of the other person.
    assert_eq!(kept.len(), 101);
    assert_eq!(kept[..100], flood[50..]);
    assert_eq!(kept[100], waiting("a", 1_000, &awa));
    // Many persons at once: the room has its own end.
    let crowd: Vec<Undecrypted> = (0..1_100_usize)
        .map(|number| waiting("m", 2_000 + number, &format!("@p{number}:tchap.test").try_into().unwrap()))
        .collect();
    hold(&store, &crowd);
    assert_eq!(store.undecrypted().unwrap().len(), 1_000);
    // Another room is not concerned.
    hold(&store, &[held("b", "other")]);
    assert!(store.is_undecrypted(&room("b"), &event("other")).unwrap());
}

#[test]
fn an_older_edit_whose_key_came_late_does_not_override_a_newer_one() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    let at = |name: &str, sent_at: u64, body: &str| Edit { sent_at, ..super::an_edit(&asked, name, body) };
    let make = |edits: &[Edit]| store.accept(&Accept { edits, ..Accept::default() }, 5).unwrap().edited;
    let waits = || store.queued().unwrap().first().map(|queued| queued.question.text().to_owned());
    // While it waits, and once it is answered.
    accept(&store, std::slice::from_ref(&asked), 1);
    assert_eq!(make(&[at("e2", 20, "la deuxième")]).len(), 1);
    assert!(make(&[at("e1", 10, "la première")]).is_empty());
    assert_eq!(waits().as_deref(), Some("la deuxième"));
    let edited = crate::message::Incoming {
        content: crate::message::Content::Text("la deuxième".to_owned()),
        edited_at: 20,
        ..asked.clone()
    };
    exchange(&store, &edited, 6);
    assert_eq!(waits(), None);
    assert!(make(&[at("e0", 15, "encore plus tard")]).is_empty());
    assert_eq!(waits(), None);
    assert_eq!(make(&[at("e3", 30, "la troisième")]).len(), 1);
    assert_eq!(waits().as_deref(), Some("la troisième"));
    // What was left aside stays so when it is seen again.
    assert!(edit(&store, &asked, "e1", "la première", 7).edited.is_empty());
}
