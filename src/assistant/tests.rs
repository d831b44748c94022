//! The assistant against its fakes: what no real homeserver can be made to do at a chosen moment.

use std::{sync::Arc, time::Duration};

use ruma::{owned_user_id, server_name};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::{
    Assistant, Config, Parts,
    clock::now,
    documents::{DocumentParts, fakes::FakeIndex},
    fakes::{FakeGateway, FakeModel, Shown, incoming},
    texts::{Language, Text},
};
use crate::{
    command::Call,
    compagnon::LibraryWatcher,
    inference::{ChatModel, EntityModel, Sampling},
    matrix::{Access, Batch, SendError, config::AccessConfig},
    message::{Incoming, MessageKind},
    privacy::Facts,
    services::{self, Services},
    store::{Admitted, Change, Store},
};

pub(super) struct Bench {
    pub(super) assistant: Arc<Assistant>,
    pub(super) gateway: Arc<FakeGateway>,
}

/// An assistant on a store and a homeserver that may have been used before.
pub(super) fn assistant(
    folder: &std::path::Path,
    gateway: &Arc<FakeGateway>,
    model: impl ChatModel,
    config: Config,
) -> Bench {
    assistant_for(folder, gateway, model, config, &AccessConfig::default())
}

/// The same, for those whom these rules let in.
pub(super) fn assistant_for(
    folder: &std::path::Path,
    gateway: &Arc<FakeGateway>,
    model: impl ChatModel,
    config: Config,
    access: &AccessConfig,
) -> Bench {
    let (library, _) = LibraryWatcher::open(None).expect("embedded");
    assistant_on(folder, gateway, model, config, access, library)
}

/// The same, with compagnons of its own.
pub(super) fn assistant_on(
    folder: &std::path::Path,
    gateway: &Arc<FakeGateway>,
    model: impl ChatModel,
    config: Config,
    access: &AccessConfig,
    library: LibraryWatcher,
) -> Bench {
    assistant_of(
        folder,
        gateway,
        model,
        config,
        access,
        library,
        &services::Config::default(),
        FakeIndex::parts(),
        None,
    )
}

/// An assistant that searches documents with these.
pub(super) fn assistant_searching(
    folder: &std::path::Path,
    gateway: &Arc<FakeGateway>,
    model: impl ChatModel,
    config: Config,
    documents: DocumentParts,
) -> Bench {
    let (library, _) = LibraryWatcher::open(None).expect("embedded");
    let (access, services) = (AccessConfig::default(), services::Config::default());
    assistant_of(folder, gateway, model, config, &access, library, &services, documents, None)
}

/// An assistant with a model that finds names.
pub(super) fn assistant_reading(
    folder: &std::path::Path,
    gateway: &Arc<FakeGateway>,
    model: impl ChatModel,
    config: Config,
    entities: Arc<dyn EntityModel>,
) -> Bench {
    let (library, _) = LibraryWatcher::open(None).expect("embedded");
    let (access, services) = (AccessConfig::default(), services::Config::default());
    assistant_of(folder, gateway, model, config, &access, library, &services, FakeIndex::parts(), Some(entities))
}

/// An assistant that may call these services.
pub(super) fn assistant_with(
    folder: &std::path::Path,
    gateway: &Arc<FakeGateway>,
    model: impl ChatModel,
    config: Config,
    services: &services::Config,
) -> Bench {
    let (library, _) = LibraryWatcher::open(None).expect("embedded");
    let access = AccessConfig::default();
    assistant_of(folder, gateway, model, config, &access, library, services, FakeIndex::parts(), None)
}

