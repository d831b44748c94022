//! What `!avis` is asked for, by its words. Pure.

use super::words::plain;
use crate::index::french::fold;

/// How a draft is to be rewritten.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Wish {
    /// In fewer words.
    Shorter,
    /// Warmer.
    Warmer,
    /// More formal.
    Formal,
    /// As the agent says: what stands there is given.
    Free(String),
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Asked {
    /// The next review of the file.
    Next,
    /// The one before.
    Previous,
    /// That of this number.
    At(usize),
    /// Nothing more: what is kept is forgotten.
    End,
    /// The file with the drafts.
    Export,
    /// The draft, rewritten.
    Rewrite(Wish),
    /// A draft for this review.
    Review(String),
    /// A draft for what is pointed at.
    Pointed,
}

/// The most characters of an instruction that a thread is for: what is longer is a review.
const LONGEST_WISH: usize = 600;

/// The fewest characters of a message that is taken for a review by itself.
const SHORTEST_REVIEW: usize = 60;

/// Reads what follows the command: the rest of its line, and the lines below.
#[must_use]
pub fn read(arguments: &str, below: &str) -> Asked {
    let (arguments, below) = (arguments.trim(), below.trim());
    let plain = plain(arguments);
    let is = |words: &[&str]| words.contains(&plain.as_str());
    if below.is_empty() {
        if plain.is_empty() {
            return Asked::Pointed;
        }
        if is(&["suivant", "suivante", "next"]) {
            return Asked::Next;
        }
        if is(&["precedent", "precedente", "previous", "prev"]) {
            return Asked::Previous;
        }
        if is(&["fin", "finir", "terminer", "termine", "end", "done"]) {
            return Asked::End;
        }
        if is(&["exporter", "export", "exporte"]) {
            return Asked::Export;
        }
        let number = plain.strip_prefix("numero ").or_else(|| plain.strip_prefix("n ")).unwrap_or(&plain);
        if let Ok(number) = number.parse() {
            return Asked::At(number);
        }
        if let Some(wish) = known_wish(arguments) {
            return Asked::Rewrite(wish);
        }
    }
    let (first, rest) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    let corrects =
        ["corriger", "corrige", "modifier", "modifie", "preciser", "precise", "reprendre", "change", "rewrite"];
    if corrects.contains(&self::plain(first).as_str()) {
        let wish = [rest, below].join("\n").trim().trim_start_matches(':').trim().to_owned();
        return if wish.is_empty() { Asked::Pointed } else { Asked::Rewrite(Wish::Free(wish)) };
    }
    let whole = [arguments, below].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
    Asked::Review(review_in(&whole))
}

/// The wish that a few words are, where they are one of those that are known.
#[must_use]
pub fn known_wish(text: &str) -> Option<Wish> {
    let plain = plain(text);
    let words: Vec<&str> = plain.split(' ').filter(|word| !POLITE.contains(word)).collect();
    Some(match words.join(" ").as_str() {
        "plus court" | "plus courte" | "plus bref" | "raccourcis" | "raccourcissez" | "shorter" => Wish::Shorter,
        "plus chaleureux" | "plus chaleureuse" | "plus humain" | "plus doux" | "warmer" => Wish::Warmer,
        "plus formel" | "plus formelle" | "plus soutenu" | "plus officiel" | "more formal" => Wish::Formal,
        _ => return None,
    })
}

/// Words around a wish that say nothing of it.
const POLITE: [&str; 14] =
    ["s", "il", "vous", "te", "plait", "svp", "merci", "rendez", "le", "la", "un", "peu", "please", "make"];

/// What a message is to a draft above it: a wish. Nothing where it is too long to be one.
#[must_use]
pub fn wish(text: &str) -> Option<Wish> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= LONGEST_WISH;
    fits.then(|| known_wish(text).unwrap_or_else(|| Wish::Free(text.to_owned())))
}

