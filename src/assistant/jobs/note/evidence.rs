//! What of a model's claims stands in the messages: numbers, names and dates that do not are not taken over. Pure.

use std::collections::HashSet;

use jiff::civil::Date;
use ruma::OwnedEventId;

use super::{
    dates::{self, in_words},
    found::{Claim, Found},
    material::{Conversation, Part, Said},
    value::{Entry, MOST_MESSAGES, Section},
};
use crate::{compagnon::Language, index::french::fold};

/// The share of a claim's words that a message must have where the claim does not say which one it comes from, in percent.
const SHARE: usize = 60;
/// The fewest letters of a word that is looked for.
const LETTERS: usize = 4;

/// The entries of a section that a part's claims come to. A decision or an action that no message of the part says is left out.
#[must_use]
pub fn entries(
    found: &Found,
    section: Section,
    conversation: &Conversation,
    part: Part,
    language: Language,
) -> Vec<Entry> {
    let claims = found.section(section).iter();
    let entries = claims.map(|claim| entry(claim, section, conversation, part, language));
    let must = matches!(section, Section::Decisions | Section::Actions);
    entries.filter(|entry| !must || !entry.messages.is_empty()).collect()
}

fn entry(claim: &Claim, section: Section, conversation: &Conversation, part: Part, language: Language) -> Entry {
    let messages = evidence(claim, conversation, part);
    let (mut who, mut when) = (None, None);
    if section == Section::Actions {
        let said = messages.iter().map(|said| said.text.as_str()).collect::<Vec<_>>();
        who = claim.who.as_deref().and_then(|who| person(who, &conversation.participants, &said));
        when = messages.iter().find_map(|said| date(claim.when.as_deref()?, &said.text, said.at.date(), language));
    }
    let messages: Vec<OwnedEventId> = messages.into_iter().map(|said| said.event_id.clone()).collect();
    Entry { text: claim.text.clone(), who, when, messages }
}

/// The messages of the part that a claim comes from.
fn evidence<'a>(claim: &Claim, conversation: &'a Conversation, part: Part) -> Vec<&'a Said> {
    let mut seen = HashSet::new();
    let inside = claim.numbers.iter().filter(|number| (part.first..=part.last).contains(*number));
    let inside = inside.filter(|number| seen.insert(**number));
    let given: Vec<&Said> = inside.filter_map(|number| conversation.numbered(*number)).take(MOST_MESSAGES).collect();
    if given.is_empty() { located(claim, conversation, part).into_iter().collect() } else { given }
}

/// The message of the part that says what a claim does, where the claim names none of it.
fn located<'a>(claim: &Claim, conversation: &'a Conversation, part: Part) -> Option<&'a Said> {
    let wanted = meaning(&claim.text);
    if wanted.len() < 2 {
        return None;
    }
    let said = (part.first..=part.last).filter_map(|number| conversation.numbered(number));
    let shared = said.map(|said| (meaning(&said.text).intersection(&wanted).count(), said));
    let best = shared.max_by_key(|(shared, _)| *shared)?;
    (best.0 * 100 >= wanted.len() * SHARE).then_some(best.1)
}

/// The words of a text that tell it from others.
#[must_use]
pub fn meaning(text: &str) -> HashSet<String> {
    let words = dates::words(text).into_iter();
    words.filter(|word| word.chars().count() >= LETTERS || word.bytes().any(|byte| byte.is_ascii_digit())).collect()
}

/// Who is meant: a participant, by their name or a part of it that is nobody else's; or somebody whom the messages name.
#[must_use]
pub fn person(who: &str, participants: &[String], said: &[&str]) -> Option<String> {
    let wanted = dates::words(who);
    if wanted.is_empty() {
        return None;
    }
    let of_name = |name: &String| {
        let words = dates::words(name);
        wanted.iter().all(|word| words.contains(word))
    };
    let exactly = participants.iter().find(|name| fold(name) == fold(who));
    let mut others = participants.iter().filter(|name| of_name(name));
    let alone = others.next().filter(|_| others.next().is_none());
    if let Some(name) = exactly.or(alone) {
        return Some(name.clone());
    }
    // Several of that name, or nobody: only as the messages have it.
    said.iter().any(|text| follows(&dates::words(text), &wanted)).then(|| who.to_owned())
}

