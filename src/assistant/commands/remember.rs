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
        &[("<fait>", "pour vous, ici seulement"), ("salon <fait>", "pour tout le salon")],
        &[("<fact>", "for you, here only"), ("room <fact>", "for the whole room")],
    ],
    urgent: false,
    instance: false,
};

pub(super) const LIST: Spec =
    Spec { names: &["mémoire", "memory", "mémoires"], forms: [&[], &[]], urgent: true, instance: false };

/// Whether these arguments are about the whole room, and what follows. In a direct conversation nothing is.
pub(super) fn of_room(arguments: &str, direct: bool) -> (bool, &str) {
    let (word, rest) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    if !direct && is(word.trim_end_matches(':'), &["salon", "room"]) {
        return (true, rest.trim_start_matches([':', ' ']).trim());
    }
    (false, arguments.trim())
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
        return context.say(&Text::NeedsAdministrator);
    }
    if fact.chars().count() > LONGEST_FACT {
        return context.say(&Text::Memory(Memory::TooLong { limit: LONGEST_FACT }));
    }
    let known = of(context, of_room).await?;
    let place = |number| FactPlace { of_room, number };
    let again = known.iter().find(|known| same(&known.text, &fact));
    let number = match again {
        Some(again) => again.number,
        None => {
            let free = (1..=MOST_FACTS as u32).find(|number| known.iter().all(|fact| fact.number != *number));
            let Some(free) = free else {
                return context.say(&Text::Memory(Memory::Full { of_room, limit: MOST_FACTS }));
            };
            free
        }
    };
    let told = Fact {
        room_id: message.room_id.clone(),
        of_room,
        number,
        text: fact,
        by: message.sender.clone(),
        name: message.name.clone(),
        event_id: message.event_id.clone(),
        at: now(),
        direct: message.direct,
    };
    let others = known.iter().filter(|known| known.number != number).cloned();
    let all: Vec<Fact> = others.chain([told.clone()]).collect();
    // What the model would not be given is not promised.
    if fitting(&*context.parts.model, &all).len() < all.len() {
        return context.say(&Text::Memory(Memory::Full { of_room, limit: all.len() - 1 }));
    }
    // What is told again takes the place of what was told: the message of now is the one whose deletion counts.
    let mut changes: Vec<Change> = again.map(|again| Change::ForgetFacts(vec![again.clone()])).into_iter().collect();
    changes.push(Change::Remember(told));
    changes.extend(of_room.then(|| context.audit("memory.room", None)));
    let said = if again.is_some() { Memory::Known(place(number)) } else { Memory::Noted(place(number)) };
    context.change(&Text::Memory(said), changes)
}

/// Shows what is remembered here, for who asks and for the room.
pub(super) async fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let facts = visible(context).await?;
    let direct = context.message.direct;
    if facts.is_empty() {
        return context.say(&Text::Memory(Memory::Nothing { direct }));
    }
    let zone = TimeZone::get(&context.parts.config.time_zone).unwrap_or(TimeZone::UTC);
    let line = |fact: &Fact| {
        let at = i64::try_from(fact.at).ok().and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or_default();
        let date = context.language.date(at.to_zoned(zone.clone()).date());
        let place = FactPlace { of_room: fact.of_room, number: fact.number };
        let by = if fact.of_room {
            format!("{}, ", inert(fact.name.as_deref().unwrap_or(fact.by.as_str())))
        } else {
            String::new()
        };
        format!("- `{}` {} *({by}{date})*", place.written(context.language), inert(&fact.text))
    };
    let lines = |of_room| facts.iter().filter(|fact| fact.of_room == of_room).map(line).collect::<Vec<_>>().join("\n");
    let retention = context.parts.config.memory.unsigned_abs();
    context.say(&Text::Memory(Memory::List { person: &lines(false), room: &lines(true), retention }))
}

/// Forgets one fact, or all of them.
pub(super) async fn forget(context: &Context<'_>, of_room: bool, number: Option<u32>) -> Result<Reply, Failure> {
    if of_room && !context.administers().await? {
        return context.say(&Text::NeedsAdministrator);
    }
    let audit = of_room.then(|| context.audit("memory.room", None));
    let Some(number) = number else {
        // Also what is not shown in a conversation of two that others have come into.
        let facts = of(context, of_room).await?;
        if facts.is_empty() {
            return context.say(&Text::Memory(Memory::Nothing { direct: context.message.direct }));
        }
        if !context.confirms(if of_room { "forget memory room" } else { "forget memory" }) {
            return context.say(&Text::Confirm(Destroys::Facts { of_room }));
        }
        let changes = std::iter::once(Change::ForgetFacts(facts)).chain(audit).collect();
        return context.change(&Text::Memory(Memory::ForgottenAll { of_room }), changes);
    };
    let place = FactPlace { of_room, number };
    let facts = visible(context).await?.into_iter();
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

/// The facts that may be read here: everybody in a room reads what the bot says there.
async fn visible(context: &Context<'_>) -> Result<Vec<Fact>, Failure> {
    let message = context.message;
    let mut facts = context.parts.store.facts(&message.room_id, &message.sender).await?;
    facts.retain(|fact| fact.is_for(message.direct));
    Ok(facts)
}
