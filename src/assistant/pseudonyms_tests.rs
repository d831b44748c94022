//! A model that is given placeholders: nothing that identifies anybody reaches it, whatever it is asked, and people read the names.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ruma::{OwnedRoomId, owned_room_id};
use tokio::sync::mpsc;

use super::{
    Config,
    clock::now,
    config::Rate,
    fakes::{FakeGateway, Shown, incoming, usage},
    tests::{Bench, assistant, texts},
};
use crate::{
    compagnon::{Pseudonyms, SettingsPatch},
    document::{Partition, Passage, Place},
    inference::{
        ChatModel, CountAccuracy, Generation, Health, InferenceError, Message, ModelLimits, Piece, Request,
        TokenCounter,
    },
    job::{JobKind, JobScope},
    memory::Fact,
    message::{ConversationId, Incoming},
    store::{Change, NewDocument},
};

/// A model that repeats what it was asked last, or says something, in pieces of a few letters. A token is three bytes.
#[derive(Clone, Default)]
struct Echo {
    says: Option<&'static str>,
    requests: Arc<Mutex<Vec<Request>>>,
}

const CONTEXT: usize = 1500;

#[async_trait]
impl ChatModel for Echo {
    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        let asked = request.messages.last().map_or_else(String::new, |message| message.content.clone());
        let text: Vec<char> = self.says.map_or(asked, str::to_owned).chars().collect();
        let number = {
            let mut requests = self.requests.lock().expect("not poisoned");
            requests.push(request);
            requests.len()
        };
        let (pieces, reader) = mpsc::channel(text.len() + 1);
        for piece in text.chunks(1 + number % 5) {
            pieces.try_send(Ok(Piece::Text(piece.iter().collect()))).expect("room for all");
        }
        pieces.try_send(Ok(Piece::Done(usage()))).expect("room for all");
        Ok(Generation::new(reader))
    }

    fn token_counter(&self) -> Arc<dyn TokenCounter> {
        Arc::new(Bytes)
    }

    fn limits(&self) -> ModelLimits {
        ModelLimits { context_length: CONTEXT }
    }

    fn name(&self) -> &'static str {
        "echo"
    }

    fn health(&self) -> Health {
        Health::Ok
    }
}

struct Bytes;

impl TokenCounter for Bytes {
    fn count(&self, message: &Message) -> usize {
        message.content.len().div_ceil(3) + message.name.as_ref().map_or(0, String::len)
    }

    fn accuracy(&self) -> CountAccuracy {
        CountAccuracy::UpperBound
    }
}

impl Echo {
    fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("not poisoned").clone()
    }

    /// All that it was given.
    fn read(&self) -> String {
        let message = |message: Message| format!("{}\n{}\n", message.name.unwrap_or_default(), message.content);
        self.requests().into_iter().flat_map(|request| request.messages).map(message).collect()
    }
}

fn bench(folder: &tempfile::TempDir, gateway: &Arc<FakeGateway>, model: &Echo) -> Bench {
    let mut config = Config::default();
    (config.limits.person, config.limits.room) = (Rate::of(100_000, 1), Rate::of(100_000, 1));
    assistant(folder.path(), gateway, model.clone(), config)
}

async fn set(bench: &Bench, room: OwnedRoomId, pseudonyms: Pseudonyms) {
    let patch = SettingsPatch::Pseudonyms(Some(pseudonyms));
    bench.store().apply(&[Change::Settings(room, vec![patch])], now()).await.expect("stored");
}

fn room(number: usize) -> OwnedRoomId {
    format!("!r{number}:h").try_into().expect("a room id")
}

const GIVEN: [&str; 10] = ["Aïcha", "Paul", "Mehdi", "Jeanne", "Éloïse", "Yann", "Fatou", "Luc", "Inès", "Bruno"];
const FAMILY: [&str; 10] =
    ["Kerbrat", "Benali", "Lemonnier", "Traoré", "Dos Santos", "Nguyen", "Le Goff", "Vasseur", "Haddad", "Przybylski"];

/// What identifies the persons of one conversation.
struct Persons {
    given: &'static str,
    family: &'static str,
    other: &'static str,
    number: usize,
}

