//! Items that are no texts: files and calls to services arrive once, whatever fails on the way and however often the process dies.
//!
//! The long run of the kills: `COMPAGNON_KILLS=20 cargo test --lib items_tests -- --nocapture`.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{self, Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Config,
    courier::NoticePriority,
    fakes::{FakeGateway, FakeModel, Method, incoming},
    tests::{Bench, assistant_with},
    texts::{Documented, Language, Text},
};
use crate::{
    matrix::{Batch, SendError},
    message::{Egress, FileRef, Incoming, Item, Linked, Post, Redaction},
    services::fake::{Answer, FakeService},
    store::{Accept, Admitted, QueuedKind},
};

/// An assistant that knows one service, `docs`. A call of it may take a second.
fn bench(folder: &Path, gateway: &Arc<FakeGateway>, url: &str) -> Bench {
    let services = serde_yaml::from_str(&format!("docs: {{url: '{url}', timeout: 1s}}")).expect("a section");
    assistant_with(folder, gateway, FakeModel::default(), Config::default(), &services)
}

/// Answers a question with these items.
async fn conclude(bench: &Bench, question: &Incoming, items: Vec<Item>) {
    let store = bench.store();
    let admitted = [Admitted { message: question.clone(), kind: QueuedKind::Question }];
    store.accept(&Accept { questions: &admitted, ..Accept::default() }, super::now()).await.expect("stored");
    let queued = store.begin(question).await.expect("readable").expect("it waits");
    bench.assistant.intake.courier.notify(&queued, items, Vec::new(), NoticePriority::Owed).await.expect("on its way");
}

fn egress(number: u64) -> Item {
    let (service, idempotency_key) = ("docs".to_owned(), format!("key-{number}"));
    Item::Egress(Egress { service, idempotency_key, body: format!("{{\"number\":{number}}}"), once: false })
}

/// A call to a service that does not honour keys, and the sentence with the link to what it made.
fn once(number: u64) -> Vec<Item> {
    let (service, idempotency_key) = ("docs".to_owned(), format!("key-{number}"));
    let call = Egress { service, idempotency_key, body: format!("{{\"number\":{number}}}"), once: true };
    let (text, site) = ("Voici : [document]({link})".to_owned(), "https://docs.example".to_owned());
    vec![Item::Egress(call), Item::Linked(Linked { text, site })]
}

fn notice() -> Item {
    Item::Notice { text: "C'est fait.".to_owned() }
}

async fn file(bench: &Bench, question: &Incoming, room: Option<&str>) -> Item {
    let store = bench.store();
    let file =
        store.put_file(&question.room_id, "a.json", "application/json", b"{\"a\":1}".to_vec(), super::now()).await;
    let room_id = room.map(|room| room.try_into().expect("a room"));
    Item::File(FileRef { room_id, ..file.expect("stored") })
}

fn texts(gateway: &FakeGateway) -> Vec<String> {
    gateway.shown().into_iter().map(|shown| shown.text).collect()
}

