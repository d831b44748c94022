//! Bursts of photos, files, stickers: that the bot cannot read them is said once.
//!
//! Kept in memory: a restart in the middle of a burst says it once more.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use ruma::{OwnedRoomId, OwnedUserId};

use crate::{
    assistant::documents::readable,
    message::Incoming,
    store::{Queued, QueuedKind},
};

/// What follows within this belongs to the same burst: a phone sends ten photos one by one.
const PAUSE: Duration = Duration::from_secs(20);
/// A burst that never ends is spoken of again after this.
const LONGEST: Duration = Duration::from_mins(2);
/// With more bursts than this, those that are over are forgotten; while as many go on, each message is spoken of.
const MOST: usize = 1_000;

/// The bursts that go on: of a person in a room.
#[derive(Debug, Default)]
pub struct Bursts(Mutex<HashMap<(OwnedRoomId, OwnedUserId), Burst>>);

#[derive(Clone, Copy, Debug)]
struct Burst {
    first: Instant,
    last: Instant,
}

impl Burst {
    fn goes_on(self, now: Instant) -> bool {
        now.duration_since(self.last) < PAUSE && now.duration_since(self.first) < LONGEST
    }
}

impl Bursts {
    /// Whether a message is one more of a burst: what there is to say of it is said under the first one.
    pub fn is_said(&self, queued: &Queued, now: Instant) -> bool {
        let reads = queued.question.unread().is_none() || readable(&queued.question).is_some();
        let begins = reads || self.begins(&queued.question, now);
        !begins && queued.kind == QueuedKind::Attachment
    }

    /// Notes a message with something that the bot cannot read. Whether it is the first of a burst.
    fn begins(&self, message: &Incoming, now: Instant) -> bool {
        let mut bursts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let author = (message.room_id.clone(), message.sender.clone());
        if let Some(burst) = bursts.get_mut(&author).filter(|burst| burst.goes_on(now)) {
            burst.last = now;
            return false;
        }
        if bursts.len() >= MOST {
            bursts.retain(|_, burst| burst.goes_on(now));
        }
        if bursts.len() < MOST {
            bursts.insert(author, Burst { first: now, last: now });
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Bursts, LONGEST, MOST, PAUSE};
    use crate::assistant::fakes::incoming;

    #[test]
    fn a_burst_is_spoken_of_once_in_each_room_and_again_when_it_is_over() {
        let (bursts, start) = (Bursts::default(), Instant::now());
        let at = |room: &str, time: Duration| bursts.begins(&incoming("$1:h", room, ""), start + time);
        assert!(at("!a:h", Duration::ZERO));
        assert!((1..10).all(|number| !at("!a:h", number * PAUSE / 2)), "photos one by one");
        assert!(at("!b:h", PAUSE), "another room");
        assert!(at("!a:h", PAUSE * 6), "a pause");
        let often =
            (0..).map(|number| PAUSE * 6 + number * PAUSE / 2).take_while(|time| *time < PAUSE * 6 + LONGEST * 2);
        assert_eq!(often.filter(|time| at("!a:h", *time)).count(), 1, "it goes on and on");
    }

    #[test]
    fn thousands_of_bursts_leave_no_more_behind_than_a_thousand() {
        let (bursts, start) = (Bursts::default(), Instant::now());
        for number in 0..3 * MOST {
            assert!(bursts.begins(&incoming("$1:h", &format!("!{number}:h"), ""), start));
        }
        assert_eq!(bursts.0.lock().expect("not poisoned").len(), MOST);
        assert!(bursts.begins(&incoming("$1:h", "!later:h", ""), start + PAUSE));
        assert_eq!(bursts.0.lock().expect("not poisoned").len(), 1);
    }
}
