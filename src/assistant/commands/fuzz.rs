//! For `crate::fuzz`: a message as the commands read it. Running one needs a room; `tests` does that.

use ruma::{owned_event_id, owned_room_id, owned_user_id};

use super::{compagnon, forget, words};
use crate::{
    command::Call,
    compagnon::is_invisible,
    message::{Content, Incoming},
};

/// A message, in a direct conversation and in a room.
pub(crate) fn command(text: &str) {
    for (direct, mentions_me) in [(true, false), (false, true), (false, false)] {
        let message = Incoming {
            event_id: owned_event_id!("$q:hs"),
            room_id: owned_room_id!("!r:hs"),
            sender: owned_user_id!("@a:hs"),
            thread: None,
            replies_to: None,
            mentions_me,
            direct,
            sent_at: 0,
            content: Content::Text(text.to_owned()),
            name: None,
            megolm_session: None,
            edited_at: 0,
            without_call: None,
        };
        let Some(call) = Call::read(&message) else { continue };
        let seen = text.trim_start_matches(|letter: char| letter.is_whitespace() || is_invisible(letter));
        assert!(direct || mentions_me || seen.starts_with(['!', '！']), "unasked, only a mark makes a command");
        assert!(!call.is_stop() || call.command.is_some());
        let _ = (call.is_urgent(), forget::Scope::read(&call.arguments), compagnon::is_english(&call.arguments));
        let _ = (words::duration(&call.arguments), words::number(&call.arguments));
    }
    let slug = words::slug(text);
    assert!(slug.len() <= 40 && slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    words::nearest(text.get(..100).unwrap_or(text), ["aide", "oublier"].into_iter());
}
