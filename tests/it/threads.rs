//! Threads: a conversation inside a room, with a memory of its own.

use crate::{
    support::room::Text,
    world::{World, assert_answered_once},
};

#[tokio::test]
async fn a_thread_is_answered_in_and_remembered_apart() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let room = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    let opening = awa.send(&room, "Parlons de moi.").await;

    let told = awa.send(&room, Text::to(&id, "Je m'appelle Awa.").in_thread(&opening)).await;
    let answer = awa.answer_to(&room, &told).await;
    assert_eq!(answer.thread.as_deref(), Some(opening.as_str()), "{answer:#?}");

    // The bot takes part in the thread now, so it needs no mention.
    let asked = awa.send(&room, Text::new("Comment je m'appelle ?").in_thread(&opening)).await;
    let answer = awa.answer_to(&room, &asked).await;
    assert_eq!(answer.thread.as_deref(), Some(opening.as_str()), "{answer:#?}");
    assert!(answer.body.contains("Awa"), "{answer:#?}");

    let outside = awa.send(&room, Text::to(&id, "Comment je m'appelle ?")).await;
    let answer = awa.answer_to(&room, &outside).await;
    assert_eq!(answer.thread, None, "{answer:#?}");
    assert!(!answer.body.contains("Awa"), "the room's main line knows what the thread was told: {answer:#?}");
    assert_answered_once(&awa, &room, &id, &[told, asked, outside]);
}
