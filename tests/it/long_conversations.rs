//! Conversations that are longer than the model's context: what is said, what is summarised, and what removes the summary.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::{
    support::{
        bot::Bot,
        people::{PATIENCE, Person},
    },
    world::{World, id_of, logged, until_nothing_is_kept},
};

/// Put under the first answer that was written without the beginning of its conversation.
const LEFT_OUT: &str = "je n’en vois plus le début";

const SHORT: &str = "Comment vous appelez-vous ?";

/// So long that nothing of what came before fits beside it.
fn long() -> String {
    format!("Voici mon texte : {}", "le budget de la mairie est voté en mars. ".repeat(24))
}

/// Asks, and tells whether the request to the model held a summary.
async fn asked_with_summary(bot: &Bot, awa: &Person, room: &str, text: &str) -> bool {
    let composed = |log: &str| log.lines().filter(|line| line.contains("composed")).count();
    let before = composed(&bot.log());
    awa.ask(room, text).await;
    let seen = timeout(PATIENCE, async {
        while composed(&bot.log()) == before {
            sleep(Duration::from_millis(20)).await;
        }
    });
    seen.await.unwrap_or_else(|_| panic!("not composed: {}", bot.log()));
    let log = bot.log();
    let last = log.lines().rfind(|line| line.contains("composed")).expect("it was composed");
    last.contains("summarised=true")
}

#[tokio::test]
async fn what_is_left_out_is_said_once_and_summarised_until_it_is_forgotten() {
    let world = World::shared().await;
    let mut setup = world.setup().await;
    (setup.log_level, setup.model) = ("debug", "{ context: 768 }");
    let (mut bot, awa, id) = (world.start(&setup), world.person("awa").await, id_of(&setup));
    let (room, first) = awa.create_dm(&id, SHORT).await;
    assert!(!awa.answer_to(&room, &first).await.body.contains(LEFT_OUT));
    awa.ask(&room, SHORT).await;
    assert!(awa.ask(&room, long()).await.body.contains(LEFT_OUT));
    assert!(!awa.ask(&room, long()).await.body.contains(LEFT_OUT), "said once");
    logged(&bot, "a conversation was summarised").await;
    assert!(asked_with_summary(&bot, &awa, &room, SHORT).await);

    assert!(bot.terminate().success());
    bot.start_again();
    assert!(asked_with_summary(&bot, &awa, &room, SHORT).await, "it is kept through a restart");

    let answer = awa.answer_to(&room, &first).await;
    awa.redact(&room, &first).await;
    until_nothing_is_kept(&awa, &room, &[answer.event_id]).await;
    assert!(!asked_with_summary(&bot, &awa, &room, SHORT).await, "it repeats what was taken back");
    assert!(!awa.ask(&room, long()).await.body.contains(LEFT_OUT), "it was said before the restart");

    awa.ask(&room, "!oublier").await;
    assert!(!asked_with_summary(&bot, &awa, &room, SHORT).await);
    awa.ask(&room, SHORT).await;
    assert!(awa.ask(&room, long()).await.body.contains(LEFT_OUT), "the conversation begins anew");
}
