//! Which events of a room's timeline are new. Two things are settled here: the events a `limited` timeline leaves out, and where a
//! room that the bot has just joined begins to count.
//!
//! Element sends the first message of a direct conversation right after the invitation, before the bot has joined. What is written
//! after the bot's *invitation* therefore counts; what was written before is other people's talk, and is never read.

use std::time::Duration;

use matrix_sdk::{
    Room,
    deserialized_responses::TimelineEvent,
    room::MessagesOptions,
    ruma::{UserId, uint},
    sync::Timeline,
};
use serde_json::Value;
use tokio::time::sleep;
use tracing::warn;

use super::{
    event,
    fault::{Backoff, Fault},
};

/// At most 20 pages of 100 events are read back; a bot that was away longer answers what is recent.
const MAX_PAGES: usize = 20;
/// A page of nothing but events older than this (by the server's word) ends the reading back.
const MAX_AGE: Duration = Duration::from_hours(24);

/// A change of the bot's own membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Invited,
    /// Came in, which is more than changing one's name; and whether from an invitation.
    Joined {
        invited: bool,
    },
    Out,
}

/// Where a timeline begins to count.
#[derive(Debug, PartialEq, Eq)]
enum Start {
    /// The bot was already in the room.
    Everything,
    /// After this event.
    After(usize),
    /// After an invitation that is further back; failing that, after this event.
    Further(usize),
}

fn start(steps: &[Option<Step>]) -> Start {
    let Some(joined) = steps.iter().rposition(|step| matches!(step, Some(Step::Joined { .. }))) else {
        return Start::Everything;
    };
    match steps[..joined].iter().rposition(Option::is_some) {
        Some(before) if steps[before] == Some(Step::Invited) => Start::After(before),
        None if steps[joined] == Some(Step::Joined { invited: true }) => Start::Further(joined),
        _ => Start::After(joined),
    }
}

fn step(json: &str, own: &UserId) -> Option<Step> {
    if !json.contains("m.room.member") {
        return None;
    }
    let event: Value = serde_json::from_str(json).ok()?;
    if event["type"] != "m.room.member" || event["state_key"] != own.as_str() {
        return None;
    }
    let before = event["unsigned"]["prev_content"]["membership"].as_str();
    match event["content"]["membership"].as_str() {
        Some("invite") => Some(Step::Invited),
        Some("join") if before == Some("join") => None,
        Some("join") => Some(Step::Joined { invited: before == Some("invite") }),
        _ => Some(Step::Out),
    }
}

/// What is new in a room.
pub(super) struct News {
    /// The new events, oldest first.
    pub(super) events: Vec<TimelineEvent>,
    /// The event with which the bot came in, if it did.
    ///
    /// The `state` block of a sync is no place to look for it: with lazy loading a server may put the bot's own membership there, however
    /// old it is. A join that this leaves out of the timeline is found by reading back.
    pub(super) joined: Option<TimelineEvent>,
}

/// What is new in a room. `cursor` is the token of the sync before this one.
///
/// A server that fails is asked again for as long as it takes: going on without would lose questions. So would going on when the session
/// has ended or the device's stores fail, which are the errors.
pub(super) async fn new_events(
    room: &Room,
    timeline: Timeline,
    cursor: &str,
    own: &UserId,
    now: u64,
) -> Result<News, Fault> {
    let Timeline { limited, prev_batch, mut events } = timeline;
    let mut from = prev_batch;
    let mut pages = 0;
    let begin = loop {
        let begin = start(&events.iter().map(|event| step(event.raw().json().get(), own)).collect::<Vec<_>>());
        // The bot's own cursor ends the reading back, unless it has just joined: the invitation may be older than the cursor.
        let (more, to) = match begin {
            Start::Everything => (limited, Some(cursor.to_owned())),
            Start::Further(_) => (true, None),
            Start::After(_) => (false, None),
        };
        let Some(token) = from.take().filter(|_| more && pages < MAX_PAGES) else { break begin };
        pages += 1;
        let Some((mut older, next)) = page(room, token, to).await? else { break begin };
        // The youngest of the page: an event with a false date ends nothing.
        let latest = older.iter().map(|event| event::sent_at(event.raw().json().get(), now)).max();
        from = next.filter(|_| latest.is_some_and(|time| time.saturating_add(MAX_AGE.as_millis() as u64) > now));
        older.reverse();
        older.append(&mut events);
        events = older;
    };
    Ok(match begin {
        Start::Everything => News { events, joined: None },
        Start::After(index) | Start::Further(index) => {
            let came_in =
                |event: &&TimelineEvent| matches!(step(event.raw().json().get(), own), Some(Step::Joined { .. }));
            let joined = events.iter().rfind(came_in).cloned();
            News { events: events.split_off(index + 1), joined }
        }
    })
}

