//! Threads: a conversation inside a room, with a memory of its own.

use crate::{
    support::room::Text,
    world::{World, assert_answered_once, play},
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

#[tokio::test]
async fn each_question_has_a_thread_where_a_room_wants_that() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = awa.create_room("Bureau", true, &[&id, &ben.user_id]).await;
    ben.join(&room).await;
    awa.until_member(&room, &id, "join").await;
    ben.until_member(&room, &id, "join").await;
    assert!(play(&awa, &room, "!réponses fil").await.body.contains("dans un fil"));

    let told = awa.send(&room, Text::to(&id, "Je m'appelle Awa.")).await;
    let answer = awa.answer_to(&room, &told).await;
    assert!(answer.encrypted && answer.thread.as_deref() == Some(told.as_str()), "{answer:#?}");
    // Whoever goes on there needs no mention.
    let follow_up = ben.send(&room, Text::new("Comment vous appelez-vous ?").in_thread(&told)).await;
    let answer = ben.answer_to(&room, &follow_up).await;
    assert!(answer.thread.as_deref() == Some(told.as_str()) && answer.body.contains("Témoin"), "{answer:#?}");
    let asked = awa.send(&room, Text::new("Comment je m'appelle ?").in_thread(&told)).await;
    assert!(awa.answer_to(&room, &asked).await.body.contains("Awa"));

    // Another question is another conversation, also as a reply in the main line; a command is answered where it stands.
    let other = awa.send(&room, Text::to(&id, "Comment je m'appelle ?")).await;
    let answer = awa.answer_to(&room, &other).await;
    assert_eq!(answer.thread.as_deref(), Some(other.as_str()), "{answer:#?}");
    assert!(!answer.body.contains("Awa"), "another thread knows: {answer:#?}");
    let state = play(&ben, &room, "!état").await;
    assert_eq!(state.thread, None, "{state:#?}");
    let reply = ben.send(&room, Text::new("Comment vous appelez-vous ?").replying_to(&state.event_id)).await;
    let answer = ben.answer_to(&room, &reply).await;
    assert_eq!(answer.thread.as_deref(), Some(reply.as_str()), "{answer:#?}");

    // Said again and taken back, in place.
    assert!(play(&awa, &room, "!refaire").await.body.contains("réécris"));
    awa.until(&room, "the answer anew", |messages| {
        messages.iter().find(|one| one.answers(&other) && one.edits > 0 && one.complete()).cloned()
    })
    .await;
    awa.redact(&room, &other).await;
    awa.until(&room, "the answer's end", |messages| (!messages.iter().any(|one| one.answers(&other))).then_some(()))
        .await;
    for question in [&told, &follow_up, &asked, &reply] {
        let answers = awa.messages(&room).into_iter().filter(|one| one.sender == id && one.answers(question));
        assert_eq!(answers.count(), 1, "{question}");
    }
}
