//! Jobs and the death of the process: at each point between a command and the end of its delivery it dies, the next one goes on, and people see
//! exactly what they see of a process that nothing happens to. So does the store: what a job keeps is what it would have kept.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use async_trait::async_trait;
use ruma::{OwnedRoomId, owned_room_id, owned_user_id};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    Config,
    clock::now,
    config::Rate,
    fakes::{FakeGateway, Words, incoming, usage},
    kill_bench::{Ordered, Point, Process, kills},
    tests::{assistant, until},
};
use crate::{
    evaluation::KeptCases,
    inference::{
        ChatModel, CountAccuracy, Generation, Health, InferenceError, ModelLimits, Piece, Request, TokenCounter,
    },
    job::{JobKind, JobScope},
    message::{Content, ConversationId, Incoming, MediaRef, MessageKind},
    statistics::Activity,
    store::Store,
};

/// How many passages the file has that is translated: some more than are translated before what they came to is kept.
const PASSAGES: usize = 300;
/// How many are kept together.
const KEPT: usize = 240;
/// The request at which the model waits until the room sees how far the work is.
const SHOWN_AT: usize = 60;

const REPLY: &str = "Bonjour,\n\nNous vous remercions de votre message. Nous comprenons que cette attente a été pénible.\n\nCordialement,\nLe service";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A file to be translated.
    Translate,
    /// A file with names, in a room of several.
    Hide,
    /// The same file, to get its names back.
    Undo,
    /// A file of reviews.
    Reviews,
    /// The next of them.
    Next,
    /// A compagnon, which is given cases.
    Make,
    /// A run of them.
    Cases,
}

impl Step {
    const ALL: [Self; 7] =
        [Self::Translate, Self::Hide, Self::Undo, Self::Reviews, Self::Next, Self::Make, Self::Cases];

    fn name(self) -> &'static str {
        match self {
            Self::Translate => "translate",
            Self::Hide => "hide",
            Self::Undo => "undo",
            Self::Reviews => "reviews",
            Self::Next => "next",
            Self::Make => "make",
            Self::Cases => "cases",
        }
    }

    /// What must have been asked for before.
    fn before(self) -> Option<Self> {
        match self {
            Self::Undo => Some(Self::Hide),
            Self::Next => Some(Self::Reviews),
            Self::Cases => Some(Self::Make),
            _ => None,
        }
    }

    fn event(self, number: usize) -> String {
        format!("${}-{number}:h", self.name())
    }

    /// The message that asks for it, with its file at the homeserver.
    fn message(self, number: usize, gateway: &FakeGateway) -> Incoming {
        let event = self.event(number);
        let (name, caption, bytes) = match self {
            Self::Translate => ("note.txt", "!traduire en anglais", passages(number).join("\n\n").into_bytes()),
            Self::Hide => ("dossier.txt", "!pseudonymiser", names(number).into_bytes()),
            Self::Undo => ("dossier-pseudonymise.txt", "!pseudonymiser annuler", hidden(number, gateway)),
            Self::Reviews => ("avis.csv", "!avis", reviews(number).into_bytes()),
            Self::Next => return incoming(&event, "!a:h", "!avis suivant"),
            Self::Make => {
                let body = format!("!compagnon créer Guichet{}\nVous êtes bref.", word(number));
                return incoming(&event, "!a:h", &body);
            }
            Self::Cases => return incoming(&event, "!a:h", "!compagnon essais"),
        };
        let media = MediaRef {
            name: name.to_owned(),
            media_type: Some("text/plain".to_owned()),
            size: Some(bytes.len() as u64),
            caption: caption.to_owned(),
            source: format!("\"mxc://h/{}-{number}\"", self.name()),
        };
        gateway.give(&media.source, &bytes);
        let direct = !matches!(self, Self::Hide | Self::Undo);
        Incoming { direct, content: Content::Attachment(Box::new(media)), ..incoming(&event, "!a:h", "") }
    }

    /// Where it may die: the point, and which of the times that it comes past there.
    fn points(self) -> Vec<Point> {
        let (work, sent): (&[(&str, usize)], usize) = match self {
            // While passages of the first part, and of the second, are asked for.
            Self::Translate => (
                &[("request", 100), ("request", KEPT + 30), ("memory-stored", 1), ("chunks-stored", 1), FILE, ANSWER],
                2,
            ),
            Self::Hide => (&[("chunks-stored", 1), ("file-stored", 2), FILE, ANSWER], 3),
            Self::Undo => (&[("chunks-stored", 1), FILE, ANSWER], 2),
            Self::Reviews | Self::Next => (&[("request", 1), ANSWER], 4),
            Self::Make => (&[], 1),
            Self::Cases => (&[("request", 6), ("case-kept", 1), ("case-kept", 7), ("case-kept", CASES), ANSWER], 1),
        };
        let uploads = match self {
            Self::Translate | Self::Undo => 1,
            Self::Hide => 2,
            Self::Reviews | Self::Next | Self::Make | Self::Cases => 0,
        };
        let uploads = ["before-upload", "after-upload", "upload-recorded"].map(|point| (point, uploads));
        let uploads = uploads.into_iter().flat_map(|(point, times)| (1..=times).map(move |time| (point, time)));
        let sent = (1..=sent).flat_map(|time| ["before-put", "after-put", "part-recorded"].map(|point| (point, time)));
        let ends = [("answer-stored", 1), ("before-done", 1), ("done", 1)];
        work.iter().copied().chain(uploads).chain(sent).chain(ends).collect()
    }

    /// What the store keeps for it.
    fn kept(self) -> (JobKind, JobScope) {
        let room = ConversationId { room_id: owned_room_id!("!a:h"), thread: None };
        match self {
            Self::Translate => (JobKind::TranslationMemory, JobScope::Room(room.room_id)),
            Self::Hide | Self::Undo => (JobKind::Pseudonyms, JobScope::Member(room, owned_user_id!("@awa:h"))),
            Self::Reviews | Self::Next => (JobKind::Reviews, JobScope::Conversation(room)),
            Self::Make => (JobKind::Cases, JobScope::Compagnon("made/1".to_owned())),
            Self::Cases => (JobKind::CaseResults, JobScope::Compagnon("made/1".to_owned())),
        }
    }
}

