//! Messages that a sync leaves out, and whose room does not give its history: the other rooms go on, and what was missed is read later, or
//! people are told that it will not be.

use std::time::Instant;

use crate::{
    server_faults::{DAY, shifted},
    support::{people::Person, proxy::Fault, room::Text},
    world::{World, assert_answered_once, from, id_of, joined_dm, logged},
};
use futures_util::future::join_all;

const NAME: &str = "Comment vous appelez-vous ?";

/// More than a sync brings.
async fn talk(person: &Person, room: &str, count: usize) {
    join_all((0..count).map(|_| person.send_plain(room, "Entre nous."))).await;
}

/// The path of a room's history, as far as it is not encoded.
fn history(room: &str) -> String {
    room.trim_start_matches('!').split(':').next().unwrap_or(room).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_without_its_history_holds_up_no_other() {
    let world = World::shared().await;
    let (setup, proxy) = world.setup_behind_proxy().await;
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    let (broken, good) =
        (awa.create_room("Bureau", true, &[&id]).await, awa.create_room("Bureau 2", true, &[&id]).await);
    for room in [&broken, &good] {
        awa.until_member(room, &id, "join").await;
    }
    assert!(bot.terminate().success());
    let missed = awa.send(&broken, Text::to(&id, NAME)).await;
    talk(&awa, &broken, 70).await;
    let mut asked = vec![awa.send(&good, Text::to(&id, NAME)).await];
    proxy.fault("GET", &history(&broken), Fault::Answered(500, "down".into()), None);
    let since = Instant::now();
    bot.start_again();
    awa.answer_to(&good, &asked[0]).await;
    println!("| another room was answered after | {:.1} s |", since.elapsed().as_secs_f64());
    asked.push(awa.send(&good, Text::to(&id, NAME)).await);
    awa.answer_to(&good, &asked[1]).await;
    assert!(bot.log().contains("read later"), "{}", bot.log());
    // Its gap outlives the process.
    bot.kill();
    bot.start_again();
    asked.push(awa.send(&good, Text::to(&id, NAME)).await);
    awa.answer_to(&good, &asked[2]).await;
    assert!(awa.messages(&broken).iter().all(|message| !message.answers(&missed)), "it was not readable yet");
    proxy.lift();
    let since = Instant::now();
    awa.answer_to(&broken, &missed).await;
    println!("| the missed message, once it could be read | {:.1} s |", since.elapsed().as_secs_f64());
    let last = awa.send(&broken, Text::to(&id, NAME)).await;
    awa.answer_to(&broken, &last).await;
    assert_answered_once(&awa, &broken, &id, &[missed, last]);
    assert_answered_once(&awa, &good, &id, &asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_once_that_messages_are_too_old_to_be_read() {
    let world = World::shared().await;
    let (setup, proxy) = world.setup_behind_proxy().await;
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    let room = joined_dm(&awa, &id).await;
    // Its own coming in is not among what it misses.
    awa.ask(&room, NAME).await;
    assert!(bot.terminate().success());
    let old = awa.send(&room, NAME).await;
    // More than a sync and a page bring.
    talk(&awa, &room, 170).await;
    // What is read back is a day old, by the server's word.
    proxy.fault("GET", "/messages", shifted(-DAY, true), None);
    bot.start_again();
    let told = |person: &Person| {
        let messages = person.messages(&room);
        from(&messages, &id).iter().filter(|message| message.body.contains("interruption")).count()
    };
    awa.until(&room, "the notice", |_| (told(&awa) > 0).then_some(())).await;
    bot.kill();
    bot.start_again();
    let new = awa.send(&room, NAME).await;
    awa.answer_to(&room, &new).await;
    assert_eq!(told(&awa), 1);
    assert!(awa.messages(&room).iter().all(|message| !message.answers(&old)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_while_joining_or_reading_back_is_tried_again() {
    let world = World::shared().await;
    let (setup, proxy) = world.setup_behind_proxy().await;
    let (mut bot, id) = (world.start_with(&setup, "membership-task=1*panic"), id_of(&setup));
    let awa = world.person("awa").await;
    let room = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    assert!(bot.log().contains("the attempt panicked"), "{}", bot.log());
    assert!(bot.terminate().success());
    let missed = awa.send(&room, Text::to(&id, NAME)).await;
    talk(&awa, &room, 70).await;
    proxy.fault("GET", &history(&room), Fault::Answered(500, "down".into()), None);
    bot.start_again_with("backfill=1*panic");
    logged(&bot, "the missed messages of a room cannot be read; trying again").await;
    proxy.lift();
    awa.answer_to(&room, &missed).await;
    assert_answered_once(&awa, &room, &id, &[missed]);
}
