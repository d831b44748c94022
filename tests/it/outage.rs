//! The homeserver goes away while an answer is being written, and comes back.

use std::time::Duration;

use crate::{
    support::synapse::Profile,
    world::{World, assert_answered_once, id_of},
};

/// Long enough for the bot to meet the outage, at the speed given to the model.
const OUTAGE: Duration = Duration::from_secs(4);
/// Makes the answer last several seconds on any machine.
const SLOWLY: &str = "decode=sleep(50)";

#[tokio::test]
async fn an_answer_survives_a_stopped_homeserver() {
    let mut world = World::new(Profile::Open).await;
    let setup = world.setup().await;
    let _bot = world.start_with(&setup, SLOWLY);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let (room, first) = awa.create_dm(&id, "Présentez-vous longuement.").await;
    awa.first_text(&room, &first).await;
    world.synapse.stop();
    tokio::time::sleep(OUTAGE).await;
    world.synapse.resume();
    awa.answer_to(&room, &first).await;

    let second = awa.send(&room, "Comment vous appelez-vous ?").await;
    assert!(awa.answer_to(&room, &second).await.body.contains("Témoin"));
    assert_answered_once(&awa, &room, &id, &[first, second]);
}

#[tokio::test]
async fn an_answer_survives_a_homeserver_that_hangs() {
    let world = World::new(Profile::Open).await;
    let setup = world.setup().await;
    let _bot = world.start_with(&setup, SLOWLY);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let (room, first) = awa.create_dm(&id, "Présentez-vous longuement.").await;
    awa.first_text(&room, &first).await;
    world.synapse.freeze();
    tokio::time::sleep(OUTAGE).await;
    world.synapse.thaw();
    awa.answer_to(&room, &first).await;

    let second = awa.send(&room, "Comment vous appelez-vous ?").await;
    awa.answer_to(&room, &second).await;
    assert_answered_once(&awa, &room, &id, &[first, second]);
}
