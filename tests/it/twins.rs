//! Two bots of one account: after a restore, or with a copy of a data folder. Each question has one answer, whichever bot gives it.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{
    support::{
        bot::{Bot, Setup},
        people::{PATIENCE, Person},
        proxy::{Fault, Proxy},
        room::Message,
    },
    world::{World, assert_answered_once, from, id_of, number},
};

const NAME: &str = "Comment vous appelez-vous ?";
/// The exit status of a bot whose account, or whose folder, another one has.
const IN_USE: i32 = 6;
/// That of a bot whose keys are lost, or of an earlier time.
const KEYS: i32 = 5;

/// How often two are started at once; more in a long run than in every build.
fn rounds() -> u64 {
    number("COMPAGNON_TWINS", 2)
}

/// Starts two at once; gives the one that answers, then the one that was refused.
async fn race<'a>(one: &'a mut Bot, other: &'a mut Bot) -> (&'a mut Bot, &'a mut Bot) {
    one.spawn("");
    other.spawn("");
    let begun = Instant::now();
    loop {
        for bot in [&mut *one, &mut *other] {
            if let Some(status) = bot.ended() {
                assert_eq!(status.code(), Some(IN_USE), "{}", bot.log());
            }
        }
        match (one.ended().is_some(), other.ended().is_some()) {
            (true, true) => panic!("nobody answers: {}\n{}", one.log(), other.log()),
            (false, true) if one.until_ready() => return (one, other),
            (true, false) if other.until_ready() => return (other, one),
            _ => {}
        }
        assert!(begun.elapsed() < PATIENCE, "both answer: {}\n{}", one.log(), other.log());
        sleep(Duration::from_millis(20)).await;
    }
}

/// Copies a folder as `cp -a` would.
fn copy(from: &Path, to: &Path) {
    fs::DirBuilder::new().mode(0o700).recursive(true).create(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else if from.is_file() {
            fs::copy(&from, &to).expect("copied");
        }
    }
}

/// Waits for the answer itself: a bot that meets somebody for the first time presents itself before, also in answer to their question.
async fn written(person: &Person, room: &str, question: &str) {
    let answer = |one: &Message| one.answers(question) && one.msgtype == "m.text" && one.complete();
    person.until(room, "the answer", |messages| messages.iter().any(answer).then_some(())).await;
}

/// Each question has one answer. The other bot has never met this person, and presents itself once more: that is no answer.
fn answered_once(person: &Person, room: &str, bot: &str, questions: &[String]) {
    let seen = from(&person.messages(room), bot);
    for question in questions {
        let answers: Vec<_> = seen.iter().filter(|one| one.answers(question) && one.msgtype == "m.text").collect();
        assert_eq!(answers.len(), 1, "answers to {question}: {answers:#?}");
        assert!(answers[0].complete() && !answers[0].undecryptable, "{:#?}", answers[0]);
    }
}

#[tokio::test]
async fn two_devices_of_one_account_answer_each_question_once() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let id = id_of(&setup);
    let mut one = world.start(&setup);
    let awa = world.person("awa").await;
    let (room, first) = awa.create_dm(&id, NAME).await;
    written(&awa, &room, &first).await;
    assert!(one.terminate().success());
    let mut other = world.start(&setup);
    assert!(other.terminate().success());
    let (mut questions, mut won) = (vec![first], [0, 0]);
    for round in 0..rounds() {
        let first_starts = one.data();
        let (winner, loser) = race(&mut one, &mut other).await;
        won[usize::from(winner.data() != first_starts)] += 1;
        let said = loser.complaint();
        assert!(said.contains("another bot answers for this account"), "{said}");
        assert_eq!(loser.until_ended(), Some(IN_USE));
        let asked = awa.send(&room, NAME).await;
        written(&awa, &room, &asked).await;
        questions.push(asked);
        assert!(winner.terminate().success(), "round {round}: {}", winner.log());
    }
    answered_once(&awa, &room, &id, &questions);
    println!("| two devices at once | {} times: {won:?} | one answer each |", rounds());
}

