//! Names of people, places and things, and acronyms: what begins with a capital and is no ordinary word.

use super::{
    amounts::roman,
    difference::{Known, Languages},
    months, places,
};
use crate::translation::{
    languages::TextLanguage,
    words::{Word, fold, words},
};

/// What comes before the name of a person. Folded.
const TITLES: [&str; 22] = [
    "m", "mm", "mme", "mmes", "mlle", "monsieur", "madame", "dr", "pr", "docteur", "maitre", "me", "mr", "mrs", "ms",
    "miss", "herr", "frau", "sr", "sra", "senor", "senora",
];

/// What stands inside a name. Folded.
const PARTICLES: [&str; 14] =
    ["de", "du", "des", "la", "le", "van", "von", "der", "den", "di", "da", "del", "ben", "el"];

/// Small words that begin sentences. Folded.
const FUNCTION: [&str; 40] = [
    "the", "a", "an", "in", "on", "at", "of", "for", "to", "and", "but", "or", "if", "as", "by", "from", "with",
    "this", "that", "these", "those", "it", "he", "she", "we", "you", "they", "our", "your", "his", "her", "its",
    "their", "all", "no", "there", "about", "after", "greater", "former",
];

/// Words with a capital that are translated: of institutions, days, peoples. Folded; each begins such a word.
const TRANSLATED: &str = "monday tuesday wednesday thursday friday saturday sunday lundi mardi mercredi jeudi vendredi samedi dimanche minist secretar \
    state etat government gouvernement council conseil department departement office director directeur directrice general president prime premier premiere committee \
    comite commission act law loi decree decret order arrete court cour tribunal assembl senat parliament parlement embass ambassa union republi prefect \
    region city ville universit school ecole bank banque agency agence service board bureau authorit autorite institut centre center national europe \
    international foreign affaires affairs interior interieur justice defen health sante labour labor travail education financ budget culture \
    environment environnement english french francais anglais german allemand spanish espagnol italian italien american americain british britannique chinese chinois russian russe ukrainian \
    arab african africain asian christian muslim islam catholic north nord south sud east est west ouest eastern western northern southern sea mer ocean ocean river \
    lake lac mount mont island ile islands iles saint sainte street rue avenue road square place church eglise palace palais house maison article chapter chapitre section annex annexe \
    appendix part partie title titre table figure version programme program project projet plan report rapport guide charter charte treaty traite convention agreement \
    accord protocol protocole directive regulation reglement code member membre states united unis unies nations world monde mondial organi mission delegat \
    civil public social human droits rights security securite police gendarmerie army armee navy marine air force forces force day jour week year new nouvelle dear cher chere \
    ladies gentlemen mesdames messieurs i internet web web god dieu christmas noel easter paques bonjour hello best regards cordialement kind yours thank merci please veuillez \
    head chief chef deputy adjoint vice minister federal royal high haut haute supreme constitution economic economique economy economie industr transport energy energie agricult digital numerique \
    ecolog transition housing logement territor local collectivit mayor maire mairie town hall hotel data donnees mail email e-mail annual annuel general generale generales";

/// What of a text's names is not in its translation, with where it stands.
pub fn missing<'a>(source: &'a str, translation: &str, languages: &Languages<'_>) -> Vec<(usize, &'a str)> {
    if !is_latin(translation) || is_shouted(source) {
        return Vec::new();
    }
    let folded: Vec<String> = words(translation).iter().map(|word| fold(word.text)).collect();
    let there = format!(" {} ", folded.join(" "));
    let mut missing: Vec<(usize, &str)> = Vec::new();
    for name in names(source, languages) {
        let key = fold(name.text);
        // "Aix-la-Chapelle" is one name.
        let compound = compound(source, name.start, name.text);
        let whole = places::is_written_in(&fold(compound), &there);
        if compound != name.text && whole.is_some() {
            if whole == Some(false) && !missing.iter().any(|(_, other)| *other == compound) {
                missing.push((name.start, compound));
            }
            continue;
        }
        let is_there = there.contains(&format!(" {key} "))
            || (name.acronym && is_plural_there(&key, &there))
            || match (places::is_written_in(&key, &there), places::is_acronym_in(&key, &there)) {
                (None, None) => false,
                (place, acronym) => place.unwrap_or(false) || acronym.unwrap_or(false),
            };
        // One name is missing once.
        if !is_there && !missing.iter().any(|(_, other)| fold(other) == key) {
            missing.push((name.start, name.text));
        }
    }
    missing
}

/// A word with those that hyphens join to it.
fn compound<'a>(text: &'a str, start: usize, word: &'a str) -> &'a str {
    let joins = |letter: char| letter.is_alphanumeric() || letter == '-';
    let before = text.get(..start).unwrap_or_default();
    let from = before.trim_end_matches(joins).len();
    let behind = text.get(start + word.len()..).unwrap_or_default();
    let end = start + word.len() + (behind.len() - behind.trim_start_matches(joins).len());
    text.get(from..end).unwrap_or(word)
}

/// "SMEs" for "SME".
fn is_plural_there(key: &str, there: &str) -> bool {
    there.contains(&format!(" {key}s ")) || key.strip_suffix('s').is_some_and(|one| there.contains(&format!(" {one} ")))
}

