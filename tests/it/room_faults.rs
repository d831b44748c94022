//! The room changes under an answer: the bot is thrown out, silenced, left alone, or the room is replaced. It gives that answer up, sends
//! nothing more there, and goes on elsewhere.

use std::time::Instant;

use crate::{
    support::{
        people::Person,
        room::{Message, Text},
    },
    world::{World, assert_answered_once, from, id_of},
};

const NAME: &str = "Comment vous appelez-vous ?";
const LONG: &str = "Présentez-vous longuement.";
/// Makes an answer last several seconds on any machine.
const SLOWLY: &str = "decode=sleep(30)";

/// Two in a room with the bot, and one of them in a direct conversation.
struct Scene {
    awa: Person,
    ben: Person,
    room: String,
    elsewhere: String,
}

impl Scene {
    async fn new(world: &World, id: &str) -> Self {
        let (awa, ben) = (world.person("awa").await, world.person("ben").await);
        let room = awa.create_room("Bureau", true, &[id, &ben.user_id]).await;
        let elsewhere = ben.open_dm(id).await;
        ben.join(&room).await;
        for (person, room) in [(&awa, &room), (&ben, &room), (&ben, &elsewhere)] {
            person.until_member(room, id, "join").await;
        }
        awa.until_member(&room, &ben.user_id, "join").await;
        Self { awa, ben, room, elsewhere }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_changes_under_an_answer_ends_it_and_no_other() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let (mut bot, id) = (world.start_with(&setup, SLOWLY), id_of(&setup));
    println!("| what was done | what the people saw | answered elsewhere after |\n|---|---|---|");
    for what in ["kicked", "banned", "silenced", "upgraded"] {
        let Scene { awa, ben, room, elsewhere } = Scene::new(world, &id).await;
        let question = ben.send(&room, Text::to(&id, LONG)).await;
        ben.first_text(&room, &question).await;
        let since = Instant::now();
        let mut new_room = None;
        match what {
            "kicked" => awa.kick(&room, &id).await,
            "banned" => awa.ban(&room, &id).await,
            "silenced" => awa.set_power(&room, &id, -1).await,
            _ => new_room = Some(awa.upgrade(&room).await),
        }
        // Long enough for the other to have ended, had it gone on.
        let other = ben.send(&elsewhere, LONG).await;
        ben.answer_to(&elsewhere, &other).await;
        let took = since.elapsed().as_secs_f64();
        assert_answered_once(&ben, &elsewhere, &id, &[other]);
        let left = ben.messages(&room).into_iter().find(|one| one.answers(&question)).expect("the beginning");
        assert!(!left.complete(), "{what}: {left:#?}");
        if ["kicked", "banned"].contains(&what) {
            let written = |line: &str| line.contains("answered") && line.contains(&question);
            assert!(!bot.log().lines().any(written), "{what}: the answer was written to its end for nobody");
        }
        println!(
            "| {what} | the beginning, {} characters, and nothing more | {took:.1} s |",
            left.body.chars().count()
        );

        // Where the bot is asked again, it answers again.
        let place = new_room.as_ref().unwrap_or(&room);
        match what {
            "kicked" => awa.invite(&room, &id).await,
            "banned" => {
                awa.unban(&room, &id).await;
                awa.invite(&room, &id).await;
            }
            "silenced" => awa.set_power(&room, &id, 0).await,
            // It is closed, as the old one was: the people come again by invitation.
            _ => awa.invite(place, &id).await,
        }
        awa.until_member(place, &id, "join").await;
        let again = awa.send(place, Text::to(&id, NAME)).await;
        awa.answer_to(place, &again).await;
        if ["kicked", "banned", "silenced"].contains(&what) {
            // What it could not finish is taken back, now that it may.
            let gone = |messages: &[Message]| (!messages.iter().any(|one| one.answers(&question))).then_some(());
            awa.until(&room, "the beginning to go", gone).await;
        }
        let whole = from(&awa.messages(&room), &id).into_iter().filter(|one| one.answers(&question) && one.complete());
        assert_eq!(whole.count(), 0, "{what}: what was given up came after all");
    }
    assert_eq!(bot.ended(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_leaves_in_the_middle_is_left() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let (mut bot, id) = (world.start_with(&setup, SLOWLY), id_of(&setup));
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let (room, question) = awa.create_dm(&id, LONG).await;
    awa.first_text(&room, &question).await;
    let since = Instant::now();
    awa.leave(&room).await;
    let (elsewhere, other) = ben.create_dm(&id, LONG).await;
    ben.answer_to(&elsewhere, &other).await;
    while !world.people.in_room(&room).await.is_empty() {
        assert!(since.elapsed() < crate::support::people::PATIENCE, "the bot stays: {}", bot.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    println!("| the person leaves | the beginning; the bot leaves too | {:.1} s |", since.elapsed().as_secs_f64());
    let written = |line: &str| line.contains("answered") && line.contains(&question);
    assert!(!bot.log().lines().any(written), "the answer was written to its end for nobody");
    assert_answered_once(&ben, &elsewhere, &id, &[other]);
    assert_eq!(bot.ended(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_author_loses_the_power_meanwhile_is_refused() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let Scene { awa, ben, room, .. } = Scene::new(world, &id).await;
    awa.set_power(&room, &ben.user_id, 50).await;
    bot.kill();
    // Written while he may; read and executed when he may no more.
    let command = ben.send(&room, "!réponses tout").await;
    awa.set_power(&room, &ben.user_id, 0).await;
    bot.start_again();
    let answer = ben.answer_to(&room, &command).await;
    assert!(answer.body.contains("administrent ou modèrent"), "{answer:#?}");
    println!("| power taken before a command is executed | {} | – |", answer.body);
}
