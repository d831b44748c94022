//! A damaged store: each opening is right, or it is refused or the damage is said. Never a silent start from nothing, never a panic.
//!
//! Each opening is a process of its own (this very program, running [`reads_the_store_that_the_environment_names`]): what ends or
//! hangs a process must not end the test.

use std::{
    collections::BTreeSet,
    env, fs,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use compagnon::{
    conversation::{Role, Turn},
    message::{Content, Incoming, Item},
    store::{Accept, Admitted, Answer, Conclusion, Database, QueuedKind},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tempfile::TempDir;

/// Names the folder to read.
const FOLDER: &str = "COMPAGNON_TEST_STORE";
/// How long an opening may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_mins(1);
/// The exit status of the reader when the store refused with a sentence.
const REFUSED: i32 = 9;

/// How often each file is damaged; more in a long run than in every build.
fn rounds() -> usize {
    crate::world::number("COMPAGNON_FLIPS", 8) as usize
}

/// The seed of this run: printed, so that a failure can be repeated with `COMPAGNON_SEED`.
fn seed() -> u64 {
    let seed = env::var("COMPAGNON_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    println!("COMPAGNON_SEED={seed}");
    seed
}

#[test]
fn a_flipped_bit_is_never_passed_over_in_silence() {
    let (base, expected) = base();
    let mut rng = StdRng::seed_from_u64(seed());
    let mut tally = Tally::default();
    for file in files(base.path()) {
        for _ in 0..rounds() {
            let copy = copy_of(base.path());
            let path = copy.path().join(&file);
            let mut bytes = fs::read(&path).unwrap();
            let Some(bit) = used_bit(&bytes, &mut rng) else { continue };
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bytes).unwrap();
            tally.add(&format!("{} bit {bit}", file.display()), read(copy.path()), &expected);
        }
    }
    tally.verdict();
}

#[test]
fn a_truncated_file_is_never_passed_over_in_silence() {
    let (base, expected) = base();
    let mut rng = StdRng::seed_from_u64(seed());
    let mut tally = Tally::default();
    for file in files(base.path()) {
        for round in 0..rounds() {
            let copy = copy_of(base.path());
            let path = copy.path().join(&file);
            let length = fs::metadata(&path).unwrap().len();
            if length == 0 {
                break;
            }
            // The first time all of it: an empty file is what a full disk likes to leave.
            let left = if round == 0 { 0 } else { rng.random_range(0..length) };
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(left).unwrap();
            tally.add(&format!("{} cut to {left} of {length}", file.display()), read(copy.path()), &expected);
        }
    }
    tally.verdict();
}

#[test]
fn a_removed_file_is_never_passed_over_in_silence() {
    let (base, expected) = base();
    let mut tally = Tally::default();
    for file in files(base.path()) {
        let copy = copy_of(base.path());
        fs::remove_file(copy.path().join(&file)).unwrap();
        tally.add(&format!("{} removed", file.display()), read(copy.path()), &expected);
    }
    let copy = copy_of(base.path());
    fs::remove_dir_all(copy.path().join("store")).unwrap();
    tally.add("store/ removed", read(copy.path()), &expected);
    tally.verdict();
}

/// Names the folder to fill until nothing can be written any more.
const FULL: &str = "COMPAGNON_TEST_FULL";

#[test]
fn a_full_disk_is_told_and_loses_nothing_that_was_acknowledged() {
    // The system's limit on a file's size is a full disk that needs no privileges: writes beyond it fail.
    for blocks in [300, 700, 1200] {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let filled = Command::new("sh")
            .args(["-c", &script])
            .arg(env::current_exe().unwrap())
            .args(["--exact", "store_faults::fills_the_store_that_the_environment_names", "--nocapture"])
            .env(FULL, folder.path())
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&filled.stdout), String::from_utf8_lossy(&filled.stderr));
        assert_eq!(filled.status.code(), Some(REFUSED), "{}: {err}", filled.status);
        let accepted: BTreeSet<&str> = out.lines().filter_map(|line| line.strip_prefix("accepted: ")).collect();
        assert!(accepted.len() > 10, "{out}");
        let begun = Instant::now();
        let store = Database::open(folder.path()).unwrap();
        let waiting = store.queued().unwrap();
        println!(
            "{} accepted within {blocks} blocks, then: {}",
            accepted.len(),
            err.lines().last().unwrap_or_default()
        );
        println!("  with room again: {} waiting, opened in {:?}", waiting.len(), begun.elapsed());
        let waiting: BTreeSet<&str> = waiting.iter().map(|queued| queued.question.event_id.as_str()).collect();
        assert!(accepted.is_subset(&waiting), "lost: {:?}", accepted.difference(&waiting));
        // One more than was acknowledged may be there: its writing failed at the very last step.
        assert!(waiting.len() <= accepted.len() + 1);
        let next = question(100_000);
        store.accept(&Accept { questions: &[admitted(next)], ..Accept::default() }, 1).unwrap();
    }
}