/// A page, newest first, and the token of the next.
type Page = (Vec<TimelineEvent>, Option<String>);

/// One page; `None` when the room does not let itself be read.
async fn page(room: &Room, from: String, to: Option<String>) -> Result<Option<Page>, Fault> {
    let mut backoff = Backoff::default();
    loop {
        let mut options = MessagesOptions::backward().from(from.as_str());
        options.to.clone_from(&to);
        options.limit = uint!(100);
        let fault = match room.messages(options).await {
            Ok(page) => return Ok(Some((page.chunk, page.end))),
            Err(error) => Fault::from(&error),
        };
        match fault {
            Fault::Limited(_) | Fault::Unreachable(_) => sleep(backoff.next(&fault)).await,
            Fault::Refused(_) | Fault::Local(_) => {
                warn!(?fault, room_id = %room.room_id(), "the missed messages of a room cannot be read");
                return Ok(None);
            }
            Fault::LoggedOut { .. } | Fault::Expired | Fault::Storage(_) => return Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use ruma::user_id;
    use serde_json::json;

    use super::{Start, Step, start, step};

    const JOINED: Option<Step> = Some(Step::Joined { invited: true });
    const WALKED_IN: Option<Step> = Some(Step::Joined { invited: false });
    const INVITED: Option<Step> = Some(Step::Invited);
    const OUT: Option<Step> = Some(Step::Out);

    #[test]
    fn a_room_counts_from_the_invitation() {
        for (steps, expected) in [
            (&[None, None][..], Start::Everything),
            (&[], Start::Everything),
            (&[None, INVITED, None, JOINED, None], Start::After(1)),
            (&[None, JOINED, None], Start::Further(1)),
            (&[None, WALKED_IN, None], Start::After(1)),
            // Thrown out, invited again: the first stay does not count.
            (&[INVITED, JOINED, None, OUT, None, INVITED, JOINED], Start::After(5)),
            (&[INVITED, JOINED, OUT, WALKED_IN, None], Start::After(3)),
        ] {
            assert_eq!(start(steps), expected, "{steps:?}");
        }
    }

    #[test]
    fn only_the_bots_own_membership_is_a_step() {
        let member = |who: &str, now: &str, before: Option<&str>| {
            let prev = before.map(|before| json!({"prev_content": {"membership": before}})).unwrap_or_default();
            let event =
                json!({"type": "m.room.member", "state_key": who, "content": {"membership": now}, "unsigned": prev});
            step(&event.to_string(), user_id!("@bot:hs"))
        };
        assert_eq!(member("@bot:hs", "invite", None), INVITED);
        assert_eq!(member("@bot:hs", "join", Some("invite")), JOINED);
        assert_eq!(member("@bot:hs", "join", Some("join")), None, "a new display name");
        assert_eq!(member("@bot:hs", "join", None), WALKED_IN);
        assert_eq!(member("@bot:hs", "leave", Some("join")), OUT);
        assert_eq!(member("@other:hs", "join", Some("invite")), None);
    }
}
