//! What people point at: a message that they reply to, a thread. Everybody writes with a real client, in encrypted rooms.

use serde_json::json;

use crate::{
    support::{people::Person, room::Text},
    world::{World, assert_answered_once, assert_each_once, joined_dm},
};

/// An encrypted room with the bot and a colleague in it.
async fn salon(who: &Person, colleague: &Person, bot: &str) -> String {
    let room = who.create_room("Bureau", true, &[bot, &colleague.user_id]).await;
    who.until_member(&room, bot, "join").await;
    colleague.join(&room).await;
    who.until_member(&room, &colleague.user_id, "join").await;
    room
}

/// Has a person write, and waits until another one has read it: the bot can then read it too.
async fn write(who: &Person, reader: &Person, room: &str, text: impl Into<Text>) -> String {
    let event = who.send(room, text).await;
    let read = |messages: &[crate::support::room::Message]| {
        messages.iter().any(|message| message.event_id == event && !message.undecryptable).then_some(())
    };
    reader.until(room, "the message", read).await;
    event
}

#[tokio::test]
async fn a_reply_is_answered_from_the_message_as_it_stands_now() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = salon(&awa, &ben, &id).await;
    let said = write(&ben, &awa, &room, "La réunion se tient salle 412 mardi.").await;
    let ask = || Text::to(&id, "Dans quelle salle ?").replying_to(&said);

    let first = awa.send(&room, ask()).await;
    let answer = awa.answer_to(&room, &first).await;
    assert!(answer.body.contains("412"), "{answer:#?}");

    ben.send(&room, Text::new("La réunion se tient salle 735 mardi.").editing(&said)).await;
    let edited = |messages: &[crate::support::room::Message]| {
        messages.iter().any(|message| message.event_id == said && message.edits == 1).then_some(())
    };
    awa.until(&room, "the edit", edited).await;
    let second = awa.send(&room, ask()).await;
    let answer = awa.answer_to(&room, &second).await;
    assert!(answer.body.contains("735") && !answer.body.contains("412"), "{answer:#?}");

    ben.redact(&room, &said).await;
    let gone = |messages: &[crate::support::room::Message]| {
        (!messages.iter().any(|message| message.event_id == said)).then_some(())
    };
    awa.until(&room, "the redaction", gone).await;
    let third = awa.send(&room, ask()).await;
    let answer = awa.answer_to(&room, &third).await;
    assert!(answer.body.contains("a été supprimé"), "{answer:#?}");
    let bare = awa.send(&room, Text::to(&id, "").replying_to(&said)).await;
    let answer = awa.answer_to(&room, &bare).await;
    assert!(answer.body.contains("a été supprimé"), "{answer:#?}");
    assert_each_once(&awa, &room, &id, &[first, second, third], &[bare]);
}

#[tokio::test]
async fn a_reply_with_a_mention_alone_answers_the_message() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = salon(&awa, &ben, &id).await;
    let said = write(&ben, &awa, &room, "Quelle langue parlez-vous ?").await;
    let bare = awa.send(&room, Text::to(&id, "").replying_to(&said)).await;
    awa.answer_to(&room, &bare).await;
    let alone = awa.send(&room, Text::to(&id, "")).await;
    let answer = awa.answer_to(&room, &alone).await;
    assert!(answer.body.contains("sans poser de question"), "{answer:#?}");
    assert_each_once(&awa, &room, &id, &[bare], &[alone]);
}

#[tokio::test]
async fn a_mention_in_a_thread_that_people_began_is_answered_from_the_thread() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = salon(&awa, &ben, &id).await;
    write(&ben, &awa, &room, "La formation est jeudi, salle 911.").await;
    let opening = write(&ben, &awa, &room, "Parlons de mardi.").await;
    write(&ben, &awa, &room, Text::new("La réunion se tient salle 286 mardi.").in_thread(&opening)).await;
    let asked = awa.send(&room, Text::to(&id, "Dans quelle salle ?").in_thread(&opening)).await;
    let answer = awa.answer_to(&room, &asked).await;
    assert_eq!(answer.thread.as_deref(), Some(opening.as_str()), "{answer:#?}");
    assert!(answer.body.contains("286") && !answer.body.contains("911"), "{answer:#?}");
    assert_answered_once(&awa, &room, &id, &[asked]);
}

