//! Stage 1: whether a question whose turn has come is answered at all. Pure: the facts are given.

use std::time::Duration;

use jiff::SignedDuration;

use crate::{
    assistant::{
        access::{AccessRules, Act, Denied},
        commands::is_blank,
        documents::readable,
        texts::Text,
    },
    command::Call,
    matrix::RoomFacts,
    message::{Incoming, Unread},
    store::{Queued, QueuedKind},
};

/// For this long after a start, what arrives may have waited at the homeserver while the bot was down; later it is fresh, whatever the
/// homeserver's clock says.
const CATCH_UP: Duration = Duration::from_mins(5);

/// A question on which the process died so often, each time at another attempt, is given up.
const MOST_INTERRUPTED: u32 = 4;

/// What is known when a question's turn has come.
#[derive(Debug)]
pub struct Facts {
    /// The time, in milliseconds since the epoch.
    pub now: u64,
    /// When this process began, likewise.
    pub started: u64,
    /// Whether a room shows an answer that a bot before a restored backup may have given.
    pub answered_elsewhere: bool,
    /// What the room is, where the model is to answer; nothing when the bot is not in it any more.
    pub room: Option<RoomFacts>,
}

/// What the configuration allows.
pub struct Rules<'a> {
    /// Who may have the bot act.
    pub access: &'a AccessRules,
    /// A question older than this is not answered.
    pub max_age: SignedDuration,
    /// The most characters of a question.
    pub longest: usize,
}