#[tokio::test]
async fn two_copies_of_one_folder_answer_each_question_once_and_an_older_one_is_refused() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let id = id_of(&setup);
    let mut one = world.start(&setup);
    let awa = world.person("awa").await;
    let (room, first) = awa.create_dm(&id, NAME).await;
    written(&awa, &room, &first).await;
    let mut questions = vec![first];
    // It has a configuration and no data: it is refused while the first one answers.
    let mut other = world.prepare(&setup);
    other.spawn("");
    assert_eq!(other.until_ended(), Some(IN_USE), "{}", other.log());
    assert!(one.terminate().success());
    for _ in 0..rounds() {
        fs::remove_dir_all(other.data()).expect("removed");
        copy(&one.data(), &other.data());
        let (winner, loser) = race(&mut one, &mut other).await;
        let said = loser.complaint();
        assert!(said.contains("which is a copy"), "{said}");
        assert_eq!(loser.until_ended(), Some(IN_USE));
        let asked = awa.send(&room, NAME).await;
        written(&awa, &room, &asked).await;
        questions.push(asked);
        assert!(winner.terminate().success(), "{}", winner.log());
        // The other's keys have stayed behind.
        loser.spawn("");
        assert_eq!(loser.until_ended(), Some(KEYS), "{}", loser.log());
        assert!(loser.complaint().contains("older than its last messages"), "{}", loser.log());
        if winner.data() == other.data() {
            std::mem::swap(&mut one, &mut other);
        }
    }
    assert_answered_once(&awa, &room, &id, &questions);
    println!("| two copies of one folder at once | {} times | one answer each |", rounds());
}

#[tokio::test]
async fn keys_of_an_earlier_time_are_refused_and_the_newest_are_taken() {
    let world = World::shared().await;
    let (mut bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let (room, first) = awa.create_dm(&id, NAME).await;
    written(&awa, &room, &first).await;
    assert!(bot.terminate().success());
    let (stores, aside) = (bot.data().join("matrix"), bot.data().join("before"));
    copy(&stores, &aside);
    bot.start_again();
    let second = awa.send(&room, NAME).await;
    written(&awa, &room, &second).await;
    // At once after a kill: the folder is the same, and nobody else can have it.
    bot.kill();
    bot.start_again();
    assert!(bot.terminate().success());
    let newest = bot.data().join("newest");
    fs::rename(&stores, &newest).expect("moved");
    fs::rename(&aside, &stores).expect("put back");
    bot.spawn("");
    assert_eq!(bot.until_ended(), Some(KEYS), "{}", bot.log());
    let said = bot.complaint();
    println!("| an old matrix/ put back | 5 | {said} |");
    assert!(said.contains("older than its last messages") && said.contains("session.json away"), "{said}");
    fs::rename(&stores, &aside).expect("moved");
    fs::rename(&newest, &stores).expect("put back");
    let third = awa.send(&room, NAME).await;
    bot.start_again();
    written(&awa, &room, &third).await;
    assert_answered_once(&awa, &room, &id, &[first, second, third]);
}

/// Waits until a bot has logged something.
async fn logged(bot: &Bot, what: &str) {
    let seen = timeout(PATIENCE, async {
        while !bot.log().contains(what) {
            sleep(Duration::from_millis(20)).await;
        }
    });
    seen.await.unwrap_or_else(|_| panic!("not logged: {what}: {}", bot.log()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_cannot_be_renewed_stops_nobody_until_another_has_it() {
    let world = World::shared().await;
    let direct = world.setup().await;
    let id = id_of(&direct);
    let proxy = Proxy::start(&direct.url);
    let setup = Setup { url: proxy.url(), ..direct.clone() };
    // Renewed every half second, and anybody's after three of them.
    let mut one = world.start_with(&setup, "lease-often=return");
    let awa = world.person("awa").await;
    let (room, first) = awa.create_dm(&id, NAME).await;
    written(&awa, &room, &first).await;

    let broken = json!({"errcode": "M_UNKNOWN", "error": "broken"});
    proxy.fault("", "/account_data/org.compagnon.lease", Fault::Answered(502, broken), None);
    logged(&one, "lease cannot be renewed").await;
    let second = awa.send(&room, NAME).await;
    written(&awa, &room, &second).await;

    // Where the other is, the homeserver answers.
    let mut other = world.prepare(&direct);
    other.start_again_with("lease-often=return");
    assert_eq!(one.until_ended(), Some(IN_USE), "{}", one.log());
    let said = one.complaint();
    println!("| another has taken the account | 6 | {said} |");
    assert!(said.contains("has taken this account over"), "{said}");
    // Its device is new: what it could not read before is no question of this test.
    let third = awa.send(&room, NAME).await;
    written(&awa, &room, &third).await;
    answered_once(&awa, &room, &id, &[first, second, third]);
}
