//! What a message carries: a text, media with a caption, or something that the bot can make nothing of.

use serde_json::Value;

use super::{optional::Written, skip::SkipReason};
use crate::message::{MediaRef, Unread};

/// What a message carries.
#[derive(Debug, PartialEq)]
pub(super) enum Carried {
    /// Its text.
    Text,
    /// Media. Their caption is not cleaned yet.
    Media(MediaRef),
    /// What the bot can make nothing of.
    Unreadable(Unread),
}

/// The types of events that are messages. Polls and places have had an unstable name first, which clients still use.
pub(super) fn is_message(kind: &str) -> bool {
    kind == "m.room.message" || unreadable(kind).is_some()
}

fn unreadable(kind: &str) -> Option<Unread> {
    match kind {
        "m.sticker" => Some(Unread::Sticker),
        "m.poll.start" | "org.matrix.msc3381.poll.start" => Some(Unread::Poll),
        "m.location" | "org.matrix.msc3488.location" => Some(Unread::Location),
        _ => None,
    }
}

/// What an event of this type with this content carries.
pub(super) fn carried(kind: &str, content: &Value, written: &Written<'_>) -> Result<Carried, SkipReason> {
    if let Some(unread) = unreadable(kind) {
        // Nothing is left in one that was redacted.
        let is_empty = content.as_object().is_none_or(serde_json::Map::is_empty);
        return if is_empty { Err(SkipReason::Redacted) } else { Ok(Carried::Unreadable(unread)) };
    }
    if content.get("msgtype").is_none() && written.body.is_none() {
        return Err(SkipReason::Redacted);
    }
    if let Some(unread) = written.msgtype.and_then(kind_of_media) {
        return Ok(media(content, written, unread).map_or(Carried::Unreadable(unread), Carried::Media));
    }
    match written.msgtype {
        Some("m.location") => Ok(Carried::Unreadable(Unread::Location)),
        // Notices come from bots, and answering them could make a loop. The others are the clients' own business.
        Some("m.notice" | "m.server_notice" | "m.bad.encrypted") => Err(SkipReason::OtherType),
        Some(other) if other.starts_with("m.key.") => Err(SkipReason::OtherType),
        // Text, an emote, or a kind that is not known, for which the specification has the body shown.
        _ if written.body.is_some() => Ok(Carried::Text),
        _ => Err(SkipReason::Malformed),
    }
}

/// What kind of media a message of this type sends.
pub(super) fn kind_of_media(msgtype: &str) -> Option<Unread> {
    match msgtype {
        "m.file" => Some(Unread::File),
        "m.image" => Some(Unread::Image),
        "m.audio" => Some(Unread::Recording),
        "m.video" => Some(Unread::Video),
        _ => None,
    }
}

/// What a message says of the media that it sends. `None`: not where they are.
pub(super) fn media(content: &Value, written: &Written<'_>, unread: Unread) -> Option<MediaRef> {
    let source = content
        .get("file")
        .filter(|file| file.is_object())
        .or_else(|| content.get("url").filter(|url| url.is_string()))?;
    let info = content.get("info");
    let body = written.body.as_deref().unwrap_or_default();
    // With a file name of its own, the body is a caption; without, the body is the name.
    let said = content.get("filename").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
    let name = said.unwrap_or(body).trim();
    let said = info.and_then(|info| info.get("mimetype")?.as_str());
    // "Some bytes" says less than the kind of the message.
    let media_type = said.filter(|said| *said != "application/octet-stream").or(any_of(unread)).or(said);
    // What clients write as the body of a voice message is nobody's words.
    let is_voice = content.get("org.matrix.msc3245.voice").is_some();
    Some(MediaRef {
        name: name.to_owned(),
        media_type: media_type.map(str::to_owned),
        size: info.and_then(|info| info.get("size")?.as_u64()),
        caption: if body.trim() != name && !is_voice { body.to_owned() } else { String::new() },
        source: source.to_string(),
    })
}

/// The media types that the kind of a message stands for.
fn any_of(unread: Unread) -> Option<&'static str> {
    match unread {
        Unread::Image => Some("image/*"),
        Unread::Recording => Some("audio/*"),
        Unread::Video => Some("video/*"),
        _ => None,
    }
}