#[allow(clippy::too_many_arguments)] // All that an assistant is made of.
fn assistant_of(
    folder: &std::path::Path,
    gateway: &Arc<FakeGateway>,
    model: impl ChatModel,
    config: Config,
    access: &AccessConfig,
    library: LibraryWatcher,
    services: &services::Config,
    documents: DocumentParts,
    entities: Option<Arc<dyn EntityModel>>,
) -> Bench {
    let store = Store::open(folder).expect("a store");
    // What newcomers are told is for the tests of first contact.
    block(store.apply(&[Change::Informed(owned_user_id!("@awa:h"))], now())).expect("stored");
    let sampling = Sampling {
        temperature: 0.0,
        top_p: 1.0,
        top_k: 0,
        repetition_penalty: 1.0,
        seed: None,
        max_tokens: 100,
        stop: Vec::new(),
        ..Sampling::default()
    };
    let gateway = Arc::clone(gateway);
    let mut config = Config { compagnon: "temoin".to_owned(), ..config };
    // A homeserver that makes nothing wait.
    (config.streaming.per_second, config.streaming.burst) = (1_000.0, 1_000.0);
    let assistant = Assistant::new(Parts {
        store,
        model: Arc::new(model),
        entities,
        gateway: gateway.clone(),
        services: Arc::new(Services::open(services).expect("no token is asked for")),
        documents,
        library: Arc::new(library),
        config,
        co2_grams_per_kwh: 21.7,
        sampling,
        privacy: Facts::default(),
        access: Access::new(access, server_name!("h"), |_| String::new()),
        externals: false,
        unverified_commands: false,
    });
    Bench { assistant, gateway }
}

impl Bench {
    pub(super) fn ask(&self, messages: Vec<Incoming>) {
        self.accept(Batch { messages, ..Batch::default() });
    }

    pub(super) fn accept(&self, batch: Batch) {
        block(self.assistant.accept(Batch { next_batch: "s1".to_owned(), ..batch })).expect("accepted");
    }

    /// What the assistant remembers.
    pub(super) fn store(&self) -> &Store {
        &self.assistant.intake.store
    }

    fn tasks(&self) -> &TaskTracker {
        &self.assistant.intake.lifecycle.tasks
    }

    /// Waits until nothing is left to do.
    pub(super) async fn rest(&self) {
        self.tasks().close();
        self.tasks().wait().await;
        self.tasks().reopen();
    }

    /// Waits until nothing is left to do, and gives what people see.
    pub(super) async fn settle(self) -> Vec<Shown> {
        self.rest().await;
        self.gateway.shown()
    }
}

/// Waits for this, in a place that is not async. Only for tests on several threads.
pub(super) fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
}

/// A message as it is accepted.
pub(super) fn admitted(message: &Incoming) -> Admitted {
    Admitted { message: message.clone(), kind: super::addressing::kind(message, Call::read(message)) }
}

/// Waits until this holds; a test that waits for ever says nothing.
pub(super) async fn until(holds: impl Fn() -> bool) {
    let held = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), held).await.expect("what is waited for comes");
}

