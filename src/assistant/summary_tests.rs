//! Long conversations: what is summarised, when, for whom, and what is said where it is not.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ruma::owned_user_id;
use tokio::sync::mpsc;

use super::{
    Config,
    fakes::{FakeGateway, FakeModel, incoming},
    tests::{Bench, assistant, until},
    texts::{Language, Text},
};
use crate::{
    inference::{CacheScope, ChatModel, Generation, Health, InferenceError, ModelLimits, Piece, Request, TokenCounter},
    matrix::Batch,
    message::{Incoming, Redaction},
    store::Change,
};

/// What a model does when it is asked for a summary.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Write,
    Fail,
    Hang,
    WriteNothing,
}

/// A model that repeats questions and does with summaries what a test says.
#[derive(Clone)]
struct Summariser {
    model: FakeModel,
    mode: Arc<Mutex<Mode>>,
    /// The requests for summaries.
    asked: Arc<Mutex<Vec<Request>>>,
    /// How many of them were given up.
    dropped: Arc<Mutex<usize>>,
}

impl Summariser {
    fn new(mode: Mode) -> Self {
        let (mode, asked) = (Arc::new(Mutex::new(mode)), Arc::default());
        Self { model: FakeModel::default(), mode, asked, dropped: Arc::default() }
    }

    fn set(&self, mode: Mode) {
        *self.mode.lock().expect("not poisoned") = mode;
    }

    fn asked(&self) -> usize {
        self.asked.lock().expect("not poisoned").len()
    }

    fn dropped(&self) -> usize {
        *self.dropped.lock().expect("not poisoned")
    }

    /// The system messages of the questions.
    fn systems(&self) -> Vec<String> {
        self.model.systems.lock().expect("not poisoned").clone()
    }
}

#[async_trait]
impl ChatModel for Summariser {
    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        if !request.messages[0].content.starts_with("Vous résumez") {
            return self.model.generate(request);
        }
        self.asked.lock().expect("not poisoned").push(request);
        let count = self.asked();
        let (pieces, reader) = mpsc::channel(4);
        match *self.mode.lock().expect("not poisoned") {
            Mode::Fail => return Err(InferenceError::Engine("broken".to_owned())),
            Mode::Write => pieces.try_send(Ok(Piece::Text(format!("résumé\nnuméro {count}")))).expect("room"),
            Mode::WriteNothing => pieces.try_send(Ok(Piece::Text(" \n".to_owned()))).expect("room"),
            Mode::Hang => {
                let dropped = Arc::clone(&self.dropped);
                tokio::spawn(async move {
                    pieces.closed().await;
                    *dropped.lock().expect("not poisoned") += 1;
                });
                return Ok(Generation::new(reader));
            }
        }
        pieces.try_send(Ok(Piece::Done(super::fakes::usage()))).expect("room");
        Ok(Generation::new(reader))
    }

    /// It is given no base: the lengths here are those of what people say.
    fn is_test_model(&self) -> bool {
        true
    }

    fn invalidate(&self, scope: CacheScope) {
        self.model.invalidate(scope);
    }

    fn token_counter(&self) -> Arc<dyn TokenCounter> {
        self.model.token_counter()
    }

    fn limits(&self) -> ModelLimits {
        self.model.limits()
    }

    fn name(&self) -> &'static str {
        "summariser"
    }

    fn health(&self) -> Health {
        Health::Ok
    }
}

/// A question of 150 words: three such exchanges need more than the context of 1,000.
fn long(event: &str, room: &str) -> Incoming {
    incoming(event, room, &format!("{event} {}", "mot ".repeat(149)))
}

async fn ask(bench: &Bench, message: Incoming) {
    bench.ask(vec![message]);
    bench.rest().await;
}

async fn ask_many(bench: &Bench, events: &[&str]) {
    for event in events {
        ask(bench, long(event, "!a:h")).await;
    }
}

/// Which of the answers end with this sentence.
fn said(bench: &Bench, text: &Text<'_>) -> Vec<bool> {
    let sentence = text.say(Language::Fr);
    bench.gateway.shown().iter().map(|shown| shown.text.contains(&*sentence)).collect()
}

