//! A conversation of two: nothing has to be mentioned, and nothing travels in clear.

use crate::world::{World, assert_answered_once};

#[tokio::test]
async fn the_first_message_written_before_the_bot_joined_is_answered() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let (room, first) = awa.create_dm(&id, "Comment vous appelez-vous ?").await;
    let answer = awa.answer_to(&room, &first).await;
    assert!(answer.encrypted && !answer.undecryptable, "{answer:#?}");
    assert!(answer.body.contains("Témoin"), "{answer:#?}");

    let second = awa.send(&room, "Bonjour").await;
    let answer = awa.answer_to(&room, &second).await;
    assert!(answer.encrypted && !answer.body.is_empty(), "{answer:#?}");
    assert_answered_once(&awa, &room, &id, &[first, second]);
}
