//! What people may ask about what is kept of them: that their question takes its answer with it whenever they delete it, that all of them is
//! forgotten, and that they are given all of it.

use std::sync::Arc;

use ruma::{OwnedUserId, owned_user_id};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::{
    Config,
    care_tests::redaction,
    clock::now,
    config::{Rate, Streaming},
    fakes::{FakeGateway, FakeModel, Method, incoming},
    tests::{Bench, assistant, until},
};
use crate::{
    matrix::Batch,
    message::{Incoming, MessageKind, Reaction, Redaction},
    store::{Change, Entry, Retention},
};

fn awa() -> OwnedUserId {
    owned_user_id!("@awa:h")
}

fn ben() -> OwnedUserId {
    owned_user_id!("@ben:h")
}

/// What is said grows old at once, and nothing else.
const ALL_THAT_IS_SAID: Retention = Retention {
    dedup: u64::MAX,
    turns: 0,
    turns_at_most: 0,
    audit: u64::MAX,
    undecrypted: u64::MAX,
    memory: u64::MAX,
    withdrawable: u64::MAX,
    compagnons: u64::MAX,
};

/// Many edits, and no limit on what is asked.
fn config() -> Config {
    let streaming = Streaming { enabled: true, per_second: 1_000.0, burst: 1_000.0 };
    let mut config = Config { streaming, ..Config::default() };
    config.limits.loop_after = u32::MAX;
    (config.limits.person, config.limits.room) = (Rate::of(1_000, 1), Rate::of(1_000, 1));
    config
}

fn bench(folder: &TempDir) -> Bench {
    assistant(folder.path(), &Arc::<FakeGateway>::default(), FakeModel::default(), config())
}

fn in_room(person: &OwnedUserId, event: &str, room: &str, body: &str) -> Incoming {
    let direct = room.starts_with("!with");
    Incoming { sender: person.clone(), direct, mentions_me: true, ..incoming(event, room, body) }
}

