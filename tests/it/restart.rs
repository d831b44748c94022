//! The bot stops, in order or not, and every question still gets one answer.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::{
    support::{
        bot::{Bot, Setup},
        people::{PATIENCE, Person},
        room::Text,
    },
    world::{World, assert_answered_once, from, id_of, number},
};

/// How often each kill is tried; more in a long run than in every build.
fn kills() -> usize {
    number("COMPAGNON_KILLS", 2) as usize
}

#[tokio::test]
async fn what_was_asked_while_the_bot_was_down_is_answered_once() {
    let world = World::shared().await;
    let (mut bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let (room, before) = awa.create_dm(&id, "Comment vous appelez-vous ?").await;
    awa.answer_to(&room, &before).await;
    let other = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&other, &id, "join").await;
    let status = bot.terminate();
    assert!(status.success(), "{status}: {}", bot.log());

    // More than one sync brings: the bot has to page back.
    let mut questions = vec![before];
    for _ in 0..60 {
        questions.push(awa.send(&room, "Comment vous appelez-vous ?").await);
    }
    let mentioned = awa.send(&other, Text::to(&id, "Comment vous appelez-vous ?")).await;
    bot.start_again();
    awa.answer_to(&other, &mentioned).await;
    for question in &questions {
        awa.answer_to(&room, question).await;
    }
    // One more, so that a second answer to the last would be seen.
    questions.push(awa.send(&room, "Comment vous appelez-vous ?").await);
    awa.answer_to(&room, &questions[questions.len() - 1]).await;
    assert_answered_once(&awa, &room, &id, &questions);
    assert_answered_once(&awa, &other, &id, &[mentioned]);
}

#[tokio::test]
async fn a_kill_in_the_middle_of_an_answer_neither_loses_nor_doubles_it() {
    kill_after("decode=sleep(50)", async |awa, room, question, _| {
        awa.first_text(room, question).await;
    })
    .await;
}

#[tokio::test]
async fn a_kill_between_storing_and_sending_neither_loses_nor_doubles_it() {
    kill_after("answer-stored=sleep(100000)", async |_, _, _, bot| {
        let stored = bot.log().matches("stored").count();
        let written = timeout(PATIENCE, async {
            while bot.log().matches("stored").count() == stored {
                sleep(Duration::from_millis(20)).await;
            }
        });
        written.await.unwrap_or_else(|_| panic!("no answer was stored: {}", bot.log()));
    })
    .await;
}

#[tokio::test]
async fn a_command_is_executed_once_through_a_kill() {
    let world = World::shared().await;
    let setup = Setup { log_level: "debug", ..world.setup().await };
    let (id, awa) = (id_of(&setup), world.person("awa").await);
    let mut bot = world.start_with(&setup, "");
    let (room, first) = awa.create_dm(&id, "Comment vous appelez-vous ?").await;
    awa.answer_to(&room, &first).await;
    // Before the change is written, and after it but before its answer is sent.
    for (point, name) in [("before-answer-stored", "Alpha"), ("answer-stored", "Basile")] {
        bot.kill();
        bot.start_again_with(&format!("{point}=sleep(100000)"));
        let command = awa.send(&room, format!("!compagnon créer {name}\nTu es {{{{ name }}}}, un essai.")).await;
        let sign = if point == "answer-stored" { format!("stored event_id={command}") } else { "executing".to_owned() };
        let begun = timeout(PATIENCE, async {
            while !bot.log().lines().any(|line| line.contains(&sign) && line.contains(&command)) {
                sleep(Duration::from_millis(20)).await;
            }
        });
        begun.await.unwrap_or_else(|_| panic!("the command is not under way: {}", bot.log()));
        bot.kill();
        bot.start_again();
        let answer = awa.answer_to(&room, &command).await;
        assert!(answer.body.contains(&format!("**{name}** est créé")), "{answer:#?}");
        let answers = from(&awa.messages(&room), &id).into_iter().filter(|message| message.answers(&command)).count();
        assert_eq!(answers, 1);
    }
    let list = awa.ask(&room, "compagnons").await;
    assert!(["alpha", "basile"].iter().all(|name| list.body.matches(&format!("`{name}` —")).count() == 1), "{list:#?}");
}

/// Asks, waits for `moment`, kills, starts again, and reads the room; several times in one room.
async fn kill_after(failpoints: &str, moment: impl AsyncFn(&Person, &str, &str, &Bot)) {
    let world = World::shared().await;
    // At this level the log says when an answer is stored.
    let setup = Setup { log_level: "debug", ..world.setup().await };
    let (id, awa) = (id_of(&setup), world.person("awa").await);
    let mut bot = world.start(&setup);
    let (room, first) = awa.create_dm(&id, "Comment vous appelez-vous ?").await;
    awa.answer_to(&room, &first).await;
    let mut questions = vec![first];
    for _ in 0..kills() {
        bot.kill();
        bot.start_again_with(failpoints);
        let question = awa.send(&room, "Présentez-vous longuement.").await;
        moment(&awa, &room, &question, &bot).await;
        bot.kill();
        bot.start_again();
        awa.answer_to(&room, &question).await;
        questions.push(question);
    }
    questions.push(awa.send(&room, "Comment vous appelez-vous ?").await);
    awa.answer_to(&room, &questions[questions.len() - 1]).await;
    assert_answered_once(&awa, &room, &id, &questions);
}
