//! How long a question waits for the store while it does something large, with 100,000 records in it.
//!
//! `cargo bench --bench store` (or `--profile dev`). It prints and asserts nothing: times depend on the disk. What a test can hold, the
//! number of records that one transaction touches, is in `store::tests::scale`.
//!
//! A probe makes the four calls of an answer (accept, conclude, part sent, delivered) one after the other, without a pause, while a purge, the
//! replacing of a room's key and a backup run. What counts is the longest of its calls.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use compagnon::conversation::{Role, Turn};
use compagnon::message::{Content, Incoming, Item, Redaction};
use compagnon::store::{
    Accept, Acknowledgement, Admitted, Answer, Conclusion, Database, QueuedKind, Retention, Sent, Store,
};
use ruma::{OwnedEventId, OwnedRoomId};

/// Rooms of ordinary size.
const ROOMS: usize = 200;
/// Exchanges in each of them.
const EXCHANGES: usize = 80;
/// Exchanges in one large room. Each exchange is five records.
const LARGE: usize = 4_000;

fn room(number: usize) -> OwnedRoomId {
    format!("!r{number}:example.org").try_into().expect("a room id")
}

fn event(name: &str) -> OwnedEventId {
    format!("${name}:example.org").try_into().expect("an event id")
}

fn question(room_number: usize, name: &str) -> Incoming {
    Incoming {
        event_id: event(name),
        room_id: room(room_number),
        sender: "@awa:example.org".try_into().expect("a user id"),
        thread: None,
        replies_to: None,
        mentions_me: true,
        direct: false,
        sent_at: 1,
        content: Content::Text("Une question d'une longueur ordinaire, comme on en pose. ".repeat(3)),
        name: None,
        megolm_session: None,
        edited_at: 0,
        without_call: None,
    }
}

fn turns(question: &Incoming, at: u64) -> Vec<Turn> {
    let turn = |role, content: String| Turn {
        role,
        content,
        event_id: question.event_id.clone(),
        at,
        asker: Some(question.sender.clone()),
        name: None,
    };
    vec![turn(Role::User, question.text().to_owned()), turn(Role::Assistant, "Une réponse. ".repeat(40))]
}

fn answer() -> Answer {
    let items = vec![Item::Markdown { text: "Une réponse. ".repeat(40), links: Vec::new(), sources: Vec::new() }];
    Answer { items, draft: None, again: None, shown: Vec::new(), lost: Vec::new(), unasked: false }
}

fn conclusion(question: &Incoming, at: u64) -> Conclusion<'_> {
    Conclusion {
        question,
        turns: turns(question, at),
        answer: answer(),
        changes: Vec::new(),
        usage: None,
        counted: None,
    }
}

fn admitted(question: &Incoming) -> [Admitted; 1] {
    [Admitted { message: question.clone(), kind: QueuedKind::Question }]
}

/// An exchange by the core, at a time.
fn exchange(database: &Database, question: &Incoming, at: u64) {
    let batch = Accept { questions: &admitted(question), ..Accept::default() };
    database.accept(&batch, at).expect("accepted");
    database.conclude(conclusion(question, at), at).expect("concluded");
    let shown = event(&format!("a{}", question.event_id.localpart()));
    database.part_sent(question, 0, &shown, at).expect("sent");
    database.delivered(question, at).expect("delivered");
}

fn fill(folder: &Path) {
    let database = Database::open(folder).expect("a store");
    for number in 0..ROOMS {
        for exchanged in 0..EXCHANGES {
            // The first rooms are the oldest.
            exchange(&database, &question(number, &format!("q{number}.{exchanged}")), 1_000 + number as u64);
        }
    }
    for exchanged in 0..LARGE {
        exchange(&database, &question(ROOMS, &format!("large.{exchanged}")), 5_000);
    }
}

/// Resident memory of this process.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096 / (1 << 20)
}

