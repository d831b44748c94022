//! What jobs are given stays where it was given: every job is carried out in conversations of different persons, each with a word of its own in
//! its text, and that word is in no log, no `Debug`, no file of the data folder, and no prompt, message, file or call of another conversation.
//!
//! The jobs are carried out in a process of their own, whose log is read afterwards, down to `trace`.

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use ruma::{OwnedRoomId, OwnedUserId, owned_user_id};
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    Config,
    clock::now,
    config::Rate,
    fakes::{FakeGateway, Words, incoming, room_message, usage},
    jobs::Docs,
    tests::{Bench, assistant_with},
};
use crate::{
    command::Call,
    inference::{
        ChatModel, CountAccuracy, Generation, Health, InferenceError, ModelLimits, Piece, Request, TokenCounter,
    },
    job::JobKind,
    message::{Content, Incoming, MediaRef},
    services::fake::FakeService,
    store::Change,
};

/// What every canary begins with. Words that no rule takes for a name: a model is given them.
const CANARY: &str = "zanzibul";

/// What is asked for, each in two conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Job {
    Text,
    File,
    Note,
    Docs,
    Missed,
    Review,
    Reviews,
    Hide,
    HideFile,
    Cases,
}

impl Job {
    const ALL: [Self; 10] = [
        Self::Text,
        Self::File,
        Self::Note,
        Self::Docs,
        Self::Missed,
        Self::Review,
        Self::Reviews,
        Self::Hide,
        Self::HideFile,
        Self::Cases,
    ];
}

/// A conversation in which a job is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    job: Job,
    second: bool,
}

impl Place {
    fn all() -> impl Iterator<Item = Self> {
        [false, true].into_iter().flat_map(|second| Job::ALL.map(|job| Self { job, second }))
    }

    /// Its name, of letters.
    fn name(self) -> String {
        format!("{:?}{}", self.job, if self.second { "deux" } else { "un" }).to_lowercase()
    }

    fn canary(self) -> String {
        format!("{CANARY}{}", self.name())
    }

    fn room(self) -> OwnedRoomId {
        format!("!{}:h", self.name()).try_into().expect("a room")
    }

    fn person(self) -> OwnedUserId {
        format!("@{}:h", self.name()).try_into().expect("a person")
    }

    fn event(self, number: usize) -> String {
        format!("${}-{number}:h", self.name())
    }

    /// What is written there, one after the other: with a file, where there is one.
    fn says(self) -> Vec<(String, Option<String>)> {
        let canary = self.canary();
        let passage = format!("Le service transmet le dossier {canary} au bureau compétent.");
        let named = format!("Mme Aïcha Z{} attend la réponse {canary} au 06 12 34 56 78.", &canary[1..]);
        let text = |text: String| (text, None);
        match self.job {
            Job::Text => vec![text(format!("!traduire en anglais\n{passage}"))],
            Job::File => vec![("!traduire en anglais".to_owned(), Some(passage))],
            Job::Note => vec![text("!note".to_owned()), text("!note valider".to_owned())],
            Job::Docs => vec![
                text("!note".to_owned()),
                text("!note docs adresse agent@x.gouv.fr".to_owned()),
                text("!note docs oui".to_owned()),
            ],
            Job::Missed => vec![text("!manqué depuis hier".to_owned())],
            Job::Review => vec![text(format!("!avis Une heure d’attente au guichet, {canary}."))],
            Job::Reviews => {
                let rows = format!("Description;Note\nUne heure d’attente, {canary}.;2\nRien ne va, {canary}.;1\n");
                vec![
                    ("!avis".to_owned(), Some(rows)),
                    text("!avis suivant".to_owned()),
                    text("!avis exporter".to_owned()),
                ]
            }
            Job::Hide => vec![text(format!("!pseudonymiser\n{named}"))],
            Job::HideFile => vec![("!pseudonymiser".to_owned(), Some(named))],
            Job::Cases => vec![
                text(format!("!compagnon créer Guichet {canary}\nVous êtes {canary}.")),
                text(format!("!compagnon essai ajouter Où est {canary} ? => {canary} ; sans: rien {canary}")),
                text("!compagnon essais".to_owned()),
            ],
        }
    }

    /// The message, with its file at the homeserver. Corrections and commands about a note stand in its thread.
    fn message(self, number: usize, text: &str, file: Option<&str>, gateway: &FakeGateway) -> Incoming {
        let event = self.event(number);
        let thread = text.starts_with("!note ").then(|| self.event(0).try_into().expect("an event"));
        let message = Incoming {
            direct: false,
            sender: self.person(),
            thread,
            mentions_me: true,
            ..incoming(&event, self.room().as_str(), text)
        };
        let Some(file) = file else { return message };
        let media = MediaRef {
            name: format!("{}.txt", self.canary()),
            media_type: Some("text/plain".to_owned()),
            size: Some(file.len() as u64),
            caption: text.to_owned(),
            source: format!("\"mxc://h/{}-{number}\"", self.name()),
        };
        gateway.give(&media.source, file.as_bytes());
        Incoming { content: Content::Attachment(Box::new(media)), ..message }
    }
}

