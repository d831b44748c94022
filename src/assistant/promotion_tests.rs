//! Edits that make a question of a message which was none.

use std::sync::Arc;

use ruma::{OwnedUserId, owned_user_id};

use super::{
    Config,
    care_tests::id,
    clock::now,
    config::Rate,
    fakes::{FakeGateway, FakeModel, Method, incoming},
    tests::{Bench, assistant, texts, until},
};
use crate::{
    matrix::{Batch, SendError},
    message::{Content, Edit, Incoming},
};

const ROOM: &str = "!salon:h";

fn awa() -> OwnedUserId {
    owned_user_id!("@awa:h")
}

/// A message among colleagues.
fn said(event: &str) -> Incoming {
    Incoming { direct: false, ..incoming(event, ROOM, "Quelle heure ?") }
}

/// An edit that mentions the bot.
fn edit(event: &str, replaces: &str, body: &str) -> Edit {
    Edit {
        room_id: ROOM.try_into().expect("a room id"),
        event_id: id(event),
        replaces: id(replaces),
        sender: awa(),
        sent_at: now(),
        body: body.to_owned(),
        mentions_me: Some(true),
        direct: false,
        without_call: None,
    }
}

fn edits(edits: Vec<Edit>) -> Batch {
    Batch { edits, ..Batch::default() }
}

/// A bench whose room has these messages.
fn bench(folder: &std::path::Path, messages: impl IntoIterator<Item = Incoming>) -> Bench {
    let gateway = Arc::<FakeGateway>::default();
    gateway.has_messages(messages);
    assistant(folder, &gateway, FakeModel::default(), Config::default())
}

/// What the room shows, by question.
fn shown(bench: &Bench) -> Vec<(String, String)> {
    let shown = bench.gateway.shown();
    shown.iter().map(|one| one.question.to_string()).zip(texts(&shown).into_iter().map(str::to_owned)).collect()
}

