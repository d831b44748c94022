//! `!glossaire`: the terms that translations keep to. They are the room's; those of the ministry and of the compagnon are files of the
//! configuration.

use super::{
    Context, Reply, Spec,
    words::{inert, is},
};
use crate::{
    assistant::{
        clock::now,
        courier::unless_refused,
        exchange::message_for,
        failure::Failure,
        glossaries,
        texts::{Glossary, Text},
    },
    message::{Content, MediaRef},
    store::Change,
    translation::{
        asked::asked,
        glossary::{MOST_TERMS, Term, pair, table},
        languages::TextLanguage,
    },
};

pub(super) const SPEC: Spec = Spec {
    names: &["glossaire", "glossary"],
    forms: [
        &[
            ("", ""),
            (
                "ajouter \"mission diplomatique\" = \"diplomatic mission\"",
                "vers l’anglais, ou un terme par ligne dessous",
            ),
            ("ajouter en allemand \"arrêté\" = \"Erlass\"", "vers une autre langue"),
            ("retirer \"mission diplomatique\"", ""),
            ("importer", "en réponse à un tableau TSV, ou comme sa légende"),
        ],
        &[
            ("", ""),
            ("add \"mission diplomatique\" = \"diplomatic mission\"", "to English, or a term a line below"),
            ("add to German \"arrêté\" = \"Erlass\"", "to another language"),
            ("remove \"mission diplomatique\"", ""),
            ("import", "in reply to a table in TSV, or as its caption"),
        ],
    ],
    urgent: false,
    instance: false,
};

const ADD: [&str; 3] = ["ajouter", "add", "ajoute"];
const REMOVE: [&str; 4] = ["retirer", "remove", "supprimer", "retire"];
const IMPORT: [&str; 2] = ["importer", "import"];

/// The most terms that a list shows.
const MOST_SHOWN: usize = 60;

/// The most bytes of a table that is imported.
const LARGEST_TABLE: usize = 1 << 20;

/// The first word of the arguments, and what follows it.
fn split(arguments: &str) -> (&str, &str) {
    let arguments = arguments.trim();
    arguments.split_once(char::is_whitespace).map_or((arguments, ""), |(word, rest)| (word, rest.trim()))
}

/// Whether it changes the room's terms.
pub(super) fn changes(arguments: &str) -> bool {
    let word = split(arguments).0;
    is(word, &ADD) || is(word, &REMOVE) || is(word, &IMPORT)
}

/// Whether it only reads the store before it changes something: a table is asked of the homeserver.
pub(super) fn decides(arguments: &str) -> bool {
    changes(arguments) && !is(split(arguments).0, &IMPORT)
}

fn say(context: &Context<'_>, text: Glossary<'_>) -> Result<Reply, Failure> {
    context.say(&Text::Glossary(text))
}

pub(super) async fn run(context: &Context<'_>, arguments: &str, text: &str) -> Result<Reply, Failure> {
    let (word, rest) = split(arguments);
    let terms = glossaries::of_room(&context.parts.store, &context.message.room_id, now()).await?;
    if word.is_empty() && text.is_empty() {
        return list(context, &terms).await;
    }
    if !changes(arguments) {
        return context.usage(&SPEC.usage(context.language));
    }
    if !context.administers().await? {
        return context.say(&context.not_administrator());
    }
    if is(word, &REMOVE) {
        return remove(context, terms, rest);
    }
    if is(word, &ADD) {
        let added = added(rest, text);
        if added.is_empty() {
            return context.usage(&SPEC.usage(context.language));
        }
        return keep(context, terms, added, None);
    }
    let table = match file(context).await? {
        Some(media) => match context.parts.ingestion.fetch(&media).await? {
            Ok(bytes) if bytes.len() <= LARGEST_TABLE => String::from_utf8_lossy(&bytes).into_owned(),
            _ => return say(context, Glossary::NotRead),
        },
        None if text.is_empty() => return say(context, Glossary::NoFile),
        None => text.to_owned(),
    };
    let (added, refused) = self::table(&table, (TextLanguage::french(), TextLanguage::english()), MOST_TERMS);
    if added.is_empty() {
        return say(context, Glossary::NotRead);
    }
    keep(context, terms, added, Some(refused))
}

/// The terms that are written with the command: on its line, perhaps behind a language, and on the lines below.
fn added(rest: &str, text: &str) -> Vec<Term> {
    let read = asked(rest);
    // "anglais = English" names no language.
    let named =
        read.to.filter(|_| read.rest.is_empty() || pair(read.rest).is_some_and(|(source, _)| !source.is_empty()));
    let (to, line) = match named {
        Some(to) => (to, read.rest),
        None => (TextLanguage::english(), rest),
    };
    let usual = if to == TextLanguage::french() { TextLanguage::english() } else { TextLanguage::french() };
    let from = named.and(read.from).unwrap_or(usual);
    let lines = std::iter::once(line).chain(text.lines());
    let pairs = lines.filter_map(pair);
    pairs.filter_map(|(source, target)| Term::new(from, to, source, target)).collect()
}