/// Whether a message to the compagnon for reviews is a review to be answered: it brings one, or is long enough to tell something. What asks is a
/// question.
#[must_use]
pub fn brings_review(text: &str) -> bool {
    let text = text.trim();
    let begins = fold(text);
    let announced = [
        "avis :",
        "avis:",
        "voici un avis",
        "voici l'avis",
        "repondez a cet avis",
        "reponds a cet avis",
        "preparez une reponse",
    ];
    if announced.iter().any(|words| begins.starts_with(words)) {
        return review_in(text).chars().count() >= 10;
    }
    text.chars().count() >= SHORTEST_REVIEW && !text.ends_with(['?', '\u{ff1f}'])
}

/// The review in a message: without the words that announce it, and the quotes around it.
#[must_use]
pub fn review_in(text: &str) -> String {
    let text = text.trim();
    // "Préparez une réponse à cet avis : « … »"
    let announced = text.split_once(':').filter(|(before, after)| {
        let before = fold(before);
        before.chars().count() <= 80
            && before.contains("avis")
            && !before.contains(['.', '\n'])
            && !after.trim().is_empty()
    });
    let text = announced.map_or(text, |(_, after)| after.trim());
    let inner = text.strip_prefix('«').and_then(|inner| inner.strip_suffix('»'));
    let inner = inner.filter(|inner| !inner.contains(['«', '»']));
    inner.unwrap_or(text).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Asked, Wish, brings_review, read, wish};

    #[test]
    fn each_form_is_read() {
        for (arguments, below, asked) in [
            ("", "", Asked::Pointed),
            ("suivant", "", Asked::Next),
            ("Précédent", "", Asked::Previous),
            ("12", "", Asked::At(12)),
            ("n° 12", "", Asked::At(12)),
            ("fin", "", Asked::End),
            ("exporter", "", Asked::Export),
            ("plus court", "", Asked::Rewrite(Wish::Shorter)),
            ("corriger le dossier est traité", "", Asked::Rewrite(Wish::Free("le dossier est traité".to_owned()))),
            ("Attente trop longue.", "", Asked::Review("Attente trop longue.".to_owned())),
            ("", "Attente.\nTrop.", Asked::Review("Attente.\nTrop.".to_owned())),
            ("suivant", "c’est long", Asked::Review("suivant\nc’est long".to_owned())),
            (": « Très bien »", "", Asked::Review(": « Très bien »".to_owned())),
        ] {
            assert_eq!(read(arguments, below), asked, "{arguments} / {below}");
        }
    }

    #[test]
    fn wishes_are_known_or_free() {
        assert_eq!(wish("Plus court, s’il vous plaît !"), Some(Wish::Shorter));
        assert_eq!(wish("plus chaleureux"), Some(Wish::Warmer));
        assert_eq!(wish("Plus formel."), Some(Wish::Formal));
        let fact = "le dossier est traité, réponse envoyée le 12 mars";
        assert_eq!(wish(fact), Some(Wish::Free(fact.to_owned())));
        assert_eq!(wish(&"long ".repeat(200)), None);
        assert_eq!(wish("  "), None);
    }

    #[test]
    fn a_review_is_told_from_a_question() {
        for text in [
            "Préparez une réponse à cet avis : « Une heure d’attente au guichet malgré mon rendez-vous. »",
            "Une heure d’attente au guichet malgré mon rendez-vous, et personne pour nous renseigner.",
            "Avis : accueil horrible",
        ] {
            assert!(brings_review(text), "{text}");
        }
        for text in [
            "Bonjour",
            "Que savez-vous faire ?",
            "Quelles sont les règles pour répondre à un avis injurieux sur Services Publics+ ?",
            "",
        ] {
            assert!(!brings_review(text), "{text}");
        }
        let asked = read("", "Préparez une réponse à cet avis : « Une heure d’attente. »");
        assert_eq!(asked, Asked::Review("Une heure d’attente.".to_owned()));
    }
}