async fn is_over(bench: &Bench) -> bool {
    bench.store().undelivered().await.expect("readable").is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_made_before_it_is_told_and_again_until_it_is_answered() {
    let (folder, gateway, server) = (tempfile::tempdir().expect("a folder"), Arc::default(), FakeService::start());
    let bench = bench(folder.path(), &gateway, &server.url);
    server.answer([Answer::Status(503), Answer::Wait(0), Answer::Cut]);
    conclude(&bench, &incoming("$1:h", "!a:h", "x"), vec![egress(1), notice()]).await;
    bench.rest().await;
    let calls = server.calls();
    assert_eq!(calls.len(), 4, "three tries and the one that counts");
    assert!(calls.iter().all(|call| call.key == "key-1" && call.body == "{\"number\":1}"));
    assert_eq!(texts(&gateway), ["C'est fait."]);
    assert!(is_over(&bench).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_refuses_is_said_and_what_rests_on_it_is_not() {
    let (folder, gateway, server) = (tempfile::tempdir().expect("a folder"), Arc::default(), FakeService::start());
    let bench = bench(folder.path(), &gateway, &server.url);
    server.answer([Answer::Status(422)]);
    conclude(&bench, &incoming("$1:h", "!a:h", "x"), vec![egress(1), notice()]).await;
    bench.rest().await;
    let refused = Text::ServiceRefused { service: "docs".into() }.say(Language::Fr).into_owned();
    assert_eq!((texts(&gateway), server.calls().len()), (vec![refused], 1));
    assert!(is_over(&bench).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_uploaded_once_and_its_message_is_tried_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    let unreachable = || SendError::Unreachable("502".to_owned());
    gateway.fail(Method::SendFile, [unreachable(), unreachable()]);
    *gateway.losses.lock().expect("not poisoned") = 1;
    let bench = bench(folder.path(), &gateway, "http://127.0.0.1:9/");
    let question = incoming("$1:h", "!a:h", "x");
    let file = file(&bench, &question, Some("!b:h")).await;
    conclude(&bench, &question, vec![file, notice()]).await;
    bench.rest().await;
    assert_eq!(gateway.uploads(), 1);
    assert_eq!(gateway.files(), [("!b:h".try_into().expect("a room"), b"{\"a\":1}".to_vec())]);
    let shown = gateway.shown();
    assert_eq!((shown.len(), shown[0].part), (1, 1));
    assert!(is_over(&bench).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_too_large_or_refused_is_told_and_not_announced() {
    for (limit, error, said) in [
        (3, None, Text::FileTooLarge { most: 3 }),
        (1_000, Some(Method::Upload), Text::FileFailed),
        (1_000, Some(Method::SendFile), Text::FileFailed),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let gateway = Arc::<FakeGateway>::default();
        gateway.limit_uploads(limit);
        if let Some(method) = error {
            gateway.fail(method, [SendError::Refused("no".to_owned())]);
        }
        let bench = bench(folder.path(), &gateway, "http://127.0.0.1:9/");
        let question = incoming("$1:h", "!a:h", "x");
        let file = file(&bench, &question, Some("!b:h")).await;
        conclude(&bench, &question, vec![file, notice()]).await;
        bench.rest().await;
        assert_eq!(texts(&gateway), [said.say(Language::Fr)]);
        assert!(gateway.files().is_empty() && is_over(&bench).await);
    }
}

/// Taking the question back takes the file back, in whatever room it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_with_its_question() {
    for room in [None, Some("!b:h")] {
        let folder = tempfile::tempdir().expect("a folder");
        let gateway = Arc::<FakeGateway>::default();
        let bench = bench(folder.path(), &gateway, "http://127.0.0.1:9/");
        let question = incoming("$1:h", "!a:h", "x");
        let file = file(&bench, &question, room).await;
        conclude(&bench, &question, vec![file, notice()]).await;
        bench.rest().await;
        assert_eq!(gateway.files().len(), 1);
        let redaction = Redaction { room_id: question.room_id.clone(), redacts: question.event_id.clone() };
        bench.accept(Batch { redactions: vec![redaction], ..Batch::default() });
        bench.rest().await;
        assert!(gateway.files().is_empty() && gateway.shown().is_empty(), "{room:?}");
        assert!(bench.store().withdrawals().await.expect("readable").is_empty(), "{room:?}");
    }
}

/// The points between a question and the end of its call.
const POINTS: [&str; 7] =
    ["before-answer-stored", "answer-stored", "before-call", "after-call", "part-recorded", "before-done", "done"];

/// What a service does that is not at its best, and where the process then dies. Without a point: while the call is under way.
const MOODS: [(&str, &[Answer], Option<&str>); 4] = [
    ("answers after the kill", &[Answer::Slow(Duration::from_millis(900))], None),
    ("answers twice, killed after the second", &[Answer::Cut], Some("after-call")),
    ("fails, then answers, killed after that", &[Answer::Status(503)], Some("after-call")),
    ("is too slow, and done twice at a time", &[Answer::Slow(Duration::from_millis(1_500))], Some("after-call")),
];

/// The process that dies: answers a question with a call, or delivers what an earlier one has left.
#[tokio::test(flavor = "multi_thread")]
async fn delivers_and_dies() {
    let Ok(folder) = env::var("COMPAGNON_TEST_FOLDER") else { return };
    let url = env::var("COMPAGNON_TEST_URL").expect("an address");
    if let Ok(point) = env::var("COMPAGNON_TEST_POINT") {
        fail::cfg_callback(point, || process::abort()).expect("a point");
    }
    let gateway = Arc::<FakeGateway>::default();
    let bench = bench(Path::new(&folder), &gateway, &url);
    if let Ok(number) = env::var("COMPAGNON_TEST_NUMBER") {
        let number: u64 = number.parse().expect("a number");
        let question = incoming(&format!("${number}:h"), "!a:h", "x");
        let items = if env::var("COMPAGNON_TEST_ONCE").is_ok() { once(number) } else { vec![egress(number), notice()] };
        conclude(&bench, &question, items).await;
    } else {
        bench.assistant.resume().await.expect("resumed");
    }
    bench.rest().await;
    assert!(is_over(&bench).await);
    fs::write(Path::new(&folder).join("over"), texts(&gateway).join("\n")).expect("written");
}

fn child(folder: &Path, url: &str, number: Option<u64>, point: Option<&str>) -> Child {
    started(Command::new(env::current_exe().expect("this program")), folder, url, number, point)
}

/// The same, for a call that is made once.
fn once_child(folder: &Path, url: &str, number: Option<u64>, point: Option<&str>) -> Child {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.env("COMPAGNON_TEST_ONCE", "1");
    started(command, folder, url, number, point)
}

fn started(mut command: Command, folder: &Path, url: &str, number: Option<u64>, point: Option<&str>) -> Child {
    command.args(["--exact", "assistant::items_tests::delivers_and_dies"]);
    command.env("COMPAGNON_TEST_FOLDER", folder).env("COMPAGNON_TEST_URL", url);
    if let Some(number) = number {
        command.env("COMPAGNON_TEST_NUMBER", number.to_string());
    }
    if let Some(point) = point {
        command.env("COMPAGNON_TEST_POINT", point);
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started")
}

/// Whether it died by a signal; otherwise it must have come to its end.
fn died(status: ExitStatus) -> bool {
    assert!(status.success() || status.signal().is_some(), "it ended by itself: {status}");
    status.signal().is_some()
}

/// One row of the table: so many kills, each with a call of its own, and after each a process that goes on.
fn row(name: &str, answers: &[Answer], point: Option<&str>, kills: u64) {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), FakeService::start());
    let (begun, mut killed, mut asked) = (Instant::now(), 0, 0);
    while killed < kills {
        asked += 1;
        assert!(asked <= 2 * kills, "{name}: the point is not on the way");
        server.answer(answers.iter().copied());
        let before = server.calls().len();
        let mut dying = child(folder.path(), &server.url, Some(asked), point);
        if point.is_none() {
            while server.calls().len() == before {
                std::thread::sleep(Duration::from_millis(5));
            }
            dying.kill().expect("killed");
        }
        killed += u64::from(died(dying.wait().expect("it ends")));
        // What was not written down is nobody's call yet: the command would be carried out again.
        let over = folder.path().join("over");
        let _ = fs::remove_file(&over);
        let seen = |number: u64| server.calls().iter().any(|call| call.body == format!("{{\"number\":{number}}}"));
        let again = (point == Some("before-answer-stored") && !seen(asked)).then_some(asked);
        let status = child(folder.path(), &server.url, again, None).wait().expect("it ends");
        assert!(!died(status) && over.exists(), "{name}: the next process does not come to its end");
    }
    // An honest service does what one key asks for once.
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for call in server.calls() {
        keys.entry(call.body).or_default().insert(call.key);
    }
    let calls = server.calls().len() as u64;
    let lost = (1..=asked).filter(|number| !keys.contains_key(&format!("{{\"number\":{number}}}"))).count();
    let doubled = keys.values().filter(|keys| keys.len() > 1).count();
    println!(
        "| {name} | {killed} | {asked} | {calls} | {} | {lost} | {doubled} | {} s |",
        calls - asked.min(calls),
        begun.elapsed().as_secs()
    );
    assert_eq!((lost, doubled), (0, 0), "{name}");
}

#[test]
fn however_often_the_process_dies_a_call_is_lost_never_and_done_once() {
    let kills = env::var("COMPAGNON_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(1);
    println!(
        "\n| call: killed at | kills | asked | calls | repeated | lost | doubled | time |\n|---|---|---|---|---|---|---|---|"
    );
    for point in POINTS {
        row(point, &[], Some(point), kills);
    }
    for (mood, answers, point) in MOODS {
        row(mood, answers, point, kills);
    }
}

/// The points between a question and the end of its call to a service that does not honour keys, and how often the call may have been made.
const ONCE: [(&str, &[Answer], std::ops::RangeInclusive<usize>); 10] = [
    ("before-answer-stored", &[], 1..=1),
    ("answer-stored", &[], 1..=1),
    ("before-call-once", &[], 1..=1),
    // Nothing has left, and nobody knows: it is said, and not made again.
    ("call-noted", &[], 0..=0),
    ("after-call-once", &[], 1..=1),
    ("after-call-once", &[Answer::Wait(0)], 1..=1),
    ("after-call-once", &[Answer::Status(500)], 1..=1),
    ("part-recorded", &[], 1..=1),
    ("before-done", &[], 1..=1),
    ("done", &[], 1..=1),
];

/// So many kills at a point of a call that is made once: never twice, and the person knows what became of it.
fn once_row(point: &str, answers: &[Answer], made: &std::ops::RangeInclusive<usize>, kills: u64) {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), FakeService::start());
    let begun = Instant::now();
    let (mut unknown, mut told) = (0, 0);
    for number in 1..=kills {
        server.answer(answers.iter().copied());
        let dying = once_child(folder.path(), &server.url, Some(number), Some(point)).wait().expect("it ends");
        assert!(died(dying), "{point}: the point is not on the way");
        let over = folder.path().join("over");
        let _ = fs::remove_file(&over);
        let seen = || server.calls().iter().filter(|call| call.body == format!("{{\"number\":{number}}}")).count();
        let again = (point == "before-answer-stored").then_some(number);
        let status = once_child(folder.path(), &server.url, again, None).wait().expect("it ends");
        assert!(!died(status), "{point}: the next process does not come to its end");
        assert!(made.contains(&seen()), "{point}: made {} times", seen());
        let said = fs::read_to_string(&over).expect("what was said");
        unknown += usize::from(said.contains(&*Text::Documented(Documented::Unknown).say(Language::Fr)));
        told += usize::from(said.contains("Voici : "));
    }
    let calls = server.calls().len();
    println!("| {point} {answers:?} | {kills} | {calls} | 0 | {unknown} | {told} | {} s |", begun.elapsed().as_secs());
    let last = ["part-recorded", "before-done", "done"].contains(&point);
    assert!(last || unknown + told == kills as usize, "{point}: {unknown} and {told} of {kills}");
}

#[test]
fn however_often_the_process_dies_a_call_that_is_made_once_is_never_made_twice() {
    let kills = env::var("COMPAGNON_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(1);
    println!(
        "\n| call made once: killed at | kills | calls | doubled | said to be unknown | link told | time |\n|---|---|---|---|---|---|---|"
    );
    for (point, answers, made) in ONCE {
        once_row(point, answers, &made, kills);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_for_another_place_stands_there_and_goes_with_its_question() {
    for (room, place) in [(None, "!a:h"), (Some("!b:h"), "!b:h")] {
        let folder = tempfile::tempdir().expect("a folder");
        let gateway = Arc::<FakeGateway>::default();
        // Its answer is lost on the way: it is sent again under the same transaction id.
        *gateway.losses.lock().expect("not poisoned") = 1;
        let bench = bench(folder.path(), &gateway, "http://127.0.0.1:9/");
        let thread = Some("$root:h".try_into().expect("an id"));
        let question = Incoming { thread, ..incoming("$1:h", "!a:h", "x") };
        let room_id = room.map(|room| room.try_into().expect("a room"));
        conclude(&bench, &question, vec![Item::Post(Post { room_id, text: "Note".to_owned(), links: Vec::new() })])
            .await;
        bench.rest().await;
        assert_eq!(
            (texts(&gateway), gateway.rooms_of("$1:h")),
            (vec!["Note".to_owned()], vec![place.try_into().expect("a room")])
        );
        assert_eq!(gateway.thread_of("$1:h"), None, "it stands in the main line");
        let redaction = Redaction { room_id: question.room_id.clone(), redacts: question.event_id.clone() };
        bench.accept(Batch { redactions: vec![redaction], ..Batch::default() });
        bench.rest().await;
        assert!(gateway.shown().is_empty(), "{room:?}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    gateway.fail(Method::Send, [SendError::Refused("no".to_owned())]);
    let bench = bench(folder.path(), &gateway, "http://127.0.0.1:9/");
    let post = Item::Post(Post { room_id: None, text: "Note".to_owned(), links: Vec::new() });
    conclude(&bench, &incoming("$1:h", "!a:h", "x"), vec![post, notice()]).await;
    bench.rest().await;
    assert_eq!(texts(&gateway), [Text::Documented(Documented::NotPosted).say(Language::Fr)]);
}
