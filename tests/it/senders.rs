//! What people's clients really send: mentions without `m.mentions`, captions, stickers, polls, edits that add a mention, commands beside
//! a mention, and odd members. In encrypted rooms.

use serde_json::{Value, json};

use crate::{
    support::{
        people::Person,
        room::{Message, Text, name_of},
    },
    world::{World, assert_answered_once, assert_each_once, from, id_of, joined_dm},
};

const NAME: &str = "Comment vous appelez-vous ?";

/// A room with several people, which the bot is in.
async fn salon(awa: &Person, bot: &str) -> String {
    let room = awa.create_room("Bureau", true, &[bot]).await;
    awa.until_member(&room, bot, "join").await;
    room
}

/// An encrypted file as clients send it; nobody downloads it here.
fn media(msgtype: &str, body: &str, mimetype: &str) -> Value {
    let file = json!({"v": "v2", "url": "mxc://localhost/nothing", "iv": "AAAAAAAAAAAAAAAAAAAAAA", "hashes": {"sha256": "x"},
        "key": {"kty": "oct", "k": "x", "alg": "A256CTR", "ext": true, "key_ops": ["encrypt", "decrypt"]}});
    json!({"msgtype": msgtype, "body": body, "info": {"mimetype": mimetype, "size": 3}, "file": file})
}

/// The notice under a message.
async fn notice(person: &Person, room: &str, message: &str) -> Message {
    let found = person.answer_to(room, message).await;
    assert_eq!(found.msgtype, "m.notice", "{found:#?}");
    found
}

/// As [`assert_each_once`], for messages that the person's own client may not show.
fn assert_once(person: &Person, room: &str, bot: &str, messages: &[String]) {
    let said = from(&person.messages(room), bot);
    let answers: Vec<_> = said.iter().filter(|one| one.answer["question"].is_string()).collect();
    for message in messages {
        let count = answers.iter().filter(|one| one.answers(message)).count();
        assert_eq!(count, 1, "answers to {message}: {answers:#?}");
    }
    let others = answers.iter().filter(|one| !messages.iter().any(|message| one.answers(message)));
    // The welcome answers the bot's own coming in.
    assert!(others.count() <= 1, "more than was asked: {answers:#?}");
}

#[tokio::test]
async fn a_pill_from_a_client_without_m_mentions_calls_the_bot() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let room = salon(&awa, &id).await;
    let encoded = id.replace('@', "%40").replace(':', "%3A");
    let pill = |href: String| Text::new(NAME).with_pill(&href, "Le Compagnon").of_old_client();
    let mut asked = Vec::new();
    for href in [
        format!("https://matrix.to/#/{id}"),
        format!("https://www.tchap.gouv.fr/#/user/{id}"),
        format!("https://tchap.gouv.fr/#/{encoded}?via=localhost"),
        format!("matrix:u/{}", id.trim_start_matches('@')),
    ] {
        asked.push(awa.send(&room, pill(href)).await);
        let answer = awa.answer_to(&room, asked.last().expect("just asked")).await;
        assert!(answer.body.contains("Témoin"), "{answer:#?}");
    }
    // Whom a client names, it names; a pill in what is quoted, to another server, and a name, are no calls.
    let link = format!("<a href=\"https://matrix.to/#/{id}\">Le Compagnon</a>");
    awa.send(&room, Text::new(NAME).with_pill(&format!("https://matrix.to/#/{id}"), "Le Compagnon")).await;
    for html in [
        format!("<mx-reply><blockquote>{link}</blockquote></mx-reply>{NAME}"),
        format!("<blockquote>{link}</blockquote>{NAME}"),
        format!("<a href=\"https://example.org/#/{id}\">Le Compagnon</a> {NAME}"),
        format!("Le Compagnon : {NAME}"),
    ] {
        awa.send(&room, Text::new(format!("Le Compagnon : {NAME}")).with_html(&html).of_old_client()).await;
    }
    asked.push(awa.send(&room, Text::to(&id, NAME)).await);
    awa.answer_to(&room, asked.last().expect("just asked")).await;
    assert_answered_once(&awa, &room, &id, &asked);
}

