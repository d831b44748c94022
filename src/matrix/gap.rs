//! Finds the new events of a room: those that a `limited` timeline leaves out, and the first event that counts after the bot has joined.
//!
//! Element sends the first message of a direct conversation right after the invitation, before the bot has joined. Events after the bot's
//! *invitation* therefore count. Earlier events are a conversation of other people, and are never read.
//!
//! A room whose history cannot be read now, or not completely, leaves a [`Gap`], which is stored with the sync and read later
//! (`backfill`). One room never delays the others, and no message is skipped without a notice.

use std::{ops::Range, time::Duration};

use matrix_sdk::{
    Room,
    deserialized_responses::TimelineEvent,
    room::MessagesOptions,
    ruma::{UserId, uint},
    sync::Timeline,
};
use serde_json::Value;
use tokio::time::timeout;
use tracing::warn;

use super::{event, fault::Fault};
use crate::message::Gap;

/// At most 20 pages of 100 events are read at a time; the rest remains a gap.
const PAGES_AT_ONCE: usize = 20;
/// A gap is given up after this many pages (50,000 events), whatever their age.
const MOST_PAGES: u32 = 500;
/// The time limit of one page, with the SDK's three attempts.
const PAGE_LIMIT: Duration = Duration::from_secs(10);
/// After this many rooms of a sync whose history could not be read, the server is taken to serve none: the other rooms are read later.
const MOST_FAILED: usize = 2;

/// A change of the bot's own membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MembershipChange {
    Invited,
    /// Joined; a change of the display name is no join.
    Joined {
        /// Whether after an invitation.
        invited: bool,
    },
    Out,
}

/// The first event of a timeline that counts.
#[derive(Debug, PartialEq, Eq)]
enum StayStart {
    /// The first of the timeline: the bot was already in the room.
    Everything,
    /// The one after this event.
    After(usize),
    /// The one after an invitation that is further back, or else the one after this event.
    Further(usize),
}

fn start(steps: &[Option<MembershipChange>]) -> StayStart {
    let Some(joined) = steps.iter().rposition(|step| matches!(step, Some(MembershipChange::Joined { .. }))) else {
        return StayStart::Everything;
    };
    match steps[..joined].iter().rposition(Option::is_some) {
        Some(before) if steps[before] == Some(MembershipChange::Invited) => StayStart::After(before),
        None if steps[joined] == Some(MembershipChange::Joined { invited: true }) => StayStart::Further(joined),
        _ => StayStart::After(joined),
    }
}

fn step(json: &str, own: &UserId) -> Option<MembershipChange> {
    if !json.contains("m.room.member") {
        return None;
    }
    let event: Value = serde_json::from_str(json).ok()?;
    if event["type"] != "m.room.member" || event["state_key"] != own.as_str() {
        return None;
    }
    let before = event["unsigned"]["prev_content"]["membership"].as_str();
    match event["content"]["membership"].as_str() {
        Some("invite") => Some(MembershipChange::Invited),
        Some("join") if before == Some("join") => None,
        Some("join") => Some(MembershipChange::Joined { invited: before == Some("invite") }),
        _ => Some(MembershipChange::Out),
    }
}

/// The new events of a room.
pub(super) struct NewEvents {
    /// The new events, oldest first.
    pub(super) events: Vec<TimelineEvent>,
    /// The bot's join, if there was one.
    ///
    /// It is not searched in the `state` block of the sync, because with lazy loading a server may put an old membership of the bot there. A
    /// join that the timeline leaves out is found by reading back.
    pub(super) joined: Option<TimelineEvent>,
    /// What happens to the events that are not among these.
    pub(super) rest: Remainder,
}

/// What happens to the events that were not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remainder {
    /// There are none.
    Nothing,
    /// They are read later.
    Later(Gap),
    /// They are never read: too old, too many, or the room's history is not accessible.
    Lost,
}

/// How far back history is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Horizon<'a> {
    /// The bot's id.
    pub(super) own: &'a UserId,
    /// Now, in milliseconds since the epoch.
    pub(super) now: u64,
    /// A page with only events older than this, by the server's clock, ends the reading.
    pub(super) max_age: Duration,
}

impl Horizon<'_> {
    /// Whether an event of this time is too old to be answered.
    pub(super) fn is_past(&self, time: u64) -> bool {
        u128::from(self.now.saturating_sub(time)) > self.max_age.as_millis()
    }
}

/// Finds the new events of a room. `span` holds the tokens of the previous sync and of this one; `failed` counts the rooms of this sync
/// whose history could not be read. Only faults that end the session are returned, because going on would lose questions.
pub(super) async fn new_events(
    room: &Room,
    timeline: Timeline,
    span: Range<&str>,
    horizon: Horizon<'_>,
    failed: &mut usize,
) -> Result<NewEvents, Fault> {
    let Timeline { limited, prev_batch, events } = timeline;
    let begin = start(&steps(&events, horizon.own));
    let wanted = match begin {
        StayStart::Everything => limited,
        // The invitation may be older than the cursor.
        StayStart::Further(_) => true,
        StayStart::After(_) => false,
    };
    let Some(from) = prev_batch.filter(|_| wanted) else {
        return Ok(cut(events, &begin, horizon.own, Remainder::Nothing));
    };
    let (room_id, to) = (room.room_id().to_owned(), span.start.to_owned());
    let gap = Gap { room_id, from, to, since: horizon.now, pages: 0 };
    if *failed >= MOST_FAILED {
        let from = if matches!(begin, StayStart::Further(_)) { span.end.to_owned() } else { gap.from };
        return Ok(cut(events, &begin, horizon.own, Remainder::Later(Gap { from, ..gap })));
    }
    let news = read_back(room, gap, span.end, events, horizon).await?;
    if let Remainder::Later(gap) = &news.rest {
        *failed += usize::from(gap.pages < PAGES_AT_ONCE as u32);
    }
    Ok(news)
}

