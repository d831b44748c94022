//! Items that are no texts: files and calls to services arrive once, whatever fails on the way and however often the process dies.
//!
//! The long run of the kills: `COMPAGNON_KILLS=20 cargo test --lib items_tests -- --nocapture`.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use ruma::OwnedRoomId;

use super::{
    Config,
    courier::NoticePriority,
    fakes::{FakeGateway, FakeModel, Method, incoming},
    kill_bench::{Ordered, died, kills},
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

/// A text for another room, one for the main line of the question's, and the sentence that says so.
fn posts(number: u64) -> Vec<Item> {
    let post = |room: Option<&str>| {
        let room_id = room.map(|room| room.try_into().expect("a room"));
        Item::Post(Post { room_id, text: format!("Note {number}"), links: Vec::new() })
    };
    vec![post(Some("!b:h")), post(None), notice()]
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
    Ordered::arm();
    let gateway = FakeGateway::kept_in(Path::new(&folder));
    let bench = bench(Path::new(&folder), &gateway, &url);
    if let Ok(number) = env::var("COMPAGNON_TEST_NUMBER") {
        let number: u64 = number.parse().expect("a number");
        let thread = Some("$root:h".try_into().expect("an id"));
        let question = Incoming { thread, ..incoming(&format!("${number}:h"), "!a:h", "x") };
        let items = match env::var("COMPAGNON_TEST_ITEMS").as_deref() {
            Ok("once") => once(number),
            Ok("posts") => posts(number),
            _ => vec![egress(number), notice()],
        };
        conclude(&bench, &question, items).await;
    } else {
        bench.assistant.resume().await.expect("resumed");
    }
    bench.rest().await;
    assert!(is_over(&bench).await);
    fs::write(Path::new(&folder).join("over"), "").expect("written");
}

/// A process that dies the first time that it comes past a point.
fn child(items: &str, folder: &Path, url: &str, number: Option<u64>, point: Option<&str>) -> Child {
    child_at(items, folder, url, number, point.map(|point| (point, 1)))
}

/// The same, with the time at which it dies there.
fn child_at(items: &str, folder: &Path, url: &str, number: Option<u64>, point: Option<(&str, u64)>) -> Child {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", "assistant::items_tests::delivers_and_dies"]);
    command.env("COMPAGNON_TEST_FOLDER", folder).env("COMPAGNON_TEST_URL", url).env("COMPAGNON_TEST_ITEMS", items);
    if let Some(number) = number {
        command.env("COMPAGNON_TEST_NUMBER", number.to_string());
    }
    if let Some((point, time)) = point {
        command.env("COMPAGNON_TEST_POINT", format!("{point} {time}"));
    }
    let _ = fs::remove_file(folder.join("over"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started")
}

/// What people see in answer to a question, in order.
fn said(gateway: &FakeGateway, number: u64) -> Vec<String> {
    let of_it = gateway.shown().into_iter().filter(|shown| shown.question == format!("${number}:h"));
    of_it.map(|shown| shown.text).collect()
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
        let mut dying = child("call", folder.path(), &server.url, Some(asked), point);
        if point.is_none() {
            while server.calls().len() == before {
                std::thread::sleep(Duration::from_millis(5));
            }
            dying.kill().expect("killed");
        }
        killed += u64::from(died(dying.wait().expect("it ends")));
        // What was not written down is nobody's call yet: the command would be carried out again.
        let over = folder.path().join("over");
        let seen = |number: u64| server.calls().iter().any(|call| call.body == format!("{{\"number\":{number}}}"));
        let again = (point == Some("before-answer-stored") && !seen(asked)).then_some(asked);
        let status = child("call", folder.path(), &server.url, again, None).wait().expect("it ends");
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
    let gateway = FakeGateway::kept_in(folder.path());
    for number in 1..=asked {
        assert_eq!(said(&gateway, number), ["C'est fait."], "{name}: what is said of call {number}");
    }
    println!(
        "| {name} | {killed} | {asked} | {calls} | {} | {lost} | {doubled} | {} s |",
        calls - asked.min(calls),
        begun.elapsed().as_secs()
    );
    assert_eq!((lost, doubled), (0, 0), "{name}");
}

#[test]
fn however_often_the_process_dies_a_call_is_lost_never_and_done_once() {
    let kills = kills() as u64;
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

/// A point, and which of the times that the process comes past there.
type Point = (&'static str, u64);

/// The points between a question and the end of its call to a service that does not honour keys and of the sentence with the link, which of the
/// times that it comes past there, and how often the call may have been made.
const ONCE: [(Point, &[Answer], std::ops::RangeInclusive<usize>); 13] = [
    (("before-answer-stored", 1), &[], 1..=1),
    (("answer-stored", 1), &[], 1..=1),
    (("before-call-once", 1), &[], 1..=1),
    // Nothing has left, and nobody knows: it is said, and not made again.
    (("call-noted", 1), &[], 0..=0),
    (("after-call-once", 1), &[], 1..=1),
    (("after-call-once", 1), &[Answer::Wait(0)], 1..=1),
    (("after-call-once", 1), &[Answer::Status(500)], 1..=1),
    (("part-recorded", 1), &[], 1..=1),
    (("before-put", 1), &[], 1..=1),
    (("after-put", 1), &[], 1..=1),
    (("part-recorded", 2), &[], 1..=1),
    (("before-done", 1), &[], 1..=1),
    (("done", 1), &[], 1..=1),
];

/// So many kills at a point of a call that is made once: never twice, and the person knows what became of it.
fn once_row(point: (&str, u64), answers: &[Answer], made: &std::ops::RangeInclusive<usize>, kills: u64) {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), FakeService::start());
    let begun = Instant::now();
    for number in 1..=kills {
        server.answer(answers.iter().copied());
        let dying = child_at("once", folder.path(), &server.url, Some(number), Some(point)).wait().expect("it ends");
        assert!(died(dying), "{point:?}: the point is not on the way");
        let seen = || server.calls().iter().filter(|call| call.body == format!("{{\"number\":{number}}}")).count();
        let again = (point.0 == "before-answer-stored").then_some(number);
        let status = child("once", folder.path(), &server.url, again, None).wait().expect("it ends");
        assert!(!died(status), "{point:?}: the next process does not come to its end");
        assert!(made.contains(&seen()), "{point:?}: made {} times", seen());
    }
    let gateway = FakeGateway::kept_in(folder.path());
    let (mut unknown, mut told) = (0, 0);
    for number in 1..=kills {
        let said = said(&gateway, number);
        let [said] = said.as_slice() else { panic!("{point:?}: said of call {number}: {said:?}") };
        unknown += usize::from(*said == Text::Documented(Documented::Unknown).say(Language::Fr));
        told += usize::from(said.as_str() == "Voici : [document](https://docs.example/)");
    }
    let (calls, (name, time)) = (server.calls().len(), point);
    println!(
        "| {name} {time} {answers:?} | {kills} | {calls} | 0 | {unknown} | {told} | {} s |",
        begun.elapsed().as_secs()
    );
    assert!(unknown + told == kills as usize, "{point:?}: {unknown} and {told} of {kills}");
}

#[test]
fn however_often_the_process_dies_a_call_that_is_made_once_is_never_made_twice() {
    let kills = kills() as u64;
    println!(
        "\n| call made once, with its link: killed at | kills | calls | doubled | said to be unknown | link told | time |\n|---|---|---|---|---|---|---|"
    );
    for (point, answers, made) in ONCE {
        once_row(point, answers, &made, kills);
    }
}

/// The points between a question and the end of the texts that it has posted elsewhere, and which of the times that it comes past there.
const POSTS: [Point; 13] = [
    ("before-answer-stored", 1),
    ("answer-stored", 1),
    ("before-put", 1),
    ("after-put", 1),
    ("part-recorded", 1),
    ("before-put", 2),
    ("after-put", 2),
    ("part-recorded", 2),
    ("before-put", 3),
    ("after-put", 3),
    ("part-recorded", 3),
    ("before-done", 1),
    ("done", 1),
];

#[test]
fn however_often_the_process_dies_a_text_for_another_place_stands_there_once() {
    let kills = kills() as u64;
    println!("\n| text elsewhere: killed at | kills | lost | doubled | time |\n|---|---|---|---|---|");
    for point in POSTS {
        let (folder, begun, nowhere) = (tempfile::tempdir().expect("a folder"), Instant::now(), "http://127.0.0.1:9/");
        for number in 1..=kills {
            let dying = child_at("posts", folder.path(), nowhere, Some(number), Some(point)).wait().expect("it ends");
            assert!(died(dying), "{point:?}: the point is not on the way");
            let again = (point.0 == "before-answer-stored").then_some(number);
            let status = child("posts", folder.path(), nowhere, again, None).wait().expect("it ends");
            assert!(!died(status), "{point:?}: the next process does not come to its end");
        }
        let gateway = FakeGateway::kept_in(folder.path());
        for number in 1..=kills {
            let note = format!("Note {number}");
            assert_eq!(said(&gateway, number), [note.as_str(), note.as_str(), "C'est fait."], "{point:?}");
            let [there, here]: [OwnedRoomId; 2] = ["!b:h", "!a:h"].map(|room| room.try_into().expect("a room"));
            assert_eq!(gateway.rooms_of(&format!("${number}:h")), [there, here], "{point:?}");
        }
        println!("| {} {} | {kills} | 0 | 0 | {} s |", point.0, point.1, begun.elapsed().as_secs());
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
