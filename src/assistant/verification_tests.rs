//! Requests to verify the bot's device: each is cancelled, and its author told the fingerprint once a day, if they have access.

use std::sync::Arc;

use ruma::{OwnedUserId, owned_user_id};

use super::{
    Config,
    clock::now,
    fakes::{FakeGateway, FakeModel, Method},
    tests::{Bench, assistant_for, until},
};
use crate::{
    matrix::{Batch, SendError, VerificationPlace, VerificationRequest, config::AccessConfig},
    message::MessageKind,
};

fn bench(folder: &tempfile::TempDir, gateway: &Arc<FakeGateway>) -> Bench {
    let users = vec!["@awa:h".to_owned(), "@ben:h".to_owned()];
    let access = AccessConfig { servers: vec!["nobody".to_owned()], users, ..AccessConfig::default() };
    assistant_for(folder.path(), gateway, FakeModel::default(), Config::default(), &access)
}

fn awa() -> OwnedUserId {
    owned_user_id!("@awa:h")
}

fn in_room(event: &str, sender: OwnedUserId) -> VerificationRequest {
    let room_id = "!a:h".try_into().expect("a room id");
    let event_id = event.try_into().expect("an event id");
    VerificationRequest {
        sender,
        place: VerificationPlace::Room { room_id, event_id, encrypted: true },
        sent_at: now(),
    }
}

fn to_device(transaction: &str, sender: OwnedUserId) -> VerificationRequest {
    let place = VerificationPlace::Device { device: "PHONE".into(), transaction: transaction.to_owned() };
    VerificationRequest { sender, place, sent_at: now() }
}

async fn ask(bench: &Bench, verifications: Vec<VerificationRequest>) {
    bench.accept(Batch { verifications, ..Batch::default() });
    bench.rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_cancelled_and_its_author_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(&folder, &Arc::default());
    ask(&bench, vec![in_room("$1:h", awa())]).await;
    let told = bench.gateway.shown();
    assert_eq!((told.len(), told[0].kind, told[0].complete), (1, MessageKind::Notice, true), "{told:?}");
    assert!(told[0].text.contains("`abcd efgh`") && told[0].text.contains("`DEVICE`"), "{told:?}");
    ask(&bench, vec![in_room("$2:h", awa()), to_device("t", awa())]).await;
    assert_eq!(bench.gateway.calls(Method::CancelVerification), 3);
    assert_eq!(bench.gateway.shown(), told, "awa knows");
    // Between devices nobody sees an answer: a conversation is opened.
    ask(&bench, vec![to_device("t", owned_user_id!("@ben:h"))]).await;
    assert_eq!(bench.gateway.calls(Method::DirectRoom), 1);
    assert_eq!(bench.gateway.shown().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_requests_is_let_go_and_so_are_old_ones_and_strangers() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(&folder, &Arc::default());
    let stranger = owned_user_id!("@x:elsewhere");
    let old = VerificationRequest { sent_at: now() - 11 * 60 * 1_000, ..in_room("$old:h", awa()) };
    ask(&bench, vec![in_room("$1:h", stranger.clone()), to_device("t", stranger), old]).await;
    assert_eq!((bench.gateway.calls(Method::CancelVerification), bench.gateway.shown().len()), (0, 0));
    for number in 0..60 {
        ask(&bench, vec![in_room(&format!("${number}:h"), awa())]).await;
    }
    assert_eq!((bench.gateway.calls(Method::CancelVerification), bench.gateway.shown().len()), (10, 1));
    ask(&bench, vec![in_room("$b:h", owned_user_id!("@ben:h"))]).await;
    assert_eq!(bench.gateway.shown().len(), 2, "nobody else is held up");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_room_that_is_not_served_a_request_is_only_cancelled() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(&folder, &Arc::default());
    bench.gateway.open_rooms();
    ask(&bench, vec![in_room("$1:h", awa())]).await;
    assert_eq!((bench.gateway.calls(Method::CancelVerification), bench.gateway.shown().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_not_be_told_is_told_the_next_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(&folder, &Arc::default());
    let refused = || SendError::Refused("no".to_owned());
    bench.gateway.fail(Method::CancelVerification, [refused()]);
    bench.gateway.fail(Method::Room, [refused()]);
    ask(&bench, vec![in_room("$1:h", awa())]).await;
    assert!(bench.gateway.shown().is_empty());
    ask(&bench, vec![in_room("$2:h", awa())]).await;
    assert_eq!(bench.gateway.shown().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_cannot_be_told_hold_up_nobodys_verification() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    let users: Vec<String> = (0..12).map(|number| format!("@{number}:h")).collect();
    let access = AccessConfig { servers: vec!["nobody".to_owned()], users: users.clone(), ..AccessConfig::default() };
    let bench = assistant_for(folder.path(), &gateway, FakeModel::default(), Config::default(), &access);
    gateway.stick(Method::Send, true);
    for (number, user) in users.iter().enumerate() {
        let person = OwnedUserId::try_from(user.as_str()).expect("a user");
        bench.accept(Batch { verifications: vec![in_room(&format!("${number}:h"), person)], ..Batch::default() });
        until(|| gateway.calls(Method::CancelVerification) == number + 1).await;
    }
    bench.assistant.shut_down(std::time::Duration::ZERO).await;
}
