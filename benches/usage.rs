//! What counting costs: 100,000 answers over 25 months are counted, and everything is read as a page reads it.
//!
//! `cargo bench --bench usage` (or `--profile dev`). It prints and asserts nothing: times depend on the disk. `USAGE_ANSWERS` says how many.

use std::path::Path;
use std::time::{Duration, Instant};

use compagnon::message::{Content, Incoming, Item};
use compagnon::statistics::{Activity, Compagnon, Counted, Day, Outcome, Series};
use compagnon::store::{Accept, Admitted, Answer, Conclusion, Database, QueuedKind, Store};
use compagnon::usage::{AnswerUsage, Usage};

/// 25 months.
const DAYS: usize = 760;
/// The first of them.
const FIRST: u32 = 20_000;
/// Compagnons and kinds of work that are used every day.
const SERIES: usize = 8;
/// People.
const PEOPLE: usize = 2_000;

fn question(number: usize) -> Incoming {
    Incoming {
        event_id: format!("$q{number}:example.org").try_into().expect("an event id"),
        room_id: format!("!r{}:example.org", number % 200).try_into().expect("a room id"),
        sender: format!("@agent{}:example.org", number * 7 % PEOPLE).try_into().expect("a user id"),
        thread: None,
        replies_to: None,
        mentions_me: true,
        direct: false,
        sent_at: 1,
        content: Content::Text("Une question ?".to_owned()),
        name: None,
        megolm_session: None,
        edited_at: 0,
        without_call: None,
    }
}

fn conclude(database: &Database, question: &Incoming, number: usize, counting: bool, answers: usize) {
    let (compagnon, model) = (format!("compagnon{}", number % SERIES), "un-modele".to_owned());
    let day = FIRST + u32::try_from(number * DAYS / answers).expect("a day");
    let series = Series {
        compagnon: Compagnon::Library(compagnon.clone()),
        model: model.clone(),
        activity: Activity::ALL[number % SERIES % Activity::ALL.len()],
    };
    let usage = Usage { prompt_tokens: 900, cached_tokens: 300, completion_tokens: 200, ..Usage::NOTHING };
    let items = vec![Item::Markdown { text: "Une réponse.".to_owned(), links: Vec::new(), sources: Vec::new() }];
    let answer = Answer { items, draft: None, again: None, shown: Vec::new(), lost: Vec::new(), unasked: false };
    let counted =
        Counted { day: Day(day), series, outcome: Outcome::Answered, first_text_at: Some(2_000), asked: true };
    let conclusion = Conclusion {
        question,
        turns: Vec::new(),
        answer,
        changes: Vec::new(),
        usage: Some(AnswerUsage { usage, model, compagnon, compagnon_version: None }),
        counted: Some(counted).filter(|_| counting),
    };
    database.conclude(conclusion, 9_000).expect("concluded");
    database.delivered(question, 9_000).expect("delivered");
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Answers so many questions; how long each took at the median, and how large the store is then, in KiB.
fn fill(folder: &Path, answers: usize, counting: bool) -> (Duration, u64) {
    let database = Database::open(folder).expect("a store");
    let mut times = Vec::with_capacity(answers);
    for first in (0..answers).step_by(100) {
        let questions: Vec<Incoming> = (first..answers.min(first + 100)).map(question).collect();
        let admitted: Vec<Admitted> =
            questions.iter().map(|message| Admitted { message: message.clone(), kind: QueuedKind::Question }).collect();
        database.accept(&Accept { questions: &admitted, ..Accept::default() }, 1_000).expect("accepted");
        for (number, question) in (first..).zip(&questions) {
            let begun = Instant::now();
            conclude(&database, question, number, counting, answers);
            times.push(begun.elapsed());
        }
    }
    times.sort_unstable();
    (times[times.len() / 2], size(folder) / 1024)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let answers = std::env::var("USAGE_ANSWERS").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000_usize);
    let folder = tempfile::tempdir().expect("a folder");
    let plain = tempfile::tempdir().expect("a folder");
    let (without, plain_size) = fill(plain.path(), answers / 10, false);
    let begun = Instant::now();
    let (with, size) = fill(folder.path(), answers, true);
    println!(
        "{answers} answers counted in {:.1?}; one: {with:.2?} at the median, {without:.2?} without counting",
        begun.elapsed()
    );
    println!("the store has {size} KiB; a tenth of the answers without counting: {plain_size} KiB");
    let store = Store::open(folder.path()).expect("the store");
    for _ in 0..3 {
        let begun = Instant::now();
        let statistics = store.statistics().await.expect("read");
        let took = begun.elapsed();
        println!(
            "{} counters of a day and a series, {} numbers of people, read in {took:.1?}",
            statistics.days.len(),
            statistics.people.len()
        );
    }
}
