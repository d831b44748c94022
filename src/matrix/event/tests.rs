use proptest::prelude::*;
use ruma::{owned_room_id, room_id, user_id};
use serde_json::{Value, json};

use super::{EventReader, Incoming, ParsedEvent, SkipReason, redacted, utd_message};
use crate::message::{Content, Edit, Undecrypted, Unread};

fn find_in(event: &Value, direct: bool, encrypted: bool, decrypted: bool) -> Result<ParsedEvent, SkipReason> {
    let names = ["@marius:hs".to_owned(), "Marius".to_owned()];
    let own = user_id!("@marius:hs");
    let reader = EventReader { own, names: &names, room_id: room_id!("!r:hs"), direct, encrypted };
    reader.read(&event.to_string(), decrypted)
}

fn read_in(event: &Value, direct: bool, encrypted: bool, decrypted: bool) -> Result<Incoming, SkipReason> {
    find_in(event, direct, encrypted, decrypted).map(|found| match found {
        ParsedEvent::Question(incoming) => incoming,
        other => panic!("no question: {other:?}"),
    })
}

fn read(event: &Value) -> Result<Incoming, SkipReason> {
    read_in(event, false, false, false)
}

fn message(content: &Value) -> Value {
    json!({"type": "m.room.message", "event_id": "$q", "sender": "@a:hs", "origin_server_ts": 7, "content": content})
}

fn of_kind(kind: &str, content: &Value) -> Value {
    let mut event = message(content);
    event["type"] = kind.into();
    event
}

const PILL: &str = "<a href=\"https://matrix.to/#/@marius:hs\">Marius</a>";

#[test]
fn without_m_mentions_a_link_to_the_bot_calls_it() {
    let with = |mentions: Value, html: &str| {
        let mut content = json!({"msgtype": "m.text", "body": "Marius : aide", "format": "org.matrix.custom.html",
            "formatted_body": html, "m.mentions": mentions});
        if content["m.mentions"].is_null() {
            content.as_object_mut().unwrap().remove("m.mentions");
        }
        let found = read(&message(&content)).unwrap();
        (found.mentions_me, found.text().to_owned())
    };
    let called = format!("{PILL}\u{a0}: aide");
    let quoted = format!("<mx-reply><blockquote>{PILL}</blockquote></mx-reply>Marius : aide");
    assert_eq!(with(Value::Null, &called), (true, "aide".to_owned()));
    assert_eq!(with(Value::Null, &quoted), (false, "Marius : aide".to_owned()));
    assert_eq!(with(Value::Null, "Marius : aide"), (false, "Marius : aide".to_owned()));
    // What says whom it mentions says all of them; of an unusable one the link is left.
    for (mentions, calls) in [
        (json!({}), false),
        (json!({"room": true}), false),
        (json!({"user_ids": []}), false),
        (json!({"user_ids": ["@ben:hs", 7]}), false),
        (json!({"user_ids": ["@ben:hs", 7, "@marius:hs"]}), true),
        (json!({"user_ids": "@ben:hs"}), true),
        (json!([]), true),
        (json!("x"), true),
    ] {
        assert_eq!(with(mentions.clone(), &called).0, calls, "{mentions}");
    }
    // Null beside the key is no sound object either; HTML of another format is none.
    let null = json!({"msgtype": "m.text", "body": "Marius", "formatted_body": PILL, "m.mentions": null});
    assert!(read(&message(&null)).unwrap().mentions_me, "a format that is missing");
    let other = json!({"msgtype": "m.text", "body": "Marius", "format": "org.example", "formatted_body": PILL});
    assert!(!read(&message(&other)).unwrap().mentions_me);
    let captioned = json!({"msgtype": "m.image", "body": "Marius: que dit-il ?", "filename": "b.png", "url": "mxc://h/x",
        "format": "org.matrix.custom.html", "formatted_body": format!("{PILL}: que dit-il ?")});
    let found = read(&message(&captioned)).unwrap();
    assert_eq!((found.mentions_me, found.text()), (true, "que dit-il ?"));
}

