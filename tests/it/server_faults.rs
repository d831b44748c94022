//! The homeserver misbehaves: each fault is put between one bot and the good homeserver of all, and every question still gets one answer.
//!
//! How long the outages last: `COMPAGNON_OUTAGE` in seconds; `cargo test` takes short ones. The recovery times are printed, not judged.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    support::{
        bot::Bot,
        people::{PATIENCE, Person},
        proxy::{Fault, Proxy, each},
        room::Text,
    },
    world::{World, assert_answered_once, id_of, joined_dm, number},
};

const NAME: &str = "Comment vous appelez-vous ?";
const LONG: &str = "Présentez-vous longuement.";
/// Makes the long answer last a second or two.
const SLOWLY: &str = "decode=sleep(10)";
pub const DAY: i64 = 24 * 3_600_000;
const YEAR: i64 = 365 * DAY;

fn outage() -> Duration {
    Duration::from_secs(number("COMPAGNON_OUTAGE", 3))
}

/// A bot behind its proxy, and somebody in a direct conversation with it.
struct Behind {
    proxy: Proxy,
    bot: Bot,
    id: String,
    awa: Person,
    room: String,
    questions: Vec<String>,
}

impl Behind {
    async fn new() -> Self {
        let world = World::shared().await;
        let (setup, proxy) = world.setup_behind_proxy().await;
        let (bot, id) = (world.start_with(&setup, SLOWLY), id_of(&setup));
        let awa = world.person("awa").await;
        let room = joined_dm(&awa, &id).await;
        Self { proxy, bot, id, awa, room, questions: Vec::new() }
    }

    async fn ask(&mut self, text: &str) -> String {
        let question = self.awa.send(&self.room, text).await;
        self.questions.push(question.clone());
        question
    }

    /// Waits for every answer, checks all of the room, and prints what became of the last question.
    async fn recovered(&mut self, what: &str, since: Instant) {
        let mut last = None;
        for question in &self.questions {
            last = Some(self.awa.answer_to(&self.room, question).await);
        }
        let took = since.elapsed();
        let last = last.expect("a question");
        assert!(last.body.contains("Témoin"), "{what}: {last:#?}");
        assert_answered_once(&self.awa, &self.room, &self.id, &self.questions);
        println!("| {what} | one answer to each question | {:.1} s |", took.as_secs_f64());
    }

