//! What the bot says of itself, and what it does when a part of it fails or it is stopped.

use std::{
    env,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use tokio::time::{sleep, timeout};

use crate::{
    support::{
        bot::{Bot, Setup},
        people::PATIENCE,
    },
    world::{World, assert_answered_once, assert_each_once, id_of},
};

#[tokio::test]
async fn an_engine_that_dies_is_started_again_and_costs_nobody_an_answer() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let bot = world.start_with(&setup, "engine-dies=2*off->1*panic->off");
    let (id, awa) = (id_of(&setup), world.person("awa").await);
    let (room, first) = awa.create_dm(&id, "Comment vous appelez-vous ?").await;
    let answer = awa.answer_to(&room, &first).await;
    assert!(answer.body.contains("Témoin"), "{answer:#?}");
    let second = awa.send(&room, "Comment vous appelez-vous ?").await;
    assert!(awa.answer_to(&room, &second).await.body.contains("Témoin"));
    assert_eq!(bot.get("/health"), Some(200));
    assert!(bot.log().contains("started again"), "{}", bot.log());
    assert_answered_once(&awa, &room, &id, &[first, second]);
}

#[tokio::test]
async fn an_engine_that_dies_every_time_ends_the_process_and_the_next_start_answers() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let mut bot = world.start_with(&setup, "engine-dies=panic");
    let (id, awa) = (id_of(&setup), world.person("awa").await);
    let (room, first) = awa.create_dm(&id, "Comment vous appelez-vous ?").await;
    assert!(awa.answer_to(&room, &first).await.body.contains("erreur"));
    let mut questions = vec![first];
    while bot.ended().is_none() {
        let question = awa.send(&room, "Comment vous appelez-vous ?").await;
        tokio::select! {
            _ = awa.answer_to(&room, &question) => {}
            () = async { while bot.ended().is_none() { sleep(Duration::from_millis(20)).await } } => {}
        }
        questions.push(question);
    }
    assert_eq!(bot.until_ended(), Some(1), "{}", bot.log());
    assert!(bot.log().contains("panicked too often and was given up"), "{}", bot.log());

    bot.start_again();
    let last = awa.send(&room, "Comment vous appelez-vous ?").await;
    assert!(awa.answer_to(&room, &last).await.body.contains("Témoin"));
    assert_eq!(bot.get("/health"), Some(200));
    questions.push(last);
    for question in &questions {
        awa.answer_to(&room, question).await;
    }
    let failed = |question: &String| {
        let seen = awa.messages(&room);
        seen.iter().any(|one| one.answers(question) && one.body.contains("erreur"))
    };
    let (errors, answered): (Vec<String>, Vec<String>) = questions.into_iter().partition(failed);
    assert_each_once(&awa, &room, &id, &answered, &errors);
}

#[tokio::test]
async fn a_stop_in_the_middle_of_an_answer_neither_loses_nor_doubles_it() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let (id, awa) = (id_of(&setup), world.person("awa").await);
    let mut bot = world.start_with(&setup, "decode=sleep(30)");
    let (room, first) = awa.create_dm(&id, "Présentez-vous longuement.").await;
    awa.first_text(&room, &first).await;
    let status = bot.terminate();
    assert!(status.success(), "{status}: {}", bot.log());

    // So slow that it is not finished in time: while it is waited for the bot is alive and not ready, and a second signal ends it.
    bot.start_again_with("decode=sleep(1000)");
    let second = awa.send(&room, "Présentez-vous longuement.").await;
    awa.first_text(&room, &second).await;
    bot.signal(Signal::SIGTERM);
    until(&bot, "/ready", 503).await;
    assert_eq!(bot.get("/health"), Some(200));
    assert_eq!(bot.terminate().code(), Some(1), "the second signal does not wait");

    bot.start_again();
    awa.answer_to(&room, &second).await;
    let third = awa.send(&room, "Comment vous appelez-vous ?").await;
    awa.answer_to(&room, &third).await;
    assert_answered_once(&awa, &room, &id, &[first, second, third]);
}

