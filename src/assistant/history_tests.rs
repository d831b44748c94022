//! What a newcomer is not told, and what becomes of a conversation of two when others come in.

use std::sync::Arc;

use ruma::owned_user_id;

use super::{
    Config,
    fakes::{FakeModel, Parrot, incoming},
    tests::{assistant, texts},
    texts::{Language, Text},
};
use crate::{
    matrix::Batch,
    message::{Edit, Incoming},
    store::Change,
};

fn by_ben(message: Incoming) -> Incoming {
    Incoming { sender: owned_user_id!("@ben:h"), direct: false, mentions_me: true, ..message }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_is_not_told_what_was_said_before_they_came() {
    let folder = tempfile::tempdir().expect("a folder");
    let parrot = Parrot::default();
    let bench = assistant(folder.path(), &Arc::default(), parrot.clone(), Config::default());
    bench.store().apply(&[Change::Informed(owned_user_id!("@ben:h"))], 0).await.expect("stored");
    bench.gateway.let_others_in();
    let here = |message: Incoming| Incoming { direct: false, mentions_me: true, ..message };
    let asked = |count: usize| {
        let requests = parrot.requests.lock().expect("not poisoned");
        assert_eq!(requests.len(), count);
        requests[count - 1].messages.iter().skip(1).map(|message| message.content.clone()).collect::<Vec<_>>()
    };
    bench.ask(vec![here(incoming("$1:h", "!a:h", "secret"))]);
    bench.rest().await;
    // Ben came after that; in rooms that show all of their past, he would be told.
    bench.gateway.joined(&owned_user_id!("@ben:h"), u64::MAX);
    bench.ask(vec![by_ben(incoming("$2:h", "!a:h", "quoi ?"))]);
    bench.rest().await;
    assert_eq!(asked(2), ["quoi ?"]);
    // What he said himself he knows.
    bench.ask(vec![by_ben(incoming("$3:h", "!a:h", "encore ?"))]);
    bench.rest().await;
    let heard = asked(3);
    assert!(heard.len() == 3 && !heard.iter().any(|text| text.contains("secret")), "{heard:?}");
    // Awa, who was there all the time, loses nothing.
    bench.ask(vec![here(incoming("$4:h", "!a:h", "et moi ?"))]);
    bench.rest().await;
    assert_eq!(asked(4).len(), 7);
    bench.gateway.joined(&owned_user_id!("@ben:h"), 0);
    bench.ask(vec![by_ben(incoming("$5:h", "!a:h", "et maintenant ?"))]);
    bench.rest().await;
    assert_eq!(asked(5).len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_coming_into_a_conversation_of_two_begin_a_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    bench.store().apply(&[Change::Informed(owned_user_id!("@ben:h"))], 0).await.expect("stored");
    let first = incoming("$1:h", "!a:h", "un");
    bench.ask(vec![first.clone(), incoming("$2:h", "!a:h", "deux")]);
    bench.rest().await;
    bench.gateway.let_others_in();
    bench.ask(vec![by_ben(incoming("$3:h", "!a:h", "trois"))]);
    bench.rest().await;
    bench.ask(vec![by_ben(incoming("$4:h", "!a:h", "quatre"))]);
    bench.rest().await;
    let shown = bench.gateway.shown();
    assert_eq!(texts(&shown), ["2: un", "4: deux", "2: trois", "4: quatre"]);
    let opened = Text::Opened.say(Language::Fr);
    let said: Vec<bool> = shown.iter().map(|shown| shown.text.contains(&*opened)).collect();
    assert_eq!(said, [false, false, true, false], "said once");
    // What was said by two is gone, and an edit brings none of it back.
    let edit = Edit {
        room_id: first.room_id.clone(),
        event_id: "$e:h".try_into().expect("an event id"),
        replaces: first.event_id.clone(),
        sender: first.sender.clone(),
        sent_at: 1,
        body: "un, encore".to_owned(),
        mentions_me: None,
        direct: false,
        without_call: None,
    };
    bench.accept(Batch { edits: vec![edit], ..Batch::default() });
    bench.rest().await;
    assert_eq!(bench.store().turns(&first.conversation()).await.expect("readable").len(), 4);
    assert_eq!(texts(&bench.gateway.shown()), texts(&shown));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_a_conversation_that_others_came_into_is_answered_without_its_past() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un"), incoming("$2:h", "!a:h", "deux")]);
    bench.rest().await;
    bench.gateway.let_others_in();
    let edit = Edit {
        room_id: "!a:h".try_into().expect("a room id"),
        event_id: "$e:h".try_into().expect("an event id"),
        replaces: "$2:h".try_into().expect("an event id"),
        sender: owned_user_id!("@awa:h"),
        sent_at: 1,
        body: "deux, encore".to_owned(),
        mentions_me: None,
        direct: false,
        without_call: None,
    };
    bench.accept(Batch { edits: vec![edit], ..Batch::default() });
    bench.rest().await;
    assert_eq!(texts(&bench.gateway.shown()), ["2: un", "2: deux, encore"]);
}