fn answer(question: &str, text: &str) -> (String, String) {
    (question.to_owned(), text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_that_an_edit_adds_is_answered_once_under_the_originals_id() {
    let folder = tempfile::tempdir().expect("a folder");
    let thread = Some(id("$root:h"));
    let bench = bench(folder.path(), [Incoming { thread: thread.clone(), ..said("$1:h") }]);
    // Each waits in a lane of its own: the time tells which is the newer one.
    let asks = || {
        let first = edit("$e1:h", "$1:h", "un");
        let second = Edit { sent_at: first.sent_at + 1, ..edit("$e2:h", "$1:h", "deux") };
        edits(vec![first, second])
    };
    bench.accept(asks());
    bench.rest().await;
    assert_eq!(shown(&bench), [answer("$1:h", "2: deux")], "two edits, one answer to the newest");
    let conversation = Incoming { thread, ..said("$1:h") }.conversation();
    assert_eq!(bench.store().turns(&conversation).await.expect("readable").len(), 2, "in its thread");
    // The same response once more, and an edit that comes later.
    bench.accept(asks());
    bench.rest().await;
    assert_eq!(shown(&bench), [answer("$1:h", "2: deux")]);
    bench.accept(edits(vec![edit("$e3:h", "$1:h", "trois")]));
    bench.rest().await;
    assert_eq!(shown(&bench).len(), 1);
    assert!(shown(&bench)[0].1.ends_with("trois"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_edit_makes_a_question() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = Incoming { sent_at: now() - 48 * 3_600_000, ..said("$old:h") };
    let bens = Incoming { sender: owned_user_id!("@ben:h"), ..said("$bens:h") };
    let bench = bench(folder.path(), [old, bens, said("$1:h"), said("$2:h"), said("$3:h")]);
    bench.accept(edits(vec![
        edit("$e1:h", "$old:h", "trop vieux"),
        edit("$e2:h", "$bens:h", "d'un autre"),
        edit("$e3:h", "$unknown:h", "de rien"),
        edit("$e4:h", "$1:h", "!oublier"),
        Edit { without_call: Some("stop".to_owned()), ..edit("$e5:h", "$1:h", "stop @Compagnon") },
        Edit { mentions_me: None, ..edit("$e6:h", "$2:h", "sans mention") },
        Edit { mentions_me: Some(false), ..edit("$e7:h", "$2:h", "d'un autre") },
        Edit { sender: owned_user_id!("@mallory:elsewhere"), ..edit("$e8:h", "$3:h", "sans accès") },
    ]));
    bench.rest().await;
    assert_eq!(shown(&bench), []);
    assert!(bench.store().queued().await.expect("readable").is_empty(), "nothing waits for ever");
    // A stranger's edit does not keep its author from adding the mention.
    bench.accept(edits(vec![Edit { sender: owned_user_id!("@ben:h"), ..edit("$e9:h", "$bens:h", "le mien") }]));
    bench.rest().await;
    assert!(shown(&bench).contains(&answer("$bens:h", "2: le mien")), "{:?}", shown(&bench));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_takes_the_mention_away_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(folder.path(), []);
    let asked = |event: &str| Incoming { mentions_me: true, ..said(event) };
    bench.ask(vec![asked("$1:h")]);
    bench.rest().await;
    bench.accept(edits(vec![Edit { mentions_me: Some(false), ..edit("$e1:h", "$1:h", "plus rien") }]));
    bench.rest().await;
    assert_eq!(shown(&bench), [answer("$1:h", "2: Quelle heure ?")]);
    // A client that does not say whom it mentions takes nothing away, and in a reply to the bot nobody need.
    bench.accept(edits(vec![Edit { mentions_me: None, ..edit("$e2:h", "$1:h", "neuf") }]));
    bench.rest().await;
    assert!(shown(&bench)[0].1.ends_with("neuf"));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_direct_conversation_a_message_that_was_never_read_is_read_when_it_is_edited() {
    let folder = tempfile::tempdir().expect("a folder");
    let unread = Incoming { content: Content::Text(String::new()), ..incoming("$1:h", ROOM, "") };
    let bench = bench(folder.path(), [unread.clone()]);
    let direct = Edit { mentions_me: None, direct: true, ..edit("$e1:h", "$1:h", "lisible") };
    bench.accept(edits(vec![direct]));
    bench.rest().await;
    assert_eq!(shown(&bench), [answer("$1:h", "2: lisible")]);
    // Its key comes after all.
    bench.ask(vec![Incoming { content: Content::Text("illisible".to_owned()), ..unread }]);
    bench.rest().await;
    assert_eq!(shown(&bench), [answer("$1:h", "2: lisible")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_waits_for_the_homeserver() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(folder.path(), [said("$1:h")]);
    bench.gateway.fail(Method::Original, [SendError::Unreachable("a moment".to_owned())]);
    bench.accept(edits(vec![edit("$e1:h", "$1:h", "un")]));
    bench.rest().await;
    assert_eq!(shown(&bench), [answer("$1:h", "2: un")]);
    assert_eq!(bench.gateway.calls(Method::Original), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_waits_for_its_original_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    gateway.has_messages([said("$1:h")]);
    gateway.stick(Method::Original, true);
    let first = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    first.accept(edits(vec![edit("$e1:h", "$1:h", "un")]));
    until(|| gateway.calls(Method::Original) >= 1).await;
    first.assistant.shut_down(std::time::Duration::ZERO).await;
    drop(first);
    gateway.stick(Method::Original, false);
    let second = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    second.assistant.resume().await.expect("resumed");
    second.accept(edits(vec![edit("$e1:h", "$1:h", "un")]));
    second.rest().await;
    assert_eq!(shown(&second), [answer("$1:h", "2: un")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_does_not_wait_for_an_edit_that_is_looked_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(folder.path(), []);
    bench.gateway.stick(Method::Original, true);
    bench.accept(edits(vec![edit("$e1:h", "$1:h", "un")]));
    until(|| bench.gateway.calls(Method::Original) == 1).await;
    bench.ask(vec![Incoming { mentions_me: true, ..said("$2:h") }]);
    until(|| shown(&bench) == [answer("$2:h", "2: Quelle heure ?")]).await;
    bench.assistant.shut_down(std::time::Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_does_not_wait_for_ever_for_the_homeserver() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(folder.path(), [said("$1:h")]);
    bench.gateway.fail(Method::Original, [SendError::Limited(std::time::Duration::from_hours(1))]);
    bench.accept(edits(vec![edit("$e1:h", "$1:h", "un")]));
    bench.rest().await;
    assert_eq!(bench.gateway.calls(Method::Original), 1);
    assert!(bench.store().queued().await.expect("readable").is_empty());
    assert_eq!(shown(&bench), []);
    bench.accept(edits(vec![edit("$e2:h", "$1:h", "deux")]));
    bench.rest().await;
    assert_eq!(shown(&bench), [answer("$1:h", "2: deux")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_under_an_edit_is_still_told_under_a_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    let mut config = Config::default();
    config.limits.person = Rate::of(1, 1);
    gateway.has_messages([said("$2:h")]);
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), config);
    let asked = |event: &str| Incoming { mentions_me: true, ..said(event) };
    bench.ask(vec![asked("$1:h")]);
    bench.rest().await;
    bench.accept(edits(vec![edit("$e1:h", "$2:h", "deux")]));
    bench.rest().await;
    assert_eq!((shown(&bench).len(), gateway.calls(Method::Original)), (1, 0));
    bench.ask(vec![asked("$3:h")]);
    bench.rest().await;
    assert_eq!(shown(&bench).len(), 2);
    assert_eq!(shown(&bench)[1].0, "$3:h");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_without_thread_data_that_an_edit_makes_a_question_is_answered_in_the_thread_of_what_it_replies_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Incoming { thread: Some(id("$root:h")), mentions_me: true, ..said("$q:h") };
    let bench = bench(folder.path(), [Incoming { replies_to: Some(id("$q:h")), ..said("$1:h") }]);
    bench.ask(vec![first.clone()]);
    bench.rest().await;
    bench.accept(edits(vec![edit("$e1:h", "$1:h", "un")]));
    bench.rest().await;
    assert!(shown(&bench).iter().any(|(question, _)| question == "$1:h"), "{:?}", shown(&bench));
    assert_eq!(bench.store().turns(&first.conversation()).await.expect("readable").len(), 4);
    assert_eq!(bench.store().turns(&said("$1:h").conversation()).await.expect("readable").len(), 0);
}
