//! Whom the bot works for, and when it goes.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::{
    support::people::PATIENCE,
    world::{World, id_of},
};

#[tokio::test]
async fn a_stranger_is_declined_and_a_named_person_is_not() {
    let world = World::shared().await;
    let (awa, stranger) = (world.person("awa").await, world.person("inconnu").await);
    let mut setup = world.setup().await;
    setup.access = format!(r#"{{ servers: ["ailleurs.example"], users: ["{}"] }}"#, awa.user_id);
    let _bot = world.start(&setup);
    let id = id_of(&setup);
    let refused = stranger.open_dm(&id).await;
    stranger.until_member(&refused, &id, "leave").await;

    let (room, question) = awa.create_dm(&id, "Comment vous appelez-vous ?").await;
    assert!(awa.answer_to(&room, &question).await.body.contains("Témoin"));
}

#[tokio::test]
async fn the_bot_does_not_stay_alone() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let room = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    awa.leave(&room).await;
    // Nobody is in the room to be told, so the homeserver is asked.
    let empty = timeout(PATIENCE, async {
        while !world.people.in_room(&room).await.is_empty() {
            sleep(Duration::from_millis(100)).await;
        }
    });
    empty.await.expect("the bot stays alone in the room");
}