#[tokio::test]
async fn a_thread_opened_on_an_exchange_goes_on_with_it() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = salon(&awa, &ben, &id).await;
    let told = awa.send(&room, Text::to(&id, "Je m'appelle Awa.")).await;
    let greeted = awa.answer_to(&room, &told).await;
    let mut asked = vec![told.clone()];
    for opening in [&greeted.event_id, &told] {
        let question = awa.send(&room, Text::new("Comment je m'appelle ?").in_thread(opening)).await;
        let answer = awa.answer_to(&room, &question).await;
        assert_eq!(answer.thread.as_ref(), Some(opening), "{answer:#?}");
        assert!(answer.body.contains("Awa"), "{answer:#?}");
        asked.push(question);
    }
    assert_answered_once(&awa, &room, &id, &asked);

    let direct = joined_dm(&awa, &id).await;
    let told = awa.send(&direct, "Je m'appelle Awa.").await;
    let greeted = awa.answer_to(&direct, &told).await;
    let question = awa.send(&direct, Text::new("Comment je m'appelle ?").in_thread(&greeted.event_id)).await;
    let answer = awa.answer_to(&direct, &question).await;
    assert!(answer.body.contains("Awa") && answer.thread.is_some(), "{answer:#?}");
    assert_answered_once(&awa, &direct, &id, &[told, question]);
}

#[tokio::test]
async fn a_reply_without_thread_data_goes_on_in_the_thread() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let room = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    let opening = awa.send(&room, "Parlons de moi.").await;
    let told = awa.send(&room, Text::to(&id, "Je m'appelle Awa.").in_thread(&opening)).await;
    let greeted = awa.answer_to(&room, &told).await;
    let asked = awa.send(&room, Text::new("Comment je m'appelle ?").replying_to(&greeted.event_id)).await;
    let answer = awa.answer_to(&room, &asked).await;
    assert_eq!(answer.thread.as_deref(), Some(opening.as_str()), "{answer:#?}");
    assert!(answer.body.contains("Awa"), "{answer:#?}");
    assert_answered_once(&awa, &room, &id, &[told, asked]);
}

#[tokio::test]
async fn what_the_asker_or_the_bot_cannot_read_is_not_told() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben, chloe) = (world.person("awa").await, world.person("ben").await, world.person("chloe").await);
    let room = salon(&awa, &ben, &id).await;
    awa.set_state(&room, "m.room.history_visibility", json!({"history_visibility": "joined"})).await;
    let before = write(&ben, &awa, &room, "La réunion se tient salle 619 mardi.").await;
    awa.invite(&room, &chloe.user_id).await;
    chloe.join(&room).await;
    awa.until_member(&room, &chloe.user_id, "join").await;
    let question = || Text::to(&id, "Dans quelle salle ?");
    let refused = chloe.send(&room, question().replying_to(&before)).await;
    let answer = chloe.answer_to(&room, &refused).await;
    assert!(!answer.body.contains("619") && answer.body.contains("je n’y ai pas accès"), "{answer:#?}");
    // Who was there is told.
    let told = awa.send(&room, question().replying_to(&before)).await;
    let answer = awa.answer_to(&room, &told).await;
    assert!(answer.body.contains("619"), "{answer:#?}");

    // A message of another room, and one from before the bot came, whose key it has not.
    let elsewhere = chloe.create_room("Ailleurs", true, &[]).await;
    let locked = chloe.send(&elsewhere, "La réunion se tient salle 733 mardi.").await;
    chloe.invite(&elsewhere, &id).await;
    chloe.until_member(&elsewhere, &id, "join").await;
    let other = chloe.send(&room, question().replying_to(&locked)).await;
    let answer = chloe.answer_to(&room, &other).await;
    assert!(!answer.body.contains("733") && answer.body.contains("je n’y ai pas accès"), "{answer:#?}");
    let early = chloe.send(&elsewhere, question().replying_to(&locked)).await;
    let answer = chloe.answer_to(&elsewhere, &early).await;
    assert!(!answer.body.contains("733") && answer.body.contains("clé de chiffrement"), "{answer:#?}");
    assert_answered_once(&chloe, &elsewhere, &id, &[early]);
}
