//! What destroys something for others is asked once: the same command again within a minute does it. In memory, since a restart is longer.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ruma::{EventId, OwnedEventId};

use crate::message::Incoming;

/// For this long a command may be repeated to confirm it.
const ASKED: Duration = Duration::from_mins(1);

/// With more than this, those that are over are forgotten; with as many still open, all.
const TIDY_AT: usize = 1_000;

/// The commands that wait for their confirmation.
#[derive(Debug, Default)]
pub(in crate::assistant) struct Confirmations(Mutex<HashMap<String, Asked>>);

#[derive(Debug)]
struct Asked {
    by: OwnedEventId,
    /// By our clock.
    at: u64,
    confirmed_by: Option<OwnedEventId>,
}

impl Confirmations {
    /// Whether a command, received at this time, confirms what its author was asked just before. If not, it is asked now. One that was
    /// received before the asking does not: its author cannot have seen that. The same message says the same each time it is looked at.
    pub(super) fn confirms(&self, message: &Incoming, what: &str, received: u64, now: u64) -> bool {
        let over = |asked: &Asked| asked.at + ASKED.as_millis() as u64;
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() > TIDY_AT {
            asked.retain(|_, asked| now < over(asked));
            if asked.len() > TIDY_AT {
                asked.clear();
            }
        }
        let thread = message.thread.as_deref().map_or("", EventId::as_str);
        let key = format!("{} {thread} {} {what}", message.room_id, message.sender);
        match asked.get_mut(&key) {
            Some(asked) if asked.by == message.event_id => return false,
            Some(asked) if asked.confirmed_by.as_ref() == Some(&message.event_id) => return true,
            Some(asked) if asked.confirmed_by.is_none() && (asked.at..over(asked)).contains(&received) => {
                asked.confirmed_by = Some(message.event_id.clone());
                return true;
            }
            _ => {}
        }
        asked.insert(key, Asked { by: message.event_id.clone(), at: now, confirmed_by: None });
        false
    }
}

#[cfg(test)]
mod tests {
    use super::{Confirmations, TIDY_AT};
    use crate::{assistant::fakes::incoming, message::Incoming};

    #[test]
    fn the_same_command_again_within_a_minute_confirms_once() {
        let asked = Confirmations::default();
        let confirms = |event: &str, room: &str, what: &str, seconds: u64| {
            asked.confirms(&incoming(event, room, ""), what, seconds * 1_000, seconds * 1_000)
        };
        assert!(!confirms("$1:h", "!a:h", "room", 0));
        assert!(!confirms("$1:h", "!a:h", "room", 1), "the question itself, looked at again");
        assert!(!confirms("$2:h", "!b:h", "room", 2), "another room");
        assert!(!confirms("$3:h", "!a:h", "delete 1", 3), "something else");
        let other = Incoming { sender: "@ben:h".try_into().expect("a user"), ..incoming("$4:h", "!a:h", "") };
        assert!(!asked.confirms(&other, "room", 4_000, 4_000), "somebody else");
        assert!(confirms("$5:h", "!a:h", "room", 59) && confirms("$5:h", "!a:h", "room", 59), "looked at twice");
        assert!(!confirms("$6:h", "!a:h", "room", 59), "done is done");
        assert!(!confirms("$7:h", "!b:h", "room", 63), "too late: it is asked again");
        assert!(confirms("$8:h", "!b:h", "room", 64));
        assert!(!confirms("$9:h", "!c:h", "room", 70));
        let early = asked.confirms(&incoming("$10:h", "!c:h", ""), "room", 69_000, 71_000);
        assert!(!early, "sent before its author was asked, read after");
        for number in 0..3 * TIDY_AT {
            confirms("$9:h", &format!("!{number}:h"), "room", 100);
        }
        assert!(asked.0.lock().expect("not poisoned").len() <= TIDY_AT + 1);
    }
}