/// Reads a gap, at most [`PAGES_AT_ONCE`] pages of it. `events` are the unread events after it, up to the token `end`.
pub(super) async fn read_back(
    room: &Room,
    mut gap: Gap,
    end: &str,
    mut events: Vec<TimelineEvent>,
    horizon: Horizon<'_>,
) -> Result<NewEvents, Fault> {
    let mut read = 0;
    let (begin, rest) = loop {
        let begin = start(&steps(&events, horizon.own));
        // The reading ends at the cursor, unless the bot has just joined: the invitation may be older than the cursor.
        let to = match begin {
            StayStart::Everything => Some(gap.to.clone()),
            StayStart::Further(_) => None,
            StayStart::After(_) => break (begin, Remainder::Nothing),
        };
        let searching = to.is_none();
        if read == PAGES_AT_ONCE || gap.pages >= MOST_PAGES {
            // The invitation is further back than all these pages: the join counts instead.
            let rest = if searching {
                Remainder::Nothing
            } else if gap.pages >= MOST_PAGES {
                Remainder::Lost
            } else {
                Remainder::Later(gap)
            };
            break (begin, rest);
        }
        match page(room, &gap.from, to).await {
            Ok((mut older, next)) => {
                read += 1;
                gap.pages += 1;
                // The newest of the page, so that a single event with a false date does not end the reading.
                let latest = older.iter().map(|event| event::sent_at(event.raw().json().get(), horizon.now)).max();
                older.reverse();
                older.append(&mut events);
                events = older;
                let (Some(token), Some(latest)) = (next, latest) else {
                    break (start(&steps(&events, horizon.own)), Remainder::Nothing);
                };
                gap.from = token;
                if horizon.is_past(latest) {
                    let begin = start(&steps(&events, horizon.own));
                    let rest = if begin == StayStart::Everything { Remainder::Lost } else { Remainder::Nothing };
                    break (begin, rest);
                }
            }
            Err(fault) if fault.is_final() => return Err(fault),
            Err(fault) if fault.is_transient() => {
                warn!(?fault, room_id = %room.room_id(), "the missed messages of a room cannot be read now: they are read later");
                // The invitation decides which events count, so the next attempt searches it from the end again.
                let from = if searching { end.to_owned() } else { gap.from };
                break (begin, Remainder::Later(Gap { from, ..gap }));
            }
            Err(fault) => {
                warn!(?fault, room_id = %room.room_id(), "the missed messages of a room cannot be read");
                break (begin, if searching { Remainder::Nothing } else { Remainder::Lost });
            }
        }
    };
    Ok(cut(events, &begin, horizon.own, rest))
}

/// Cuts off the events from before the bot's stay in the room.
fn cut(mut events: Vec<TimelineEvent>, begin: &StayStart, own: &UserId, rest: Remainder) -> NewEvents {
    match *begin {
        StayStart::Everything => NewEvents { events, joined: None, rest },
        StayStart::After(index) | StayStart::Further(index) => {
            let came_in = |event: &&TimelineEvent| {
                matches!(step(event.raw().json().get(), own), Some(MembershipChange::Joined { .. }))
            };
            let joined = events.iter().rfind(came_in).cloned();
            NewEvents { events: events.split_off(index + 1), joined, rest }
        }
    }
}

fn steps(events: &[TimelineEvent], own: &UserId) -> Vec<Option<MembershipChange>> {
    events.iter().map(|event| step(event.raw().json().get(), own)).collect()
}

/// A page, newest first, and the token of the next.
type Page = (Vec<TimelineEvent>, Option<String>);

async fn page(room: &Room, from: &str, to: Option<String>) -> Result<Page, Fault> {
    let mut options = MessagesOptions::backward().from(from);
    options.to = to;
    options.limit = uint!(100);
    match timeout(PAGE_LIMIT, room.messages(options)).await {
        Ok(Ok(page)) => Ok((page.chunk, page.end)),
        Ok(Err(error)) => Err(Fault::from(&error)),
        Err(_) => Err(Fault::Unreachable("the history took too long".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use ruma::user_id;
    use serde_json::json;

    use super::{MembershipChange, StayStart, start, step};

    const JOINED: Option<MembershipChange> = Some(MembershipChange::Joined { invited: true });
    const WALKED_IN: Option<MembershipChange> = Some(MembershipChange::Joined { invited: false });
    const INVITED: Option<MembershipChange> = Some(MembershipChange::Invited);
    const OUT: Option<MembershipChange> = Some(MembershipChange::Out);

    #[test]
    fn a_room_counts_from_the_invitation() {
        for (steps, expected) in [
            (&[None, None][..], StayStart::Everything),
            (&[], StayStart::Everything),
            (&[None, INVITED, None, JOINED, None], StayStart::After(1)),
            (&[None, JOINED, None], StayStart::Further(1)),
            (&[None, WALKED_IN, None], StayStart::After(1)),
            // Thrown out, invited again: the first stay does not count.
            (&[INVITED, JOINED, None, OUT, None, INVITED, JOINED], StayStart::After(5)),
            (&[INVITED, JOINED, OUT, WALKED_IN, None], StayStart::After(3)),
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