/// A model that says again what it is given: in capitals where it translates, in the form that a note needs.
#[derive(Clone, Default)]
struct Echo(Arc<Mutex<Vec<Request>>>);

impl Echo {
    fn says(request: &Request) -> String {
        let system = request.messages.first().map_or("", |message| &message.content);
        let asked = request.messages.last().map_or("", |message| &message.content);
        if let Some((_, text)) = asked.split_once("Texte à traduire :\n") {
            return text.to_uppercase();
        }
        if system.contains("`object`") {
            return json!({"object": "Déménagement", "context": "", "points": []}).to_string();
        }
        if system.contains("`actions`") {
            let mut decisions = Vec::new();
            for line in asked.lines().filter_map(|line| line.strip_prefix("> [")) {
                let (Some((number, _)), Some((_, text))) = (line.split_once(']'), line.split_once(" : ")) else {
                    continue;
                };
                decisions.push(json!({"text": text, "messages": [number.parse::<usize>().expect("a number")]}));
            }
            return json!({"points": [], "decisions": decisions, "actions": [], "questions": []}).to_string();
        }
        all_of(request)
    }
}

/// All that a request gives.
fn all_of(request: &Request) -> String {
    request.messages.iter().map(|message| message.content.as_str()).collect::<Vec<_>>().join("\n\n")
}

#[async_trait]
impl ChatModel for Echo {
    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        let (pieces, reader) = mpsc::channel(2);
        pieces.try_send(Ok(Piece::Text(Self::says(&request)))).expect("room for it");
        pieces.try_send(Ok(Piece::Done(usage()))).expect("room for it");
        self.0.lock().expect("not poisoned").push(request);
        Ok(Generation::new(reader))
    }

    fn token_counter(&self) -> Arc<dyn TokenCounter> {
        Arc::new(Words(CountAccuracy::UpperBound))
    }

    fn limits(&self) -> ModelLimits {
        ModelLimits { context_length: 4_000 }
    }

    fn name(&self) -> &'static str {
        "echo"
    }

    fn health(&self) -> Health {
        Health::Ok
    }
}

/// The places whose canaries a text holds.
fn held(text: &str) -> Vec<Place> {
    let text = text.to_lowercase();
    Place::all().filter(|place| text.contains(&place.canary())).collect()
}