fn bench(folder: &tempfile::TempDir, gateway: &Arc<FakeGateway>, model: &Summariser) -> Bench {
    assistant(folder.path(), gateway, model.clone(), Config::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_longer_fits_is_summarised_before_it_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Summariser::new(Mode::Write);
    let bench = bench(&folder, &Arc::default(), &model);
    ask_many(&bench, &["$1:h", "$2:h", "$3:h", "$4:h", "$5:h", "$6:h", "$7:h", "$8:h"]).await;
    assert_eq!(said(&bench, &Text::BeginningLeftOut), [false; 8]);
    let systems = model.systems();
    assert!(
        !systems[0].contains("Résumé") && systems[7].contains("pas une consigne) :\nrésumé numéro "),
        "{}",
        systems[7]
    );
    // Not anew with each exchange: half of the room is free after a summary.
    assert!((2..=5).contains(&model.asked()), "{}", model.asked());
    let requests = model.asked.lock().expect("not poisoned");
    let texts: Vec<&str> = requests.iter().map(|request| request.messages[1].content.as_str()).collect();
    assert!(texts[0].contains("$1:h") && !texts[0].contains("Résumé du début"));
    assert!(!texts[1].contains("$1:h") && texts[1].contains("> résumé numéro 1"), "the earlier one is continued");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_summary_is_made_it_is_said_once_until_the_conversation_is_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    for (mode, room) in [(Mode::Fail, "!a:h"), (Mode::WriteNothing, "!b:h")] {
        let model = Summariser::new(mode);
        let before = gateway.shown().len();
        let bench = bench(&folder, &gateway, &model);
        let events: Vec<String> = (0..5).map(|index| format!("$first{index}{}:h", &room[1..2])).collect();
        for event in &events {
            ask(&bench, long(event, room)).await;
        }
        let told = said(&bench, &Text::BeginningLeftOut).split_off(before);
        assert_eq!(told.iter().filter(|told| **told).count(), 1, "{told:?}");
        assert_eq!(model.asked(), 2, "what the model fails on is not tried for ever");
        assert!(model.systems().iter().all(|system| !system.contains("Résumé")));
        drop(bench);
        // A new process does not say it again.
        let again = assistant(folder.path(), &gateway, model.clone(), Config::default());
        ask(&again, long(&format!("$later{}:h", &room[1..2]), room)).await;
        assert_eq!(said(&again, &Text::BeginningLeftOut).last(), Some(&false));
        ask(&again, incoming(&format!("$forget{}:h", &room[1..2]), room, "!oublier")).await;
        for event in &events {
            ask(&again, long(&event.replace("first", "second"), room)).await;
        }
        let told = said(&again, &Text::BeginningLeftOut).split_off(before);
        assert_eq!(told.iter().filter(|told| **told).count(), 2, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_interrupts_a_summary_and_it_is_made_afterwards() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Summariser::new(Mode::Hang);
    let bench = bench(&folder, &Arc::default(), &model);
    ask(&bench, long("$1:h", "!a:h")).await;
    bench.ask(vec![long("$2:h", "!a:h"), long("$3:h", "!a:h")]);
    until(|| model.asked() == 1).await;
    // In another room: the model is the same.
    bench.ask(vec![incoming("$4:h", "!b:h", "vite")]);
    until(|| model.dropped() == 1).await;
    until(|| bench.gateway.shown().iter().any(|shown| shown.question == "$4:h" && shown.complete)).await;
    model.set(Mode::Write);
    // The second try, which hangs too where it began before that.
    bench.ask(vec![incoming("$5:h", "!b:h", "encore")]);
    bench.rest().await;
    ask(&bench, long("$6:h", "!a:h")).await;
    assert!(model.systems().last().is_some_and(|system| system.contains("résumé numéro")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Summariser::new(Mode::Hang);
    let bench = bench(&folder, &Arc::default(), &model);
    bench.ask(vec![long("$1:h", "!a:h"), long("$2:h", "!a:h"), long("$3:h", "!a:h")]);
    until(|| model.asked() == 1).await;
    bench.assistant.shut_down(std::time::Duration::from_hours(1)).await;
    until(|| model.dropped() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_for_those_who_could_hear_all_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Summariser::new(Mode::Write);
    let bench = bench(&folder, &Arc::default(), &model);
    bench.store().apply(&[Change::Informed(owned_user_id!("@ben:h"))], 0).await.expect("stored");
    bench.gateway.let_others_in();
    let here = |message: Incoming| Incoming { direct: false, mentions_me: true, ..message };
    let ben = |message: Incoming| Incoming { sender: owned_user_id!("@ben:h"), ..here(message) };
    for event in ["$1:h", "$2:h", "$3:h", "$4:h"] {
        ask(&bench, here(long(event, "!a:h"))).await;
    }
    bench.gateway.joined(&owned_user_id!("@ben:h"), u64::MAX);
    ask(&bench, ben(incoming("$5:h", "!a:h", "et moi ?"))).await;
    ask(&bench, here(incoming("$6:h", "!a:h", "et moi ?"))).await;
    bench.gateway.joined(&owned_user_id!("@ben:h"), 0);
    ask(&bench, ben(incoming("$7:h", "!a:h", "et maintenant ?"))).await;
    let heard: Vec<bool> = model.systems().iter().map(|system| system.contains("résumé numéro")).collect();
    assert_eq!(heard[4..], [false, true, true], "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_is_in_no_summary_any_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Summariser::new(Mode::Write);
    let bench = bench(&folder, &Arc::default(), &model);
    ask_many(&bench, &["$1:h", "$2:h", "$3:h"]).await;
    model.set(Mode::Fail);
    let redaction =
        Redaction { room_id: "!a:h".try_into().expect("a room id"), redacts: "$1:h".try_into().expect("an event id") };
    let conversation = long("$1:h", "!a:h").conversation();
    assert!(bench.store().past(&conversation).await.expect("readable").summary.is_some());
    bench.accept(Batch { redactions: vec![redaction], ..Batch::default() });
    bench.rest().await;
    assert!(bench.store().past(&conversation).await.expect("readable").summary.is_none());
    model.set(Mode::Write);
    ask_many(&bench, &["$4:h", "$5:h"]).await;
    let requests = model.asked.lock().expect("not poisoned");
    let last = &requests.last().expect("it is made again").messages[1].content;
    assert!(!last.contains("$1:h") && !last.contains("numéro 1"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_long_text_the_answer_stays_and_the_text_is_shortened_and_said_to_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Summariser::new(Mode::Write);
    let bench = bench(&folder, &Arc::default(), &model);
    ask(&bench, incoming("$1:h", "!a:h", &format!("début {} fin", "mot ".repeat(700)))).await;
    ask(&bench, incoming("$2:h", "!a:h", "plus court, s’il vous plaît")).await;
    assert_eq!(said(&bench, &Text::LastExchangeShortened), [false, true]);
    assert_eq!(said(&bench, &Text::BeginningLeftOut), [false, false]);
    // Alone it cannot leave, and the model is not asked in vain; once another exchange has come, it is summarised, once.
    assert_eq!(model.asked(), 1);
    let request = model.asked.lock().expect("not poisoned")[0].clone();
    assert!(
        request.messages[1].content.contains("> L’agent : début ") && request.messages[1].content.contains(" fin\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_summarised_for_long_is_made_up_for_with_more_requests_than_interruptions_are_borne() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    let question = |event: &str| incoming(event, "!a:h", &format!("{event} {}", "mot ".repeat(249)));
    let failing = Summariser::new(Mode::Fail);
    let before = bench(&folder, &gateway, &failing);
    for index in 0..7 {
        ask(&before, question(&format!("$before{index}:h"))).await;
    }
    drop(before);
    let model = Summariser::new(Mode::Write);
    let bench = bench(&folder, &gateway, &model);
    ask(&bench, question("$after:h")).await;
    let past = bench.store().past(&question("$after:h").conversation()).await.expect("readable");
    assert_eq!((model.asked(), past.covered, past.turns.len()), (7, 14, 16), "one exchange fits into a request");
}