/// Nothing of an answer is left at the homeserver, of none of its edits.
fn assert_gone(bench: &Bench, way: &str) {
    let kept = bench.gateway.kept();
    assert!(kept.iter().all(|text| !text.contains("SECRET")), "{way}: {kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_deleted_after_it_was_forgotten_takes_its_answer_with_it() {
    for way in ["!oublier", "!oublier moi", "!oublier tout", "time"] {
        let folder = tempfile::tempdir().expect("a folder");
        let bench = bench(&folder);
        // Of several messages, each edited while it is written.
        bench.ask(vec![incoming("$1:h", "!a:h", &"SECRET&".repeat(1_200))]);
        bench.rest().await;
        assert!(bench.gateway.kept().iter().filter(|text| text.contains("SECRET")).count() > 1);
        if way == "time" {
            bench.assistant.purge(now() + 10, &ALL_THAT_IS_SAID).await.expect("purged");
        } else {
            for event in ["$2:h", "$3:h"] {
                bench.ask(vec![incoming(event, "!a:h", way)]);
                bench.rest().await;
            }
        }
        let conversation = incoming("$1:h", "!a:h", "").conversation();
        assert!(bench.store().turns(&conversation).await.expect("readable").is_empty(), "{way}");
        let before = bench.gateway.calls(Method::Redact);
        bench.accept(redaction("$1:h"));
        bench.rest().await;
        assert_gone(&bench, way);
        assert!(bench.store().withdrawals().await.expect("readable").is_empty(), "{way}");
        let redactions = bench.gateway.calls(Method::Redact) - before;
        // Each event once, and none twice.
        bench.accept(redaction("$1:h"));
        bench.rest().await;
        assert_eq!(bench.gateway.calls(Method::Redact) - before, redactions, "{way}");
        // What was said of the command stays.
        let said = bench.gateway.shown();
        assert_eq!(said.iter().any(|shown| shown.kind == MessageKind::Notice), way != "time", "{way}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_that_forgets_somebody_can_be_deleted_with_its_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(&folder);
    bench.ask(vec![incoming("$1:h", "!a:h", "!oublier moi")]);
    bench.rest().await;
    assert_eq!(bench.gateway.shown().len(), 1);
    bench.accept(redaction("$1:h"));
    bench.rest().await;
    assert!(bench.gateway.shown().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_written_for_who_is_forgotten_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = Arc::new(Semaphore::new(0));
    let model = FakeModel { gate: Some(Arc::clone(&gate)), ..FakeModel::default() };
    let bench = assistant(folder.path(), &Arc::default(), model, config());
    let first = in_room(&awa(), "$1:h", "!room:h", "SECRET un");
    let second = in_room(&awa(), "$2:h", "!room:h", "SECRET deux");
    let others = in_room(&ben(), "$3:h", "!other:h", "la question de Ben");
    bench.ask(vec![first, second, others]);
    until(|| bench.gateway.message_of("$1:h").is_some() && bench.gateway.message_of("$3:h").is_some()).await;
    bench.ask(vec![in_room(&awa(), "$4:h", "!with-awa:h", "!oublier moi")]);
    until(|| bench.gateway.message_of("$4:h").is_some()).await;
    gate.add_permits(10);
    bench.rest().await;
    let shown = bench.gateway.shown();
    assert!(shown.iter().all(|shown| shown.question != "$1:h" && shown.question != "$2:h"), "{shown:?}");
    assert!(shown.iter().any(|shown| shown.question == "$3:h" && shown.complete), "{shown:?}");
    assert_gone(&bench, "stopped");
    let store = bench.store();
    assert!(
        store.queued().await.expect("readable").is_empty() && store.undelivered().await.expect("readable").is_empty()
    );
    let personal = store.personal(&awa()).await.expect("readable");
    assert!(personal.exchanges.is_empty() && personal.answered.is_empty() && personal.waiting.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instruction_goes_with_who_gave_it_and_stays_when_another_gave_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(&folder);
    let room = "!room:h";
    let mut number = 0;
    let mut say = |person: OwnedUserId, body: &str| {
        number += 1;
        in_room(&person, &format!("$c{number}:h"), room, body)
    };
    let addition = || async {
        let room = incoming("$x:h", room, "").room_id;
        bench.store().room_settings(&room).await.expect("readable").addition
    };
    for (by, who, left) in [(awa(), ben(), Some("Soyez bref.")), (awa(), awa(), None), (ben(), ben(), None)] {
        bench.ask(vec![say(by, "!compagnon consigne\nSoyez bref.")]);
        bench.rest().await;
        assert_eq!(addition().await.as_deref(), Some("Soyez bref."));
        bench.ask(vec![say(who, "!oublier moi")]);
        bench.rest().await;
        assert_eq!(addition().await.as_deref(), left);
    }
}

/// One thing of each kind that a person can have without a file.
async fn have_everything(bench: &Bench) {
    let room = "!with-awa:h";
    let messages = [
        "Comment écrire à <Zoé> & l'équipe ?",
        "!retenir Je tutoie \"Zoé\".",
        "!compagnon créer Budget\nVous êtes Budget.",
        "!compagnon consigne\nSoyez <b>bref</b>.",
    ];
    for (index, body) in messages.into_iter().enumerate() {
        bench.ask(vec![in_room(&awa(), &format!("$e{index}:h"), room, body)]);
        bench.rest().await;
    }
    let target = bench.gateway.message_of("$e0:h").expect("an answer");
    let reaction = Reaction {
        room_id: incoming("$x:h", room, "").room_id,
        event_id: "$r:h".try_into().expect("an id"),
        sender: awa(),
        target,
        key: "👍".to_owned(),
    };
    bench.accept(Batch { reactions: vec![reaction], ..Batch::default() });
    bench.rest().await;
    let foreign = Entry {
        at: now(),
        by: ben(),
        room_id: incoming("$x:h", room, "").room_id,
        action: "de Ben".to_owned(),
        made: None,
    };
    bench.store().apply(&[Change::Audit(foreign)], now()).await.expect("stored");
}

/// The two files of an export, asked for under this event.
async fn exported(bench: &Bench, event: &str, body: &str) -> (Value, String) {
    bench.ask(vec![in_room(&awa(), event, "!with-awa:h", body)]);
    bench.rest().await;
    let files = bench.gateway.files_of(event);
    assert_eq!(files.len(), 2);
    let page = String::from_utf8(files[1].1.clone()).expect("text");
    (serde_json::from_slice(&files[0].1).expect("JSON"), page)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_all_of_a_person_and_marks_what_a_model_wrote() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(&folder);
    have_everything(&bench).await;
    let (file, page) = exported(&bench, "$out:h", "!exporter").await;
    assert!(file["avis"].as_str().is_some_and(|notice| notice.contains("IA")), "{file}");
    let messages = file["conversations"][0]["messages"].as_array().expect("a list");
    let marks: Vec<(&str, Option<bool>, Option<&str>)> = messages
        .iter()
        .map(|one| (one["role"].as_str().expect("a role"), one["généré"].as_bool(), one["modèle"].as_str()))
        .collect();
    assert_eq!(marks, [("user", None, None), ("assistant", Some(true), Some("fake"))]);
    assert!(messages.iter().all(|one| one["at"].is_string()));
    for (list, count) in [("memory", 1), ("instructions", 1), ("compagnons", 1), ("ratings", 1)] {
        assert_eq!(file[list].as_array().map(Vec::len), Some(count), "{list}: {file}");
    }
    assert_eq!(file["instructions"][0]["text"], "Soyez <b>bref</b>.");
    assert_eq!(file["instructions"][0]["room"], "!with-awa:h");
    assert_eq!(file["counted_this_week"], true);
    assert!(file["answered"].as_array().is_some_and(|commands| commands.len() >= 3), "{file}");
    assert!(!file.to_string().contains("Ben"));

    // The page says the same to people.
    assert!(page.starts_with("<!doctype html>\n<html lang=\"fr\">"), "{page}");
    for text in [
        "Comment écrire à &lt;Zoé&gt; &amp; l&#39;équipe ?",
        "Soyez &lt;b&gt;bref&lt;/b&gt;.",
        "Je tutoie &quot;Zoé&quot;.",
        "Vous êtes Budget.",
        "modèle fake",
        "compagnon créé",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(
        !page.contains("<script") && !page.contains("http://") && !page.contains("https://") && !page.contains("Ben")
    );
    let count = |mark: &str| page.matches(mark).count();
    assert_eq!((count("<h1>"), count("<main>"), count("</html>")), (1, 1, 1));
    assert_eq!(count("<h2 id="), count("<li><a href=\"#s"), "each section is in the contents");
    assert_eq!(count("<article>"), count("</article>"));

    // In English where the room speaks it, or who asks.
    let (file, page) = exported(&bench, "$en:h", "!export").await;
    assert!(
        page.contains("<html lang=\"en\">") && page.contains("answer of an AI, to be checked (model fake)"),
        "{page}"
    );
    assert!(file["avis"].as_str().is_some_and(|notice| notice.contains("AI")));

    // Deleting the command takes both files back.
    let deleted = Redaction {
        room_id: incoming("$x:h", "!with-awa:h", "").room_id,
        redacts: incoming("$en:h", "!a:h", "").event_id,
    };
    bench.accept(Batch { redactions: vec![deleted], ..Batch::default() });
    bench.rest().await;
    assert!(bench.gateway.files_of("$en:h").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_all_is_forgotten_an_export_holds_what_was_said_to_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(&folder);
    have_everything(&bench).await;
    bench.ask(vec![in_room(&awa(), "$forget:h", "!with-awa:h", "!oublier moi")]);
    bench.rest().await;
    let (file, _) = exported(&bench, "$out:h", "!exporter").await;
    for list in
        ["conversations", "answered", "waiting", "under_way", "memory", "instructions", "documents", "ratings", "jobs"]
    {
        assert_eq!(file[list].as_array().map(Vec::len), Some(0), "{list}: {file}");
    }
    assert_eq!((&file["told_that_this_is_an_ai_at"], &file["counted_this_week"]), (&Value::Null, &Value::Bool(false)));
    assert_eq!(file["compagnons"].as_array().map(Vec::len), Some(1));
    assert!(file["commands"].as_array().is_some_and(|lines| !lines.is_empty()));
}