#[tokio::test]
async fn a_disk_that_is_almost_full_is_told_to_people_and_to_ops() {
    let world = World::shared().await;
    let setup = world.setup().await;
    // Once for the start, which waits until the bot is ready; then for a question and for the look below.
    let bot = world.start_with(&setup, "disk-low=1*off->2*return->off");
    let (id, awa) = (id_of(&setup), world.person("awa").await);
    let (room, first) = awa.create_dm(&id, "Comment vous appelez-vous ?").await;
    let answer = awa.answer_to(&room, &first).await;
    assert!(answer.body.contains("espace disque"), "{answer:#?}");
    assert_eq!(bot.get("/ready"), Some(503));
    let second = awa.send(&room, "Comment vous appelez-vous ?").await;
    assert!(awa.answer_to(&room, &second).await.body.contains("Témoin"));
    assert_eq!((bot.get("/ready"), bot.get("/health")), (Some(200), Some(200)));
    assert_each_once(&awa, &room, &id, &[second], &[first]);
}

/// Writes until the disk takes no more; gives the file.
fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("ballast");
    let mut file = File::create(&path).expect("made");
    for size in [1 << 20, 1 << 10, 1] {
        let bytes = vec![0; size];
        while file.write_all(&bytes).and_then(|()| file.sync_data()).is_ok() {}
    }
    path
}

/// `COMPAGNON_SMALL_DISK` names a small file system of its own, such as `mount -t tmpfs -o size=100m tmpfs FOLDER` makes: it is then
/// really filled. Otherwise the store is told what a full disk says.
#[tokio::test]
async fn a_disk_that_fills_up_ends_the_bot_and_with_room_again_it_goes_on() {
    let world = World::shared().await;
    let small = env::var_os("COMPAGNON_SMALL_DISK").map(PathBuf::from);
    let setup = Setup { data: small.as_ref().map(|disk| disk.join("data")), ..world.setup().await };
    let mut bot = world.start_with(&setup, if small.is_some() { "" } else { "disk-full=30*off->return" });
    let (id, awa) = (id_of(&setup), world.person("awa").await);
    let (room, first) = awa.create_dm(&id, "Comment vous appelez-vous ?").await;
    assert!(awa.answer_to(&room, &first).await.body.contains("Témoin"));
    let ballast = small.as_deref().map(fill);
    let mut questions = vec![first];
    while bot.ended().is_none() {
        let question = awa.send(&room, "Comment vous appelez-vous ?").await;
        tokio::select! {
            _ = awa.answer_to(&room, &question) => {}
            () = async { while bot.ended().is_none() { sleep(Duration::from_millis(20)).await } } => {}
        }
        questions.push(question);
    }
    let refused = awa.messages(&room).iter().filter(|message| message.body.contains("espace disque")).count();
    let said = bot.complaint();
    println!("| disk full | {refused} of {} questions refused, then nothing; {said} |", questions.len());
    assert_eq!(bot.until_ended(), Some(1), "{}", bot.log());
    assert!(["No space left", "disk is full"].iter().any(|reason| said.contains(reason)), "{said}");

    if let Some(ballast) = ballast {
        fs::remove_file(ballast).expect("removed");
    }
    let since = Instant::now();
    bot.start_again();
    questions.push(awa.send(&room, "Comment vous appelez-vous ?").await);
    for question in &questions {
        awa.answer_to(&room, question).await;
    }
    println!("| room again | all answered | {:.1} s |", since.elapsed().as_secs_f64());
    // Those that came while the disk was almost full were refused.
    let seen = awa.messages(&room);
    let told = |question: &String| seen.iter().any(|one| one.answers(question) && one.body.contains("espace disque"));
    let (refusals, answered): (Vec<String>, Vec<String>) = questions.into_iter().partition(told);
    assert_eq!(refusals.len(), refused, "{seen:#?}");
    assert_each_once(&awa, &room, &id, &answered, &refusals);
}

#[tokio::test]
async fn the_process_keeps_its_memory_to_itself_and_its_folder_for_itself() {
    let world = World::shared().await;
    let (bot, _) = world.bot().await;
    let limits = bot.proc("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line for core dumps");
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    assert!(bot.proc("status").lines().any(|line| line == "Umask:\t0077"));
    let second = bot.command(&["run"]);
    assert_eq!(second.status.code(), Some(6), "{second:?}");
}

/// Waits until an endpoint gives this status.
async fn until(bot: &Bot, path: &str, status: u16) {
    let seen = timeout(PATIENCE, async {
        while bot.get(path) != Some(status) {
            sleep(Duration::from_millis(20)).await;
        }
    });
    seen.await.unwrap_or_else(|_| panic!("{path} does not say {status}: {}", bot.log()));
}
