//! A conversation of two: nothing has to be mentioned, and nothing travels in clear.

use serde_json::json;

use crate::{
    support::room::Text,
    world::{World, assert_answered_once, id_of},
};

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

#[tokio::test]
async fn who_is_left_alone_with_the_bot_does_not_administer_and_sees_nobodys_compagnon() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let (room, first) = awa.create_dm(&id, "Bonjour").await;
    awa.answer_to(&room, &first).await;
    let made = awa.ask(&room, "!compagnon créer Marius\nTu es Marius.").await;
    assert!(made.body.contains("`!compagnon publier marius`"), "{made:#?}");
    assert!(awa.ask(&room, "!conservation 2j").await.body.contains("2 jours"));
    awa.invite(&room, &ben.user_id).await;
    ben.join(&room).await;
    ben.until_member(&room, &ben.user_id, "join").await;
    awa.leave(&room).await;
    ben.until_member(&room, &awa.user_id, "leave").await;
    for command in ["!conservation 3j", "!compagnon temoin", "!oublier tout"] {
        let refused = ben.ask(&room, command).await;
        assert!(refused.body.contains("vous n’avez pas le droit"), "{command}: {refused:#?}");
    }
    for command in ["!compagnon voir marius", "!compagnon modifier marius\nTu es Ben.", "!compagnon supprimer marius"] {
        let refused = ben.ask(&room, command).await;
        assert!(refused.body.contains("Je ne trouve pas"), "{command}: {refused:#?}");
    }
    // Its author still has it, from anywhere.
    let (other, first) = awa.create_dm(&id, "Bonjour").await;
    awa.answer_to(&other, &first).await;
    assert!(awa.ask(&other, "!compagnon voir marius").await.body.contains("Tu es Marius."));
}

#[tokio::test]
async fn a_third_person_in_a_conversation_of_two_begins_a_new_one() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let (room, told) = awa.create_dm(&id, "Je m'appelle Awa.").await;
    awa.answer_to(&room, &told).await;
    awa.invite(&room, &ben.user_id).await;
    ben.join(&room).await;
    awa.until_member(&room, &ben.user_id, "join").await;
    let answer = ben.ask(&room, Text::to(&id, "Comment je m'appelle ?")).await;
    println!("the first answer to three: {}", answer.body);
    assert!(!answer.body.contains("Awa"), "{answer:#?}");
    assert!(answer.body.contains("Nous ne sommes plus seuls ici"), "{answer:#?}");
    let answer = awa.ask(&room, Text::to(&id, "Comment je m'appelle ?")).await;
    assert!(!answer.body.contains("Awa") && !answer.body.contains("Nous ne sommes plus seuls"), "{answer:#?}");
}

#[tokio::test]
async fn a_newcomer_is_not_told_what_the_room_hides_from_them() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = awa.create_room("Bureau", true, &[&id]).await;
    awa.set_state(&room, "m.room.history_visibility", json!({"history_visibility": "joined"})).await;
    awa.until_member(&room, &id, "join").await;
    awa.ask(&room, Text::to(&id, "Je m'appelle Awa.")).await;
    awa.invite(&room, &ben.user_id).await;
    ben.join(&room).await;
    // A new name is no new coming, for whoever was there.
    awa.set_display_name("Awa Diop").await;
    awa.until_member(&room, &ben.user_id, "join").await;
    let answer = ben.ask(&room, Text::to(&id, "Comment je m'appelle ?")).await;
    assert!(!answer.body.contains("Awa"), "{answer:#?}");
    let answer = awa.ask(&room, Text::to(&id, "Comment je m'appelle ?")).await;
    assert!(answer.body.contains("Awa"), "{answer:#?}");
}

#[tokio::test]
async fn the_bot_is_called_by_the_name_that_it_has_now() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let (_bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    let room = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    let renamed = json!({"user": setup.user, "password": setup.password, "name": "Marcel"});
    world.people.request("rename", renamed).await.expect("renamed");
    awa.until_events(&room, "the new name", |events| {
        let named = |event: &crate::support::room::Event| event.content["displayname"] == "Marcel";
        events.iter().any(named).then_some(())
    })
    .await;
    let content = json!({"msgtype": "m.text", "body": "Marcel: !aide", "m.mentions": {"user_ids": [id]}});
    let question = awa.send_raw(&room, content).await;
    let answer = awa.answer_to(&room, &question).await;
    assert!(answer.msgtype == "m.notice" && answer.body.contains("!oublier"), "{answer:#?}");
}