    /// A fault that lasts, begun while an answer is being written: a second question is asked meanwhile.
    async fn lasting(&mut self, what: &str, faults: &[(&'static str, &str, Fault)]) {
        let long = self.ask(LONG).await;
        self.awa.first_text(&self.room, &long).await;
        for &(method, path, ref fault) in faults {
            self.proxy.fault(method, path, fault.clone(), None);
        }
        self.ask(NAME).await;
        let met = self.proxy.met();
        // How long the fault lasts is a part of it; that the bot has met it is seen below.
        sleep(outage()).await;
        assert!(self.proxy.met() > met, "{what}: the bot has not met the fault");
        self.proxy.lift();
        self.recovered(what, Instant::now()).await;
    }

    /// A fault that some requests meet.
    async fn passing(&mut self, what: &str, faults: &[(&'static str, &str, Fault, usize)]) {
        let met = self.proxy.met();
        for &(method, path, ref fault, times) in faults {
            self.proxy.fault(method, path, fault.clone(), Some(times));
        }
        let since = Instant::now();
        self.ask(LONG).await;
        self.ask(NAME).await;
        self.recovered(what, since).await;
        let wanted = faults.iter().map(|(.., times)| times).sum::<usize>().min(1);
        assert!(self.proxy.met() >= met + wanted, "{what}: the bot has not met the fault");
        self.proxy.lift();
    }
}

/// Messages that are not for the bot.
async fn talk(person: &Person, room: &str, count: usize) {
    join_all((0..count).map(|_| person.send_plain(room, "Entre nous."))).await;
}

fn limited(wait: u64) -> Fault {
    Fault::Answered(429, json!({"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": wait}))
}

fn broken(status: u16) -> Fault {
    Fault::Answered(status, Value::from("<html>Bad Gateway</html>"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_any_kind_loses_and_doubles_nothing() {
    let mut behind = Behind::new().await;
    println!("| fault | what the person saw | recovery |\n|---|---|---|");
    let seconds = outage().as_secs();
    behind.lasting(&format!("down for {seconds} s"), &[("", "/", Fault::Refused)]).await;
    behind.lasting(&format!("502 for {seconds} s"), &[("", "/", broken(502))]).await;
    behind
        .lasting(
            &format!("503 for {seconds} s, from the server itself"),
            &[("", "/", Fault::Answered(503, json!({"errcode": "M_UNKNOWN", "error": "down"})))],
        )
        .await;
    behind.lasting(&format!("frozen for {seconds} s"), &[("", "/", Fault::Frozen)]).await;
    behind.lasting(&format!("answers lost for {seconds} s"), &[("", "/", Fault::Lost)]).await;
    assert_eq!(behind.bot.ended(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_bad_answer_loses_and_doubles_nothing() {
    let mut behind = Behind::new().await;
    println!("| fault | what the person saw | time to the answers |\n|---|---|---|");
    // Twice in a row it must stay below what people wait for here.
    let wait = 1000 * outage().as_secs().min(40);
    behind.passing("none", &[]).await;
    behind.passing("sends: answers lost, 3 times", &[("PUT", "/send/", Fault::Lost, 3)]).await;
    behind.passing("sends: answers cut, 3 times", &[("PUT", "/send/", Fault::Cut, 3)]).await;
    behind.passing("sends: 502, 3 times", &[("PUT", "/send/", broken(502), 3)]).await;
    behind.passing(&format!("sends: 429 with {wait} ms, twice"), &[("PUT", "/send/", limited(wait), 2)]).await;
    behind.passing(&format!("syncs: 429 with {wait} ms, once"), &[("GET", "/sync", limited(wait), 1)]).await;
    behind.passing("syncs: answers cut, twice", &[("GET", "/sync", Fault::Cut, 2)]).await;
    behind.passing("syncs: answers lost, twice", &[("GET", "/sync", Fault::Lost, 2)]).await;
    behind.passing("syncs: 2 s slower, 3 times", &[("GET", "/sync", Fault::Slow(Duration::from_secs(2)), 3)]).await;
    // The one under way brings the question; the next ones bring it again.
    behind.ask(NAME).await;
    behind.recovered("none", Instant::now()).await;
    behind.passing("syncs: the same answer 3 times more", &[("GET", "/sync", Fault::Repeated, 3)]).await;
    assert_eq!(behind.bot.ended(), None);
}

/// As from a server that wakes up: an edition of the answer that was given up as lost comes after the last one.
#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_arrives_after_its_answer_changes_nothing() {
    let mut behind = Behind::new().await;
    behind.proxy.fault("PUT", "-0-1-1", Fault::Late(Duration::from_secs(6)), Some(1));
    behind.ask(LONG).await;
    let since = Instant::now();
    while behind.proxy.arrived() == 0 {
        assert!(since.elapsed() < PATIENCE, "no draft was late: {}", behind.bot.log());
        sleep(Duration::from_millis(20)).await;
    }
    // What comes after it is seen after it.
    behind.ask(NAME).await;
    behind.recovered("a draft that arrives 6 s late, after the answer", since).await;
}

/// Shifts the dates of all events that the bot reads, and with `age` what the server says of how long ago they were sent.
pub fn shifted(by: i64, age: bool) -> Fault {
    Fault::Changed(Arc::new(move |answer| {
        let shift =
            |by: i64| move |value: &mut Value| *value = value.as_i64().map_or(Value::Null, |time| (time + by).into());
        each(answer, "origin_server_ts", &shift(by));
        if age {
            each(answer, "age", &shift(-by));
        }
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_clock_silences_the_bot() {
    println!("| clock | what the person saw | time to the answers |\n|---|---|---|");
    for (what, by, age) in [
        ("the server's a day behind ours", -DAY, false),
        ("the server's a day ahead of ours", DAY, false),
        ("events dated ten years ahead", 10 * YEAR, true),
        // By another server, of whose events ours says when it got them.
        ("events dated ten years back", -10 * YEAR, false),
    ] {
        let mut behind = Behind::new().await;
        behind.proxy.fault("GET", "/sync", shifted(by, age), None);
        behind.proxy.fault("GET", "/messages", shifted(by, age), None);
        let since = Instant::now();
        behind.ask(NAME).await;
        behind.recovered(what, since).await;
        // What the bot misses is read back by the same dates: the question is further back than a sync and a page bring.
        assert!(behind.bot.terminate().success());
        behind.ask(NAME).await;
        talk(&behind.awa, &behind.room, if by < 0 { 160 } else { 0 }).await;
        let since = Instant::now();
        behind.bot.start_again();
        behind.recovered(&format!("{what}, after a stop"), since).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_missed_messages_in_many_rooms_are_read_back() {
    let world = World::shared().await;
    let (mut bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let rooms = number("COMPAGNON_ROOMS", 4) as usize;
    let mut asked = Vec::new();
    for number in 0..rooms {
        let room = awa.create_room(&format!("Bureau {number}"), true, &[&id]).await;
        awa.until_member(&room, &id, "join").await;
        asked.push((room, Vec::new()));
    }
    assert!(bot.terminate().success());
    for (room, questions) in &mut asked {
        questions.push(awa.send(room, Text::to(&id, NAME)).await);
        // More than a sync brings, and more than a page.
        talk(&awa, room, 130).await;
        questions.push(awa.send(room, Text::to(&id, NAME)).await);
    }
    let since = Instant::now();
    bot.start_again();
    for (room, questions) in &asked {
        for question in questions {
            awa.answer_to(room, question).await;
        }
    }
    println!(
        "| {} missed messages in {rooms} rooms | one answer to each question | {:.1} s |",
        rooms * 132,
        since.elapsed().as_secs_f64()
    );
    for (room, questions) in &mut asked {
        questions.push(awa.send(room, Text::to(&id, NAME)).await);
        awa.answer_to(room, questions.last().expect("one")).await;
        assert_answered_once(&awa, room, &id, questions);
    }
}