/// The calls of an answer, over and over, with how long each took.
async fn probe(store: Store, name: &'static str, over: Arc<AtomicBool>) -> Vec<Duration> {
    let mut calls = Vec::new();
    let mut number = 0;
    while !over.load(Ordering::Relaxed) || number == 0 {
        let asked = question(ROOMS + 1, &format!("{name}{number}"));
        let shown = event(&format!("{name}a{number}"));
        let begun = Instant::now();
        store.accept(&Accept { questions: &admitted(&asked), ..Accept::default() }, 6_000).await.expect("accepted");
        calls.push(begun.elapsed());
        let begun = Instant::now();
        let delivery = store.conclude(conclusion(&asked, 6_000), 6_000).await.expect("concluded").expect("a delivery");
        calls.push(begun.elapsed());
        let begun = Instant::now();
        store.acknowledge(&delivery, 0, Acknowledgement::Sent(Sent::from(&shown)), 6_000).await.expect("sent");
        calls.push(begun.elapsed());
        let begun = Instant::now();
        store.delivered(&delivery, 6_000).await.expect("delivered");
        calls.push(begun.elapsed());
        number += 1;
    }
    calls.sort_unstable();
    calls
}

/// Runs the probe beside an operation, and prints what it met.
async fn beside<T>(store: &Store, name: &'static str, operation: impl Future<Output = T>) -> T {
    let over = Arc::new(AtomicBool::new(false));
    let probe = tokio::spawn(probe(store.clone(), name, over.clone()));
    let begun = Instant::now();
    let result = operation.await;
    let took = begun.elapsed();
    over.store(true, Ordering::Relaxed);
    let calls = probe.await.expect("the probe");
    let at = |percent: usize| calls[(calls.len() - 1) * percent / 100];
    println!(
        "{name:>12}: {took:>9.1?}; {:>6} calls beside it: median {:.2?}, 99 of 100 {:.2?}, longest {:.2?}; resident {} MiB",
        calls.len(),
        at(50),
        at(99),
        at(100),
        resident(),
    );
    result
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let given = std::env::var_os("STORE_FOLDER").map(std::path::PathBuf::from);
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = given.as_deref().unwrap_or(temporary.path());
    if !folder.join("store").exists() {
        let begun = Instant::now();
        fill(folder);
        println!("filled in {:.1?}", begun.elapsed());
    }
    let before = resident();
    let begun = Instant::now();
    let store = Store::open(folder).expect("the store");
    println!("opened in {:.1?}; resident {} MiB, before {before} MiB", begun.elapsed(), resident());
    beside(&store, "nothing", tokio::time::sleep(Duration::from_secs(2))).await;
    let (handle, runtime) = (store.clone(), tokio::runtime::Handle::current());
    let backup = tokio::task::spawn_blocking(move || handle.write_snapshot(&runtime, &[], &mut std::io::sink()));
    let records = beside(&store, "backup", backup).await.expect("it ends").expect("a snapshot");
    println!("{:>12}  {records} records", "");
    let redaction = Redaction { room_id: room(ROOMS), redacts: event("large.7") };
    let redact = async {
        let redactions = [redaction];
        let batch = Accept { redactions: &redactions, ..Accept::default() };
        assert_eq!(store.accept(&batch, 6_000).await.expect("accepted").redacted.len(), 1);
        // The key is replaced after the call, in the background: the probe goes on until that is over.
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    beside(&store, "rotation", redact).await;
    let all = Retention {
        dedup: 9_999,
        turns: 9_999,
        turns_at_most: 9_999,
        audit: 9_999,
        undecrypted: 9_999,
        memory: 9_999,
        withdrawable: 9_999,
        compagnons: 9_999,
    };
    let purged = beside(&store, "purge", store.purge(6_000, &all)).await.expect("purged");
    println!("{:>12}  {} records gone", "", purged.records);
    let tenth = Retention { turns: 6_000 - 1_020, ..all };
    let purged = beside(&store, "purge 10 %", store.purge(6_000, &tenth)).await.expect("purged");
    println!("{:>12}  {} records gone", "", purged.records);
}
