//! The note of a conversation, through a real homeserver: encrypted messages, edits and redactions, who joined late, links that open.

use crate::{
    support::{
        bot::Setup,
        engine::{Engine, Prompt},
        people::Person,
        room::{Message, Text},
    },
    world::{World, id_of},
};

/// A model that takes each message that begins with a word in capitals for what that says.
fn reading(prompt: &Prompt) -> String {
    let system = prompt.messages.first().map_or("", |said| &said.content);
    if system.contains("`object`") {
        return r#"{"object":"Déménagement","context":"","points":[]}"#.to_owned();
    }
    if !system.contains("`actions`") {
        return "Oui ?".to_owned();
    }
    let (mut decisions, mut actions) = (Vec::new(), Vec::new());
    for line in prompt.asked().lines().filter_map(|line| line.strip_prefix("> [")) {
        let (Some((number, _)), Some((_, text))) = (line.split_once(']'), line.split_once(" : ")) else { continue };
        let item = |text: &str| format!(r#"{{"text":"{text}","who":"","when":"","messages":[{number}]}}"#);
        match text.split_once(" — ") {
            Some(("DÉCISION", text)) => decisions.push(item(text)),
            Some(("ACTION", text)) => actions.push(item(text)),
            _ => {}
        }
    }
    let (decisions, actions) = (decisions.join(","), actions.join(","));
    format!(r#"{{"points":[],"decisions":[{decisions}],"actions":[{actions}],"questions":[]}}"#)
}

/// The whole text of the bot's newest answer to a message, in whichever of these rooms.
async fn note(person: &Person, room: &str, question: &str) -> Message {
    let is_it = |one: &&Message| one.answers(question) && one.complete() && one.answer["part"] != 999;
    person.until(room, "the note", |messages| messages.iter().rev().find(is_it).cloned()).await
}

#[tokio::test]
async fn a_note_is_made_of_what_its_asker_reads_and_published() {
    let world = World::shared().await;
    let engine = Engine::start(reading);
    let setup = Setup { failpoints: engine.failpoint(), ..world.setup().await };
    let id = id_of(&setup);
    let _bot = world.start(&setup);
    let (awa, ben, chloe) = (world.person("awa").await, world.person("ben").await, world.person("chloe").await);
    let room = awa.create_room("Service", true, &[&id, &ben.user_id]).await;
    ben.join(&room).await;
    // Who comes reads nothing of what was said before.
    let joined = serde_json::json!({"history_visibility": "joined"});
    awa.set_state(&room, "m.room.history_visibility", joined).await;
    for person in [&awa, &ben] {
        person.until_member(&room, &id, "join").await;
    }
    let kept = awa.send(&room, "DÉCISION — On part le 7 décembre").await;
    let edited = ben.send(&room, "ACTION — Réserver une salle").await;
    ben.send(&room, Text::new("ACTION — Réserver la grande salle").editing(&edited)).await;
    let redacted = ben.send(&room, "DÉCISION — On vend tout").await;
    ben.redact(&room, &redacted).await;
    awa.until(&room, "the redaction", |messages| (!messages.iter().any(|one| one.event_id == redacted)).then_some(()))
        .await;

    let asked = awa.send(&room, "!note").await;
    let draft = note(&awa, &room, &asked).await;
    assert_eq!(draft.thread.as_deref(), Some(asked.as_str()), "the draft stands in a thread: {draft:#?}");
    assert!(draft.encrypted && draft.body.contains("Déménagement") && draft.body.contains("2 messages"), "{draft:#?}");
    assert!(draft.body.contains("Réserver la grande salle") && !draft.body.contains("On vend tout"), "{draft:#?}");
    let html = draft.formatted_body.as_deref().expect("HTML");
    for event in [&kept, &edited] {
        assert!(html.contains(&format!("href=\"https://matrix.to/#/{room}/{event}?via=")), "{event}: {html}");
    }

    // A correction needs no mention, and whoever is in the room may make it.
    let correction = ben.send(&room, Text::new("l’action 1 est pour le bureau RH").in_thread(&asked)).await;
    let second = note(&ben, &room, &correction).await;
    assert!(second.body.contains("le bureau RH") && second.thread.as_deref() == Some(asked.as_str()), "{second:#?}");
    let publishing = awa.send(&room, Text::new("!note valider").in_thread(&asked)).await;
    let is_it = |one: &&Message| one.answers(&publishing) && one.thread.is_none();
    let published = ben.until(&room, "the final note", |messages| messages.iter().find(is_it).cloned()).await;
    assert!(published.encrypted && published.body.contains("le bureau RH"), "{published:#?}");

    // Who came since reads what was said since, and is told in private.
    awa.invite(&room, &chloe.user_id).await;
    chloe.join(&room).await;
    chloe.until_member(&room, &id, "join").await;
    awa.send(&room, "DÉCISION — On repeint en blanc").await;
    chloe
        .until(&room, "the decision", |messages| messages.iter().find(|one| one.body.contains("repeint")).cloned())
        .await;
    let missed = chloe.send(&room, "!manqué depuis 3 jours").await;
    let told = note(&chloe, &room, &missed).await;
    assert!(told.body.contains("Je vous l’envoie"), "{told:#?}");
    let direct = chloe.invitation().await;
    chloe.join(&direct).await;
    let sent = note(&chloe, &direct, &missed).await;
    assert!(sent.encrypted && sent.body.contains("On repeint en blanc"), "{sent:#?}");
    assert!(!sent.body.contains("7 décembre") && !sent.body.contains("salle"), "{sent:#?}");
    let newest = engine.prompts().into_iter().rev().find(|prompt| prompt.text().contains("repeint")).expect("asked");
    assert!(!newest.text().contains("7 décembre"), "the model was not given it either");
}