pub(super) fn texts(shown: &[Shown]) -> Vec<&str> {
    // Without the mark under an answer.
    shown.iter().map(|shown| shown.text.split("\n\n*").next().unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_remembers_and_two_do_not_mix() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    let threaded = Incoming { thread: Some("$root:h".try_into().expect("an id")), ..incoming("$3:h", "!a:h", "trois") };
    bench.ask(vec![
        incoming("$1:h", "!a:h", "un"),
        incoming("$2:h", "!a:h", "deux"),
        threaded,
        incoming("$4:h", "!b:h", "quatre"),
    ]);
    let shown = bench.settle().await;
    let mut texts = texts(&shown);
    texts.sort_unstable();
    // The second question of the room comes after two turns; the thread and the other room start anew.
    assert_eq!(texts, ["2: quatre", "2: trois", "2: un", "4: deux"]);
    assert!(shown.iter().all(|shown| shown.complete && shown.kind == MessageKind::Text));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_twice_is_one_question() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    for _ in 0..2 {
        bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    }
    assert_eq!(texts(&bench.settle().await), ["2: un"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_room_only_what_is_addressed_is_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    let said = |event, body| Incoming { direct: false, ..incoming(event, "!a:h", body) };
    bench.ask(vec![
        said("$1:h", "bavardage"),
        Incoming { mentions_me: true, ..said("$2:h", "question") },
        Incoming { replies_to: Some("$other:h".try_into().expect("an id")), ..said("$3:h", "entre nous") },
        Incoming { thread: Some("$elsewhere:h".try_into().expect("an id")), ..said("$4:h", "fil des autres") },
    ]);
    assert_eq!(texts(&bench.settle().await), ["2: question"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_the_bot_and_its_threads_need_no_mention() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::default();
    let said = |event, body| Incoming { direct: false, ..incoming(event, "!a:h", body) };
    let thread = Some("$root:h".try_into().expect("an id"));
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    bench.ask(vec![Incoming { mentions_me: true, thread: thread.clone(), ..said("$1:h", "un") }]);
    bench.settle().await;
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    let reply = Incoming { replies_to: Some("$sent0:h".try_into().expect("an id")), ..said("$2:h", "deux") };
    bench.ask(vec![reply, Incoming { thread, ..said("$3:h", "trois") }]);
    let shown = bench.settle().await;
    let mut after = texts(&shown)[1..].to_vec();
    after.sort_unstable();
    // The reply belongs to the thread of the answer that it replies to.
    assert_eq!(after, ["4: deux", "6: trois"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stops_in_the_middle_is_taken_up_by_the_next_with_one_message_in_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway: Arc<FakeGateway> = Arc::default();
    let closed = FakeModel { gate: Some(Arc::new(Semaphore::new(0))), fails: false, ..FakeModel::default() };
    let bench = assistant(folder.path(), &gateway, closed, Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    until(|| !gateway.shown().is_empty()).await;
    bench.assistant.shut_down(Duration::ZERO).await;
    assert_eq!(texts(&gateway.shown()), ["2: …"], "a draft is shown and the answer was given up");
    drop(bench);

    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    bench.assistant.resume().await.expect("resumed");
    let shown = bench.settle().await;
    assert_eq!(texts(&shown), ["2: un"]);
    assert!(shown[0].complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_the_next_process_finds_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway: Arc<FakeGateway> = Arc::default();
    let closed = || FakeModel { gate: Some(Arc::new(Semaphore::new(0))), ..FakeModel::default() };
    // The draft arrives, its id does not.
    *gateway.losses.lock().expect("not poisoned") = 1;
    let bench = assistant(folder.path(), &gateway, closed(), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    until(|| !gateway.shown().is_empty()).await;
    bench.assistant.shut_down(Duration::ZERO).await;
    assert!(bench.store().queued().await.expect("readable").iter().all(|queued| queued.draft.is_none()));
    drop(bench);

    let bench = assistant(folder.path(), &gateway, closed(), Config::default());
    bench.assistant.resume().await.expect("resumed");
    let draft = gateway.message_of("$1:h");
    assert!(draft.is_some());
    until(|| block(bench.store().queued()).expect("readable").iter().any(|queued| queued.draft == draft)).await;
    bench.assistant.shut_down(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_homeserver_that_asks_to_wait_or_fails_gets_the_answer_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway: Arc<FakeGateway> = Arc::default();
    *gateway.refusals.lock().expect("not poisoned") =
        vec![SendError::Limited(Duration::from_millis(10)), SendError::Unreachable("503".to_owned())];
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    assert_eq!(texts(&bench.settle().await), ["2: un"]);
    assert_eq!(gateway.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_refuses_the_answer_does_not_hold_up_the_next_question() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway: Arc<FakeGateway> = Arc::default();
    *gateway.refusals.lock().expect("not poisoned") = vec![SendError::Refused("kicked".to_owned())];
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un"), incoming("$2:h", "!a:h", "deux")]);
    assert_eq!(texts(&bench.settle().await), ["4: deux"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_gets_one_calm_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway: Arc<FakeGateway> = Arc::default();
    let bench =
        assistant(folder.path(), &gateway, FakeModel { fails: true, ..FakeModel::default() }, Config::default());
    bench.ask(vec![
        incoming("$1:h", "!a:h", "un"),
        incoming("$2:h", "!b:h", &"mot ".repeat(1000)),
        incoming("$3:h", "!c:h", " "),
    ]);
    let shown = bench.settle().await;
    let texts = texts(&shown);
    for text in [Text::Failed, Text::NoQuestion] {
        assert!(texts.contains(&&*text.say(Language::Fr)), "{texts:?}");
    }
    // The context is 1,000 words; of these four letters each.
    let fits = (2_000..4_000).step_by(100);
    let sentences: Vec<_> = fits.map(|most| Text::TooLong { most: Some(most) }.say(Language::Fr)).collect();
    assert!(sentences.iter().any(|sentence| texts.contains(&&**sentence)), "{texts:?}");
    assert_eq!(texts.len(), 3);
    assert!(shown.iter().all(|shown| shown.kind == MessageKind::Notice && shown.complete));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_questions_in_one_conversation_are_told_that_the_bot_is_busy() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = Arc::new(Semaphore::new(0));
    let model = FakeModel { gate: Some(Arc::clone(&gate)), fails: false, ..FakeModel::default() };
    let config = Config { waiting_per_conversation: 2, ..Config::default() };
    let bench = assistant(folder.path(), &Arc::default(), model, config);
    // One batch: the first may or may not have been taken out of the queue when the last arrives.
    bench.ask((0..6).map(|n| incoming(&format!("${n}:h"), "!a:h", "un")).collect());
    gate.add_permits(6);
    let shown = bench.settle().await;
    let busy = shown.iter().filter(|shown| shown.text == Text::Busy.say(Language::Fr)).count();
    assert!((3..=4).contains(&busy), "{busy} of 6 were refused");
    assert_eq!(shown.len(), 6, "each question got its message");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_stands_below_whatever_the_answer_leaves_open_and_however_long_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    // Almost of the greatest weight that one message may have: with the mark it is two.
    let heavy = "&".repeat(3_740);
    bench.ask(vec![incoming("$1:h", "!a:h", "a\n```\ncode"), incoming("$2:h", "!b:h", &heavy)]);
    let mut shown = bench.settle().await;
    shown.sort_by_key(|shown| (shown.question.clone(), shown.part));
    assert!(
        shown[0].text.ends_with("code\n```\n\n*Témoin · réponse d’une IA, à vérifier · utile\u{202f}? 👍 👎*"),
        "{}",
        shown[0].text
    );
    assert_eq!(shown.len(), 3);
    assert!(shown[2].text.ends_with("utile\u{202f}? 👍 👎*"), "{}", shown[2].text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_is_text_under_an_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    let text =
        "!compagnon créer Nom\n---\nname: N\ntitle: \" **[x](https://evil)** `y\"\ndescription: d\n---\nTu es N.";
    bench.ask(vec![incoming("$1:h", "!a:h", text)]);
    bench.rest().await;
    bench.ask(vec![incoming("$2:h", "!a:h", "Bonjour")]);
    let shown = bench.settle().await;
    let mark = "*\\*\\*\\[x\\](https://evil)\\*\\* \\`y · réponse d’une IA, à vérifier · utile\u{202f}? 👍 👎*";
    assert!(shown[1].text.ends_with(mark), "{}", shown[1].text);
}

/// The first text reaches the homeserver and nobody learns of it: the last text must still be what people see, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_text_whose_fate_is_unknown_is_replaced_by_the_last() {
    for blind in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let gateway = Arc::<FakeGateway>::default();
        *gateway.losses.lock().expect("not poisoned") = 1;
        gateway.blind.store(blind, std::sync::atomic::Ordering::Relaxed);
        let gate = Arc::new(Semaphore::new(0));
        let model = FakeModel { gate: Some(gate.clone()), ..FakeModel::default() };
        let bench = assistant(folder.path(), &gateway, model, Config::default());
        bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
        until(|| !gateway.shown().is_empty()).await;
        gate.add_permits(1);
        let shown = bench.settle().await;
        assert_eq!(texts(&shown), ["2: un"], "{blind}");
        assert!(shown[0].complete, "{blind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_sessions_own_stores_hold_back_is_sent_by_the_next_start() {
    let (folder, gateway) = (tempfile::tempdir().expect("a folder"), Arc::<FakeGateway>::default());
    let full = || SendError::Storage("the disk is full".to_owned());
    *gateway.refusals.lock().expect("not poisoned") = vec![full(), full()];
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    // Whoever runs the assistant learns that only a new start helps.
    let reason = tokio::time::timeout(Duration::from_secs(30), bench.assistant.broken()).await;
    assert!(reason.is_ok_and(|reason| reason.contains("the disk is full")));
    bench.rest().await;
    assert_eq!(gateway.shown(), []);
    drop(bench);
    gateway.refusals.lock().expect("not poisoned").clear();
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    bench.assistant.resume().await.expect("resumed");
    assert_eq!(texts(&bench.settle().await), ["2: un"]);
}
