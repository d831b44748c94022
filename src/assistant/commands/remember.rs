//! `!retenir` and `!mémoire`: a few facts that a person, or a room, wants to be remembered, as they were told.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Context, Reply, Spec,
    words::{inert, is, one_line},
};
use crate::{
    assistant::{
        clock::now,
        exchange::fitting,
        failure::Failure,
        texts::{Destroys, FactPlace, Memory, Text},
    },
    memory::{Fact, LONGEST_FACT, MOST_FACTS, same},
    store::Change,
};

pub(super) const SPEC: Spec = Spec {
    names: &["retenir", "remember", "retiens", "retenez"],
    forms: [
        &[("<fait>", "pour vous, ici seulement"), ("salon : <fait>", "pour tout le salon")],
        &[("<fact>", "for you, here only"), ("room: <fact>", "for the whole room")],
    ],
    urgent: false,
    instance: false,
};

pub(super) const LIST: Spec =
    Spec { names: &["mémoire", "memory", "mémoires"], forms: [&[], &[]], urgent: true, instance: false };

/// The words that stand for the whole room.
const ROOM: [&str; 2] = ["salon", "room"];

/// Whether these arguments tell the whole room something, and what. A fact may begin with the same word: the colon tells them apart. In a
/// direct conversation nothing is the room's.
pub(super) fn of_room(arguments: &str, direct: bool) -> (bool, &str) {
    match arguments.split_once([':', '：']) {
        Some((word, rest)) if !direct && is(word.trim(), &ROOM) => (true, rest.trim()),
        _ => (false, arguments.trim()),
    }
}

/// Whether these words are about what the whole room has been told, and what follows: a number at most.
pub(super) fn about_room(words: &str) -> (bool, &str) {
    let (word, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    if is(word.trim_end_matches(':'), &ROOM) {
        (true, rest.trim_start_matches([':', ' ']).trim())
    } else {
        (false, words.trim())
    }
}

/// Whether a fact that is a person's may have been meant for the room.
fn may_be_meant_for_room(fact: &str, direct: bool) -> bool {
    !direct && is(fact.split_whitespace().next().unwrap_or_default(), &ROOM)
}

/// Remembers a fact.
pub(super) async fn run(context: &Context<'_>, arguments: &str, text: &str) -> Result<Reply, Failure> {
    let message = context.message;
    // As the authority was found: by the first line alone.
    let (of_room, fact) = of_room(arguments, message.direct);
    let fact = one_line(&format!("{fact} {text}"));
    if fact.is_empty() {
        return context.usage(&SPEC.usage(context.language));
    }
    if of_room && !context.administers().await? {
        return context.say(&context.not_administrator());
    }
    if fact.chars().count() > LONGEST_FACT {
        return context.say(&Text::Memory(Memory::TooLong { limit: Some(LONGEST_FACT) }));
    }
    let known = of(context, of_room).await?;
    let place = |number| FactPlace { of_room, number };
    let again = known.iter().find(|known| same(&known.text, &fact));
    let free = || (1..=MOST_FACTS as u32).find(|number| known.iter().all(|fact| fact.number != *number));
    let Some(number) = again.map(|again| again.number).or_else(free) else {
        return context.say(&Text::Memory(Memory::Full { of_room, limit: MOST_FACTS }));
    };
    let told = Fact {
        room_id: message.room_id.clone(),
        of_room,
        number,
        text: fact,
        by: Some(message.sender.clone()),
        name: message.name.clone(),
        event_id: message.event_id.clone(),
        told_in: None,
        at: now(),
        direct: message.direct,
    };
    let others = known.iter().filter(|known| known.number != number).cloned();
    let all: Vec<Fact> = others.chain([told.clone()]).collect();
    // What the model would not be given is not promised.
    if fitting(&*context.parts.model, &all).len() < all.len() {
        let said = match all.len() - 1 {
            0 => Memory::TooLong { limit: None },
            limit => Memory::Full { of_room, limit },
        };
        return context.say(&Text::Memory(said));
    }
    // What is told again takes the place of what was told: the message of now is the one whose deletion counts.
    let mut changes: Vec<Change> = again.map(|again| Change::ForgetFacts(vec![again.clone()])).into_iter().collect();
    let (shown, room_meant) = (inert(&told.text), may_be_meant_for_room(&told.text, message.direct));
    changes.push(Change::Remember(told));
    changes.extend(of_room.then(|| context.audit("memory.room", None)));
    let said = if again.is_some() {
        Memory::Known(place(number))
    } else if of_room {
        Memory::NotedForRoom { number, fact: &shown }
    } else {
        Memory::Noted { number, room_meant }
    };
    context.change(&Text::Memory(said), changes)
}

/// Shows what is remembered here, for who asks and for the room.
pub(super) async fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let Remembered { facts, hidden, direct } = visible(context).await?;
    if facts.is_empty() {
        return context.say(&Text::Memory(Memory::Nothing { direct, hidden }));
    }
    let zone = TimeZone::get(&context.parts.config.time_zone).unwrap_or(TimeZone::UTC);
    let line = |fact: &Fact| {
        let at = i64::try_from(fact.at).ok().and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or_default();
        let date = context.language.date(at.to_zoned(zone.clone()).date());
        let place = FactPlace { of_room: fact.of_room, number: fact.number };
        let by = if fact.of_room { fact.name.as_deref().or(fact.by.as_ref().map(|by| by.as_str())) } else { None };
        let by = by.map(|by| format!("{}, ", inert(by))).unwrap_or_default();
        format!("- `{}` {} *({by}{date})*", place.written(context.language), inert(&fact.text))
    };
    let lines = |of_room| facts.iter().filter(|fact| fact.of_room == of_room).map(line).collect::<Vec<_>>().join("\n");
    let retention = context.parts.config.memory.unsigned_abs();
    context.say(&Text::Memory(Memory::List { person: &lines(false), room: &lines(true), hidden, retention }))
}