/// The writer: run by the test above; without a folder in the environment there is nothing to fill.
#[test]
fn fills_the_store_that_the_environment_names() {
    let Some(folder) = env::var_os(FULL) else { return };
    let fill = || -> Result<(), compagnon::store::StoreError> {
        let store = Database::open(Path::new(&folder))?;
        for number in 0..100_000 {
            let question = question(number);
            store.accept(&Accept { questions: &[admitted(question.clone())], ..Accept::default() }, 1)?;
            println!("accepted: {}", question.event_id);
        }
        Ok(())
    };
    if let Err(error) = fill() {
        eprintln!("{error}");
        std::process::exit(REFUSED);
    }
}

/// What came of an opening.
enum Outcome {
    /// What was read, one line per fact, and how many records were said to be damaged.
    Read(BTreeSet<String>, usize),
    Refused(String),
    Died(String),
    Hung,
}

/// What the openings came to.
#[derive(Default)]
struct Tally {
    right: usize,
    refused: BTreeSet<String>,
    refusals: usize,
    aside: usize,
    wrong: Vec<String>,
    slowest: Duration,
}

impl Tally {
    fn add(&mut self, fault: &str, (outcome, took): (Outcome, Duration), expected: &BTreeSet<String>) {
        self.slowest = self.slowest.max(took);
        match outcome {
            Outcome::Read(found, _) if found == *expected => self.right += 1,
            Outcome::Read(found, damaged) if damaged > 0 && found.is_subset(expected) => self.aside += 1,
            Outcome::Read(found, damaged) => {
                let missing = expected.difference(&found).count();
                let wrong = found.difference(expected).count();
                self.wrong.push(format!("{fault}: silent: {missing} missing, {wrong} wrong, {damaged} set aside"));
            }
            Outcome::Refused(sentence) => {
                self.refusals += 1;
                self.refused.insert(sentence);
            }
            Outcome::Died(how) => self.wrong.push(format!("{fault}: died: {how}")),
            Outcome::Hung => self.wrong.push(format!("{fault}: hung")),
        }
    }

    fn verdict(&self) {
        let Self { right, refusals, aside, wrong, slowest, refused } = self;
        println!("right {right}, refused {refusals}, set aside {aside}, wrong {}, slowest {slowest:?}", wrong.len());
        for sentence in refused {
            println!("  refused: {sentence}");
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }
}

/// Reads a store in a process of its own.
fn read(folder: &Path) -> (Outcome, Duration) {
    let begun = Instant::now();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "store_faults::reads_the_store_that_the_environment_names", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(fs::File::create(folder.join("out")).unwrap())
        .stderr(fs::File::create(folder.join("err")).unwrap())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return (Outcome::Hung, begun.elapsed());
        }
        thread::sleep(Duration::from_millis(2));
    };
    let took = begun.elapsed();
    let (out, err) = (fs::read_to_string(folder.join("out")).unwrap(), fs::read_to_string(folder.join("err")).unwrap());
    let outcome = match status.code() {
        Some(0) => {
            let facts = out.lines().filter_map(|line| line.strip_prefix("fact: ").map(str::to_owned)).collect();
            let damaged = out.lines().find_map(|line| line.strip_prefix("damaged: ")).expect("the reader's last line");
            Outcome::Read(facts, damaged.parse().unwrap())
        }
        Some(REFUSED) => Outcome::Refused(err.lines().last().unwrap_or_default().to_owned()),
        _ => Outcome::Died(format!("{status}: {}", err.lines().take(3).collect::<Vec<_>>().join(" | "))),
    };
    (outcome, took)
}

/// The reader: run by the other tests with the folder in the environment; without it there is nothing to read.
#[test]
fn reads_the_store_that_the_environment_names() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    match facts(Path::new(&folder)) {
        Ok(damaged) => println!("damaged: {damaged}"),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(REFUSED);
        }
    }
}