/// Adds terms in the place of those for the same words. `refused` says how many lines of a table were none.
fn keep(
    context: &Context<'_>,
    mut terms: Vec<Term>,
    added: Vec<Term>,
    refused: Option<usize>,
) -> Result<Reply, Failure> {
    let (count, first) = (added.len(), added.first().cloned());
    for term in added {
        match terms.iter_mut().find(|known| known.stands_for(&term)) {
            Some(known) => *known = term,
            None => terms.push(term),
        }
    }
    let state = glossaries::kept(&context.message.room_id, &terms, now());
    if terms.len() > MOST_TERMS || !state.fits() {
        return say(context, Glossary::Full { limit: MOST_TERMS });
    }
    let shown = first.filter(|_| count == 1 && refused.is_none());
    let text = match &shown {
        Some(term) => {
            Glossary::Added { source: &inert(&term.source), target: &inert(&term.target), to: language(&term.to) }
        }
        None => Glossary::AddedMany { count, refused: refused.unwrap_or_default() },
    };
    let changes = vec![Change::KeepJob(Box::new(state)), context.audit("glossary.room", None)];
    context.change(&Text::Glossary(text), changes)
}

fn remove(context: &Context<'_>, mut terms: Vec<Term>, name: &str) -> Result<Reply, Failure> {
    let before = terms.len();
    terms.retain(|term| !term.is_called(name));
    let count = before - terms.len();
    if count == 0 {
        return say(context, Glossary::NoSuch { name: &inert(name) });
    }
    let state = glossaries::kept(&context.message.room_id, &terms, now());
    let changes = vec![Change::KeepJob(Box::new(state)), context.audit("glossary.room", None)];
    context.change(&Text::Glossary(Glossary::Removed { count }), changes)
}

async fn list(context: &Context<'_>, terms: &[Term]) -> Result<Reply, Failure> {
    let compagnon = context.effective_compagnon().await?.compagnon.id.clone();
    let files = glossaries::of_files(&context.parts.config.translation, &compagnon).await;
    let others = files.iter().map(Vec::len).sum();
    if terms.is_empty() {
        return say(context, Glossary::Nothing { others });
    }
    let line = |term: &Term| {
        format!("- « {} » ({}) = « {} » ({})", inert(&term.source), term.from, inert(&term.target), term.to)
    };
    let lines = terms.iter().take(MOST_SHOWN).map(line).collect::<Vec<_>>().join("\n");
    say(context, Glossary::List { lines: &lines, left: terms.len().saturating_sub(MOST_SHOWN), others })
}

/// The file that the command means: its own, or that of the message that it replies to.
async fn file(context: &Context<'_>) -> Result<Option<MediaRef>, Failure> {
    let message = context.message;
    if let Content::Attachment(media) = &message.content {
        return Ok(Some((**media).clone()));
    }
    let Some(target) = &message.replies_to else { return Ok(None) };
    let found = unless_refused(message_for(&context.parts.homeserver, message, target).await)?.flatten();
    Ok(found.and_then(|found| found.media))
}

fn language(code: &str) -> TextLanguage {
    TextLanguage::named(code).unwrap_or_else(TextLanguage::english)
}

#[cfg(test)]
mod tests {
    use super::added;

    #[test]
    fn terms_are_read_with_or_without_a_language() {
        for (rest, text, from, to, source, target) in [
            (
                "\"mission diplomatique\" = \"diplomatic mission\"",
                "",
                "fr",
                "en",
                "mission diplomatique",
                "diplomatic mission",
            ),
            ("en allemand \"arrêté\" = \"Erlass\"", "", "fr", "de", "arrêté", "Erlass"),
            ("to French \"order\" = \"arrêté\"", "", "en", "fr", "order", "arrêté"),
            ("de l’espagnol en anglais : nota = note", "", "es", "en", "nota", "note"),
            ("anglais = English", "", "fr", "en", "anglais", "English"),
            ("", "note = memo", "fr", "en", "note", "memo"),
            ("en italien", "note\tnota", "fr", "it", "note", "nota"),
        ] {
            let terms = added(rest, text);
            let shown: Vec<_> = terms
                .iter()
                .map(|term| (term.from.as_str(), term.to.as_str(), term.source.as_str(), term.target.as_str()))
                .collect();
            assert_eq!(shown, [(from, to, source, target)], "{rest}");
        }
        assert!(added("rien", "").is_empty() && added("", "").is_empty());
    }
}
