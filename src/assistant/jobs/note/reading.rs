//! What was said, as far as the person who asks for the note could read it. It is asked of the homeserver, and nothing keeps it.

use std::{collections::HashSet, time::Duration};

use jiff::{Timestamp, Zoned, civil::DateTime, tz::TimeZone};
use ruma::OwnedEventId;

use super::{
    material::{Conversation, Written},
    span::{MOST_READ, Span},
};
use crate::{
    assistant::{
        commands::{asks_to_forget, is_blank},
        config::Config,
        courier::unless_refused,
        exchange::reads,
        failure::Failure,
        jobs::job::Job,
        texts::{Notes, Reach},
    },
    command::Call,
    conversation::ConversationId,
    matrix::{History, HistoryMessage, RoomMessage},
    message::{Content, Incoming},
};

/// How long one request for the messages is repeated.
const REPEATED: Duration = Duration::from_mins(5);
/// How far back is read where nothing else is said.
const DAY: u64 = 24 * 3_600_000;
/// How far back a person's last message is looked for.
const FORTNIGHT: u64 = 14 * DAY;
/// How many messages are read where the last day has none.
const FEW: usize = 100;

/// What was read.
pub struct Read {
    /// The messages.
    pub conversation: Conversation,
    /// When the first and the last were written.
    pub times: (DateTime, DateTime),
    /// When the last was sent, in milliseconds since the epoch.
    pub upto: u64,
    /// Whether older ones were left out because there are too many.
    pub cut: bool,
    /// How many could not be read.
    pub unread: usize,
    /// Why so much was read.
    pub reach: Reach,
}

/// How far back is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// For a note: as was asked, or since the last one, which went to this time.
    Note(Span, Option<u64>),
    /// For whoever asks what they missed.
    Missed(Span),
}

/// Reads a conversation. What is said instead, where there is nothing to be noted.
pub async fn read(job: &Job<'_>, source: &ConversationId, want: Want) -> Result<Result<Read, Notes<'static>>, Failure> {
    let now = now(&job.parts.config);
    let now_ms = u64::try_from(now.timestamp().as_millisecond()).unwrap_or_default();
    for plan in plans(want, source.thread.is_some(), now_ms) {
        let asked = History::default();
        let gateway = &job.parts.homeserver.gateway;
        let ask = || gateway.history(&source.room_id, source.thread.as_deref(), plan.since, plan.most);
        let history = match unless_refused(job.parts.homeserver.retry_for(REPEATED, ask).await) {
            Err(Failure::Unanswered(reason)) => {
                tracing::warn!(reason, "the messages for a note could not be read");
                return Ok(Err(Notes::NotRead));
            }
            history => history?.unwrap_or(asked),
        };
        let cut = history.cut && !matches!(want, Want::Note(Span::Last(_), _) | Want::Missed(Span::Last(_)));
        let (messages, reach) = since_own(job, want, history.messages, plan.reach);
        let since = job.parts.homeserver.reads_since(&source.room_id, &job.message.sender).await?;
        let said = Said::of(job, source, messages, since);
        if let Some(read) = said.read(job, reach, cut && reach == plan.reach) {
            return Ok(Ok(read));
        }
    }
    Ok(Err(match want {
        Want::Note(..) => Notes::Nothing,
        Want::Missed(_) => Notes::MissedNothing,
    }))
}

/// The time in the configured time zone.
pub fn now(config: &Config) -> Zoned {
    Timestamp::now().to_zoned(zone(config))
}

/// The configured time zone.
pub fn zone(config: &Config) -> TimeZone {
    TimeZone::get(&config.time_zone).unwrap_or(TimeZone::UTC)
}

/// One way of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    since: u64,
    most: usize,
    reach: Reach,
}

/// What is read, and what else where that holds nothing.
fn plans(want: Want, in_thread: bool, now: u64) -> Vec<Plan> {
    let plan = |since, most, reach| Plan { since, most, reach };
    let day = now.saturating_sub(DAY);
    match want {
        Want::Note(Span::Since(at), _) | Want::Missed(Span::Since(at)) => vec![plan(at, MOST_READ, Reach::Asked)],
        Want::Note(Span::Last(most), _) | Want::Missed(Span::Last(most)) => vec![plan(0, most, Reach::Asked)],
        Want::Note(Span::Thread, _) | Want::Missed(Span::Thread) => vec![plan(0, MOST_READ, Reach::Thread)],
        Want::Note(Span::Usual, Some(last)) => vec![plan(last.saturating_add(1), MOST_READ, Reach::LastNote)],
        Want::Note(Span::Usual, None) if in_thread => vec![plan(0, MOST_READ, Reach::Thread)],
        Want::Note(Span::Usual, None) => vec![plan(day, MOST_READ, Reach::Day), plan(0, FEW, Reach::Few)],
        Want::Missed(Span::Usual) => vec![plan(now.saturating_sub(FORTNIGHT), MOST_READ, Reach::Fortnight)],
    }
}

