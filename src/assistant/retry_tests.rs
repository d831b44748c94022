//! What is tried again, how often, and what a person is told in the end; and that every way to Matrix may fail.

use std::{collections::VecDeque, fs, path::Path, sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{
    Config,
    clock::now,
    fakes::{FakeGateway, FakeModel, Method, incoming},
    tests::{Bench, admitted, assistant, assistant_on, block, texts, until},
    texts::{Language, Text},
};
use crate::{
    compagnon::LibraryWatcher,
    inference::InferenceError,
    matrix::{SendError, config::AccessConfig},
    message::{Content, Incoming, MessageKind},
    store::{Accept, Store},
};

fn failing(errors: impl IntoIterator<Item = InferenceError>) -> FakeModel {
    let model = FakeModel::default();
    *model.errors.lock().expect("not poisoned") = errors.into_iter().collect::<VecDeque<_>>();
    model
}

fn broken() -> InferenceError {
    InferenceError::Engine("broken".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_on_which_four_processes_died_is_given_up_and_said() {
    let (folder, gateway) = (tempfile::tempdir().expect("a folder"), Arc::<FakeGateway>::default());
    let store = Store::open(folder.path()).expect("a store");
    let asked = incoming("$1:h", "!a:h", "un");
    let batch = Accept { questions: &[admitted(&asked)], ..Accept::default() };
    store.accept(&batch, now()).await.expect("stored");
    drop(store);
    for _ in 0..4 {
        // Each begins, and nothing more is heard of it.
        Store::open(folder.path()).expect("a store").begin(&asked).await.expect("stored");
    }
    let model = FakeModel::default();
    let bench = assistant(folder.path(), &gateway, model.clone(), Config::default());
    bench.assistant.resume().await.expect("resumed");
    let shown = bench.settle().await;
    assert_eq!(texts(&shown), [Text::GivenUp.say(Language::Fr)]);
    assert!(shown[0].complete && shown[0].kind == MessageKind::Notice);
    assert!(model.systems.lock().expect("not poisoned").is_empty(), "the model was not asked a fifth time");
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_in_order_are_no_deaths() {
    let (folder, gateway) = (tempfile::tempdir().expect("a folder"), Arc::<FakeGateway>::default());
    for time in 0..6 {
        let model = FakeModel { gate: Some(Arc::new(Semaphore::new(0))), ..FakeModel::default() };
        let bench = assistant(folder.path(), &gateway, model.clone(), Config::default());
        if time == 0 {
            bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
        }
        bench.assistant.resume().await.expect("resumed");
        until(|| !model.systems.lock().expect("not poisoned").is_empty()).await;
        bench.assistant.shut_down(Duration::ZERO).await;
    }
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    bench.assistant.resume().await.expect("resumed");
    assert_eq!(texts(&bench.settle().await), ["2: un"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_fails_once_costs_nobody_an_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), failing([broken(), broken()]), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un"), incoming("$2:h", "!b:h", "deux")]);
    let shown = bench.settle().await;
    let mut texts = texts(&shown);
    texts.sort_unstable();
    assert_eq!(texts, ["2: deux", "2: un"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_fails_again_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), failing([broken(), broken()]), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    bench.rest().await;
    bench.ask(vec![incoming("$2:h", "!a:h", "deux")]);
    let failed = Text::Failed.say(Language::Fr);
    assert_eq!(texts(&bench.settle().await), [&*failed, "2: deux"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_was_accepted_waits_for_a_busy_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = failing((0..2).map(|_| InferenceError::Busy));
    let bench = assistant(folder.path(), &Arc::default(), model, Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    assert_eq!(texts(&bench.settle().await), ["2: un"]);
}

/// An assistant whose usual compagnon comes from a folder, which is then emptied of it. Gives what brings it back.
fn without_its_compagnon(folder: &Path, prompts: &Path) -> (Bench, impl Fn(&Bench)) {
    let (file, text) = (prompts.join("temoin.md"), "---\nname: Témoin\ndescription: d\n---\nTu es {{ name }}.\n");
    fs::write(&file, text).expect("written");
    fs::write(prompts.join("autre.md"), text.replace("Témoin", "Autre")).expect("written");
    let (library, _) = LibraryWatcher::open(Some(prompts)).expect("a shelf");
    let bench = assistant_on(
        folder,
        &Arc::default(),
        FakeModel::default(),
        Config::default(),
        &AccessConfig::default(),
        library,
    );
    fs::remove_file(&file).expect("removed");
    bench.assistant.intake.commands.library.refresh();
    (bench, move |bench: &Bench| {
        fs::write(&file, text).expect("written");
        bench.assistant.intake.commands.library.refresh();
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_usual_compagnon_that_is_gone_is_waited_for() {
    let (folder, prompts) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (bench, bring_back) = without_its_compagnon(folder.path(), prompts.path());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    until(|| block(bench.store().queued()).expect("readable").iter().any(|queued| queued.attempts >= 2)).await;
    bring_back(&bench);
    assert_eq!(texts(&bench.settle().await), ["2: un"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_cannot_be_answered_for_long_gets_a_sentence() {
    let (folder, prompts) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (bench, _) = without_its_compagnon(folder.path(), prompts.path());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    assert_eq!(texts(&bench.settle().await), [Text::Failed.say(Language::Fr)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_welcome_that_kills_the_process_is_left_out_without_a_word() {
    let (folder, gateway) = (tempfile::tempdir().expect("a folder"), Arc::<FakeGateway>::default());
    let joined = Incoming { content: Content::Joined, ..incoming("$j:h", "!a:h", "") };
    let store = Store::open(folder.path()).expect("a store");
    let batch = Accept { questions: &[admitted(&joined)], ..Accept::default() };
    store.accept(&batch, now()).await.expect("stored");
    drop(store);
    for _ in 0..4 {
        Store::open(folder.path()).expect("a store").begin(&joined).await.expect("stored");
    }
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    bench.assistant.resume().await.expect("resumed");
    bench.rest().await;
    assert_eq!(gateway.shown(), []);
    assert!(bench.store().queued().await.expect("readable").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_matrix_may_fail_and_the_answer_comes() {
    let unreachable = || SendError::Unreachable("502".to_owned());
    let limited = || SendError::Limited(Duration::from_millis(1));
    for method in [Method::Send, Method::FindSent, Method::Typing, Method::Read, Method::Room] {
        let folder = tempfile::tempdir().expect("a folder");
        let gateway = Arc::<FakeGateway>::default();
        gateway.fail(method, [unreachable(), limited()]);
        let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
        // Of a process before this one, so that what is shown is looked for.
        bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
        bench.rest().await;
        let shown = gateway.shown();
        assert_eq!(texts(&shown), ["2: un"], "{method:?}");
        assert!(shown[0].complete && shown[0].kind == MessageKind::Text, "{method:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_matrix_may_fail_and_commands_go_on() {
    let unreachable = || SendError::Unreachable("502".to_owned());
    let cases = [
        (Method::PowerLevel, "!réponses tout", false),
        (Method::DirectRoom, "!exporter", false),
        (Method::SendFile, "!exporter", false),
        (Method::SendFile, "!exporter", true),
    ];
    for (method, command, direct) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let gateway = Arc::<FakeGateway>::default();
        gateway.fail(method, [unreachable()]);
        let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
        let message = Incoming { direct, ..incoming("$1:h", "!a:h", command) };
        bench.ask(vec![message]);
        bench.rest().await;
        assert!(gateway.calls(method) >= 2, "{method:?} was tried again: {}", gateway.calls(method));
        let shown = gateway.shown();
        assert!(shown.iter().any(|shown| shown.question == "$1:h" && shown.complete), "{method:?}: {shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_in_order_waits_for_no_request_that_does_not_end() {
    for method in [Method::Send, Method::Room, Method::Typing, Method::Read] {
        let folder = tempfile::tempdir().expect("a folder");
        let gateway = Arc::<FakeGateway>::default();
        gateway.stick(method, true);
        let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
        bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
        until(|| gateway.calls(method) > 0).await;
        let ended = tokio::time::timeout(Duration::from_mins(1), bench.assistant.shut_down(Duration::ZERO)).await;
        ended.unwrap_or_else(|_| panic!("{method:?} holds the end up"));
        drop(bench);
        gateway.stick(method, false);
        let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
        bench.assistant.resume().await.expect("resumed");
        assert_eq!(texts(&bench.settle().await), ["2: un"], "{method:?}");
    }
}
