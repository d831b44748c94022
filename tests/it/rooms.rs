//! A room of several: the bot speaks when it is spoken to, and only then.

use crate::{
    support::room::{Text, name_of},
    world::{World, assert_answered_once},
};

const QUESTION: &str = "Comment vous appelez-vous ?";

#[tokio::test]
async fn a_mention_is_answered_as_a_reply_to_its_author() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = awa.create_room("Bureau", true, &[&id, &ben.user_id]).await;
    ben.join(&room).await;
    awa.until_member(&room, &id, "join").await;
    awa.until_member(&room, &ben.user_id, "join").await;
    ben.until_member(&room, &id, "join").await;

    let question = awa.send(&room, Text::to(&id, QUESTION)).await;
    let answer = awa.answer_to(&room, &question).await;
    assert!(answer.encrypted && answer.body.contains("Témoin"), "{answer:#?}");
    assert_eq!(answer.in_reply_to.as_deref(), Some(question.as_str()));
    assert_eq!(answer.mentions, std::slice::from_ref(&awa.user_id));
    // The others read it as well.
    assert!(!ben.answer_to(&room, &question).await.undecryptable);

    // A reply to the bot speaks to it, without a mention; whoever writes it.
    let follow_up = ben.send(&room, Text::new(QUESTION).replying_to(&answer.event_id)).await;
    let answer = ben.answer_to(&room, &follow_up).await;
    assert_eq!(answer.mentions, std::slice::from_ref(&ben.user_id));
    awa.answer_to(&room, &follow_up).await;
    assert_answered_once(&awa, &room, &id, &[question, follow_up]);
}

#[tokio::test]
async fn what_is_not_said_to_the_bot_is_not_answered() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let room = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    // Two are in the room, but a room with a name was not made as a direct conversation.
    let plain = awa.send(&room, QUESTION).await;
    let look_alike = format!("@{} {id} compagnon: {QUESTION}", name_of(&id));
    awa.send(&room, Text::new(look_alike).with_html(&format!("<a href=\"https://matrix.to/#/{id}\">compagnon</a> ?")))
        .await;
    awa.send(&room, Text::to(&id, QUESTION).of_type("m.notice")).await;
    awa.send(&room, Text::new("Bonjour à tous").editing(&plain)).await;
    awa.send(&room, Text::to(&awa.user_id, QUESTION)).await;

    let question = awa.send(&room, Text::to(&id, QUESTION)).await;
    awa.answer_to(&room, &question).await;
    let last = awa.send(&room, Text::to(&id, QUESTION)).await;
    awa.answer_to(&room, &last).await;
    assert_answered_once(&awa, &room, &id, &[question, last]);
}

#[tokio::test]
async fn two_rooms_are_answered_side_by_side() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let (one, other) = (awa.open_dm(&id).await, ben.open_dm(&id).await);
    awa.until_member(&one, &id, "join").await;
    ben.until_member(&other, &id, "join").await;
    let long = awa.send(&one, "Présentez-vous longuement.").await;
    awa.first_text(&one, &long).await;
    // The short question does not wait for the end of the long answer.
    let short = ben.send(&other, QUESTION).await;
    ben.answer_to(&other, &short).await;
    awa.answer_to(&one, &long).await;
    assert_answered_once(&awa, &one, &id, &[long]);
    assert_answered_once(&ben, &other, &id, &[short]);
}
