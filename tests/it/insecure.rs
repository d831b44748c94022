//! A client that excludes insecure devices (Element's setting, on by default in some administrations) talks with the bot.

use serde_json::json;

use crate::{support::js, world::World};

#[tokio::test]
async fn a_client_that_excludes_insecure_devices_reads_the_answer() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let user = world.people.account("strict", "testbed-strict").await;
    let arguments = json!({
        "url": world.synapse.url(), "user": user, "password": "testbed-strict",
        "bot": id, "question": "Comment vous appelez-vous ?",
    });
    let venv = world.venv.clone();
    let seen = tokio::task::spawn_blocking(move || js::run(&venv, "insecure.mjs", &arguments));
    let seen = seen.await.expect("the client ran").unwrap_or_else(|sentence| panic!("{sentence}"));
    assert_eq!(seen["complete"], true, "{seen}");
    assert!(seen["body"].as_str().is_some_and(|body| body.contains("Témoin")), "{seen}");
    assert_eq!(seen["undecryptable"], 0, "{seen}");
}