const FILE: (&str, usize) = ("file-stored", 1);
const ANSWER: (&str, usize) = ("before-answer-stored", 1);

/// How many cases a compagnon is given.
const CASES: usize = 10;

/// How many are asked at once.
const CASES_AT_ONCE: usize = 4;

fn case(number: usize, at: usize) -> String {
    format!("Quelle est l’adresse du bureau {} ?", word(number * 1_000 + at))
}

/// The cases of a compagnon: one of them fails.
fn cases(number: usize) -> KeptCases {
    let mut cases = KeptCases::default();
    for at in 0..CASES {
        cases.add(&case(number, at), if at == 3 { "mots: 1" } else { "cordialement" });
    }
    cases
}

/// A number as a word.
fn word(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(b"bcdfglmnpr"[usize::from(digit - b'0')])).collect()
}

fn passages(number: usize) -> Vec<String> {
    let text = |at: usize| format!("Le bureau transmet le dossier {} au service compétent.", word(number * 1_000 + at));
    (0..PASSAGES).map(text).collect()
}

fn names(number: usize) -> String {
    let family = format!("Ker{}", word(number));
    format!(
        "Mme Aïcha {family} demande un rendez-vous.\n\nSon numéro : 06 12 34 56 78.\n\n{family} conteste la décision."
    )
}

fn reviews(number: usize) -> String {
    let row = |at: usize| format!("Une heure d’attente au guichet, dossier {}.;3\n", word(number * 10 + at));
    format!("Description;Note\n{}", (1..=3).map(row).collect::<String>())
}

/// The file with placeholders that was made of a file with names.
fn hidden(number: usize, gateway: &FakeGateway) -> Vec<u8> {
    gateway.files_of(&Step::Hide.event(number)).into_iter().next().expect("a file was made").1
}

/// A model that says texts in capitals, and writes replies. What it is asked is kept in a file.
#[derive(Clone)]
struct Clerk {
    folder: PathBuf,
    gateway: Arc<FakeGateway>,
    asked: Arc<AtomicUsize>,
    /// Whether the room is to see how far the work is.
    shows: bool,
}

#[async_trait]
impl ChatModel for Clerk {
    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        fail::fail_point!("request");
        let asked = request.messages.last().map(|message| message.content.clone()).unwrap_or_default();
        let text = asked.split_once("Texte à traduire :\n").map(|(_, text)| text.to_owned());
        let mut file =
            fs::OpenOptions::new().create(true).append(true).open(self.folder.join("asked")).expect("a file");
        let is_case = asked.starts_with("Quelle est l’adresse");
        if let Some(text) = text.as_ref().or(is_case.then_some(&asked)) {
            file.write_all(format!("{text}\n").as_bytes()).expect("written");
        }
        let waits = self.asked.fetch_add(1, Ordering::Relaxed) == SHOWN_AT && self.shows;
        let (pieces, reader) = mpsc::channel(2);
        let gateway = Arc::clone(&self.gateway);
        tokio::spawn(async move {
            if waits {
                until(|| gateway.shown().iter().any(|shown| !shown.complete)).await;
            }
            let said = text.map_or_else(|| REPLY.to_owned(), |text| text.to_uppercase());
            let _ = pieces.send(Ok(Piece::Text(said))).await;
            let _ = pieces.send(Ok(Piece::Done(usage()))).await;
        });
        Ok(Generation::new(reader))
    }

    fn token_counter(&self) -> Arc<dyn TokenCounter> {
        Arc::new(Words(CountAccuracy::UpperBound))
    }

    fn limits(&self) -> ModelLimits {
        ModelLimits { context_length: 4_000 }
    }

    fn name(&self) -> &'static str {
        "clerk"
    }

    fn health(&self) -> Health {
        Health::Ok
    }
}

