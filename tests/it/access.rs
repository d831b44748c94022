//! Whom the bot works for, and when it goes.

use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{
    support::{
        bot::Setup,
        people::PATIENCE,
        room::{Event, Text},
    },
    world::{World, from, id_of},
};

const NAME: &str = "Comment vous appelez-vous ?";

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

/// Only these people are served.
fn only(setup: &Setup, people: &[&str]) -> Setup {
    let access = format!("{{ servers: [\"ailleurs.example\"], users: {} }}", json!(people));
    Setup { access, ..setup.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_access_is_told_so_once_in_a_room_they_share_with_the_bot() {
    let world = World::shared().await;
    let (awa, stranger) = (world.person("awa").await, world.person("inconnu").await);
    let setup = only(&world.setup().await, &[&awa.user_id]);
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let room = awa.create_room("Bureau", true, &[&id, &stranger.user_id]).await;
    stranger.join(&room).await;
    for person in [&awa, &stranger] {
        person.until_member(&room, &id, "join").await;
    }
    awa.until_member(&room, &stranger.user_id, "join").await;
    let first = awa.ask(&room, Text::to(&id, NAME)).await;
    let asked =
        awa.messages(&room).into_iter().find(|one| first.answers(&one.event_id)).expect("the question").event_id;

    // A mention, a command, a reply to the bot, a thread on its answer, an edit of one's own and of another's message, a stop.
    let mentioned = stranger.send(&room, Text::to(&id, NAME)).await;
    let mut theirs = vec![
        stranger.send(&room, "!aide").await,
        stranger.send(&room, Text::new(NAME).replying_to(&first.event_id)).await,
        stranger.send(&room, Text::to(&id, NAME).in_thread(&first.event_id)).await,
        stranger.send(&room, Text::to(&id, "Et encore ?").editing(&mentioned)).await,
        stranger.send(&room, Text::to(&id, "Et encore ?").editing(&asked)).await,
        stranger.react(&room, &first.event_id, "🛑").await,
    ];
    // What they say among colleagues is none of its business.
    theirs.push(stranger.send(&room, NAME).await);
    let refused = stranger.answer_to(&room, &mentioned).await;
    println!("{}", refused.body);
    assert!(refused.body.contains("pas accès") && refused.msgtype == "m.notice", "{refused:#?}");
    bot.kill();
    bot.start_again();
    theirs.push(stranger.send(&room, Text::to(&id, "Et maintenant ?")).await);
    // Silence is proven by what comes after it.
    let last = awa.send(&room, Text::to(&id, NAME)).await;
    awa.answer_to(&room, &last).await;
    let said = from(&awa.messages(&room), &id);
    assert!(!said.iter().any(|one| theirs.iter().any(|event| one.answers(event))), "{said:#?}");
    let answers = |question: &String| said.iter().filter(|one| one.answers(question)).count();
    assert_eq!([&asked, &last, &mentioned].map(answers), [1, 1, 1], "{said:#?}");
    assert_eq!(said.iter().find(|one| one.answers(&asked)).expect("it stays").body, first.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_taken_off_the_list_edits_an_old_question_and_is_not_answered() {
    let world = World::shared().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let setup = world.setup().await;
    let both = only(&setup, &[&awa.user_id, &ben.user_id]);
    let (mut bot, id) = (world.start(&both), id_of(&setup));
    let (room, question) = ben.create_dm(&id, NAME).await;
    let answer = ben.answer_to(&room, &question).await;
    assert!(bot.terminate().success());
    bot.configure(&only(&setup, &[&awa.user_id]));
    bot.start_again();
    ben.send(&room, Text::new("Que faites-vous ?").editing(&question)).await;
    let (other, asked) = awa.create_dm(&id, NAME).await;
    awa.answer_to(&other, &asked).await;
    let said = from(&ben.messages(&room), &id);
    let now: Vec<_> = said.iter().filter(|one| one.answers(&question)).collect();
    assert_eq!(now.len(), 1, "{said:#?}");
    assert_eq!((&now[0].body, now[0].edits), (&answer.body, answer.edits));
}

#[tokio::test(flavor = "multi_thread")]
async fn administration_wants_a_signed_device_and_questions_do_not() {
    let world = World::shared().await;
    let setup = Setup { encryption: "{}", ..world.setup().await };
    let (_bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    let room = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    let answer = awa.ask(&room, Text::to(&id, NAME)).await;
    assert!(answer.body.contains("Témoin"), "{answer:#?}");
    let refused = awa.ask(&room, "!réponses tout").await;
    println!("device not signed: {}", refused.body);
    assert!(refused.body.contains("appareil vérifié"), "{refused:#?}");
    let asked = awa.ask(&room, "!réponses").await;
    awa.cross_sign().await;
    let done = awa.ask(&room, "!réponses tout").await;
    println!("device signed: {}", done.body);
    assert!(!done.body.contains("appareil vérifié") && done.body != asked.body, "{done:#?}");
}

#[tokio::test]
async fn a_bot_that_wants_encryption_declines_rooms_without_it_and_says_why() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let (_bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    let forum = awa.create_room("Forum", false, &[&id]).await;
    let declined = awa.until_events(&forum, "a word on leaving", |events| {
        let left = |event: &&Event| event.state_key.as_deref() == Some(&id) && event.content["membership"] == "leave";
        events.iter().find(left).cloned()
    });
    let declined = declined.await;
    assert!(declined.content["reason"].as_str().is_some_and(|why| why.contains("chiffré")), "{declined:#?}");
    let room = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    awa.ask(&room, Text::to(&id, NAME)).await;
}
