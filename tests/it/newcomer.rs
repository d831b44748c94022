//! A newcomer's first minutes in a room, on a client that writes no `m.mentions`: from the invitation to a useful answer.

use serde_json::{Value, json};

use crate::{
    support::room::Message,
    world::{World, assert_each_once, from},
};

/// A text that calls the bot by a pill alone, as Tchap and Element for Android wrote it for years.
fn pill(link: &str, text: &str) -> Value {
    json!({
        "msgtype": "m.text", "body": format!("Compagnon {text}"), "format": "org.matrix.custom.html",
        "formatted_body": format!("<a href=\"{link}\">Compagnon</a> {text}"),
    })
}

/// A reply as old clients write it: with the quote in the text, and no mention.
fn old_reply(to: &Message, text: &str) -> Value {
    json!({
        "msgtype": "m.text", "body": format!("> <{}> {}\n\n{text}", to.sender, to.body.lines().next().unwrap_or_default()),
        "format": "org.matrix.custom.html",
        "formatted_body": format!("<mx-reply><blockquote>…</blockquote></mx-reply>{text}"),
        "m.relates_to": {"m.in_reply_to": {"event_id": to.event_id}},
    })
}

#[tokio::test]
async fn a_room_on_clients_without_mentions_gets_from_the_invitation_to_a_useful_answer() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = awa.create_room("Bureau", true, &[&ben.user_id]).await;
    ben.join(&room).await;
    awa.invite(&room, &id).await;
    let welcome = awa.until(&room, "the welcome", |messages| from(messages, &id).first().cloned()).await;
    // What she is told is enough to go on.
    assert!(welcome.body.contains("Mentionnez-moi") || welcome.body.contains("mentionnez-moi"), "{welcome:#?}");
    ben.until_member(&room, &id, "join").await;

    // Colleagues talk; nobody is answered who does not call.
    let aside = json!({"msgtype": "m.text", "body": "Compagnon est arrivé, on essaie ?"});
    ben.send_raw(&room, aside).await;
    let asked = awa.send_raw(&room, pill(&format!("https://matrix.to/#/{id}"), "Comment vous appelez-vous ?")).await;
    let answer = awa.answer_to(&room, &asked).await;
    assert!(answer.body.contains("appelle Témoin") && answer.body.contains("réponse d’une IA"), "{answer:#?}");
    assert_eq!(answer.in_reply_to.as_deref(), Some(asked.as_str()), "{answer:#?}");
    assert!(answer.encrypted && answer.mentions == [awa.user_id.clone()], "{answer:#?}");
    // The other link that Tchap writes, and an answer to the answer.
    let link = format!("https://www.tchap.gouv.fr/#/user/{}", id.replace('@', "%40").replace(':', "%3A"));
    let second = ben.send_raw(&room, pill(&link, "Comment vous appelez-vous ?")).await;
    let answer = ben.answer_to(&room, &second).await;
    assert!(answer.body.contains("Témoin"), "{answer:#?}");
    let third = ben.send_raw(&room, old_reply(&answer, "Comment vous appelez-vous ?")).await;
    let last = ben.answer_to(&room, &third).await;
    assert!(last.body.contains("Témoin"), "{last:#?}");
    // Her client may be behind his.
    awa.answer_to(&room, &third).await;
    assert_each_once(&awa, &room, &id, &[asked, second, third], &[]);
}
