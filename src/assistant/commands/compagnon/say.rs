//! What the actions of `!compagnon` answer in common.

use super::{
    super::{Context, Reply, words},
    action::{ACTIONS, Action, SPEC},
    find,
};
use crate::{
    assistant::{failure::Failure, texts::Text},
    compagnon::{Compagnon, Language, Pseudonyms, Settings, Sourcing},
};

/// The names of the settings, in French and in English.
pub(super) const TEMPERATURE: [&str; 2] = ["température", "temperature"];
pub(super) const LENGTH: [&str; 2] = ["longueur", "length"];
pub(super) const LANGUAGE: [&str; 2] = ["langue", "language"];
pub(super) const SOURCES: [&str; 2] = ["sources", "sources"];
pub(super) const REQUIRED: [&str; 2] = ["exigées", "required"];
pub(super) const OPTIONAL: [&str; 2] = ["facultatives", "optional"];
pub(super) const PSEUDONYMS: [&str; 2] = ["pseudonymes", "pseudonyms"];
pub(super) const YES: [&str; 2] = ["oui", "yes"];
pub(super) const NO: [&str; 2] = ["non", "no"];
pub(super) const ONE_WAY: [&str; 2] = ["sans retour", "one-way"];
pub(super) const NONE: [&str; 2] = ["aucun", "none"];
/// How these actions are written, as an answer.
pub(super) fn usage(context: &Context<'_>, actions: &[Action]) -> Result<Reply, Failure> {
    let place = usize::from(context.language == Language::En);
    let names = actions.iter().filter_map(|action| ACTIONS.iter().find(|(known, _)| known == action)?.1.get(place));
    let forms = SPEC.usage(context.language);
    let usage = names.flat_map(|name| {
        let with: Vec<String> =
            forms.iter().filter(|form| form.contains(&format!("compagnon {name}"))).cloned().collect();
        if with.is_empty() { vec![format!("`!compagnon {name}`")] } else { with }
    });
    context.usage(&usage.collect::<Vec<_>>())
}

/// The sentence for a compagnon that was not found.
pub(super) fn not_found(context: &Context<'_>, missing: &find::Missing) -> Result<Reply, Failure> {
    match missing {
        find::Missing::Nothing { nearest } => context.say(&Text::NoSuchCompagnon { nearest: nearest.as_deref() }),
        find::Missing::Several(ids) => {
            let candidates = ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
            let example = ids.first().map_or("", String::as_str);
            context.say(&Text::Ambiguous { candidates: &candidates, example })
        }
    }
}

/// A title as markdown leaves it alone.
pub(super) fn title(compagnon: &Compagnon) -> String {
    words::inert(compagnon.title())
}

/// The name of a setting in a language.
pub(super) fn named(names: [&'static str; 2], language: Language) -> &'static str {
    match language {
        Language::Fr => names[0],
        Language::En => names[1],
    }
}

/// The room's own settings, for people.
pub(super) fn shown(context: &Context<'_>) -> Vec<String> {
    let Settings { temperature, max_tokens, sources, pseudonyms, .. } = context.settings;
    let temperature = temperature
        .map(|value| format!("{} {}", named(TEMPERATURE, context.language), context.language.decimal(value)));
    let length = max_tokens.map(|value| format!("{} {value}", named(LENGTH, context.language)));
    let required = sources.filter(|sources| *sources == Sourcing::Required);
    let sources =
        required.map(|_| format!("{} {}", named(SOURCES, context.language), named(REQUIRED, context.language)));
    let pseudonyms = pseudonyms.and_then(|pseudonyms| match pseudonyms {
        Pseudonyms::No => None,
        Pseudonyms::Yes => Some(YES),
        Pseudonyms::OneWay => Some(ONE_WAY),
    });
    let pseudonyms =
        pseudonyms.map(|value| format!("{} {}", named(PSEUDONYMS, context.language), named(value, context.language)));
    temperature.into_iter().chain(length).chain(sources).chain(pseudonyms).collect()
}
