//! Something answers in the homeserver's place, or the homeserver refuses the account for a while: every answer that is known, on every
//! way by which the bot asks. Nothing is lost, nothing is doubled, and nobody is told what is not true.
//!
//! `COMPAGNON_ANSWERS=99` takes all of `answers.yaml`; `cargo test` takes one of each sort. How long each lasts: `COMPAGNON_OUTAGE` in
//! seconds. `COMPAGNON_TOGETHER`: so many bots at a time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::{
    support::{
        people::Person,
        proxy::{Fault, Page},
        room::Text,
    },
    world::{World, id_of, joined_dm, logged, number},
};

const NAME: &str = "Comment vous appelez-vous ?";
const LONG: &str = "Présentez-vous longuement.";
/// Makes the long answer last a second or two.
const SLOWLY: &str = "decode=sleep(10)";

/// One of each sort.
const SORTS: [&str; 4] = ["nginx 404", "replaced by /dev/null", "empty 200", "M_USER_SUSPENDED"];

/// All ways but the sync.
const WAYS: [(&str, &str); 7] = [
    ("PUT", "/send/"),
    ("PUT", "/sendToDevice/"),
    ("PUT", "/redact/"),
    ("POST", "/join"),
    ("GET", "/state/"),
    ("GET", "/messages"),
    ("POST", "/upload"),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_foreign_answer_loses_or_doubles_anything() {
    let world = World::shared().await;
    let pages: Vec<Page> = Page::all()
        .into_iter()
        .filter(|page| ["retry", "wait", "account"].contains(&page.means.as_str()))
        .filter(|page| number("COMPAGNON_ANSWERS", 0) > 0 || SORTS.iter().any(|sort| page.from.contains(sort)))
        .collect();
    assert!(pages.len() >= SORTS.len());
    let seconds = number("COMPAGNON_OUTAGE", 3);
    println!("| answer, for {seconds} s, then on syncs | lost | doubled | `/ready` meanwhile | the log | recovery |");
    println!("|---|---|---|---|---|---|");
    let together = number("COMPAGNON_TOGETHER", 2) as usize;
    for some in pages.chunks(together) {
        join_all(some.iter().map(|page| meets(world, page, Duration::from_secs(seconds)))).await;
    }
}

/// A bot meets this answer while it writes one of its own, is asked more, invited, and told to take something back.
async fn meets(world: &World, page: &Page, outage: Duration) {
    let (setup, proxy) = world.setup_behind_proxy().await;
    let (mut bot, id) = (world.start_with(&setup, SLOWLY), id_of(&setup));
    let awa = world.person("awa").await;
    let (room, office) = (awa.open_dm(&id).await, awa.create_room("Bureau", true, &[&id]).await);
    for room in [&room, &office] {
        awa.until_member(room, &id, "join").await;
    }
    let early = awa.ask(&room, NAME).await;
    let early_question = early.answer["question"].as_str().expect("a question").to_owned();
    let long = awa.send(&room, LONG).await;
    awa.first_text(&room, &long).await;

    let fault = Fault::Page(Arc::new(page.clone()));
    for (method, path) in WAYS {
        proxy.fault(method, path, fault.clone(), None);
    }
    let name = awa.send(&room, NAME).await;
    awa.redact(&room, &early_question).await;
    let export = awa.send(&room, "!exporter").await;
    let retention = awa.send(&office, "!conservation 20 jours").await;
    let new = awa.create_room("Nouveau", true, &[&id]).await;
    // How long it lasts is a part of it; that the bot has met it is seen below.
    let met = proxy.met();
    sleep(outage).await;
    assert!(proxy.met() > met, "{}: the bot has not met the answer", page.from);
    let ready = bot.said("/ready").expect("an answer");
    proxy.lift();
    let since = Instant::now();
    let mut questions = vec![long, name];
    for question in &questions {
        awa.answer_to(&room, question).await;
    }
    let gone = |messages: &[_]| {
        messages.iter().all(|message: &crate::support::room::Message| message.event_id != early.event_id)
    };
    awa.until(&room, "the answer taken back", |messages| gone(messages).then_some(())).await;
    let file = |messages: &[_]| {
        messages
            .iter()
            .any(|message: &crate::support::room::Message| message.file.is_some() && message.answers(&export))
    };
    awa.until(&room, "the export", |messages| file(messages).then_some(())).await;
    let kept = awa.answer_to(&office, &retention).await.body;
    awa.until_member(&new, &id, "join").await;
    let first = awa.send(&new, Text::to(&id, NAME)).await;
    awa.answer_to(&new, &first).await;

    proxy.fault("GET", "/sync", fault, None);
    questions.push(awa.send(&room, NAME).await);
    sleep(outage).await;
    proxy.lift();
    awa.answer_to(&room, &questions[2]).await;
    let recovery = since.elapsed().saturating_sub(outage);

    let (mut lost, mut doubled) = (0, 0);
    for question in &questions {
        let answers = answers(&awa, &room, question);
        (lost, doubled) = (lost + usize::from(answers == 0), doubled + answers.saturating_sub(1));
    }
    let noted = bot.log();
    let refused = noted.matches("refuses the bot's account").count();
    let tries = noted.matches("trying again").count();
    println!(
        "| {} | {lost} | {doubled} | {} {} | {refused} on the account, {tries} on tries | {:.1} s |",
        page.from,
        ready.0,
        ready.1,
        recovery.as_secs_f64()
    );
    assert_eq!((lost, doubled), (0, 0), "{}", page.from);
    assert_eq!(bot.ended(), None, "{}", page.from);
    // Whoever administers the room is told that it is done, or that nobody could check; never that they may not.
    assert!(!kept.contains("administrent ou modèrent"), "{}: {kept}", page.from);
    if page.means == "account" {
        assert!(ready.0 == 503 && ready.1.contains("account"), "{}: {ready:?}", page.from);
        assert!(refused > 0);
    }
}

/// How many answers of the model a question got.
fn answers(person: &Person, room: &str, question: &str) -> usize {
    let is_answer = |message: &crate::support::room::Message| {
        message.answers(question) && message.msgtype == "m.text" && message.complete() && !message.undecryptable
    };
    person.messages(room).iter().filter(|message| is_answer(message)).count()
}

/// A refusal of the room itself ends that answer, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_room_ends_the_answer_there() {
    let world = World::shared().await;
    let (setup, proxy) = world.setup_behind_proxy().await;
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    let room = joined_dm(&awa, &id).await;
    // What the bot says when it comes in is not what this is about.
    awa.ask(&room, NAME).await;
    let too_large = Page::all().into_iter().find(|page| page.from.contains("M_TOO_LARGE")).expect("known");
    proxy.fault("PUT", "/send/", Fault::Page(Arc::new(too_large)), None);
    let refused = awa.send(&room, NAME).await;
    logged(&bot, "could not be delivered").await;
    proxy.lift();
    let next = awa.send(&room, NAME).await;
    awa.answer_to(&room, &next).await;
    assert_eq!((answers(&awa, &room, &refused), answers(&awa, &room, &next)), (0, 1));
    assert_eq!(bot.ended(), None);
}

/// The server makes the conversation, and its answer is lost.
#[tokio::test(flavor = "multi_thread")]
async fn one_conversation_is_opened_though_the_answer_is_lost() {
    let world = World::shared().await;
    let (setup, proxy) = world.setup_behind_proxy().await;
    let (_bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    let office = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&office, &id, "join").await;
    proxy.fault("POST", "/createRoom", Fault::Lost, Some(2));
    let export = awa.send(&office, "!exporter").await;
    // Synapse gives the same answer for a while to whoever asks for everything: not before it is there.
    awa.answer_to(&office, &export).await;
    let room = awa.invitation().await;
    awa.join(&room).await;
    let file = |messages: &[crate::support::room::Message]| {
        messages.iter().any(|message| message.answers(&export) && message.file.is_some())
    };
    awa.until(&room, "the export", |messages| file(messages).then_some(())).await;
    let rooms = awa.rooms().await;
    assert_eq!(rooms.len(), 2, "the office, and one conversation: {rooms:?}");
}