struct Name<'a> {
    start: usize,
    text: &'a str,
    acronym: bool,
}

/// The names of a text.
fn names<'a>(text: &'a str, languages: &Languages<'_>) -> Vec<Name<'a>> {
    let from = languages.from.map_or("", TextLanguage::code);
    let is_french = matches!(from, "fr" | "");
    let words: Vec<Word<'a>> = words(text).into_iter().filter(|word| !is_in_address(text, word)).collect();
    let mut names = Vec::new();
    // Whether the words just before are a person's: a title, or names.
    let mut of_person = false;
    for (at, word) in words.iter().enumerate() {
        let folded = fold(word.text);
        let before = (at > 0).then(|| words.get(at - 1)).flatten();
        let gap =
            before.map_or("", |before| text.get(before.start + before.text.len()..word.start).unwrap_or_default());
        let begins = before.is_none()
            || gap.contains(['.', '!', '?', ':', '\n', '•', '…', '«', '“', '"', '(', '|', '>', '*', '#', '_']);
        let after_title = before.is_some_and(|before| {
            TITLES.contains(&fold(before.text).as_str()) && before.text.starts_with(char::is_uppercase)
        }) && gap.chars().all(|mark| mark == '.' || mark.is_whitespace());
        let beside = gap.chars().all(|mark| mark.is_whitespace() || mark == '-' || mark == '’' || mark == '\'');
        if !word.text.starts_with(char::is_uppercase) {
            of_person = of_person && beside && PARTICLES.contains(&folded.as_str());
            continue;
        }
        let person = after_title || (of_person && beside && !begins);
        of_person = person;
        if is_acronym(word.text) {
            if roman(word.text).is_none() && folded.chars().count() > 1 && !TITLES.contains(&folded.as_str()) {
                names.push(Name { start: word.start, text: word.text, acronym: true });
            }
            continue;
        }
        let single = word.text.chars().count() < 3 && !person || roman(word.text).is_some();
        if single || TITLES.contains(&folded.as_str()) && !person {
            continue;
        }
        let place = !begins && places::is_place(&folded) && !is_translated(&folded);
        let ordinary = is_ordinary(&folded, from, languages) && !place;
        let next = words.get(at + 1).filter(|next| {
            let gap = text.get(word.start + word.text.len()..next.start).unwrap_or_default();
            gap.chars().all(|mark| mark.is_whitespace() || mark == '-')
        });
        let next_is_name = next.is_some_and(|next| {
            next.text.chars().count() > 1
                && next.text.starts_with(char::is_uppercase)
                && next.text.chars().any(char::is_lowercase)
                && !is_ordinary(&fold(next.text), from, languages)
        });
        // The first word of a sentence has a capital anyway, and in German any noun has one.
        let is_name = person
            || !ordinary
                && match from {
                    "de" => false,
                    _ if begins => next_is_name || is_french && (languages.lexicon)(&folded) == Known::Name,
                    _ => true,
                };
        if is_name {
            names.push(Name { start: word.start, text: word.text, acronym: false });
        }
    }
    names
}

fn is_ordinary(folded: &str, from: &str, languages: &Languages<'_>) -> bool {
    FUNCTION.contains(&folded)
        || is_translated(folded)
        || months::month(folded, from).is_some()
        || matches!(from, "fr" | "") && (languages.lexicon)(folded) == Known::Ordinary
}

fn is_translated(folded: &str) -> bool {
    TRANSLATED.split_ascii_whitespace().any(|begin| match begin.chars().count() {
        0..=4 => folded == begin || folded.strip_suffix('s') == Some(begin),
        _ => folded.starts_with(begin),
    })
}

fn is_acronym(word: &str) -> bool {
    word.chars().count() > 1
        && word.chars().all(|letter| letter.is_uppercase() || letter.is_ascii_digit())
        && word.chars().any(char::is_uppercase)
        && !word.chars().any(|letter| letter.is_ascii_digit())
}

/// Whether a word is part of an address, or joined to figures: those are compared as such.
fn is_in_address(text: &str, word: &Word<'_>) -> bool {
    let start = text.get(..word.start).and_then(|before| before.rfind(char::is_whitespace)).map_or(0, |at| at + 1);
    let chunk = text.get(start..).unwrap_or_default().split(char::is_whitespace).next().unwrap_or_default();
    chunk.contains('@')
        || chunk.contains("://")
        || chunk.starts_with("www.")
        || chunk.contains(|letter: char| letter.is_ascii_digit())
}

/// Whether a text is written in the letters of names here.
fn is_latin(text: &str) -> bool {
    let (latin, all) = text
        .chars()
        .filter(|letter| letter.is_alphabetic())
        .fold((0, 0), |(latin, all), letter| (latin + usize::from(u32::from(letter) < 0x250), all + 1));
    latin * 2 > all
}

/// Whether most of a text is in capitals: these say nothing then.
fn is_shouted(text: &str) -> bool {
    let (upper, all) = text
        .chars()
        .filter(|letter| letter.is_alphabetic())
        .fold((0, 0), |(upper, all), letter| (upper + usize::from(letter.is_uppercase()), all + 1));
    upper * 5 > all * 4
}
