//! What the SDK of Element sends, with its own cryptography, and how the bot answers it: one client for all cases, because its start costs
//! more than they do.

use compagnon::store::Database;
use serde_json::{Value, json};

use crate::{
    support::{bot::Bot, js},
    world::{World, logged},
};

/// The outcome of a step.
fn outcome<'a>(seen: &'a Value, what: &str) -> &'a Value {
    let outcomes = seen["outcomes"].as_array().expect("the outcomes");
    let outcome = outcomes.iter().find(|outcome| outcome["what"] == what);
    outcome.unwrap_or_else(|| panic!("no step {what}: {seen:#}"))
}

/// The text of the answer in an outcome.
fn answer(outcome: &Value) -> &str {
    outcome["answer"]["body"].as_str().unwrap_or_default()
}

/// The fingerprint that the log gives.
fn logged_fingerprint(bot: &Bot) -> String {
    let log = bot.log();
    let after = log.split("fingerprint").nth(1).unwrap_or_else(|| panic!("no fingerprint: {log}"));
    let words = after.trim_start_matches(|letter: char| "=\":".contains(letter));
    words.chars().take_while(|letter| *letter != '"').collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_elements_sdk_sends_is_answered() {
    let world = World::shared().await;
    let (mut bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let user = world.people.account("element", "testbed-element").await;
    let room = awa.create_room("Bureau", true, &[&id, &user]).await;
    awa.until_member(&room, &id, "join").await;
    let arguments = json!({
        "url": world.synapse.url(), "user": user, "password": "testbed-element", "room": room,
        "bot": id, "name": "Compagnon", "colleague": awa.user_id,
    });
    let venv = world.venv.clone();
    let client = tokio::task::spawn_blocking(move || js::run(&venv, "person.mjs", &arguments));
    awa.until_member(&room, &user, "join").await;
    awa.send(&room, "La réunion se tient salle 412 mardi.").await;
    let seen = client.await.expect("the client ran").unwrap_or_else(|sentence| panic!("{sentence}"));
    println!("{seen:#}");

    let mut wrong = Vec::new();
    let mut check = |what: &str, right: bool| {
        if !right {
            wrong.push(format!("{what}: {:#}", outcome(&seen, what)));
        }
    };
    for what in ["mention", "thread", "edit", "emote"] {
        let done = outcome(&seen, what);
        check(what, answer(done).contains("m'appelle Témoin") && done["answer"]["encrypted"] == true);
    }
    // The words beside a picture are a question; the picture is not seen, and that is said.
    check("caption", outcome(&seen, "caption")["answer"]["msgtype"] == "m.text");
    // A reply points to the message of a colleague, whose client is of another kind; what is made of it is tried in `context`.
    check("reply", !answer(outcome(&seen, "reply")).is_empty());
    let relation = |what: &str| outcome(&seen, what)["answer"]["relates_to"].clone();
    // In a room an answer replies to its question; in a thread it stays there.
    check("mention", relation("mention")["m.in_reply_to"]["event_id"] == outcome(&seen, "mention")["sent"]);
    check("thread", relation("thread")["event_id"] == outcome(&seen, "thread")["root"]);
    check("edit", relation("edit")["m.in_reply_to"]["event_id"] == outcome(&seen, "edit")["sent"]);
    // Who finds an answer not useful is asked why, in reply to that answer.
    let rating = outcome(&seen, "rating");
    check("rating", answer(rating).contains("Pourquoi") && rating["answer"]["msgtype"] == "m.notice");
    check("rating", relation("rating")["m.in_reply_to"]["event_id"] == rating["on"]);
    // What cannot be read is said to be so, in one sentence.
    for what in ["voice", "poll", "sticker", "location"] {
        let done = outcome(&seen, what);
        check(what, !answer(done).is_empty() && done["answer"]["msgtype"] == "m.notice");
    }
    let key = seen["keys"][0].as_str().expect("the bot's key as this client sees it");
    let verified = outcome(&seen, "verification in the room");
    let told = answer(verified).replace(' ', "");
    check("verification in the room", verified["code"] == "m.user" && verified["by"] == id.as_str());
    check("verification in the room", told.contains(key));
    for what in ["verification of the device", "verification in a new conversation"] {
        let verified = outcome(&seen, what);
        check(what, verified["code"] == "m.user" && verified["by"] == id.as_str());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    logged(&bot, "its author was told the fingerprint").await;
    assert_eq!(logged_fingerprint(&bot).replace(' ', ""), key);
    // 👎 was taken back, 👍 stands.
    bot.terminate();
    let statistics = Database::open(&bot.data()).expect("the store opens").statistics().expect("readable");
    let rated = statistics.days.values().map(|counted| (counted.useful, counted.not_useful, counted.reasons.len()));
    assert_eq!(rated.fold((0, 0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2)), (1, 0, 0));
}
