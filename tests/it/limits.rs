//! Synapse's own limits: 0.2 messages a second, 10 in a row. Every answer must arrive; how fast is printed, for people to judge.

use std::time::Instant;

use crate::{
    support::{bot::STOCK_LIMITS, people::Person, room::Text, synapse::Profile},
    world::{World, assert_answered_once, from, id_of, joined_dm},
};

#[tokio::test]
async fn four_answers_in_a_row_arrive_under_the_stock_limits() {
    let world = World::new(Profile::Stock).await;
    let setup = world.setup().await;
    let _bot = world.start(&setup);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let room = joined_dm(&awa, &id).await;
    let mut questions = Vec::new();
    for number in 1..=4 {
        let asked = Instant::now();
        let question = awa.send(&room, "Présentez-vous longuement.").await;
        let first = awa.first_text(&room, &question).await;
        let shown = asked.elapsed();
        let answer = awa.answer_to(&room, &question).await;
        println!(
            "answer {number}: first text after {:.1} s ({} characters), complete after {:.1} s, {} events",
            shown.as_secs_f64(),
            first.body.chars().count(),
            asked.elapsed().as_secs_f64(),
            answer.edits + 1,
        );
        questions.push(question);
    }
    assert_answered_once(&awa, &room, &id, &questions);
}

/// Asks, and tells how long the complete answer took, in seconds.
async fn timed(person: &Person, room: &str) -> f64 {
    let asked = Instant::now();
    let answer = person.ask(room, "Comment vous appelez-vous ?").await;
    assert!(answer.body.contains("Témoin"), "{answer:#?}");
    asked.elapsed().as_secs_f64()
}

/// The events of the bot in a room, its edits counted each.
fn sent(person: &Person, room: &str, bot: &str) -> usize {
    from(&person.messages(room), bot).iter().map(|message| message.edits + 1).sum()
}

/// One person writes what is always obeyed, or answered again, as fast as can be: another's answer does not wait for that.
#[tokio::test]
async fn a_flood_of_stops_edits_and_reactions_holds_up_nobody_else() {
    let world = World::new(Profile::Stock).await;
    let mut setup = world.setup().await;
    setup.limits = STOCK_LIMITS;
    let bot = world.start(&setup);
    let (awa, ben, id) = (world.person("awa").await, world.person("ben").await, id_of(&setup));
    let (hers, his) = (awa.open_dm(&id).await, ben.open_dm(&id).await);
    awa.until_member(&hers, &id, "join").await;
    ben.until_member(&his, &id, "join").await;
    let question = awa.send(&hers, "Comment vous appelez-vous ?").await;
    let answer = awa.answer_to(&hers, &question).await;
    let before = timed(&ben, &his).await;
    let told = sent(&awa, &hers, &id);

    for round in 0..100 {
        if round < 60 {
            awa.send(&hers, "!stop").await;
        }
        awa.send(&hers, Text::new(format!("Comment vous appelez-vous, {round} ?")).editing(&question)).await;
        // One reaction of each kind: the same one twice is refused.
        let key = if round == 0 { "🛑".to_owned() } else { format!("🛑{round}") };
        awa.react(&hers, &answer.event_id, &key).await;
    }
    let during = timed(&ben, &his).await;
    let flooded = sent(&awa, &hers, &id) - told;
    println!(
        "another person's answer: {before:.2} s before, {during:.2} s during; {flooded} events for 260 of the flood"
    );
    // What the bot sent for the flood by then is what the homeserver's limits allow beside the answers, and what waits is bounded.
    assert!(flooded <= 40, "{flooded} events");
    let after = timed(&ben, &his).await;
    println!("and {after:.2} s after");
    drop(bot);
}