#[test]
fn what_is_no_text_is_known_for_what_it_is() {
    let kind =
        |event: &Value| read_in(event, true, true, true).unwrap_or_else(|skip| panic!("{skip:?} {event}")).unread();
    let media = |msgtype: &str, mimetype: Value| {
        kind(&message(&json!({"msgtype": msgtype, "body": "x", "url": "mxc://hs/x", "info": {"mimetype": mimetype}})))
    };
    let poll = json!({"org.matrix.msc3381.poll.start": {"question": {"org.matrix.msc1767.text": "?"}, "answers": []}});
    for (found, expected) in [
        (media("m.file", json!("application/pdf")), Unread::File),
        (media("m.file", json!("image/png")), Unread::Image),
        (media("m.image", json!("image/png")), Unread::Image),
        (media("m.image", json!(7)), Unread::Image),
        (media("m.image", json!("application/octet-stream")), Unread::Image),
        (media("m.audio", json!("audio/ogg")), Unread::Recording),
        (media("m.audio", Value::Null), Unread::Recording),
        (media("m.video", Value::Null), Unread::Video),
        // Without an address there is nothing to read, and somebody waits all the same.
        (kind(&message(&json!({"msgtype": "m.image", "body": "x.png"}))), Unread::Image),
        (kind(&message(&json!({"msgtype": "m.file", "url": 7, "filename": 7}))), Unread::File),
        (kind(&message(&json!({"msgtype": "m.audio", "file": {}, "info": "x"}))), Unread::Recording),
        (kind(&message(&json!({"msgtype": "m.location", "body": "Ici", "geo_uri": "geo:1,2"}))), Unread::Location),
        (kind(&of_kind("m.sticker", &json!({"body": "Bravo", "url": "mxc://hs/x", "info": {}}))), Unread::Sticker),
        (kind(&of_kind("org.matrix.msc3381.poll.start", &poll)), Unread::Poll),
        (kind(&of_kind("m.poll.start", &json!({"m.poll": {}}))), Unread::Poll),
    ] {
        assert_eq!(found, Some(expected));
    }
    for event in [
        of_kind("m.sticker", &json!({"body": "x"})),
        of_kind("m.poll.start", &poll),
        message(&json!({"msgtype": "m.emote", "body": "x"})),
        message(&json!({"msgtype": "m.location", "body": "x"})),
    ] {
        assert_eq!(read_in(&event, true, true, false).unwrap_err(), SkipReason::PlainText, "{event}");
    }
}

#[test]
fn a_sticker_or_a_poll_stands_where_it_was_sent() {
    let content = json!({"body": "Bravo", "m.mentions": {"user_ids": ["@marius:hs"]},
        "m.relates_to": {"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": {"event_id": "$t"}}});
    let found = read(&of_kind("m.sticker", &content)).unwrap();
    assert!(found.mentions_me);
    assert_eq!(found.thread.unwrap(), "$root");
    assert_eq!(found.replies_to.unwrap(), "$t");
    let edit = json!({"m.new_content": {"m.poll": {}}, "m.relates_to": {"rel_type": "m.replace", "event_id": "$old"}});
    assert!(find_in(&of_kind("m.poll.start", &edit), true, false, false).is_err());
}

#[test]
fn an_emote_and_what_is_shown_as_text_are_read_as_text() {
    for msgtype in [json!("m.emote"), json!("nic.custom.confetti"), json!(7), Value::Null] {
        let found = read(&message(&json!({"msgtype": msgtype, "body": "demande l'heure"}))).unwrap();
        assert_eq!(found.content, Content::Text("demande l'heure".to_owned()), "{msgtype}");
    }
    let unsaid = read(&message(&json!({"body": "Bonjour"}))).unwrap();
    assert_eq!(unsaid.text(), "Bonjour");
}

#[test]
fn where_only_the_html_is_sound_its_text_is_read() {
    for body in [json!(7), Value::Null, json!({})] {
        let content = json!({"msgtype": "m.text", "body": body, "format": "org.matrix.custom.html",
            "formatted_body": format!("<p>{PILL} : bonjour</p><p>à tous &amp; toutes</p>")});
        let found = read(&message(&content)).unwrap();
        assert_eq!((found.mentions_me, found.text()), (true, "bonjour\nà tous & toutes"));
    }
}