#[tokio::test]
async fn whatever_is_sent_to_the_bot_is_answered_with_what_it_can_say() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let room = joined_dm(&awa, &id).await;

    // A caption is a question; the line under the answer says what was not read.
    let mut photo = media("m.image", NAME, "image/jpeg");
    photo["filename"] = "photo.jpg".into();
    let captioned = awa.send_raw(&room, photo).await;
    let answer = awa.answer_to(&room, &captioned).await;
    assert!(answer.msgtype == "m.text" && answer.body.contains("image"), "{answer:#?}");
    // The rest of the burst is silent.
    let burst = awa.send_raw(&room, media("m.image", "deux.jpg", "image/jpeg")).await;
    let emote = awa.send(&room, Text::new(NAME).of_type("m.emote")).await;
    let answer = awa.answer_to(&room, &emote).await;
    assert!(answer.body.contains("Témoin"), "{answer:#?}");
    assert!(!awa.messages(&room).iter().any(|message| message.answers(&burst)));

    // Each kind in a room of its own, where it begins a burst.
    let mut voice = media("m.audio", "Message vocal", "audio/ogg");
    voice["org.matrix.msc3245.voice"] = json!({});
    let sticker = json!({"body": "Bravo", "info": {}, "url": "mxc://localhost/nothing"});
    let poll = json!({"org.matrix.msc1767.text": "Quand ?", "org.matrix.msc3381.poll.start": {
        "kind": "org.matrix.msc3381.poll.disclosed", "max_selections": 1, "question": {"org.matrix.msc1767.text": "Quand ?"},
        "answers": [{"id": "1", "org.matrix.msc1767.text": "Lundi"}]}});
    let place = json!({"msgtype": "m.location", "body": "Ici", "geo_uri": "geo:48.8,2.3"});
    for (kind, content, word) in [
        ("m.room.message", media("m.file", "note.zip", "application/zip"), "fichier"),
        ("m.room.message", voice, "vocaux"),
        ("m.room.message", media("m.video", "film.mp4", "video/mp4"), "vidéos"),
        ("m.room.message", place, "positions"),
        ("m.sticker", sticker, "autocollants"),
        ("org.matrix.msc3381.poll.start", poll, "sondages"),
    ] {
        let person = world.person("ben").await;
        let room = joined_dm(&person, &id).await;
        let sent = person.send_event(&room, kind, content.clone()).await;
        let said = notice(&person, &room, &sent).await;
        assert!(said.body.contains(word), "{word}: {said:#?}");
        // In clear, in an encrypted room: nobody's.
        person.send_event_plain(&room, kind, content).await;
        let last = person.send(&room, NAME).await;
        person.answer_to(&room, &last).await;
        assert_once(&person, &room, &id, &[sent, last]);
    }
}

#[tokio::test]
async fn ten_photos_in_a_room_are_one_sentence_and_those_among_colleagues_none() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let private = joined_dm(&awa, &id).await;
    let mut photos = Vec::new();
    for number in 0..10 {
        photos.push(awa.send_raw(&private, media("m.image", &format!("{number}.jpg"), "image/jpeg")).await);
    }
    let last = awa.send(&private, NAME).await;
    awa.answer_to(&private, &last).await;
    notice(&awa, &private, &photos[0]).await;
    assert_each_once(&awa, &private, &id, &[last], &photos[..1]);

    let room = salon(&awa, &id).await;
    awa.send_raw(&room, media("m.image", "colleague.jpg", "image/jpeg")).await;
    let mut called = media("m.file", &format!("{}: {NAME}", name_of(&id)), "application/pdf");
    called["filename"] = "note.pdf".into();
    called["m.mentions"] = json!({"user_ids": [id]});
    let captioned = awa.send_raw(&room, called).await;
    // Nothing opens it: the question is not answered without the file that it is about.
    let said = notice(&awa, &room, &captioned).await;
    assert!(said.body.contains("note.pdf"), "{said:#?}");
    assert_once(&awa, &room, &id, &[captioned]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_that_an_edit_adds_is_answered_once() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = awa.create_room("Bureau", true, &[&id, &ben.user_id]).await;
    awa.until_member(&room, &id, "join").await;
    ben.join(&room).await;
    awa.until_member(&room, &ben.user_id, "join").await;
    ben.until_member(&room, &id, "join").await;

    // Forgotten, then added; twice; and by a client without `m.mentions`, in a thread.
    let forgotten = awa.send(&room, NAME).await;
    awa.send(&room, Text::to(&id, NAME).editing(&forgotten)).await;
    awa.send(&room, Text::to(&id, &format!("{NAME} Dites.")).editing(&forgotten)).await;
    let answer = awa.answer_to(&room, &forgotten).await;
    assert_eq!(answer.in_reply_to.as_deref(), Some(forgotten.as_str()), "{answer:#?}");
    let opening = awa.send(&room, "Parlons-en.").await;
    let threaded = awa.send(&room, Text::new(NAME).in_thread(&opening)).await;
    let pill = Text::new(NAME).with_pill(&format!("https://www.tchap.gouv.fr/#/user/{id}"), "Le Compagnon");
    awa.send(&room, pill.of_old_client().editing(&threaded)).await;
    let answer = awa.answer_to(&room, &threaded).await;
    assert_eq!(answer.thread.as_deref(), Some(opening.as_str()), "{answer:#?}");

    // While the bot is away.
    let late = awa.send(&room, NAME).await;
    bot.kill();
    awa.send(&room, Text::to(&id, NAME).editing(&late)).await;
    bot.start_again();
    awa.answer_to(&room, &late).await;

    // A command, somebody else's message, and a mention taken away.
    let command = awa.send(&room, NAME).await;
    awa.send(&room, Text::to(&id, "!oublier").editing(&command)).await;
    ben.send(&room, Text::to(&id, NAME).editing(&command)).await;
    let before = awa.answer_to(&room, &late).await;
    awa.send(&room, Text::new("Autre chose").editing(&late)).await;
    let last = awa.send(&room, Text::to(&id, NAME)).await;
    awa.answer_to(&room, &last).await;
    let after = awa.answer_to(&room, &late).await;
    assert_eq!((after.body, after.edits), (before.body, before.edits), "nothing was written anew");
    assert_answered_once(&awa, &room, &id, &[forgotten, threaded, late, last]);
}