/// Prints all that [`fill`] has written, as far as it is there.
fn facts(folder: &Path) -> Result<usize, compagnon::store::StoreError> {
    let store = Database::open(folder)?;
    println!("fact: cursor {:?}", store.cursor()?);
    for queued in store.queued()? {
        println!("fact: waits {} {} {}", queued.sequence, queued.question.event_id, queued.question.text().len());
    }
    for delivery in store.undelivered()? {
        println!("fact: to be sent {} {:?}", delivery.question.event_id, delivery.sent);
    }
    let all: Vec<Incoming> = questions().collect();
    for question in &all {
        for turn in store.turns(&question.conversation())? {
            println!("fact: said {} {:?} {}", turn.event_id, turn.role, turn.content.len());
        }
        println!("fact: sent {} {}", question.event_id, store.is_own(&shown(question))?);
    }
    // Last, because it writes: what is known is not new.
    let all: Vec<Admitted> = all.into_iter().map(admitted).collect();
    let again = store.accept(&Accept { questions: &all, ..Accept::default() }, 9)?;
    for queued in again.new {
        println!("fact: would be answered again {}", queued.question.event_id);
    }
    store.damaged()
}

/// A store with a bit of everything, closed, and what is read of it.
fn base() -> (TempDir, BTreeSet<String>) {
    let folder = tempfile::tempdir().unwrap();
    fill(&Database::open(folder.path()).unwrap());
    let copy = copy_of(folder.path());
    let (Outcome::Read(expected, 0), _) = read(copy.path()) else { panic!("the undamaged store is not read") };
    assert!(expected.len() > 100 && !expected.iter().any(|fact| fact.contains("again")), "{expected:#?}");
    (folder, expected)
}

fn admitted(message: Incoming) -> Admitted {
    Admitted { message, kind: QueuedKind::Question }
}

/// The questions of eight rooms, six each.
fn questions() -> impl Iterator<Item = Incoming> {
    (0..48).map(question)
}

fn question(number: usize) -> Incoming {
    Incoming {
        event_id: format!("$q{number}:tchap.test").try_into().unwrap(),
        room_id: format!("!room{}:tchap.test", number / 6 % 8).try_into().unwrap(),
        sender: "@awa:tchap.test".try_into().unwrap(),
        thread: None,
        replies_to: None,
        mentions_me: true,
        direct: false,
        sent_at: 1,
        content: Content::Text(format!("La question {number}. {}", "Elle est longue. ".repeat(number % 40))),
        name: None,
        megolm_session: None,
        edited_at: 0,
        without_call: None,
    }
}

fn shown(question: &Incoming) -> ruma::OwnedEventId {
    format!("{}-shown", question.event_id).try_into().unwrap()
}

/// One question after the other: every third stays waiting, every third stays to be sent, the others are over.
fn fill(store: &Database) {
    for (number, question) in questions().enumerate() {
        let cursor = format!("s{number}");
        let one = &[admitted(question.clone())];
        store.accept(&Accept { next_batch: Some(&cursor), questions: one, ..Accept::default() }, 1).unwrap();
        if number % 3 == 0 {
            continue;
        }
        let turn = |role, content: &str| Turn {
            role,
            content: content.to_owned(),
            event_id: question.event_id.clone(),
            at: 2,
            asker: Some(question.sender.clone()),
            name: None,
        };
        let turns = vec![turn(Role::User, question.text()), turn(Role::Assistant, &"Voici. ".repeat(number))];
        let items = vec![Item::Markdown { text: "Voici.".to_owned(), links: Vec::new(), sources: Vec::new() }];
        let answer = Answer { items, draft: None, again: None, shown: Vec::new(), lost: Vec::new(), unasked: false };
        let conclusion =
            Conclusion { question: &question, turns, answer, changes: Vec::new(), usage: None, counted: None };
        store.conclude(conclusion, 2).unwrap().unwrap();
        if number % 3 == 1 {
            store.part_sent(&question, 0, &shown(&question), 3).unwrap();
            store.delivered(&question, 3).unwrap();
        }
    }
}

/// The store's files, relative to its folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.metadata().unwrap().len() > 0 {
                files.push(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

/// A bit where something is written: sled's file is mostly zeros.
fn used_bit(bytes: &[u8], rng: &mut StdRng) -> Option<usize> {
    const NEAR: usize = 16;
    let used = |at: usize| {
        let near: Range<usize> = at.saturating_sub(NEAR)..(at + NEAR).min(bytes.len());
        bytes[near].iter().any(|byte| *byte != 0)
    };
    (0..10_000).map(|_| rng.random_range(0..bytes.len())).find(|at| used(*at)).map(|at| at * 8 + rng.random_range(0..8))
}

fn copy_of(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in files(folder) {
        let to = copy.path().join(&file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(folder.join(&file), to).unwrap();
    }
    // sled wants its folder of large values even when there are none.
    fs::create_dir_all(copy.path().join("store/blobs")).unwrap();
    copy
}
