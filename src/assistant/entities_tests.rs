//! A model that finds names beside the rules: what it finds is masked in a prompt and comes back; what it cannot read is not sent.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use ruma::owned_room_id;
use tokio::sync::mpsc;

use super::{
    Config,
    clock::now,
    config::Rate,
    fakes::{FakeGateway, incoming, usage},
    tests::{Bench, assistant_reading, texts},
};
use crate::{
    compagnon::{Pseudonyms, SettingsPatch},
    inference::{
        ChatModel, CountAccuracy, EmbeddingError, EntityModel, Generation, Haste, Health, InferenceError, Message,
        ModelLimits, Piece, Request, TokenCounter,
    },
    pseudonym::{Kind, Suggestion, Table},
    store::Change,
};

/// A model somewhere else that repeats what it was asked last.
#[derive(Clone, Default)]
struct Remote {
    requests: Arc<Mutex<Vec<Request>>>,
}

#[async_trait]
impl ChatModel for Remote {
    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        let asked = request.messages.last().map_or_else(String::new, |message| message.content.clone());
        self.requests.lock().expect("not poisoned").push(request);
        let (pieces, reader) = mpsc::channel(2);
        pieces.try_send(Ok(Piece::Text(asked))).expect("room for all");
        pieces.try_send(Ok(Piece::Done(usage()))).expect("room for all");
        Ok(Generation::new(reader))
    }

    fn token_counter(&self) -> Arc<dyn TokenCounter> {
        Arc::new(Bytes)
    }

    fn limits(&self) -> ModelLimits {
        ModelLimits { context_length: 4000 }
    }

    fn name(&self) -> &'static str {
        "remote"
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn health(&self) -> Health {
        Health::Ok
    }
}

impl Remote {
    /// All that it was given.
    fn read(&self) -> String {
        let requests = self.requests.lock().expect("not poisoned");
        let messages = requests.iter().flat_map(|request| &request.messages);
        messages.map(|message| message.content.as_str()).collect::<Vec<_>>().join("\n")
    }
}

struct Bytes;

impl TokenCounter for Bytes {
    fn count(&self, message: &Message) -> usize {
        message.content.len().div_ceil(3)
    }

    fn accuracy(&self) -> CountAccuracy {
        CountAccuracy::UpperBound
    }
}

/// Names that no rule and no list knows, each with its kind.
const NAMES: [(Kind, &str); 3] = [(Kind::Person, "zbrwkov"), (Kind::Organisation, "xylonix"), (Kind::Place, "vrtnik")];

/// Finds these names wherever they stand, once it has failed as often as it is told to.
#[derive(Default)]
struct Scripted {
    failures: Mutex<VecDeque<EmbeddingError>>,
    always: bool,
}

#[async_trait]
impl EntityModel for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    async fn find(&self, texts: &[String], _: Haste) -> Result<Vec<Vec<Suggestion>>, EmbeddingError> {
        if self.always {
            return Err(EmbeddingError::Engine("broken".to_owned()));
        }
        if let Some(error) = self.failures.lock().expect("not poisoned").pop_front() {
            return Err(error);
        }
        let named = |text: &String| {
            let all = NAMES.iter().flat_map(|(kind, name)| {
                let range = |(start, name): (usize, &str)| Suggestion { kind: *kind, range: start..start + name.len() };
                text.match_indices(name).map(range).collect::<Vec<_>>()
            });
            all.collect()
        };
        Ok(texts.iter().map(named).collect())
    }
}

fn bench(folder: &tempfile::TempDir, gateway: &Arc<FakeGateway>, model: &Remote, entities: Scripted) -> Bench {
    let mut config = Config::default();
    (config.limits.person, config.limits.room) = (Rate::of(100_000, 1), Rate::of(100_000, 1));
    assistant_reading(folder.path(), gateway, model.clone(), config, Arc::new(entities))
}

const QUESTION: &str = "sur zbrwkov rien à dire ; le groupe xylonix de vrtnik relance : que répondre ?";

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_the_rules_miss_is_masked_in_a_prompt_and_restored() {
    assert_eq!(Table::new().pseudonymise(QUESTION).text, QUESTION, "the rules find none of them");
    let (folder, gateway, model) = (tempfile::tempdir().expect("a folder"), Arc::default(), Remote::default());
    let bench = bench(&folder, &gateway, &model, Scripted::default());
    let again = "et si zbrwkov ne vient pas à vrtnik ?";
    for (event, question) in [("$1:h", QUESTION), ("$2:h", again)] {
        bench.ask(vec![incoming(event, "!a:h", question)]);
        bench.rest().await;
    }
    let read = model.read();
    for (_, name) in NAMES {
        assert!(!read.contains(name), "{name}: {read}");
    }
    assert!(read.contains("sur [PERSONNE_1] rien à dire ; le groupe [ORGANISATION_1] de [LIEU_1] relance"), "{read}");
    assert!(read.contains("et si [PERSONNE_1] ne vient pas à [LIEU_1] ?"), "the same person: {read}");
    assert_eq!(texts(&gateway.shown()), [QUESTION, again]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_read_is_not_sent() {
    let (folder, gateway, model) = (tempfile::tempdir().expect("a folder"), Arc::default(), Remote::default());
    let broken = bench(&folder, &gateway, &model, Scripted { always: true, ..Scripted::default() });
    broken.ask(vec![incoming("$1:h", "!a:h", QUESTION)]);
    broken.rest().await;
    assert_eq!(model.read(), "", "nothing left");
    let said = gateway.shown().last().expect("an excuse").text.clone();
    assert!(!said.contains("zbrwkov"), "{said}");
    drop(broken);
    let (folder, gateway) = (tempfile::tempdir().expect("a folder"), Arc::default());
    let failures = Mutex::new(VecDeque::from([EmbeddingError::Busy, EmbeddingError::Engine("once".to_owned())]));
    let recovers = bench(&folder, &gateway, &model, Scripted { failures, always: false });
    recovers.ask(vec![incoming("$1:h", "!a:h", QUESTION)]);
    recovers.rest().await;
    assert!(!model.read().contains("zbrwkov") && model.read().contains("[PERSONNE_1]"), "{}", model.read());
    assert_eq!(texts(&gateway.shown()).last().copied(), Some(QUESTION));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_masks_what_the_model_finds_and_puts_it_back() {
    let (folder, gateway, model) = (tempfile::tempdir().expect("a folder"), Arc::default(), Remote::default());
    let bench = bench(&folder, &gateway, &model, Scripted::default());
    let patch = SettingsPatch::Pseudonyms(Some(Pseudonyms::No));
    bench.store().apply(&[Change::Settings(owned_room_id!("!a:h"), vec![patch])], now()).await.expect("stored");
    bench.ask(vec![incoming("$1:h", "!a:h", &format!("!pseudonymiser {QUESTION}"))]);
    bench.rest().await;
    let said = gateway.shown().last().expect("a text").text.clone();
    let masked = "sur [PERSONNE_1] rien à dire ; le groupe [ORGANISATION_1] de [LIEU_1] relance";
    assert!(said.contains(masked), "{said}");
    bench.ask(vec![incoming("$2:h", "!a:h", &format!("!pseudonymiser annuler\n{masked}"))]);
    bench.rest().await;
    let back = gateway.shown().last().expect("a text").text.clone();
    assert!(back.contains("sur zbrwkov rien à dire ; le groupe xylonix de vrtnik relance"), "{back}");
}