#[test]
fn media_are_read_with_their_caption() {
    let source = json!({"url": "mxc://hs/x", "key": {"k": "secret"}});
    let plain = json!({"msgtype": "m.file", "body": "a.pdf", "url": "mxc://hs/x",
        "info": {"mimetype": "application/pdf", "size": 7}});
    let found = read(&message(&plain)).unwrap();
    let Content::Attachment(media) = &found.content else { panic!("{found:?}") };
    assert_eq!(
        (media.name.as_str(), media.media_type.as_deref(), media.size),
        ("a.pdf", Some("application/pdf"), Some(7))
    );
    assert_eq!((media.source.as_str(), found.text()), ("\"mxc://hs/x\"", ""));
    let captioned = json!({"msgtype": "m.image", "body": "Marius: que dit-il ?", "filename": "b.png", "file": source,
        "m.mentions": {"user_ids": ["@marius:hs"]}});
    let found = read(&message(&captioned)).unwrap();
    let Content::Attachment(media) = &found.content else { panic!("{found:?}") };
    assert_eq!((media.name.as_str(), found.text(), found.mentions_me), ("b.png", "que dit-il ?", true));
    assert_eq!(media.source, source.to_string());
    assert!(!format!("{found:?} {media:?}").contains("secret"), "keys are no word for a log");
    // A name that says nothing is none, and a name twice is no caption.
    for (filename, body, name, caption) in [
        (json!(""), "a.pdf", "a.pdf", ""),
        (json!("  "), "a.pdf", "a.pdf", ""),
        (json!(7), "a.pdf", "a.pdf", ""),
        (json!("a.pdf"), " a.pdf ", "a.pdf", ""),
        (json!("a.pdf"), "Que dit-il ?", "a.pdf", "Que dit-il ?"),
        (json!("a.pdf"), "", "a.pdf", ""),
    ] {
        let sent = json!({"msgtype": "m.file", "body": body, "filename": filename, "url": "mxc://hs/x"});
        let found = read(&message(&sent)).unwrap();
        let Content::Attachment(media) = &found.content else { panic!("{found:?}") };
        assert_eq!((media.name.as_str(), found.text(), media.size), (name, caption, None), "{filename} {body}");
    }
    let voice = json!({"msgtype": "m.audio", "body": "Voice message", "filename": "v.ogg", "url": "mxc://hs/x",
        "org.matrix.msc3245.voice": {}});
    assert_eq!(read(&message(&voice)).unwrap().text(), "", "nobody's words");
}

#[test]
fn a_text_is_a_question() {
    let found = read(&message(&json!({"msgtype": "m.text", "body": "Bonjour"}))).unwrap();
    assert_eq!((found.text(), found.sent_at, found.mentions_me), ("Bonjour", 7, false));
    assert!(found.thread.is_none() && found.replies_to.is_none());
}

#[test]
fn what_is_no_question() {
    let text = json!({"msgtype": "m.text", "body": "x"});
    let with = |key: &str, value: Value| {
        let mut event = message(&text);
        event[key] = value;
        event
    };
    let table = [
        (message(&json!({"msgtype": "m.notice", "body": "x"})), SkipReason::OtherType),
        (message(&json!({"msgtype": "m.server_notice", "body": "x"})), SkipReason::OtherType),
        (message(&json!({"msgtype": "m.key.verification.request", "body": "x"})), SkipReason::OtherType),
        (of_kind("m.sticker", &json!({})), SkipReason::Redacted),
        (of_kind("org.matrix.msc3381.poll.response", &json!({"answers": ["1"]})), SkipReason::OtherType),
        (of_kind("org.matrix.msc3381.poll.end", &json!({"body": "x"})), SkipReason::OtherType),
        (message(&json!({"msgtype": "m.text", "body": "x", "org.compagnon.answer": {}})), SkipReason::Compagnon),
        (message(&json!({"msgtype": "m.notice", "body": "x", "org.compagnon.answer": {}})), SkipReason::Compagnon),
        (message(&json!({})), SkipReason::Redacted),
        (with("unsigned", json!({"redacted_because": {}})), SkipReason::Redacted),
        (with("sender", json!("@marius:hs")), SkipReason::Own),
        (with("type", json!("m.room.encrypted")), SkipReason::OtherType),
        (with("state_key", json!("")), SkipReason::OtherType),
        (with("sender", json!("nobody")), SkipReason::Malformed),
        (message(&json!({"msgtype": "m.text", "body": 7})), SkipReason::Malformed),
        (message(&json!({"msgtype": "m.text", "body": "   "})), SkipReason::Empty),
    ];
    for (event, expected) in table {
        assert_eq!(read(&event).unwrap_err(), expected, "{event}");
    }
}

