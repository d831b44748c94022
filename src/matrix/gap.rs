//! Which events of a room's timeline are new. Two things are settled here: the events a `limited` timeline leaves out, and where a
//! room that the bot has just joined begins to count.
//!
//! Element sends the first message of a direct conversation right after the invitation, before the bot has joined. What is written
//! after the bot's *invitation* therefore counts; what was written before is other people's talk, and is never read.
//!
//! A room whose history cannot be read now, or not to its beginning, keeps a [`Gap`], which is written down with the sync and read later
//! (`backfill`): one room never holds up the others, and nothing is left out without a word.

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

/// At most 20 pages of 100 events are read in one go; the rest is a gap of its own.
const PAGES_AT_ONCE: usize = 20;
/// A gap ends after this many pages (50,000 events), whatever their age.
const MOST_PAGES: u32 = 500;
/// One page, with the SDK's own three tries.
const PAGE_LIMIT: Duration = Duration::from_secs(10);
/// When this many rooms in one sync do not give their history, the server does not give any now: that of the others is read later.
const MOST_FAILED: usize = 2;

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
    /// What becomes of the events that are not among these.
    pub(super) rest: Rest,
}

/// What becomes of the events that are not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// There are none.
    Nothing,
    /// They are read later.
    Later(Gap),
    /// They are not read any more: too old, too many, or the room does not let itself be read.
    Lost,
}

/// How far back is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Horizon<'a> {
    /// The bot's id.
    pub(super) own: &'a UserId,
    /// Now, in milliseconds since the epoch.
    pub(super) now: u64,
    /// A page of nothing but events older than this (by the server's word) ends the reading.
    pub(super) max_age: Duration,
}

impl Horizon<'_> {
    /// Whether something of this time is too old to be answered.
    pub(super) fn is_past(&self, time: u64) -> bool {
        u128::from(self.now.saturating_sub(time)) > self.max_age.as_millis()
    }
}

/// What is new in a room. `span` has the tokens of the sync before this one and of this one; `failed` counts the rooms of this sync whose
/// history could not be read. The errors are the end of the session and of the device's stores: going on after them would lose questions.
pub(super) async fn new_events(
    room: &Room,
    timeline: Timeline,
    span: Range<&str>,
    horizon: Horizon<'_>,
    failed: &mut usize,
) -> Result<News, Fault> {
    let Timeline { limited, prev_batch, events } = timeline;
    let begin = start(&steps(&events, horizon.own));
    let wanted = match begin {
        Start::Everything => limited,
        // The invitation may be older than the cursor.
        Start::Further(_) => true,
        Start::After(_) => false,
    };
    let Some(from) = prev_batch.filter(|_| wanted) else { return Ok(cut(events, &begin, horizon.own, Rest::Nothing)) };
    let (room_id, to) = (room.room_id().to_owned(), span.start.to_owned());
    let gap = Gap { room_id, from, to, since: horizon.now, pages: 0 };
    if *failed >= MOST_FAILED {
        let from = if matches!(begin, Start::Further(_)) { span.end.to_owned() } else { gap.from };
        return Ok(cut(events, &begin, horizon.own, Rest::Later(Gap { from, ..gap })));
    }
    let news = read_back(room, gap, span.end, events, horizon).await?;
    if let Rest::Later(gap) = &news.rest {
        *failed += usize::from(gap.pages < PAGES_AT_ONCE as u32);
    }
    Ok(news)
}

/// Reads a gap back, by at most [`PAGES_AT_ONCE`] pages. `events` are those that come after it, up to the token `end`, if they are not
/// read yet.
pub(super) async fn read_back(
    room: &Room,
    mut gap: Gap,
    end: &str,
    mut events: Vec<TimelineEvent>,
    horizon: Horizon<'_>,
) -> Result<News, Fault> {
    let mut read = 0;
    let (begin, rest) = loop {
        let begin = start(&steps(&events, horizon.own));
        // The bot's own cursor ends the reading back, unless it has just joined: the invitation may be older than the cursor.
        let to = match begin {
            Start::Everything => Some(gap.to.clone()),
            Start::Further(_) => None,
            Start::After(_) => break (begin, Rest::Nothing),
        };
        let searching = to.is_none();
        if read == PAGES_AT_ONCE || gap.pages >= MOST_PAGES {
            // Who was invited longer ago than all this begins to count where they came in.
            let rest = if searching {
                Rest::Nothing
            } else if gap.pages >= MOST_PAGES {
                Rest::Lost
            } else {
                Rest::Later(gap)
            };
            break (begin, rest);
        }
        match page(room, &gap.from, to).await {
            Ok((mut older, next)) => {
                read += 1;
                gap.pages += 1;
                // The youngest of the page: an event with a false date ends nothing.
                let latest = older.iter().map(|event| event::sent_at(event.raw().json().get(), horizon.now)).max();
                older.reverse();
                older.append(&mut events);
                events = older;
                let (Some(token), Some(latest)) = (next, latest) else {
                    break (start(&steps(&events, horizon.own)), Rest::Nothing);
                };
                gap.from = token;
                if horizon.is_past(latest) {
                    let begin = start(&steps(&events, horizon.own));
                    let rest = if begin == Start::Everything { Rest::Lost } else { Rest::Nothing };
                    break (begin, rest);
                }
            }
            Err(fault) if fault.is_final() => return Err(fault),
            Err(fault) if fault.is_transient() => {
                warn!(?fault, room_id = %room.room_id(), "the missed messages of a room cannot be read now: they are read later, and the other rooms go on");
                // The invitation decides what counts: it is searched anew, with what has come after it.
                let from = if searching { end.to_owned() } else { gap.from };
                break (begin, Rest::Later(Gap { from, ..gap }));
            }
            Err(fault) => {
                warn!(?fault, room_id = %room.room_id(), "the missed messages of a room cannot be read");
                break (begin, if searching { Rest::Nothing } else { Rest::Lost });
            }
        }
    };
    Ok(cut(events, &begin, horizon.own, rest))
}

/// The events that count, from where the bot's stay begins.
fn cut(mut events: Vec<TimelineEvent>, begin: &Start, own: &UserId, rest: Rest) -> News {
    match *begin {
        Start::Everything => News { events, joined: None, rest },
        Start::After(index) | Start::Further(index) => {
            let came_in =
                |event: &&TimelineEvent| matches!(step(event.raw().json().get(), own), Some(Step::Joined { .. }));
            let joined = events.iter().rfind(came_in).cloned();
            News { events: events.split_off(index + 1), joined, rest }
        }
    }
}

fn steps(events: &[TimelineEvent], own: &UserId) -> Vec<Option<Step>> {
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
