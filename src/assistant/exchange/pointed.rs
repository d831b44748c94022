//! Messages that another message points at: whether its author reads them, and what of them is the bot's own words. Whoever looks at an earlier
//! message for somebody asks here: the bot sees more of a room's past than a newcomer.

use ruma::{EventId, UserId};

use crate::{
    assistant::{
        courier::{Homeserver, unless_refused},
        failure::Failure,
        texts::{Language, Text, sources::Sources},
    },
    matrix::RoomMessage,
    message::Incoming,
    typography,
};

/// Whether a person reads a message who reads the room since then (`None`: all of it). What they wrote themselves they read.
pub fn reads(message: &RoomMessage, person: &UserId, since: Option<u64>) -> bool {
    message.sender == *person || since.is_none_or(|since| message.sent_at >= since)
}

/// A message of the room of another one, whose author reads it. Nothing where they do not, or where the room does not give it.
pub async fn message_for(
    homeserver: &Homeserver,
    asking: &Incoming,
    target: &EventId,
) -> Result<Option<RoomMessage>, Failure> {
    let found = homeserver.retry(|| homeserver.gateway.message(&asking.room_id, target)).await;
    let Some(found) = unless_refused(found)?.flatten() else { return Ok(None) };
    // Who wrote it need not be asked about.
    if found.sender == asking.sender {
        return Ok(Some(found));
    }
    let since = homeserver.reads_since(&asking.room_id, &asking.sender).await?;
    Ok(Some(found).filter(|found| reads(found, &asking.sender, since)))
}

/// An answer of the bot without what it put below the model's words.
pub fn own_words(answer: &str) -> &str {
    without_sources(without_mark(answer))
}

/// An answer of the bot without its list of sources.
fn without_sources(answer: &str) -> &str {
    let lists = [Language::Fr, Language::En].map(|language| Text::Sources(Sources::Cited { lines: "" }).say(language));
    let begun = lists.iter().filter_map(|list| answer.rfind(&format!("\n{}\n", list.trim_end()))).max();
    begun.map_or(answer, |at| answer[..at].trim_end())
}

/// An answer of the bot without what stands below it.
fn without_mark(answer: &str) -> &str {
    let marks = [Language::Fr, Language::En].map(|language| Text::Mark { title: "\0" }.say(language));
    let is_mark = |line: &str| {
        // Clients and earlier versions may have other spaces.
        let set = typography::french(line);
        let mut marks = marks.iter().filter_map(|mark| mark.split_once('\0'));
        marks.any(|(before, after)| [line, &set].iter().any(|line| line.starts_with(before) && line.ends_with(after)))
    };
    let mut offset = answer.len();
    for line in answer.rsplit('\n') {
        offset -= line.len();
        if is_mark(line.trim()) {
            return answer[..offset].trim_end();
        }
        offset = offset.saturating_sub(1);
    }
    answer
}