const TEST: &str = "assistant::job_kills_tests::works_and_dies";
/// What a process is told that takes up what another has left.
const RESUMES: &str = "COMPAGNON_TEST_RESUMES";
/// What a process is told that lets the room see how far the work is.
const SHOWS: &str = "COMPAGNON_TEST_SHOWS";

/// The process that dies, or goes on: it is asked for some steps, one after the other, or takes up what is left.
#[tokio::test(flavor = "multi_thread")]
async fn works_and_dies() {
    let Some(ordered) = Ordered::read() else { return };
    let folder = ordered.folder.clone();
    let (gateway, resumes) = (FakeGateway::kept_in(&folder), env::var(RESUMES).is_ok());
    gateway.let_others_in();
    Ordered::arm();
    let (asked, shows) = (Arc::default(), env::var(SHOWS).is_ok());
    let model = Clerk { folder: folder.clone(), gateway: Arc::clone(&gateway), asked, shows };
    let mut config = Config::default();
    config.limits.loop_after = u32::MAX;
    (config.limits.person, config.limits.room) = (Rate::of(10_000, 1), Rate::of(10_000, 1));
    let bench = assistant(&folder, &gateway, model, config);
    for step in &ordered.steps {
        let (name, number) = step.split_once('-').expect("a step and its number");
        let step = Step::ALL.into_iter().find(|step| step.name() == name).expect("a step");
        let message = step.message(number.parse().expect("a number"), &gateway);
        bench.assistant.intake.lifecycle.tasks.reopen();
        if resumes {
            bench.assistant.resume().await.expect("resumed");
        } else {
            bench.ask(vec![message]);
        }
        bench.rest().await;
        if step == Step::Make {
            let number: usize = number.parse().expect("a number");
            let keep = super::cases::keep(number as u64, &cases(number));
            bench.store().apply(&[keep], now()).await.expect("stored");
        }
    }
    ordered.over(&bench).await;
}

/// Runs a process for these steps. Whether it died.
fn run(folder: &Path, steps: &[(Step, usize)], point: Option<Point>, resumes: bool) -> bool {
    let flags: &[&str] = match steps {
        _ if resumes => &[RESUMES],
        [(Step::Translate, _)] => &[SHOWS],
        _ => &[],
    };
    let steps: Vec<String> = steps.iter().map(|(step, number)| format!("{}-{number}", step.name())).collect();
    Process { test: TEST, folder, steps: steps.join(" "), point, flags }.dies()
}

/// What people see of one message: the texts with their parts, and the files.
type Seen = (Vec<(usize, MessageKind, String, bool)>, Vec<(OwnedRoomId, Vec<u8>)>);

fn seen(gateway: &FakeGateway, event: &str) -> Seen {
    let mut texts: Vec<(usize, MessageKind, String, bool)> = Vec::new();
    for shown in gateway.shown().into_iter().filter(|shown| shown.question == event) {
        // How much was known already, the next process knows better.
        let text = shown.text.split(", dont ").next().unwrap_or_default().trim_end_matches('.').to_owned();
        texts.push((shown.part, shown.kind, text, shown.complete));
    }
    texts.sort_by_key(|(part, ..)| *part);
    (texts, gateway.files_of(event))
}

/// What the store keeps. In which order passages were used last is no matter.
async fn kept(folder: &Path, step: Step) -> Value {
    let store = Store::open(folder).expect("the store opens");
    let (kind, scope) = step.kept();
    let state = store.job_state(kind, &scope, now()).await.expect("readable");
    let mut content = state.map(|state| state.content).unwrap_or_default();
    if let Some(results) = content.get_mut("results").and_then(Value::as_array_mut) {
        for result in results {
            result["date"] = Value::Null;
        }
    }
    if let Some(entries) = content.get_mut("entries").and_then(Value::as_array_mut) {
        entries.sort_by_key(ToString::to_string);
    }
    content
}

/// What is counted, over all days: questions, answers and refusals of each kind of work.
async fn counted(folder: &Path) -> BTreeMap<Activity, (u64, u64, u64)> {
    let store = Store::open(folder).expect("the store opens");
    let mut sums: BTreeMap<Activity, (u64, u64, u64)> = BTreeMap::new();
    for ((_, series), counters) in store.statistics().await.expect("readable").days {
        let sum = sums.entry(series.activity).or_default();
        sum.0 += counters.questions;
        sum.1 += counters.answers;
        sum.2 += counters.refusals.values().sum::<u64>();
    }
    sums
}