/// For who asks what they missed: the messages after their last one, where they wrote one.
fn since_own(
    job: &Job<'_>,
    want: Want,
    mut messages: Vec<HistoryMessage>,
    reach: Reach,
) -> (Vec<HistoryMessage>, Reach) {
    if want != Want::Missed(Span::Usual) {
        return (messages, reach);
    }
    let message = job.message;
    let own = |one: &HistoryMessage| one.message.sender == message.sender && one.message.event_id != message.event_id;
    match messages.iter().rposition(own) {
        Some(last) => {
            messages.drain(..=last);
            (messages, Reach::Own)
        }
        None => (messages, reach),
    }
}

/// Messages of which a note is made, perhaps.
struct Said {
    messages: Vec<RoomMessage>,
    unread: usize,
}

impl Said {
    /// Those that the asker reads, without commands and what belongs to them, and without what stands before a wish to forget it.
    fn of(job: &Job<'_>, source: &ConversationId, messages: Vec<HistoryMessage>, since: Option<u64>) -> Self {
        let (asking, bots) = (job.message, &job.parts.config.limits.bots);
        let mut commands: HashSet<OwnedEventId> = HashSet::from([asking.event_id.clone()]);
        let mut said = Self { messages: Vec::new(), unread: 0 };
        for HistoryMessage { message, thread } in messages {
            if !reads(&message, &asking.sender, since) || bots.contains(&message.sender) {
                continue;
            }
            let question = as_question(asking, &message);
            if question.as_ref().is_some_and(asks_to_forget) {
                said = Self { messages: Vec::new(), unread: 0 };
                continue;
            }
            // What is said in the thread of a command, a note for example, is said of that.
            let of_command = thread.filter(|root| source.thread.as_ref() != Some(root));
            let of_command = of_command.is_some_and(|root| commands.contains(&root));
            if question.as_ref().and_then(Call::read).is_some_and(|call| call.command.is_some()) {
                commands.insert(message.event_id);
            } else if of_command || message.event_id == asking.event_id {
            } else if message.text.is_err() {
                said.unread += 1;
            } else if message.file.is_some() || message.text.as_ref().is_ok_and(|text| !is_blank(text)) {
                said.messages.push(message);
            }
        }
        said
    }

    fn read(self, job: &Job<'_>, reach: Reach, cut: bool) -> Option<Read> {
        let zone = zone(&job.parts.config);
        let at = |sent_at: u64| {
            let time = i64::try_from(sent_at).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
            time.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone()).datetime()
        };
        let upto = self.messages.iter().map(|message| message.sent_at).max()?;
        let (first, last) = (self.messages.first()?, self.messages.last()?);
        let times = (at(first.sent_at), at(last.sent_at));
        let written = self.messages.into_iter().map(|message| {
            let text = message.text.unwrap_or_default();
            let text = match message.file {
                // Of a file only the name is known.
                Some(name) => format!("({}) {text}", name.chars().take(100).collect::<String>()),
                None => text,
            };
            let (event_id, sender, name) = (message.event_id, message.sender, message.name);
            Written { event_id, sender, name, at: at(message.sent_at), text }
        });
        let conversation = Conversation::new(written.collect());
        Some(Read { conversation, times, upto, cut, unread: self.unread, reach })
    }
}

/// A message as if it were asked of the bot.
fn as_question(asking: &Incoming, message: &RoomMessage) -> Option<Incoming> {
    let (content, mentions_me) = (Content::Text(message.text.as_ref().ok()?.clone()), message.mentions_me);
    Some(Incoming { content, mentions_me, direct: false, without_call: None, ..asking.clone() })
}

#[cfg(test)]
mod tests {
    use super::{DAY, FEW, MOST_READ, Plan, Reach, Span, Want, plans};

    #[test]
    fn without_a_word_a_note_begins_where_the_last_one_ended() {
        let now = 100 * DAY;
        let plan = |since, most, reach| Plan { since, most, reach };
        let usual = |last, thread| plans(Want::Note(Span::Usual, last), thread, now);
        assert_eq!(usual(Some(7), false), [plan(8, MOST_READ, Reach::LastNote)]);
        assert_eq!(usual(None, true), [plan(0, MOST_READ, Reach::Thread)]);
        assert_eq!(usual(None, false), [plan(now - DAY, MOST_READ, Reach::Day), plan(0, FEW, Reach::Few)]);
        assert_eq!(plans(Want::Missed(Span::Usual), false, now), [plan(now - 14 * DAY, MOST_READ, Reach::Fortnight)]);
        assert_eq!(plans(Want::Note(Span::Last(5), Some(7)), false, now), [plan(0, 5, Reach::Asked)]);
    }
}
