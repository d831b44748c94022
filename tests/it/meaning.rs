//! That an answer is an answer: the witness model knows little, but it knows it for certain.

use crate::world::World;

#[tokio::test]
async fn a_room_is_remembered_and_no_other_knows() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let (room, _) = awa.create_dm(&id, "Bonjour").await;
    assert!(awa.ask(&room, "Comment vous appelez-vous ?").await.body.contains("Témoin"));
    awa.ask(&room, "Je m'appelle Awa.").await;
    let recalled = awa.ask(&room, "Comment je m'appelle ?").await;
    assert!(recalled.body.contains("Awa"), "{recalled:#?}");

    let other = ben.open_dm(&id).await;
    let answer = ben.ask(&other, "Comment je m'appelle ?").await;
    assert!(!answer.body.contains("Awa"), "another room knows: {answer:#?}");
}
