//! First contact: that it is an AI, and what must not be entered, said once.

use crate::{
    support::{
        people::Person,
        room::{Message, Text},
    },
    world::{World, from, id_of},
};

/// The messages by which the bot introduces itself.
fn introductions(person: &Person, room: &str, bot: &str) -> Vec<Message> {
    let mut messages = from(&person.messages(room), bot);
    messages.retain(|message| message.body.contains("une intelligence artificielle"));
    messages
}

#[tokio::test]
async fn a_room_and_a_conversation_are_told_once_what_the_bot_is() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let mut bot = world.start(&setup);
    let (awa, ben, id) = (world.person("awa").await, world.person("ben").await, id_of(&setup));
    let room = awa.create_room("Bureau", true, &[&id, &ben.user_id]).await;
    ben.join(&room).await;
    let welcome = awa.until(&room, "the welcome", |messages| from(messages, &id).first().cloned()).await;
    println!("{}", welcome.body);
    assert!(welcome.encrypted && welcome.msgtype == "m.notice" && welcome.in_reply_to.is_none(), "{welcome:#?}");
    assert!(welcome.mentions.is_empty() && welcome.body.contains("mot de passe") && welcome.body.contains("7 jours"));

    // Neither a restart, nor a second person, nor a thread brings it again.
    ben.until_member(&room, &id, "join").await;
    let question = ben.send(&room, Text::to(&id, "Bonjour")).await;
    let answer = ben.answer_to(&room, &question).await;
    assert!(answer.body.contains("réponse d’une IA") && answer.answer["generated"] == true, "{answer:#?}");
    assert!(bot.terminate().success());
    bot.start_again();
    let threaded = awa.send(&room, Text::to(&id, "Bonjour").in_thread(&question)).await;
    awa.answer_to(&room, &threaded).await;
    assert_eq!(introductions(&awa, &room, &id).len(), 1);

    let (private, first) = awa.create_dm(&id, "Bonjour").await;
    awa.answer_to(&private, &first).await;
    awa.ask(&private, "Merci").await;
    let told = introductions(&awa, &private, &id);
    assert!(told.len() == 1 && told[0].body.contains("Écrivez-moi ici"), "{told:#?}");
}
