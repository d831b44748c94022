//! For `crate::fuzz`: an event as the intake reads it, and an answer as it is sent.

use ruma::{event_id, room_id, user_id};

use super::{
    display_name,
    event::{EventReader, ParsedEvent, redacted},
    harmless, split,
};
use crate::message::{MessageKind, Outgoing};

/// An event's JSON, in every kind of room.
pub(crate) fn event(json: &str) {
    let names = ["@bot:hs".to_owned(), "Le Bot [DINUM]".to_owned(), "bot".to_owned()];
    for flags in 0..8 {
        let [direct, encrypted, decrypted] = [1, 2, 4].map(|flag| flags & flag != 0);
        let reader =
            EventReader { own: user_id!("@bot:hs"), names: &names, room_id: room_id!("!r:hs"), direct, encrypted };
        let body = match reader.read(json, decrypted) {
            Ok(ParsedEvent::Question(question)) => {
                assert!(!encrypted || decrypted, "plain text in an encrypted room is nobody's question");
                assert_ne!(question.sender, reader.own, "the bot asks itself nothing");
                question.text().to_owned()
            }
            Ok(ParsedEvent::Edit(edit)) => edit.body,
            Ok(ParsedEvent::Redaction(_) | ParsedEvent::Reaction(_) | ParsedEvent::Verification(_)) | Err(_) => {
                continue;
            }
        };
        assert!(body.len() <= 64 * 1024 && body.trim() == body);
    }
    redacted([json].into_iter());
    for name in [display_name::person(json), display_name::room(json)].into_iter().flatten() {
        assert!(!name.is_empty() && !name.contains(char::is_control));
    }
}

/// What a model wrote: cut into messages, each made into all the contents that it may be sent as.
pub(crate) fn answer(markdown: &str) {
    // Every address in it that may be a link at all is allowed: the rules hold whatever a stage allows.
    let words = markdown.split(|letter: char| letter.is_whitespace() || "()<>[]\"'".contains(letter));
    let allowed: Vec<String> = words.filter(|word| word.contains(':')).take(100).map(str::to_owned).collect();
    for (part, markdown) in split::parts(&split::closed(markdown)).iter().enumerate() {
        for (kind, thread) in [(MessageKind::Text, None), (MessageKind::Notice, Some(event_id!("$root")))] {
            harmless::check(&Outgoing {
                room_id: room_id!("!r:hs"),
                thread,
                question: event_id!("$question"),
                asker: Some(user_id!("@asker:hs")),
                part,
                replaces: None,
                kind,
                encrypted: true,
                complete: true,
                markdown,
                links: &allowed,
                sources: &[],
                about: None,
                opens: part == 0,
                transaction: "t",
            });
        }
    }
}