#[test]
fn a_sound_m_mentions_alone_calls_the_bot() {
    let called = json!({"msgtype": "m.text", "body": "Marius: aide", "m.mentions": {"user_ids": ["@marius:hs"]}});
    let found = read(&message(&called)).unwrap();
    assert_eq!((found.mentions_me, found.text()), (true, "aide"));

    for content in [
        json!({"msgtype": "m.text", "body": "Marius: aide"}),
        json!({"msgtype": "m.text", "body": "Marius: aide", "m.mentions": {}}),
        json!({"msgtype": "m.text", "body": "Marius: aide", "m.mentions": {"room": true}}),
        json!({"msgtype": "m.text", "body": "Marius: aide", "m.mentions": {"user_ids": ["@marius:evil"]},
            "format": "org.matrix.custom.html",
            "formatted_body": "<a href=\"https://matrix.to/#/@marius:hs\">Marius</a>: aide"}),
    ] {
        let found = read(&message(&content)).unwrap();
        assert_eq!((found.mentions_me, found.text()), (false, "Marius: aide"));
    }
    let bare = json!({"msgtype": "m.text", "body": "Marius", "m.mentions": {"user_ids": ["@marius:hs"]}});
    assert_eq!(read(&message(&bare)).unwrap().text(), "");
}

#[test]
fn replies_and_threads() {
    let place = |relation: Value| {
        let content = json!({"msgtype": "m.text", "body": "> <@b:hs> avant\n\nx", "m.relates_to": relation});
        let found = read(&message(&content)).unwrap();
        assert_eq!(found.text(), "x");
        (found.thread.map(|id| id.to_string()), found.replies_to.map(|id| id.to_string()))
    };
    let (root, target) = (Some("$root".to_owned()), Some("$target".to_owned()));
    let reply = json!({"event_id": "$target"});
    assert_eq!(place(json!({"m.in_reply_to": reply})), (None, target.clone()));
    let thread = json!({"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": reply, "is_falling_back": true});
    assert_eq!(place(thread), (root.clone(), None));
    let within = json!({"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": reply, "is_falling_back": false});
    assert_eq!(place(within), (root.clone(), target.clone()));
    let unsaid = json!({"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": reply});
    assert_eq!(place(unsaid), (root, target));
}

#[test]
fn plain_text_in_an_encrypted_room_is_ignored() {
    let event = message(&json!({"msgtype": "m.text", "body": "x"}));
    assert_eq!(read_in(&event, true, true, false).unwrap_err(), SkipReason::PlainText);
    assert!(read_in(&event, true, true, true).is_ok());
    assert!(read_in(&event, true, false, false).is_ok());
}

#[test]
fn a_name_is_taken_off_in_a_direct_conversation() {
    let event = message(&json!({"msgtype": "m.text", "body": "Marius, aide"}));
    let found = read_in(&event, true, false, false).unwrap();
    assert_eq!((found.text(), found.mentions_me, found.direct), ("aide", false, true));
}

#[test]
fn a_strange_time_is_no_reason_to_be_silent() {
    for (time, expected) in [(json!(u64::MAX), u64::MAX), (json!(-1), 0), (json!("x"), 0), (Value::Null, 0)] {
        let mut event = message(&json!({"msgtype": "m.text", "body": "x"}));
        event["origin_server_ts"] = time;
        assert_eq!(read(&event).unwrap().sent_at, expected);
    }
}

#[test]
fn redactions_name_their_target_in_two_ways() {
    let old = json!({"type": "m.room.redaction", "redacts": "$a", "content": {}}).to_string();
    let new = json!({"type": "m.room.redaction", "content": {"redacts": "$b"}}).to_string();
    let text = message(&json!({"msgtype": "m.text", "body": "m.room.redaction", "redacts": "$c"})).to_string();
    let found = redacted([old.as_str(), new.as_str(), text.as_str()].into_iter());
    assert_eq!(found, ["$a".to_owned(), "$b".to_owned()].into());
}