/// What becomes of a question.
#[derive(Debug, PartialEq)]
pub enum Admission<'a> {
    /// The model answers it.
    Answer,
    /// The file that it brings is read.
    Read,
    /// A command is executed.
    Command(&'a Call),
    /// A job is carried out.
    Job(&'a Call),
    /// The room is told what the bot is.
    Welcome,
    /// Somebody is asked why an answer is not useful.
    AskWhy,
    /// A sentence of the bot's own is the answer.
    Decline(Text<'static>),
    /// It is given up: who asked is told, if somebody asked.
    GiveUp,
    /// The room shows what it should.
    Close,
    /// Nobody is told anything.
    Drop,
}

/// Decides on a question.
pub fn admit<'a>(queued: &'a Queued, facts: &Facts, rules: &Rules<'_>) -> Admission<'a> {
    let may_ask = rules.access.may_ask(&queued.question);
    if queued.kind == QueuedKind::NotServed {
        // Who has access by now is told nothing untrue; who waited for long has gone on to something else.
        let late = may_ask || queued.interrupted >= MOST_INTERRUPTED || is_stale(queued, facts, rules.max_age);
        return if late { Admission::Drop } else { Admission::Decline(Text::NotServed) };
    }
    if !may_ask {
        return Admission::Drop;
    }
    if queued.interrupted >= MOST_INTERRUPTED {
        return Admission::GiveUp;
    }
    let stale = is_stale(queued, facts, rules.max_age);
    if stale && facts.answered_elsewhere {
        return Admission::Close;
    }
    match &queued.kind {
        QueuedKind::Welcome => return Admission::Welcome,
        QueuedKind::Missed => return Admission::Decline(Text::Missed),
        QueuedKind::AskWhy if !stale => return Admission::AskWhy,
        // An edit is looked up before.
        QueuedKind::AskWhy | QueuedKind::EditOf(_) | QueuedKind::NotServed => return Admission::Drop,
        QueuedKind::Question | QueuedKind::Command(_) | QueuedKind::Attachment | QueuedKind::Unparsed => {}
    }
    if stale {
        return if queued.again.is_some() { Admission::Close } else { Admission::Decline(Text::TooOld) };
    }
    match &queued.kind {
        QueuedKind::Command(call) if call.is_job() => {
            refused_room(queued, facts, rules).map_or(Admission::Job(call), Admission::Decline)
        }
        QueuedKind::Command(call) => Admission::Command(call),
        QueuedKind::Attachment if readable(&queued.question).is_some() => {
            refused_room(queued, facts, rules).map_or(Admission::Read, Admission::Decline)
        }
        QueuedKind::Attachment => {
            Admission::Decline(Text::CannotRead(queued.question.unread().unwrap_or(Unread::File)))
        }
        _ => refusal(queued, facts, rules).map_or(Admission::Answer, Admission::Decline),
    }
}

/// Why nothing is answered in a room.
fn refused_room(queued: &Queued, facts: &Facts, rules: &Rules<'_>) -> Option<Text<'static>> {
    let act = Act { room: facts.room.as_ref(), ..Act::of(&queued.question) };
    match rules.access.check(&act) {
        Err(Denied::OpenRoom) => Some(Text::RefusedOpenRoom),
        Err(Denied::Unencrypted) => Some(Text::RefusedUnencrypted),
        _ => None,
    }
}

/// Why a question is not even put to the model.
fn refusal(queued: &Queued, facts: &Facts, rules: &Rules<'_>) -> Option<Text<'static>> {
    let text = queued.question.text();
    match refused_room(queued, facts, rules) {
        Some(refused) => Some(refused),
        // A mention and nothing else may point at what is to be answered: the stage `ground` looks.
        None if is_blank(text) && !points_at_something(&queued.question) => Some(Text::NoQuestion),
        None => (text.chars().count() > rules.longest).then_some(Text::QuestionTooLong { limit: rules.longest }),
    }
}

/// Whether a question stands beside others' messages: in reply to one of them, or in a thread.
fn points_at_something(question: &Incoming) -> bool {
    question.replies_to.is_some() || question.thread.is_some()
}

/// Whether a question has waited longer than `max_age`: since it was asked, or since it was edited or asked for again.
pub fn is_stale(queued: &Queued, facts: &Facts, max_age: SignedDuration) -> bool {
    let waited_here = facts.now.saturating_sub(queued.received_at);
    let caught_up = queued.received_at > facts.started.saturating_add(CATCH_UP.as_millis() as u64);
    // What is answered again was asked for now, whenever it was first written.
    let fresh = caught_up || queued.again.is_some();
    let elsewhere = if fresh { 0 } else { facts.now.saturating_sub(queued.question.sent_at) };
    u128::from(waited_here.max(elsewhere)) > max_age.unsigned_abs().as_millis()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use ruma::server_name;

    use super::{Admission, Facts, MOST_INTERRUPTED, Rules, admit, is_stale};
    use crate::{
        assistant::{access::AccessRules, fakes::queued, texts::Text},
        command::Call,
        matrix::{Access, RoomFacts, RoomKind, config::AccessConfig},
        message::{Content, Unread},
        store::{Queued, QueuedKind},
    };

    const HOUR: u64 = 3_600_000;
    const STARTED: u64 = 1_000 * HOUR;

    fn facts() -> Facts {
        let room = RoomFacts { kind: RoomKind::Direct, name: None, open: false, encrypted: true };
        Facts { now: STARTED, started: STARTED, answered_elsewhere: false, room: Some(room) }
    }

    fn asked(sent_at: u64, received_at: u64) -> Queued {
        let mut queued = queued("$q:h", "!a:h");
        queued.question.sent_at = sent_at;
        Queued { received_at, ..queued }
    }

    #[test]
    fn a_question_is_old_by_our_clock_or_by_the_time_the_bot_was_down() {
        let max_age = SignedDuration::from_hours(12);
        let cases = [
            ("fresh", asked(STARTED, STARTED), STARTED, false),
            ("sent while the bot was down, a day ago", asked(STARTED - 24 * HOUR, STARTED), STARTED, true),
            ("sent while the bot was down, an hour ago", asked(STARTED - HOUR, STARTED), STARTED, false),
            (
                "from a homeserver a day behind, in normal life",
                asked(STARTED - 24 * HOUR, STARTED + HOUR),
                STARTED + HOUR,
                false,
            ),
            ("dated ten years ahead", asked(STARTED + 90_000 * HOUR, STARTED), STARTED, false),
            ("accepted a day ago, never answered", asked(STARTED - 24 * HOUR, STARTED - 24 * HOUR), STARTED, true),
        ];
        for (name, queued, now, stale) in cases {
            assert_eq!(is_stale(&queued, &Facts { now, ..facts() }, max_age), stale, "{name}");
        }
    }

    #[test]
    fn each_question_is_admitted_or_not_for_one_reason() {
        let access = |users: &[&str]| {
            // Where persons are named, no whole server is let in.
            let servers = if users.is_empty() { Vec::new() } else { vec!["elsewhere.example".to_owned()] };
            let users = users.iter().map(|user| (*user).to_owned()).collect();
            let config = AccessConfig { servers, users, unencrypted: false, ..AccessConfig::default() };
            AccessRules::new(Access::new(&config, server_name!("h"), |_| String::new()), false, false)
        };
        let everybody = access(&[]);
        let rules = Rules { access: &everybody, max_age: SignedDuration::from_hours(12), longest: 20 };
        let fresh = || asked(STARTED, STARTED);
        let old = || asked(STARTED - 24 * HOUR, STARTED - 24 * HOUR);
        let again = Some("$e:h".try_into().expect("an id"));
        let text = |text: &str| {
            let mut queued = fresh();
            queued.question.content = Content::Text(text.to_owned());
            queued
        };
        let of_kind = |kind: QueuedKind| Queued { kind, ..fresh() };
        let room = |open, encrypted| Facts {
            room: Some(RoomFacts { open, encrypted, kind: RoomKind::Salon, name: None }),
            ..facts()
        };
        let call = Call::read(&text("!aide").question).expect("a command");
        let mut sticker = of_kind(QueuedKind::Attachment);
        sticker.question.content = Content::Unreadable(Unread::Sticker);
        let cases: [(&str, Queued, Facts, Admission<'_>); 15] = [
            ("a question", fresh(), facts(), Admission::Answer),
            ("a room that is not known any more", fresh(), Facts { room: None, ..facts() }, Admission::Answer),
            ("a killer", Queued { interrupted: MOST_INTERRUPTED, ..fresh() }, facts(), Admission::GiveUp),
            ("too old", old(), facts(), Admission::Decline(Text::TooOld)),
            ("too old to be answered again", Queued { again, ..asked(0, 0) }, facts(), Admission::Close),
            ("answered elsewhere", old(), Facts { answered_elsewhere: true, ..facts() }, Admission::Close),
            (
                "answered elsewhere, but fresh",
                fresh(),
                Facts { answered_elsewhere: true, ..facts() },
                Admission::Answer,
            ),
            ("a command", of_kind(QueuedKind::Command(call.clone())), facts(), Admission::Command(&call)),
            ("an old welcome", Queued { kind: QueuedKind::Welcome, ..old() }, facts(), Admission::Welcome),
            ("a sticker", sticker, facts(), Admission::Decline(Text::CannotRead(Unread::Sticker))),
            (
                "an edit of nothing known",
                of_kind(QueuedKind::EditOf(fresh().question.event_id)),
                facts(),
                Admission::Drop,
            ),
            ("an open room", fresh(), room(true, true), Admission::Decline(Text::RefusedOpenRoom)),
            ("in clear", fresh(), room(false, false), Admission::Decline(Text::RefusedUnencrypted)),
            ("nothing", text(" \u{200b}"), facts(), Admission::Decline(Text::NoQuestion)),
            ("a book", text(&"a".repeat(21)), facts(), Admission::Decline(Text::QuestionTooLong { limit: 20 })),
        ];
        for (name, queued, facts, admission) in cases {
            assert_eq!(admit(&queued, &facts, &rules), admission, "{name}");
        }
        let refused = || of_kind(QueuedKind::NotServed);
        assert_eq!(admit(&refused(), &facts(), &rules), Admission::Drop, "who has access by now");
        let nobody = access(&["@ben:h"]);
        let rules = Rules { access: &nobody, ..rules };
        for queued in [fresh(), of_kind(QueuedKind::Command(call.clone())), old()] {
            assert_eq!(admit(&queued, &facts(), &rules), Admission::Drop);
        }
        assert_eq!(admit(&refused(), &facts(), &rules), Admission::Decline(Text::NotServed));
        let late = Queued { kind: QueuedKind::NotServed, ..old() };
        assert_eq!(admit(&late, &facts(), &rules), Admission::Drop, "long ago");
    }
}