/// What reached anybody or anything because of a place: its canary may be in it, and no other.
#[derive(Default)]
struct Reached(BTreeMap<Place, Vec<(&'static str, String)>>);

impl Reached {
    fn add(&mut self, place: Place, what: &'static str, text: String) {
        self.0.entry(place).or_default().push((what, text));
    }

    fn check(&self) {
        for (place, texts) in &self.0 {
            let mut own = 0;
            for (what, text) in texts {
                let held = held(text);
                own += usize::from(held.contains(place));
                assert!(held.iter().all(|other| other == place), "{what} of {place:?} holds words of {held:?}");
            }
            assert!(own > 0, "{place:?}: its own word is nowhere, and nothing is shown by its absence elsewhere");
            println!("| {} | {} | {own} |", place.name(), texts.len());
        }
    }
}

fn bench(folder: &Path, gateway: &Arc<FakeGateway>, model: &Echo, server: &FakeService) -> Bench {
    gateway.let_others_in();
    let docs = Docs {
        service: "docs".to_owned(),
        site: "https://docs.example/".to_owned(),
        addresses: None,
        domains: Vec::new(),
    };
    let mut config = Config { docs: Some(docs), ..Config::default() };
    config.limits.loop_after = u32::MAX;
    (config.limits.person, config.limits.room) = (Rate::of(10_000, 1), Rate::of(10_000, 1));
    let services = serde_yaml::from_str(&format!("docs: {{url: '{}', timeout: 5s}}", server.url)).expect("a section");
    assistant_with(folder, gateway, model.clone(), config, &services)
}

/// The process in which all of it is done.
#[tokio::test(flavor = "multi_thread")]
async fn works() {
    let Ok(folder) = env::var("COMPAGNON_TEST_FOLDER") else { return };
    let filter = tracing_subscriber::EnvFilter::new("info,compagnon=trace");
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    if env::var("COMPAGNON_TEST_LEAKS").is_ok() {
        tracing::trace!(text = Place { job: Job::Note, second: true }.canary(), "what nobody must write");
    }
    let (gateway, model, server) = (Arc::<FakeGateway>::default(), Echo::default(), FakeService::start());
    let bench = bench(Path::new(&folder), &gateway, &model, &server);
    let mut reached = Reached::default();
    for place in Place::all() {
        bench.store().apply(&[Change::Informed(place.person())], now()).await.expect("stored");
        // What notes are made of.
        let said = room_message(
            &format!("$said-{}:h", place.name()),
            &owned_user_id!("@zoe:h"),
            &format!("On décide {}.", place.canary()),
        );
        gateway.write(&place.room(), None, said);
    }
    // Each step of all conversations before the next one of any: what one leaves behind, the others would find.
    for number in 0..4 {
        for place in Place::all() {
            let mut says = place.says();
            // At last a question, which is given what its conversation has.
            says.push((format!("Que savez-vous ? {}", place.canary()), None));
            let Some((text, file)) = says.get(number) else { continue };
            let message = place.message(number, text, file.as_deref(), &gateway);
            println!("{message:?} {:?}", Call::read(&message));
            let (requests, calls) = (model.0.lock().expect("not poisoned").len(), server.calls().len());
            bench.ask(vec![message]);
            bench.rest().await;
            for request in &model.0.lock().expect("not poisoned")[requests..] {
                println!("{request:?}");
                reached.add(place, "a prompt", all_of(request));
            }
            for call in &server.calls()[calls..] {
                reached.add(place, "a call", call.body.clone());
            }
        }
    }
    for place in Place::all() {
        for number in 0..4 {
            let event = place.event(number);
            for shown in gateway.shown().into_iter().filter(|shown| shown.question == event) {
                reached.add(place, "a message", shown.text);
            }
            for (_, bytes) in gateway.files_of(&event) {
                reached.add(place, "a file", String::from_utf8_lossy(&bytes).into_owned());
            }
            // And where: in the room, or in private with who asked.
            let private: OwnedRoomId = format!("!with-{}:h", place.person().localpart()).try_into().expect("a room");
            assert!(gateway.rooms_of(&event).iter().all(|room| *room == place.room() || *room == private), "{event}");
        }
        for kind in [JobKind::Note, JobKind::Reviews, JobKind::Pseudonyms, JobKind::TranslationMemory] {
            for state in bench.store().job_states_of_room(kind, &place.room(), now()).await.expect("readable") {
                println!("{state:?}");
                reached.add(place, "what is kept", state.content.to_string());
            }
        }
    }
    assert_eq!(server.calls().len(), 2, "a document for each note");
    assert_eq!(reached.0.len(), Job::ALL.len() * 2);
    println!("\n| conversation | prompts, messages, files, calls, states | of them with its own word |\n|---|---|---|");
    // The table names places, and no word of theirs.
    reached.check();
    fs::write(Path::new(&folder).join("over"), "").expect("written");
}

/// Runs that process. Gives what it printed and logged.
fn run(folder: &Path, leaks: bool) -> String {
    let log = folder.with_extension("log");
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", "assistant::job_canaries_tests::works", "--nocapture"]);
    command.env("COMPAGNON_TEST_FOLDER", folder);
    if leaks {
        command.env("COMPAGNON_TEST_LEAKS", "1");
    }
    let file = fs::File::create(&log).expect("a file");
    command.stdout(file.try_clone().expect("a file")).stderr(Stdio::from(file));
    let status = command.status().expect("started");
    let said = fs::read_to_string(&log).expect("a log");
    fs::remove_file(&log).expect("removed");
    assert!(status.success() && folder.join("over").exists(), "{said}");
    said
}

/// The first file below a folder in which a canary stands.
fn holder(folder: &Path) -> Option<std::path::PathBuf> {
    let holds = |path: &Path| {
        let bytes = fs::read(path).unwrap_or_default().to_ascii_lowercase();
        bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
    };
    let mut entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    entries.find_map(|path| if path.is_dir() { holder(&path) } else { holds(&path).then_some(path) })
}

#[test]
fn no_word_of_a_job_is_outside_of_its_conversation_in_a_log_or_on_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = run(folder.path(), false);
    let line = said.lines().find(|line| line.to_lowercase().contains(CANARY));
    assert_eq!(line, None, "in the log, or in what `Debug` shows");
    for written in ["DEBUG compagnon", "Request", "JobState", "Incoming"] {
        assert!(said.contains(written), "{written}: there is a log");
    }
    assert_eq!(holder(folder.path()), None, "on disk");
    println!("{}", said.split("\n\n| conversation").nth(1).unwrap_or_default());
}

/// The search itself finds what it looks for.
#[test]
fn a_word_that_is_logged_or_written_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = run(folder.path(), true);
    assert_eq!(said.lines().filter(|line| line.contains(CANARY)).count(), 1);
    assert_eq!(holder(folder.path()), None);
    fs::write(folder.path().join("note.txt"), format!("a {}", CANARY.to_uppercase())).expect("written");
    assert!(holder(folder.path()).is_some());
}