fn edit(relates: &Value, new: &Value) -> Value {
    message(&json!({"msgtype": "m.text", "body": "* y", "m.new_content": new, "m.relates_to": relates}))
}

#[test]
fn an_edit_is_cleaned_as_a_question_is() {
    let relates = json!({"rel_type": "m.replace", "event_id": "$old"});
    for (body, expected) in [("y", "y"), ("Marius: y", "y"), ("> <@b:hs> avant\n\n@marius:hs y", "y")] {
        let event = edit(&relates, &json!({"msgtype": "m.text", "body": body}));
        let Ok(ParsedEvent::Edit(found)) = find_in(&event, false, false, false) else { panic!("no edit: {body}") };
        assert_eq!((found.event_id.as_str(), found.replaces.as_str(), found.sender.as_str()), ("$q", "$old", "@a:hs"));
        assert_eq!((found.room_id.as_str(), found.body.as_str()), ("!r:hs", expected));
    }
}

fn edited(new: &Value, direct: bool) -> Edit {
    let relates = json!({"rel_type": "m.replace", "event_id": "$old"});
    match find_in(&edit(&relates, new), direct, false, false) {
        Ok(ParsedEvent::Edit(found)) => found,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_edit_says_whether_its_new_text_mentions_the_bot() {
    let named = json!({"user_ids": ["@marius:hs"]});
    let text = |mentions: Value| {
        let mut new = json!({"msgtype": "m.text", "body": "Marius: y", "m.mentions": mentions});
        if new["m.mentions"].is_null() {
            new.as_object_mut().unwrap().remove("m.mentions");
        }
        new
    };
    for (new, expected) in [
        (text(named.clone()), Some(true)),
        (text(json!({})), Some(false)),
        (text(json!({"user_ids": ["@ben:hs"]})), Some(false)),
        (text(Value::Null), None),
        (json!({"msgtype": "m.text", "body": "Marius: y", "formatted_body": format!("{PILL}: y")}), Some(true)),
    ] {
        let found = edited(&new, false);
        assert_eq!((found.mentions_me, found.body.as_str(), found.calls()), (expected, "y", expected == Some(true)));
        assert!(edited(&new, true).calls(), "in a direct conversation every message is for the bot");
    }
    // Beside the new content stand those whom the edit adds.
    let relates = json!({"rel_type": "m.replace", "event_id": "$old"});
    for (beside, expected) in [(named, Some(true)), (json!({}), None)] {
        let mut event = edit(&relates, &text(Value::Null));
        event["content"]["m.mentions"] = beside;
        let Ok(ParsedEvent::Edit(found)) = find_in(&event, false, false, false) else { panic!("{event}") };
        assert_eq!(found.mentions_me, expected);
    }
    assert_eq!(
        edited(&json!({"msgtype": "m.text", "body": "stop @Marius"}), true).without_call.as_deref(),
        Some("stop")
    );
}

#[test]
fn the_caption_of_media_is_edited_and_their_name_is_not_a_text() {
    let image = |body: &str| json!({"msgtype": "m.image", "body": body, "filename": "b.png", "url": "mxc://hs/x"});
    assert_eq!(edited(&image("Marius, que dit-il ?"), false).body, "que dit-il ?");
    let relates = json!({"rel_type": "m.replace", "event_id": "$old"});
    let found = find_in(&edit(&relates, &image("b.png")), false, false, false);
    assert_eq!(found.unwrap_err(), SkipReason::Empty);
    assert_eq!(edited(&json!({"msgtype": "m.emote", "body": "demande"}), false).body, "demande");
}

#[test]
fn of_an_original_it_is_known_who_wrote_it_and_where() {
    let original = |event: &Value| super::original(&event.to_string(), room_id!("!r:hs"), user_id!("@marius:hs"));
    let thread = json!({"rel_type": "m.thread", "event_id": "$root"});
    let encrypted = of_kind("m.room.encrypted", &json!({"ciphertext": "x", "m.relates_to": thread}));
    let found = original(&encrypted).unwrap();
    assert_eq!((found.event_id.as_str(), found.sender.as_str(), found.text()), ("$q", "@a:hs", ""));
    assert_eq!(found.thread.unwrap(), "$root");
    let text = json!({"msgtype": "m.text", "body": "x"});
    let with = |key: &str, value: Value| {
        let mut event = message(&text);
        event[key] = value;
        original(&event)
    };
    assert!(with("x", json!(1)).is_some());
    assert!(with("sender", json!("@marius:hs")).is_none(), "its own");
    assert!(with("state_key", json!("")).is_none());
    assert!(with("unsigned", json!({"redacted_because": {}})).is_none());
    assert!(with("content", json!({})).is_none(), "redacted");
    assert!(with("content", json!({"org.compagnon.answer": {}})).is_none());
    assert!(with("content", json!({"m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}})).is_none());
}

#[test]
fn an_edit_in_a_direct_conversation_keeps_a_first_word_that_may_be_the_bots_name() {
    let text = |body: &str| json!({"msgtype": "m.text", "body": body});
    assert_eq!(edited(&text("marius est là"), true).body, "marius est là");
    assert_eq!(edited(&text("Marius: y"), true).body, "y");
    assert_eq!(edited(&text("marius est là"), false).body, "est là");
}

#[test]
fn an_id_that_is_longer_than_ids_are_relates_to_nothing() {
    let event = |length: usize| {
        let relates = json!({"rel_type": "m.replace", "event_id": format!("${}", "a".repeat(length - 1))});
        find_in(&edit(&relates, &json!({"msgtype": "m.text", "body": "y"})), false, false, false)
    };
    assert!(matches!(event(255), Ok(ParsedEvent::Edit(_))));
    assert!(!matches!(event(256), Ok(ParsedEvent::Edit(_))));
    assert!(!matches!(event(40_000), Ok(ParsedEvent::Edit(_))));
}

#[test]
fn what_is_no_edit() {
    let relates = json!({"rel_type": "m.replace", "event_id": "$old"});
    let text = json!({"msgtype": "m.text", "body": "y"});
    let by = |sender: &str| {
        let mut event = edit(&relates, &text);
        event["sender"] = sender.into();
        event
    };
    let mut answer = edit(&relates, &text);
    answer["content"]["org.compagnon.answer"] = json!({"question": "$x"});
    let table = [
        (edit(&relates, &json!({"msgtype": "m.notice", "body": "y"})), SkipReason::OtherType),
        (edit(&relates, &json!({"msgtype": "m.text", "body": " "})), SkipReason::Empty),
        (by("@marius:hs"), SkipReason::Own),
        (answer, SkipReason::Compagnon),
    ];
    for (event, expected) in table {
        assert_eq!(find_in(&event, false, false, false).unwrap_err(), expected, "{event}");
    }
    let plain = edit(&relates, &text);
    assert_eq!(find_in(&plain, false, true, false).unwrap_err(), SkipReason::PlainText);
    assert!(find_in(&plain, false, true, true).is_ok());
}

#[test]
fn redactions_are_told() {
    let redaction = |beside: Value, content: Value| {
        let event = json!({"type": "m.room.redaction", "event_id": "$q", "sender": "@a:hs", "redacts": beside,
            "content": content});
        // Nothing in a redaction is secret, so it counts in encrypted rooms too.
        find_in(&event, false, true, false).map(|found| match found {
            ParsedEvent::Redaction(found) => found.redacts.to_string(),
            other => panic!("no redaction: {other:?}"),
        })
    };
    assert_eq!(redaction(json!("$old"), json!({"reason": "x"})).unwrap(), "$old");
    assert_eq!(redaction(Value::Null, json!({"redacts": "$new"})).unwrap(), "$new");
    assert_eq!(redaction(json!("$true"), json!({"redacts": "$forged"})).unwrap(), "$true");
    assert_eq!(redaction(Value::Null, json!({})).unwrap_err(), SkipReason::Redacted);
    assert_eq!(redaction(json!("nothing"), json!(7)).unwrap_err(), SkipReason::Malformed);
    let own = json!({"type": "m.room.redaction", "event_id": "$q", "sender": "@marius:hs", "redacts": "$old"});
    assert_eq!(find_in(&own, false, false, false).unwrap_err(), SkipReason::Own);
}

#[test]
fn a_request_for_verification_is_no_question() {
    let request = |to: &str| {
        message(&json!({"msgtype": "m.key.verification.request", "body": "…", "to": to, "methods": ["m.sas.v1"]}))
    };
    // Element's SDK sends it in clear into encrypted rooms too.
    for decrypted in [true, false] {
        let found = find_in(&request("@marius:hs"), true, true, decrypted).expect("a request");
        let ParsedEvent::Verification(found) = found else { panic!("{found:?}") };
        assert_eq!((found.sender.as_str(), found.flow(), found.sent_at), ("@a:hs", "$q", 7));
    }
    assert_eq!(find_in(&request("@b:hs"), true, true, true), Err(SkipReason::OtherType), "it is somebody else's");
}

#[test]
fn reactions_are_told() {
    let reaction = |sender: &str, content: Value| {
        let event = json!({"type": "m.reaction", "event_id": "$q", "sender": sender, "content": content});
        find_in(&event, false, true, false).map(|found| match found {
            ParsedEvent::Reaction(found) => (found.sender.to_string(), found.target.to_string(), found.key),
            other => panic!("no reaction: {other:?}"),
        })
    };
    let thumb = json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": "$t", "key": "👍"}});
    let expected = ("@a:hs".to_owned(), "$t".to_owned(), "👍".to_owned());
    assert_eq!(reaction("@a:hs", thumb.clone()).unwrap(), expected);
    assert_eq!(reaction("@marius:hs", thumb).unwrap_err(), SkipReason::Own);
    // What bridges and clients add: the name of a custom emoji, a reply for clients that know no reactions.
    let rich = json!({
        "m.relates_to": {"rel_type": "m.annotation", "event_id": "$t", "key": "👍", "m.in_reply_to": 7, "is_falling_back": "x"},
        "shortcode": ":thumbsup:", "com.beeper.reaction.shortcode": 7, "body": "👍",
    });
    assert_eq!(reaction("@a:hs", rich).unwrap(), expected);
    for (content, expected) in [
        (json!({}), SkipReason::Redacted),
        (json!({"m.relates_to": 7}), SkipReason::Malformed),
        (json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": "$t", "key": 7}}), SkipReason::Malformed),
        (json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": "", "key": "x"}}), SkipReason::Malformed),
        (json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": "$t"}}), SkipReason::Malformed),
        (json!({"m.relates_to": {"rel_type": "m.annotation", "key": "x"}}), SkipReason::Malformed),
        (json!({"m.relates_to": {"event_id": "$t", "key": "x"}}), SkipReason::Malformed),
        (json!({"m.relates_to": {"rel_type": "m.thread", "event_id": "$t", "key": "x"}}), SkipReason::OtherType),
    ] {
        assert_eq!(reaction("@a:hs", content.clone()).unwrap_err(), expected, "{content}");
    }
}

/// `FluffyChat`, pantalaimon and older SDKs encrypt reactions, with the relation beside the ciphertext too.
#[test]
fn an_encrypted_reaction_is_one_and_nobody_is_told_that_it_could_not_be_read() {
    let relation = json!({"rel_type": "m.annotation", "event_id": "$t", "key": "👍"});
    let event = |kind: &str, content: Value| json!({"type": kind, "event_id": "$q", "sender": "@a:hs", "origin_server_ts": 7, "content": content});
    let decrypted = find_in(&event("m.reaction", json!({"m.relates_to": relation})), true, true, true);
    assert!(matches!(decrypted, Ok(ParsedEvent::Reaction(found)) if found.key == "👍"));
    let waits = |relation: Value| {
        let content = json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "m.relates_to": relation});
        utd_message(&Undecrypted {
            room_id: owned_room_id!("!r:hs"),
            event_id: "$q".try_into().unwrap(),
            sender: None,
            session_id: None,
            sent_at: 7,
            raw: event("m.room.encrypted", content).to_string(),
        })
    };
    assert_eq!(waits(relation), None);
    assert!(waits(json!({"rel_type": "m.thread", "event_id": "$t"})).is_some());
}

#[test]
fn an_odd_optional_part_counts_as_absent() {
    let base = json!({"msgtype": "m.text", "body": "Bonjour"});
    let with = |key: &str, value: Value| {
        let mut content = base.clone();
        content[key] = value;
        read_in(&message(&content), true, false, false).unwrap_or_else(|skip| panic!("{key}: {skip:?}"))
    };
    let place = |relation: Value| {
        let found = with("m.relates_to", relation);
        assert_eq!(found.text(), "Bonjour");
        (found.thread.map(|id| id.to_string()), found.replies_to.map(|id| id.to_string()))
    };
    for relation in [
        json!("m.thread"),
        Value::Null,
        json!({"rel_type": "m.thread"}),
        json!({"rel_type": "m.thread", "event_id": ""}),
        json!({"rel_type": 7, "event_id": "$root"}),
        json!({"rel_type": "m.replace"}),
        json!({"rel_type": "m.replace", "event_id": 7}),
        json!({"rel_type": "m.annotation", "event_id": "$t", "key": {}}),
        json!({"m.in_reply_to": {}}),
        json!({"m.in_reply_to": "$target"}),
    ] {
        assert_eq!(place(relation.clone()), (None, None), "{relation}");
    }
    // What is sound beside it is taken.
    let half = json!({"rel_type": 7, "m.in_reply_to": {"event_id": "$target"}});
    assert_eq!(place(half), (None, Some("$target".to_owned())));
    let half = json!({"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": 7, "is_falling_back": "yes"});
    assert_eq!(place(half), (Some("$root".to_owned()), None));
    for info in [json!(7), json!({"mimetype": {}, "size": "x"}), json!({"size": -1}), Value::Null, json!([])] {
        let image = json!({"msgtype": "m.image", "body": "b.png", "url": "mxc://hs/x", "info": info});
        let found = read(&message(&image)).unwrap();
        let Content::Attachment(media) = &found.content else { panic!("{found:?}") };
        assert_eq!((media.name.as_str(), media.size, found.unread()), ("b.png", None, Some(Unread::Image)), "{info}");
    }
    for mentions in [Value::Null, json!(7), json!([]), json!({"user_ids": 3}), json!({"user_ids": [7, null]})] {
        assert!(!with("m.mentions", mentions).mentions_me);
    }
    assert!(with("m.mentions", json!({"user_ids": [7, "@marius:hs"], "room": "x"})).mentions_me);
    for (key, value) in [("formatted_body", json!(5)), ("format", json!({})), ("m.new_content", json!("x"))] {
        assert_eq!(with(key, value).text(), "Bonjour");
    }
}

#[test]
fn an_edit_without_a_sound_new_content_is_what_old_clients_show() {
    let relates = json!({"rel_type": "m.replace", "event_id": "$old"});
    for new in [Value::Null, json!("y"), json!({}), json!({"msgtype": "m.text", "body": 7}), json!({"body": "z"})] {
        let Ok(ParsedEvent::Edit(found)) = find_in(&edit(&relates, &new), false, false, false) else { panic!("{new}") };
        assert_eq!((found.replaces.as_str(), found.body.as_str()), ("$old", "y"), "{new}");
    }
}

/// Any JSON, and what is nearly right.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["m.thread", "m.replace", "m.annotation", "$e", "", "@marius:hs", "m.text"])
            .prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "rel_type",
        "event_id",
        "key",
        "m.in_reply_to",
        "is_falling_back",
        "user_ids",
        "msgtype",
        "body",
        "formatted_body",
        "age",
        "m.relations",
        "x",
    ]);
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn a_sound_text_is_read_whatever_stands_beside_it(
        content in prop::collection::vec(
            (prop::sample::select(vec!["m.relates_to", "m.mentions", "m.new_content", "format", "formatted_body"]), any_json()),
            0..5,
        ),
        beside in prop::collection::vec(
            (prop::sample::select(vec!["unsigned", "origin_server_ts", "redacts"]), any_json()),
            0..3,
        ),
    ) {
        let mut event = message(&json!({"msgtype": "m.text", "body": "Bonjour à tous"}));
        for (key, value) in content {
            event["content"][key] = value;
        }
        for (key, value) in beside {
            event[key] = value;
        }
        match find_in(&event, true, false, false) {
            Ok(ParsedEvent::Question(found)) => prop_assert_eq!(found.text(), "Bonjour à tous"),
            // Its new content may be a sound one of another kind, or have no text.
            Ok(ParsedEvent::Edit(_)) | Err(SkipReason::OtherType | SkipReason::Empty) => {
                prop_assert_eq!(&event["content"]["m.relates_to"]["rel_type"], "m.replace");
            }
            other => prop_assert!(false, "{other:?}: {event}"),
        }
    }
}