/// Forgets one fact, or all of them.
pub(super) async fn forget(context: &Context<'_>, of_room: bool, number: Option<u32>) -> Result<Reply, Failure> {
    if of_room && !context.administers().await? {
        return context.say(&context.not_administrator());
    }
    let audit = of_room.then(|| context.audit("memory.room", None));
    let Some(number) = number else {
        // Also what is not shown in a conversation of two that others have come into.
        let facts = of(context, of_room).await?;
        if facts.is_empty() {
            return context.say(&Text::Memory(Memory::Nothing { direct: context.message.direct, hidden: false }));
        }
        if !context.confirms(if of_room { "forget memory room" } else { "forget memory" }) {
            return context.say(&Text::Confirm(Destroys::Facts { of_room }));
        }
        let changes = std::iter::once(Change::ForgetFacts(facts)).chain(audit).collect();
        return context.change(&Text::Memory(Memory::ForgottenAll { of_room }), changes);
    };
    let place = FactPlace { of_room, number };
    let facts = visible(context).await?.facts.into_iter();
    let facts: Vec<Fact> = facts.filter(|fact| fact.of_room == of_room && fact.number == number).collect();
    if facts.is_empty() {
        return context.say(&Text::Memory(Memory::NoSuch(place)));
    }
    let changes = std::iter::once(Change::ForgetFacts(facts)).chain(audit).collect();
    context.change(&Text::Memory(Memory::Forgotten(place)), changes)
}

/// The facts of the room, or of who asks.
async fn of(context: &Context<'_>, of_room: bool) -> Result<Vec<Fact>, Failure> {
    let message = context.message;
    let mut facts = context.parts.store.facts(&message.room_id, &message.sender).await?;
    facts.retain(|fact| fact.of_room == of_room);
    Ok(facts)
}

/// What is remembered here for who asks and for the room.
struct Remembered {
    /// The facts that may be read here.
    facts: Vec<Fact>,
    /// Whether there are others, told when nobody else was there.
    hidden: bool,
    /// Whether this is a conversation of two now.
    direct: bool,
}

/// The facts that may be read here: everybody in a room reads what the bot says there. Others may have come in since the command was written.
async fn visible(context: &Context<'_>) -> Result<Remembered, Failure> {
    let message = context.message;
    let direct = message.direct && context.is_private().await?;
    let mut facts = context.parts.store.facts(&message.room_id, &message.sender).await?;
    let held = facts.len();
    facts.retain(|fact| fact.is_for(direct));
    Ok(Remembered { hidden: facts.len() < held, facts, direct })
}