/// How often each text was asked the translation of.
fn asked(folder: &Path) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    for line in fs::read_to_string(folder.join("asked")).unwrap_or_default().lines() {
        *asked.entry(line.to_owned()).or_default() += 1;
    }
    asked
}

/// What is asked again after a death at this point, and no more: what was not kept.
fn assert_asked(folder: &Path, number: usize, (point, count): (&str, usize)) {
    let asked = asked(folder);
    let answered = !["request", "memory-stored", "chunks-stored", FILE.0, ANSWER.0].contains(&point);
    for (at, passage) in passages(number).iter().enumerate() {
        let first = at < KEPT;
        let most = match point {
            "request" if count < KEPT => 2,
            "memory-stored" => 1,
            _ if first || answered => 1,
            _ => 2,
        };
        let times = asked.get(passage).copied().unwrap_or_default();
        assert!((1..=most).contains(&times), "{point} {count}: passage {at} was asked for {times} times");
    }
}

/// Of cases, those alone are asked again that were under way.
fn assert_cases_asked(folder: &Path, number: usize, (point, count): (&str, usize)) {
    let asked = asked(folder);
    let times = |at| asked.get(&case(number, at)).copied().unwrap_or_default();
    let again = (0..CASES).filter(|at| times(*at) == 2).count();
    let open = match point {
        "request" => CASES_AT_ONCE,
        "case-kept" => CASES_AT_ONCE.min(CASES - count),
        _ => 0,
    };
    assert!((0..CASES).all(|at| (1..=2).contains(&times(at))), "{point} {count}: {asked:?}");
    assert!(again <= open, "{point} {count}: {again} were asked again");
}

/// A run to which nothing happens.
async fn undisturbed(step: Step, kills: usize) -> (tempfile::TempDir, Value, BTreeMap<Activity, (u64, u64, u64)>) {
    let folder = tempfile::tempdir().expect("a folder");
    let steps = (1..=kills).flat_map(|number| step.before().into_iter().chain([step]).map(move |step| (step, number)));
    assert!(!run(folder.path(), &steps.collect::<Vec<_>>(), None, false));
    let (kept, counted) = (kept(folder.path(), step).await, counted(folder.path()).await);
    (folder, kept, counted)
}

/// So many kills at each point of a step.
async fn table(step: Step, kills: usize) {
    let (reference, expected, expected_counts) = undisturbed(step, kills).await;
    assert!(expected_counts.values().all(|(questions, ..)| *questions >= kills as u64), "{expected_counts:?}");
    let expected_seen = FakeGateway::kept_in(reference.path());
    println!("\n| {}: killed at | kills | seen as without | time |\n|---|---|---|---|", step.name());
    for point in step.points() {
        let (folder, begun) = (tempfile::tempdir().expect("a folder"), Instant::now());
        for number in 1..=kills {
            if let Some(before) = step.before() {
                assert!(!run(folder.path(), &[(before, number)], None, false));
            }
            let died = run(folder.path(), &[(step, number)], Some(point), false);
            assert!(died, "{step:?} {point:?}: the point is not on the way");
            assert!(!run(folder.path(), &[(step, number)], None, true));
            if step == Step::Translate {
                assert_asked(folder.path(), number, point);
            }
            if step == Step::Cases {
                assert_cases_asked(folder.path(), number, point);
            }
        }
        let gateway = FakeGateway::kept_in(folder.path());
        for number in 1..=kills {
            let event = step.event(number);
            let (found, wanted) = (seen(&gateway, &event), seen(&expected_seen, &event));
            assert!(!wanted.0.is_empty(), "{step:?}: nothing is said");
            assert!(found == wanted, "{step:?} {point:?} {number}: {found:#?} and not {wanted:#?}");
        }
        assert_eq!(kept(folder.path(), step).await, expected, "{step:?} {point:?}: what is kept");
        assert_eq!(counted(folder.path()).await, expected_counts, "{step:?} {point:?}: each is counted once");
        let (point, count) = point;
        println!("| {point} {count} | {kills} | {kills} | {} s |", begun.elapsed().as_secs());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translation_that_dies_is_one_file_and_asks_again_only_for_what_was_not_kept() {
    table(Step::Translate, kills()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_names_is_made_once_and_its_names_come_back_once() {
    table(Step::Hide, kills()).await;
    table(Step::Undo, kills()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_that_die_are_one_table_and_asked_again_only_where_no_answer_was_kept() {
    table(Step::Cases, kills()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_that_die_have_one_draft_each() {
    table(Step::Reviews, kills()).await;
    table(Step::Next, kills()).await;
}
