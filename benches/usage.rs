//! What counting costs: 100,000 answers over 25 months are counted, Prometheus reads what it is told of them, everything is read as a page reads it,
//! and the public page is drawn and served.
//!
//! `cargo bench --bench usage` (or `--profile dev`). It prints and asserts nothing: times depend on the disk. `USAGE_ANSWERS` says how many.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use compagnon::message::{Content, Incoming, Item};
use compagnon::page::{self, Site, Snapshot, Source, Unavailable};
use compagnon::statistics::{Activity, Compagnon, Counted, Day, Outcome, Series};
use compagnon::store::{Accept, Admitted, Answer, Conclusion, Database, QueuedKind, Store};
use compagnon::telemetry;
use compagnon::usage::{AnswerUsage, Usage};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

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

/// What the public page is drawn from: the store, on the day after the last that is counted.
struct Figures(Store);

#[async_trait]
impl Source for Figures {
    fn today(&self) -> Day {
        Day(FIRST + u32::try_from(DAYS).expect("a day"))
    }

    async fn snapshot(&self) -> Result<Snapshot, Unavailable> {
        let statistics = self.0.statistics().await.map_err(|error| Unavailable(error.to_string()))?;
        Ok(Snapshot { statistics, today: self.today(), names: BTreeMap::new() })
    }
}

/// How long an answer takes over HTTP, and how many bytes its body has.
async fn get(address: SocketAddr, path: &str) -> (Duration, usize) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("answered");
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("a head");
    (begun.elapsed(), answer.len() - head - 4)
}

/// Draws the public page by itself, then serves it: the first request reads and draws, the others are answered from what was drawn.
async fn page(store: Store) {
    let source = Arc::new(Figures(store));
    let snapshot = source.snapshot().await.expect("read");
    for _ in 0..3 {
        let begun = Instant::now();
        Site::draw(&page::Config::default(), &snapshot).expect("drawn");
        println!("every page and export drawn in {:.1?}", begun.elapsed());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(page::serve(listener, page::Config::default(), source, std::future::pending()));
    for path in ["/statistiques", "/statistics", "/statistiques.csv", "/statistiques.json"] {
        let (first, bytes) = get(address, path).await;
        let mut again = Vec::new();
        for _ in 0..50 {
            again.push(get(address, path).await.0);
        }
        again.sort_unstable();
        println!("{path}: {bytes} bytes, the first time in {first:.1?}, then in {:.1?} at the median", again[25]);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let answers = std::env::var("USAGE_ANSWERS").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000_usize);
    let folder = tempfile::tempdir().expect("a folder");
    let plain = tempfile::tempdir().expect("a folder");
    let (without, plain_size) = fill(plain.path(), answers / 10, false);
    let metrics = telemetry::record_metrics().expect("nothing else records");
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
    for _ in 0..3 {
        let begun = Instant::now();
        let gauges = store.gauges().await.expect("read");
        let text = metrics.render();
        println!(
            "a scrape: {} lines, {} bytes, {} KiB of store, in {:.1?}",
            text.lines().count(),
            text.len(),
            gauges.bytes / 1024,
            begun.elapsed()
        );
    }
    page(store).await;
}
