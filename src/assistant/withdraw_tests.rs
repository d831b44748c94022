//! What is taken back is gone from the homeserver, edits included; and edits of questions are answered within limits.

use std::{sync::Arc, time::Duration};

use ruma::{OwnedEventId, event_id, room_id};
use tokio::sync::Semaphore;

use super::{
    Config,
    care_tests::{edit, gated, redaction, shown},
    clock::now,
    config::{Limits, Rate, Streaming},
    fakes::{FakeGateway, FakeModel, Method, incoming},
    tests::{Bench, assistant, texts, until},
    texts::{Language, Text},
};
use crate::{
    matrix::{Batch, SendError},
    message::{Content, Incoming, MessageKind},
};

/// Many edits: nothing holds them back.
fn eager() -> Config {
    let streaming = Streaming { enabled: true, per_second: 1_000.0, burst: 1_000.0 };
    Config { streaming, ..Config::default() }
}

fn joined(event: &str) -> Incoming {
    Incoming { content: Content::Joined, direct: false, ..incoming(event, "!a:h", "") }
}

/// An answer that is shown, and edited once while it is written.
async fn edited_draft(bench: &Bench, gate: &Semaphore, question: &str) -> OwnedEventId {
    let draft = shown(bench, question).await;
    let before = bench.gateway.edits_of(&draft);
    gate.add_permits(1);
    until(|| bench.gateway.edits_of(&draft) > before).await;
    draft
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_answer_taken_back_no_edit_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), eager());
    bench.ask(vec![incoming("$1:h", "!a:h", "SECRET un")]);
    bench.rest().await;
    // Answered a second time in its place, so that there are editions of two answers.
    bench.accept(edit("$e:h", "$1:h", "SECRET deux"));
    bench.rest().await;
    assert!(bench.gateway.kept().iter().any(|text| text.contains("deux")));
    bench.accept(redaction("$1:h"));
    bench.rest().await;
    assert!(bench.gateway.kept().iter().all(|text| !text.contains("SECRET")), "{:?}", bench.gateway.kept());
    // Of several parts.
    bench.ask(vec![incoming("$2:h", "!a:h", &format!("SECRET{}", "&".repeat(8_000)))]);
    bench.rest().await;
    assert!(bench.gateway.shown().len() > 1, "{:?}", texts(&bench.gateway.shown()));
    bench.accept(redaction("$2:h"));
    bench.rest().await;
    assert_eq!(bench.gateway.kept(), [""; 0]);
    assert!(bench.store().withdrawals().await.expect("readable").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_answer_taken_back_while_it_is_written_no_edit_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, gate) = gated(folder.path());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    let draft = edited_draft(&bench, &gate, "$1:h").await;
    // The answer's end is on its way when the question goes.
    bench.accept(redaction("$1:h"));
    gate.add_permits(10);
    bench.rest().await;
    assert_eq!(bench.gateway.kept(), [""; 0]);
    assert!(bench.gateway.edits_of(&draft) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moderator_who_takes_the_answer_away_takes_its_edits_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, gate) = gated(folder.path());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    let draft = edited_draft(&bench, &gate, "$1:h").await;
    gate.add_permits(10);
    bench.rest().await;
    bench.gateway.take_away(&draft);
    bench.accept(redaction(draft.as_str()));
    bench.rest().await;
    assert_eq!(bench.gateway.kept(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_homeserver_does_not_take_back_at_once_is_taken_back_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, gate) = gated(folder.path());
    gate.add_permits(100);
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    bench.rest().await;
    let limited = || SendError::Limited(Duration::from_millis(1));
    bench.gateway.fail(Method::Edits, [limited(), SendError::Unreachable("502".to_owned())]);
    bench.gateway.fail(Method::Redact, [limited(), SendError::Unreachable("502".to_owned()), limited()]);
    bench.accept(redaction("$1:h"));
    bench.rest().await;
    assert_eq!(bench.gateway.kept(), [""; 0]);

    // A room that refuses, as one where the bot is muted: until it has written there again.
    bench.ask(vec![incoming("$2:h", "!a:h", "deux")]);
    bench.rest().await;
    bench.gateway.fail(Method::Redact, [SendError::Refused("muted".to_owned())]);
    bench.accept(redaction("$2:h"));
    bench.rest().await;
    assert_eq!(bench.store().withdrawals().await.expect("readable").len(), 1);
    bench.ask(vec![incoming("$3:h", "!b:h", "ailleurs")]);
    bench.rest().await;
    assert_eq!(bench.store().withdrawals().await.expect("readable").len(), 1);
    bench.ask(vec![incoming("$4:h", "!a:h", "quatre")]);
    bench.rest().await;
    assert!(bench.store().withdrawals().await.expect("readable").is_empty());
    let left = bench.gateway.kept();
    assert!(left.iter().all(|text| !text.contains("deux")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_that_a_process_did_not_live_to_make_is_made_by_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), eager());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    bench.rest().await;
    // The message goes, its edits do not.
    gateway.stick(Method::Edits, true);
    bench.accept(redaction("$1:h"));
    until(|| gateway.calls(Method::Edits) > 0).await;
    bench.assistant.shut_down(Duration::ZERO).await;
    drop(bench);
    gateway.stick(Method::Edits, false);
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), eager());
    bench.assistant.resume().await.expect("resumed");
    bench.rest().await;
    assert_eq!(gateway.kept(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_of_a_process_that_died_before_it_knew_its_id_goes_with_the_question() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    let model = FakeModel { gate: Some(Arc::new(Semaphore::new(0))), ..FakeModel::default() };
    let bench = assistant(folder.path(), &gateway, model, Config::default());
    *gateway.losses.lock().expect("not poisoned") = 1;
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    shown(&bench, "$1:h").await;
    bench.assistant.shut_down(Duration::ZERO).await;
    drop(bench);
    // Taken back while the bot was down: that is what the next one reads first.
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    bench.accept(redaction("$1:h"));
    bench.rest().await;
    assert_eq!(gateway.kept(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_somebody_takes_away_is_followed_by_a_new_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, gate) = gated(folder.path());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    let draft = shown(&bench, "$1:h").await;
    bench.gateway.take_away(&draft);
    bench.accept(redaction(draft.as_str()));
    gate.add_permits(10);
    bench.rest().await;
    assert_ne!(bench.gateway.message_of("$1:h"), Some(draft.clone()));
    assert_eq!(texts(&bench.gateway.shown()), ["2: un"]);
    assert_eq!(bench.gateway.kept().iter().filter(|text| text.contains('…')).count(), 0, "{:?}", bench.gateway.kept());
    // It is the answer like any other.
    bench.accept(redaction("$1:h"));
    assert_eq!(texts(&bench.settle().await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_takes_the_drafts_of_waiting_questions_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    let gate = Arc::new(Semaphore::new(0));
    let model = FakeModel { gate: Some(Arc::clone(&gate)), ..FakeModel::default() };
    let bench = assistant(folder.path(), &gateway, model.clone(), Config::default());
    // Two conversations, so that both are begun; they wait in one lane after the next start.
    let second = incoming("$2:h", "!a:h", "deux");
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    shown(&bench, "$1:h").await;
    bench.assistant.shut_down(Duration::ZERO).await;
    drop(bench);
    let bench = assistant(folder.path(), &gateway, model, Config::default());
    bench.store().drop_question(room_id!("!a:h"), event_id!("$1:h"), now()).await.expect("stored");
    bench.assistant.resume().await.expect("resumed");
    gate.add_permits(10);
    bench.ask(vec![second]);
    assert_eq!(texts(&bench.settle().await), ["2: deux"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_in_a_room_that_does_not_take_the_answer_goes_once_the_bot_may_write_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, gate) = gated(folder.path());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    shown(&bench, "$1:h").await;
    let muted = || SendError::Refused("muted".to_owned());
    // Nothing is taken any more: no edit, no answer, no redaction.
    bench.gateway.fail(Method::Redact, [muted()]);
    bench.gateway.refusals.lock().expect("not poisoned").extend((0..50).map(|_| muted()));
    gate.add_permits(10);
    bench.rest().await;
    assert_eq!(texts(&bench.gateway.shown()), ["2: …"]);
    bench.gateway.refusals.lock().expect("not poisoned").clear();
    bench.ask(vec![incoming("$2:h", "!a:h", "deux")]);
    assert_eq!(texts(&bench.settle().await), ["4: deux"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_in_a_room_the_bot_was_put_out_of_goes_when_it_comes_in_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, gate) = gated(folder.path());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    let draft = shown(&bench, "$1:h").await;
    bench.accept(Batch { left: vec![room_id!("!a:h").to_owned()], ..Batch::default() });
    gate.add_permits(10);
    bench.rest().await;
    assert_eq!(bench.gateway.message_of("$1:h"), Some(draft));
    bench.ask(vec![joined("$j:h")]);
    bench.rest().await;
    assert_eq!(bench.gateway.message_of("$1:h"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_edits_in_a_row_are_one_more_question() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = FakeModel::default();
    let bench = assistant(folder.path(), &Arc::default(), model.clone(), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    bench.rest().await;
    for number in 0..100 {
        bench.accept(edit(&format!("$e{number}:h"), "$1:h", &format!("édition {number}")));
    }
    bench.rest().await;
    assert_eq!(texts(&bench.gateway.shown()), ["2: édition 99"]);
    let generations = model.systems.lock().expect("not poisoned").len();
    assert_eq!(generations, 2, "the question and its newest text");
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_while_the_answer_is_written_are_one_more_question_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = Arc::new(Semaphore::new(0));
    let model = FakeModel { gate: Some(Arc::clone(&gate)), ..FakeModel::default() };
    let bench = assistant(folder.path(), &Arc::default(), model.clone(), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    shown(&bench, "$1:h").await;
    for number in 0..100 {
        bench.accept(edit(&format!("$e{number}:h"), "$1:h", &format!("édition {number}")));
    }
    gate.add_permits(10);
    bench.rest().await;
    assert_eq!(texts(&bench.gateway.shown()), ["2: édition 99"]);
    let generations = model.systems.lock().expect("not poisoned").len();
    assert_eq!(generations, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_beyond_the_limits_leave_the_answer_and_are_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { person: Rate::of(3, 1), ..Limits::default() };
    let model = FakeModel::default();
    let bench = assistant(folder.path(), &Arc::default(), model.clone(), Config { limits, ..Config::default() });
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    bench.rest().await;
    for number in 0..6 {
        bench.accept(edit(&format!("$e{number}:h"), "$1:h", &format!("édition {number}")));
        bench.rest().await;
    }
    let shown = bench.gateway.shown();
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert_eq!(texts(&shown)[0], "2: édition 1", "the answer to what was within the limits");
    assert!(shown[1].kind == MessageKind::Notice && shown[1].text.contains("question dans"), "{shown:?}");
    assert_eq!(model.systems.lock().expect("not poisoned").len(), 3);
    // It is still the answer to that question.
    bench.accept(redaction("$1:h"));
    bench.rest().await;
    assert!(bench.gateway.shown().iter().all(|shown| shown.kind == MessageKind::Notice));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redone_answer_to_an_old_question_is_not_too_old() {
    // Asked long ago; and the process has just started.
    let old = now() - 48 * 3_600_000;
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { max_age: jiff::SignedDuration::from_hours(24 * 365), ..Config::default() };
    let gateway = Arc::<FakeGateway>::default();
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), config);
    bench.ask(vec![Incoming { sent_at: old, ..incoming("$1:h", "!a:h", "un") }]);
    bench.rest().await;
    drop(bench);
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    bench.ask(vec![incoming("$2:h", "!a:h", "refaire")]);
    bench.rest().await;
    let redoing = Text::Redoing.say(Language::Fr);
    assert_eq!(texts(&gateway.shown()), ["2: un", &redoing]);
    bench.accept(edit("$e:h", "$1:h", "uno"));
    bench.rest().await;
    assert_eq!(texts(&gateway.shown()), ["2: uno", &redoing]);
}