impl Persons {
    fn of(number: usize) -> Self {
        let pick = |names: [&'static str; 10], at: usize| names[at % 10];
        let (given, family) = (pick(GIVEN, number), pick(FAMILY, number / 5 + number * 3));
        Self { given, family, other: pick(FAMILY, number / 5 + number * 3 + 4), number }
    }

    fn phone(&self) -> String {
        format!("06 12 34 56 {:02}", self.number + 10)
    }

    fn email(&self) -> String {
        format!("usager{}@exemple{}.fr", self.number + 100, self.number)
    }

    fn nir(&self) -> String {
        let body = 1_850_578_006_000_u64 + 100 + self.number as u64;
        format!("{body} {:02}", 97 - body % 97)
    }

    fn questions(&self) -> [String; 3] {
        let Self { given, family, other, .. } = self;
        [
            format!(
                "Madame {given} {family}, {}, {}, demande un rendez-vous. Que répondre à Mme {family} ?",
                self.phone(),
                self.email()
            ),
            format!("Et si c’est M. {other} qui vient pour {given} {family} ? Son numéro : {}.", self.nir()),
            format!("Résumez pour M. {other} : {family} peut-elle venir, oui ou non ?"),
        ]
    }

    /// What must not be read by the model.
    fn canaries(&self) -> Vec<String> {
        let Self { given, family, other, .. } = self;
        let names = [*given, *family, *other].map(str::to_owned);
        names.into_iter().chain([self.phone(), self.email(), self.nir()]).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_conversations_no_name_reaches_a_prompt_and_every_answer_has_them() {
    let (folder, gateway, model) = (tempfile::tempdir().expect("a folder"), Arc::default(), Echo::default());
    let bench = bench(&folder, &gateway, &model);
    for number in 0..50 {
        let persons = Persons::of(number);
        set(&bench, room(number), Pseudonyms::Yes).await;
        let fact = Fact {
            room_id: room(number),
            of_room: true,
            number: 1,
            text: format!("Le dossier de M. {} est chez {}", persons.other, persons.email()),
            by: None,
            name: None,
            event_id: format!("$fact{number}:h").try_into().expect("an event id"),
            told_in: None,
            at: now(),
            direct: false,
        };
        bench.store().apply(&[Change::Remember(fact)], now()).await.expect("stored");
        for (index, question) in persons.questions().into_iter().enumerate() {
            let name = [None, Some(format!("{} {}", persons.given, persons.family)), None][index].clone();
            let asked = incoming(&format!("$q{number}.{index}:h"), room(number).as_str(), &question);
            bench.ask(vec![Incoming { name, ..asked }]);
            bench.rest().await;
        }
    }
    let read = model.read().to_lowercase();
    assert_eq!(model.requests().len(), 150);
    let shown = gateway.shown();
    let answers = texts(&shown);
    let mut answers = answers.iter();
    for number in 0..50 {
        let persons = Persons::of(number);
        for canary in persons.canaries() {
            assert!(!read.contains(&canary.to_lowercase()), "{number}: {canary}");
        }
        for question in persons.questions() {
            assert_eq!(answers.next(), Some(&question.as_str()), "{number}: as it was asked");
        }
    }
    assert!(read.contains("[personne_2]") && read.contains("[courriel_1]") && read.contains("[nir_1]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_keeps_their_number_through_restarts_and_budgets_hold() {
    let (folder, gateway, model) = (tempfile::tempdir().expect("a folder"), Arc::default(), Echo::default());
    let here = owned_room_id!("!a:h");
    let scope = JobScope::Conversation(ConversationId { room_id: here.clone(), thread: None });
    for number in 0..12 {
        // A process of its own for each.
        let bench = bench(&folder, &gateway, &model);
        set(&bench, here.clone(), Pseudonyms::Yes).await;
        // Names that are shorter than their placeholders.
        let names = (0..number).map(|other| format!("Mme {} Li{other}", GIVEN[other % 10])).collect::<Vec<_>>();
        let question = format!("Mme Zoé Zand et {} viennent. {}", names.join(", "), "Qui est là ? ".repeat(20));
        bench.ask(vec![incoming(&format!("$q{number}:h"), "!a:h", &question)]);
        bench.rest().await;
        assert!(bench.store().job_state(JobKind::Pseudonyms, &scope, now()).await.expect("read").is_some());
    }
    for request in model.requests() {
        let asked = &request.messages.last().expect("a question").content;
        assert!(asked.contains("Mme [PERSONNE_1] et "), "{asked}");
        let tokens: usize = request.messages.iter().map(|message| Bytes.count(message)).sum();
        assert!(tokens + request.sampling.max_tokens <= CONTEXT, "{tokens}");
    }
    assert!(!model.read().contains("Zand"), "in no summary either");
    assert!(model.requests().iter().any(|request| request.messages.len() > 3), "there was a history");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_return_people_read_placeholders_and_the_conversation_keeps_the_names() {
    let (folder, gateway, model) = (tempfile::tempdir().expect("a folder"), Arc::default(), Echo::default());
    let bench = bench(&folder, &gateway, &model);
    let here = owned_room_id!("!a:h");
    set(&bench, here.clone(), Pseudonyms::OneWay).await;
    let question = "Que dire à Mme Aïcha Benali, 06 12 34 56 78 ?";
    for event in ["$1:h", "$2:h"] {
        bench.ask(vec![incoming(event, "!a:h", question)]);
        bench.rest().await;
    }
    let shown = gateway.shown();
    let placeholders = "Que dire à Mme [PERSONNE_1], [TELEPHONE_1] ?";
    assert_eq!(texts(&shown), [placeholders, placeholders]);
    assert!(!gateway.kept().iter().any(|text| text.contains("Benali")), "no draft either");
    let turns = bench.store().turns(&ConversationId { room_id: here, thread: None }).await.expect("read");
    assert!(turns.iter().all(|turn| turn.content == question));
    let history = &model.requests()[1].messages;
    assert!(history[1..].iter().all(|message| message.content == placeholders));
}

fn passage(page: u32, text: String) -> Passage {
    Passage { ordinal: page, place: Place::Page(page + 1), headings: vec!["Dossier Benali".to_owned()], text }
}

async fn put(bench: &Bench, passages: Vec<Passage>) {
    let document = NewDocument {
        partition: Partition::Conversation(ConversationId { room_id: owned_room_id!("!a:h"), thread: None }),
        title: "Dossier Aïcha Benali.pdf".to_owned(),
        format: "pdf".to_owned(),
        pages: Some(1),
        origin: None,
        link: None,
        passages,
        vectors: None,
    };
    bench.store().put_document(document, now() - 60_000).await.expect("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn citations_are_checked_against_what_people_read() {
    let says = "« [PERSONNE_1] est logée à [LIEU_1] depuis mars » [1]. « [PERSONNE_1] est partie » [1]. Écrire à [PERSONNE_7].";
    for (pseudonyms, quoted, kept) in
        [(Pseudonyms::Yes, "« Aïcha Benali est", "Benali"), (Pseudonyms::OneWay, "« [PERSONNE_1] est", "[PERSONNE_1]")]
    {
        let (folder, gateway) = (tempfile::tempdir().expect("a folder"), Arc::default());
        let model = Echo { says: Some(says), ..Echo::default() };
        let bench = bench(&folder, &gateway, &model);
        set(&bench, owned_room_id!("!a:h"), pseudonyms).await;
        put(&bench, vec![passage(0, "Aïcha Benali est logée à Lyon depuis mars. Rien d’autre.".to_owned())]).await;
        bench.ask(vec![incoming("$1:h", "!a:h", "Depuis quand Aïcha Benali est-elle logée ?")]);
        bench.rest().await;
        let shown: Vec<Shown> = gateway.shown();
        let text = &shown.last().expect("an answer").text;
        let read = model.read();
        assert!(!read.contains("Benali") && read.contains("[1] "), "{read}");
        assert!(text.starts_with(quoted), "what stands in the passage is quoted: {text}");
        assert!(!text.contains("partie »"), "what does not is no quotation: {text}");
        assert!(text.contains("Écrire à [PERSONNE_7]."), "a placeholder that stands for nothing: {text}");
        let below = text.split("**Sources\u{a0}:**").nth(1).expect("sources");
        assert!(below.replace('\\', "").contains(kept), "{below}");
        assert_eq!(text.contains("Benali"), pseudonyms == Pseudonyms::Yes, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_are_read_part_by_part_have_placeholders_too() {
    let (folder, gateway, model) = (tempfile::tempdir().expect("a folder"), Arc::default(), Echo::default());
    let bench = bench(&folder, &gateway, &model);
    set(&bench, owned_room_id!("!a:h"), Pseudonyms::Yes).await;
    // The family name alone stands in parts that do not say who that is.
    let text = |page: u32| match page {
        7 => format!("Mme Aïcha Kerbrat est entendue. {}", "mot ".repeat(120)),
        page => format!("Le point {page} est que Kerbrat conteste. {}", "mot ".repeat(120)),
    };
    put(&bench, (0..12).map(|page| passage(page, text(page))).collect()).await;
    bench.ask(vec![incoming("$1:h", "!a:h", "Résumez le dossier.")]);
    bench.rest().await;
    assert!(model.requests().len() > 5, "it was read part by part");
    let read = model.read();
    assert!(!read.contains("Kerbrat") && !read.contains("Benali"), "{read}");
    assert!(!read.contains("[TEXTE_"), "no placeholder is taken for a text of people");
}