/// Whether words stand in a text, one after the other.
fn follows(text: &[String], words: &[String]) -> bool {
    !words.is_empty() && text.windows(words.len()).any(|window| window == words)
}

/// When something is to be done, in full: a date that the message names, from the day it was written on; or the message's own words.
fn date(when: &str, text: &str, written: Date, language: Language) -> Option<String> {
    let named = dates::all(text, written);
    // A model may have read "vendredi" and written the date of that day.
    if let Some(date) = dates::first(when, written).filter(|date| named.contains(date)) {
        return Some(in_words(date, language));
    }
    let wanted = dates::words(when);
    follows(&dates::words(text), &wanted).then(|| when.to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{
        super::{
            found::{Claim, Found},
            material::{Conversation, Part, Written},
        },
        Language, Section, entries, person,
    };

    fn conversation(texts: &[&str]) -> Conversation {
        let written = texts.iter().enumerate().map(|(index, text)| Written {
            event_id: format!("$m{}", index + 1).try_into().expect("an id"),
            sender: if index % 2 == 0 { "@awa:h" } else { "@ben:h" }.try_into().expect("an id"),
            name: Some(if index % 2 == 0 { "Awa Diallo" } else { "Ben Haddad" }.to_owned()),
            // A Monday.
            at: date(2026, 11, 23).at(9, 0, 0, 0),
            text: (*text).to_owned(),
        });
        Conversation::new(written.collect())
    }

    fn action(text: &str, who: &str, when: &str, numbers: &[usize]) -> Found {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let claim = Claim { text: text.to_owned(), who: some(who), when: some(when), numbers: numbers.to_vec() };
        Found { actions: vec![claim], ..Found::default() }
    }

    #[test]
    fn only_what_the_messages_say_is_taken_over() {
        let said = conversation(&[
            "Ben, tu envoies le projet de note au bureau RH pour vendredi ?",
            "Oui, dès que possible",
            "Bonne journée à tous",
        ]);
        let part = Part { first: 1, last: 3 };
        let read = |found: Found| entries(&found, Section::Actions, &said, part, Language::Fr);
        let plain = |found: Found| {
            let read = read(found).pop().expect("an action");
            (read.who, read.when, read.messages.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            plain(action("Envoyer le projet", "ben", "vendredi", &[1])),
            (some("Ben Haddad"), some("vendredi 27 novembre 2026"), vec!["$m1".to_owned()])
        );
        let dated = plain(action("Envoyer le projet", "Ben Haddad", "27 novembre 2026", &[1, 1, 9]));
        assert_eq!(dated.1, some("vendredi 27 novembre 2026"));
        assert_eq!(dated.2, ["$m1"]);
        // Somebody whom the message names is no participant.
        assert_eq!(plain(action("Relire", "bureau RH", "", &[1])).0, some("bureau RH"));
        // Nobody has said these.
        let invented = plain(action("Envoyer le projet", "Chloé Martin", "lundi 30 novembre", &[1]));
        assert_eq!((invented.0, invented.1), (None, None));
        assert_eq!(plain(action("Répondre", "", "dès que possible", &[2])).1, some("dès que possible"));
        // A number outside of the part: by its words, or not at all.
        assert_eq!(plain(action("Envoyer le projet de note au bureau", "", "", &[77])).2, ["$m1"]);
        assert!(read(action("Payer la facture de Lyon", "Ben", "", &[77])).is_empty());
        assert!(read(action("Payer la facture", "Ben", "", &[])).is_empty());
    }

    #[test]
    fn a_part_of_a_name_counts_where_it_is_nobody_elses() {
        let people = ["Awa Diallo", "Awa Ndiaye", "Ben Haddad"].map(str::to_owned);
        assert_eq!(person("Diallo", &people, &[]).as_deref(), Some("Awa Diallo"));
        assert_eq!(person("AWA NDIAYE", &people, &[]).as_deref(), Some("Awa Ndiaye"));
        assert_eq!(person("Awa", &people, &["Marc s’en charge"]), None);
        assert_eq!(person("Awa", &people, &["C’est pour Awa."]).as_deref(), Some("Awa"));
        assert_eq!(person("…", &people, &["…"]), None);
    }
}
