//! Messages that cannot be read: whoever wrote one is told once a day, in whatever room, through restarts.

use std::{path::Path, sync::Arc};

use jiff::SignedDuration;

use super::{
    Config,
    clock::now,
    fakes::{FakeGateway, FakeModel, Method, incoming},
    tests::{Bench, assistant},
};
use crate::{
    matrix::{Batch, SendError},
    message::{Content, Incoming, Undecrypted},
};

fn bench(folder: &Path, gateway: &Arc<FakeGateway>) -> Bench {
    let config = Config { unread_after: SignedDuration::ZERO, ..Config::default() };
    assistant(folder, gateway, FakeModel::default(), config)
}

/// Messages come whose keys do not.
async fn come(bench: &Bench, messages: &[(&str, &str, &str)]) {
    let messages: Vec<Incoming> = messages
        .iter()
        .map(|(event, room, sender)| Incoming {
            sender: (*sender).try_into().expect("a user"),
            content: Content::Text(String::new()),
            sent_at: now() + 1_000,
            ..incoming(event, room, "")
        })
        .collect();
    let undecrypted = messages.iter().map(|message| Undecrypted {
        room_id: message.room_id.clone(),
        event_id: message.event_id.clone(),
        sender: Some(message.sender.clone()),
        session_id: Some("megolm".to_owned()),
        sent_at: message.sent_at,
        raw: "{}".to_owned(),
    });
    bench.accept(Batch { undecrypted: undecrypted.collect(), ..Batch::default() });
    bench.assistant.expect_keys(messages);
    bench.rest().await;
}

fn told(gateway: &FakeGateway) -> Vec<String> {
    let shown = gateway.shown().into_iter();
    shown.filter(|shown| shown.text.contains("clé")).map(|shown| shown.question.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_told_once_a_day_in_whatever_room_and_through_restarts() {
    let (folder, gateway) = (tempfile::tempdir().expect("a folder"), Arc::<FakeGateway>::default());
    let first = bench(folder.path(), &gateway);
    come(&first, &[("$1:h", "!a:h", "@awa:h")]).await;
    come(&first, &[("$2:h", "!a:h", "@awa:h"), ("$3:h", "!b:h", "@awa:h"), ("$4:h", "!b:h", "@ben:h")]).await;
    assert_eq!(told(&gateway), ["$1:h", "$4:h"]);
    drop(first);
    let second = bench(folder.path(), &gateway);
    come(&second, &[("$5:h", "!a:h", "@awa:h"), ("$6:h", "!c:h", "@ben:h")]).await;
    assert_eq!(told(&gateway), ["$1:h", "$4:h"], "a restart repeats nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_not_be_told_is_told_of_the_next_message() {
    let (folder, gateway) = (tempfile::tempdir().expect("a folder"), Arc::<FakeGateway>::default());
    let bench = bench(folder.path(), &gateway);
    gateway.fail(Method::Send, [SendError::Refused("gone".to_owned())]);
    come(&bench, &[("$1:h", "!a:h", "@awa:h")]).await;
    assert_eq!(told(&gateway), [""; 0]);
    come(&bench, &[("$2:h", "!b:h", "@awa:h")]).await;
    assert_eq!(told(&gateway), ["$2:h"]);
}
