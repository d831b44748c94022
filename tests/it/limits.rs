//! Synapse's own limits: 0.2 messages a second, 10 in a row. Every answer must arrive; how fast is printed, for people to judge.

use std::time::Instant;

use crate::{
    support::synapse::Profile,
    world::{World, assert_answered_once, id_of},
};

#[tokio::test]
async fn four_answers_in_a_row_arrive_under_the_stock_limits() {
    let world = World::new(Profile::Stock).await;
    let setup = world.setup().await;
    let _bot = world.start(&setup);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let room = awa.open_dm(&id).await;
    awa.until_member(&room, &id, "join").await;
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
