//! What a room adds to its compagnon: an instruction of its own, and settings.

use super::{
    super::{
        Context, Reply,
        words::{self, is, number},
    },
    Action,
    say::{LANGUAGE, LENGTH, NO, NONE, ONE_WAY, OPTIONAL, PSEUDONYMS, REQUIRED, SOURCES, TEMPERATURE, YES, named},
    usage,
};
use crate::{
    assistant::{
        failure::Failure,
        texts::{self, Text},
    },
    compagnon::{HOTTEST, Language, Pseudonyms, Sourcing},
    store::Change,
};

/// The shortest answer that may be asked for, in tokens.
const SHORTEST: usize = 50;

/// Shows, sets or removes the room's addition to the system prompt.
pub(super) async fn addition(context: &Context<'_>, line: &str, text: &str) -> Result<Reply, Failure> {
    let addition = format!("{line}\n{text}");
    let addition = addition.trim();
    if addition.is_empty() {
        return match &context.settings.addition {
            None => context.say(&Text::NoAddition),
            Some(_) => super::choose::current(context).await,
        };
    }
    if !context.administers().await? {
        return context.say(&context.not_administrator());
    }
    let limit = context.parts.config.limits.prompt;
    if addition.chars().count() > limit {
        return context.say(&Text::PromptTooLong { limit });
    }
    let audit = context.audit("compagnon.instruction", None);
    if is(addition, &["aucune", "none"]) {
        return context.change(&Text::AdditionRemoved, vec![write(context, None), audit]);
    }
    context.change(&Text::AdditionSet, vec![write(context, Some(addition)), audit])
}

/// The change that gives the room another addition: it is its author's, and goes with them.
fn write(context: &Context<'_>, addition: Option<&str>) -> Change {
    context.set(|settings| {
        settings.addition = addition.map(str::to_owned);
        settings.addition_by = addition.map(|_| context.message.sender.clone());
    })
}

/// Changes one setting of the room, or all of them back to the usual ones.
pub(super) async fn set(context: &Context<'_>, line: &str) -> Result<Reply, Failure> {
    let (word, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let value = value.trim();
    let most = context.parts.sampling.max_tokens;
    let mut settings = context.settings.clone();
    let (names, allowed) = if is(word, &NONE) {
        (settings.temperature, settings.max_tokens, settings.language) = (None, None, None);
        (settings.sources, settings.pseudonyms) = (None, None);
        (NONE, None)
    } else if is(word, &TEMPERATURE) {
        settings.temperature = number(value).filter(|value| (0.0..=HOTTEST).contains(value));
        (TEMPERATURE, settings.temperature.is_none().then(|| texts::allowed::temperature(context.language)))
    } else if is(word, &LENGTH) {
        settings.max_tokens = value.parse().ok().filter(|value| (SHORTEST..=most).contains(value));
        (LENGTH, settings.max_tokens.is_none().then(|| texts::allowed::length(context.language, SHORTEST, most)))
    } else if is(word, &LANGUAGE) {
        settings.language = language(value);
        (LANGUAGE, settings.language.is_none().then(|| "fr, en".to_owned()))
    } else if is(word, &SOURCES) {
        // What the compagnon demands, no room takes away.
        settings.sources = is(value, &REQUIRED).then_some(Sourcing::Required);
        let known = settings.sources.is_some() || is(value, &OPTIONAL);
        let allowed = || format!("{}, {}", named(REQUIRED, context.language), named(OPTIONAL, context.language));
        (SOURCES, (!known).then(allowed))
    } else if is(word, &PSEUDONYMS) {
        settings.pseudonyms =
            if is(value, &ONE_WAY) { Some(Pseudonyms::OneWay) } else { is(value, &YES).then_some(Pseudonyms::Yes) };
        let known = settings.pseudonyms.is_some() || is(value, &NO);
        let allowed = || [YES, NO, ONE_WAY].map(|value| named(value, context.language)).join(", ");
        (PSEUDONYMS, (!known).then(allowed))
    } else {
        return usage(context, &[Action::Set]);
    };
    if !context.administers().await? {
        return context.say(&context.not_administrator());
    }
    if let Some(allowed) = allowed {
        return context.say(&Text::BadValue { allowed: &allowed });
    }
    let language = settings.language.unwrap_or(context.language);
    let value = match settings.temperature.filter(|_| names == TEMPERATURE) {
        Some(temperature) => language.decimal(temperature),
        None => words::inert(value),
    };
    let shown = format!("{} {value}", named(names, language));
    let changes = vec![context.set(|known| *known = settings), context.audit("compagnon.set", None)];
    // In the language that was just chosen.
    let text = if names == NONE { Text::SettingsReset } else { Text::SettingSet { setting: &shown } };
    let text = text.say(language).into_owned();
    Ok(Reply { changes, ..Reply::text(text) })
}

fn language(value: &str) -> Option<Language> {
    if is(value, &["fr", "français"]) {
        return Some(Language::Fr);
    }
    is(value, &["en", "anglais", "english"]).then_some(Language::En)
}