#[tokio::test]
async fn a_command_beside_a_mention_is_a_command() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let room = salon(&awa, &id).await;
    let (name, mentions) = (name_of(&id), json!({"user_ids": [id]}));
    let mut said = Vec::new();
    for (body, word) in [
        (format!("{name} : !aide"), "!oublier"),
        (format!("{name}\u{a0}: aide"), "!oublier"),
        (format!("{id} : !état"), "Témoin"),
        (format!("{name} — !aide"), "!oublier"),
        (format!("{name}\u{202f}, !aide"), "!oublier"),
        (format!("aide @{name} !"), "!oublier"),
        (format!("stop @{name}"), ""),
    ] {
        let sent = awa.send_raw(&room, json!({"msgtype": "m.text", "body": body, "m.mentions": mentions})).await;
        let notice = notice(&awa, &room, &sent).await;
        assert!(notice.body.contains(word), "{body}: {notice:#?}");
        said.push(sent);
    }
    // From a client that writes a pill.
    let pill = Text::new("!oublier").with_pill(&format!("https://www.tchap.gouv.fr/#/user/{id}"), "Le Compagnon");
    said.push(awa.send(&room, pill.of_old_client()).await);
    notice(&awa, &room, said.last().expect("just sent")).await;
    assert_each_once(&awa, &room, &id, &[], &said);
}

#[tokio::test]
async fn what_is_odd_beside_a_sound_text_costs_nobody_an_answer() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let room = joined_dm(&awa, &id).await;
    let mut asked = Vec::new();
    for (key, value) in [
        ("m.mentions", Value::Null),
        ("m.mentions", json!(["@awa:localhost"])),
        ("m.mentions", json!({"user_ids": "x", "room": "y"})),
        ("m.relates_to", json!("x")),
        ("m.relates_to", json!({"rel_type": 7, "event_id": {}, "m.in_reply_to": []})),
        ("formatted_body", json!({"x": 1})),
        ("format", json!(7)),
        ("info", json!("x")),
    ] {
        let mut content = json!({"msgtype": "m.text", "body": NAME});
        content[key] = value;
        asked.push(awa.send_raw(&room, content).await);
        awa.answer_to(&room, asked.last().expect("just asked")).await;
    }
    // Only the HTML is sound; only the text is; a kind that clients show as text.
    for content in [
        json!({"msgtype": "m.text", "body": 7, "format": "org.matrix.custom.html", "formatted_body": format!("<p>{NAME}</p>")}),
        json!({"body": NAME}),
        json!({"msgtype": "nic.custom.confetti", "body": NAME}),
    ] {
        asked.push(awa.send_raw(&room, content).await);
        let answer = awa.answer_to(&room, asked.last().expect("just asked")).await;
        assert!(answer.body.contains("Témoin"), "{answer:#?}");
    }
    assert_once(&awa, &room, &id, &asked);
}
