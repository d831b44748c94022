//! What is searched for: a question that can be understood by itself. Pure.

use crate::index::french::fold;

/// A question of more words stands by itself.
const FOLLOW_UP_WORDS: usize = 14;

/// Fewer words that mean something are too few to search for.
const FEWEST_WORDS: usize = 2;

/// The most characters of what was asked before that are searched for as well.
const LONGEST_BEFORE: usize = 400;

/// The most characters of a query.
const LONGEST: usize = 2_000;

/// Words that stand for something said before.
const POINTERS: &[&str] = &[
    "il",
    "elle",
    "ils",
    "elles",
    "y",
    "cela",
    "ca",
    "celui",
    "celle",
    "ceux",
    "celles",
    "lui",
    "leur",
    "leurs",
    "eux",
    "dernier",
    "derniere",
    "suivant",
    "suivante",
    "precedent",
    "precedente",
    "meme",
    "idem",
    "aussi",
    "sinon",
    "contraire",
    "it",
    "they",
    "them",
    "that",
    "those",
    "this",
    "these",
    "one",
    "ones",
    "he",
    "she",
    "there",
    "else",
    "otherwise",
];

/// Words that say nothing of what is asked.
const EMPTY: &[&str] = &[
    "le", "la", "les", "l", "un", "une", "des", "du", "de", "d", "et", "ou", "mais", "donc", "or", "ni", "car", "que",
    "qui", "quoi", "quel", "quelle", "quels", "quelles", "qu", "ce", "cet", "cette", "ces", "c", "est", "sont", "a",
    "ont", "ai", "as", "au", "aux", "en", "dans", "pour", "par", "sur", "avec", "sans", "sous", "je", "tu", "nous",
    "vous", "on", "me", "m", "te", "t", "se", "s", "mon", "ma", "mes", "ton", "ta", "tes", "son", "sa", "ses", "notre",
    "votre", "nos", "vos", "ne", "n", "pas", "plus", "si", "oui", "non", "comment", "combien", "quand", "pourquoi",
    "alors", "the", "an", "of", "to", "in", "for", "and", "what", "how", "when", "why", "is", "are", "do", "does", "i",
    "you", "my", "your",
];

/// Words of greetings and thanks: nobody searches for them.
const POLITE: &[&str] = &[
    "bonjour", "bonsoir", "salut", "hello", "hi", "hey", "coucou", "merci", "beaucoup", "bien", "tres", "parfait",
    "super", "ok", "okay", "daccord", "accord", "entendu", "note", "top", "genial", "thanks", "thank", "great", "fine",
    "good", "morning", "journee", "bonne", "soiree", "weekend", "revoir", "bientot", "plait", "svp", "please", "tout",
    "monde", "cool", "nickel", "compris", "all",
];

/// What is searched for to answer a question, with what was asked before it where it does not stand by itself. `None`: it asks nothing.
pub fn standalone(question: &str, before: Option<&str>) -> Option<String> {
    let words = words(question);
    let meaning = |word: &&String| !EMPTY.contains(&word.as_str());
    let polite = |word: &&String| POLITE.contains(&word.as_str());
    if words.iter().filter(meaning).all(|word| polite(&word)) && !question.contains('?') {
        return None;
    }
    let alone = words.iter().filter(meaning).filter(|word| !polite(word)).count() >= FEWEST_WORDS;
    let points = words.iter().any(|word| POINTERS.contains(&word.as_str()));
    let goes_on = words.first().is_some_and(|word| ["et", "mais", "and", "but"].contains(&word.as_str()));
    let follows = words.len() <= FOLLOW_UP_WORDS && (!alone || points || goes_on);
    let query = match before.map(|before| cut(before, LONGEST_BEFORE)).filter(|_| follows) {
        Some(before) => format!("{question} {before}"),
        None => question.to_owned(),
    };
    let query = cut(&query, LONGEST).trim().to_owned();
    (!query.is_empty()).then_some(query)
}

/// Whether a question is about a document as a whole, whatever its words: "résume ce document".
pub fn is_about_document(question: &str) -> bool {
    const NAMES: &[&str] = &[
        "document",
        "documents",
        "fichier",
        "fichiers",
        "pdf",
        "texte",
        "piece",
        "pieces",
        "rapport",
        "note",
        "guide",
        "tableau",
        "file",
        "files",
        "report",
        "attachment",
        "extrait",
        "extraits",
    ];
    const ACTS: &[&str] = &[
        "resume",
        "resumez",
        "resumer",
        "synthese",
        "synthetise",
        "synthetisez",
        "summarize",
        "summarise",
        "summary",
        "analyse",
        "analysez",
        "analyser",
    ];
    let words = words(question);
    let has = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    has(ACTS) || has(NAMES)
}

/// The words of a text without accents and capitals.
pub(super) fn words(text: &str) -> Vec<String> {
    fold(text)
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn cut(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::{is_about_document, standalone};

    const BEFORE: &str = "Combien de jours de congé puis-je reporter ?";

    #[test]
    fn a_question_that_does_not_stand_by_itself_is_joined_with_the_one_before() {
        for follow_up in [
            "Et jusqu’à quand ?",
            "Pourquoi ?",
            "Sont-ils perdus ensuite ?",
            "Et pour les contractuels ?",
            "Qui les valide ?",
            "What about it?",
            "C’est le même délai ?",
        ] {
            let query = standalone(follow_up, Some(BEFORE)).expect("a query");
            assert_eq!(query, format!("{follow_up} {BEFORE}"));
            assert_eq!(standalone(follow_up, None).as_deref(), Some(follow_up));
        }
        for whole in [
            "Combien de jours de télétravail par semaine sont ouverts ?",
            "Quelle est la durée maximale du stage dans l’administration ?",
            "Montant du remboursement des transports",
        ] {
            assert_eq!(standalone(whole, Some(BEFORE)).as_deref(), Some(whole));
        }
        let long = standalone("Et ?", Some(&"mot ".repeat(1_000))).expect("a query");
        assert!(long.chars().count() < 500);
    }

    #[test]
    fn greetings_and_thanks_are_not_searched_for() {
        for polite in ["Bonjour !", "Merci beaucoup", "ok, parfait merci", "Bonne journée à vous", "Thanks!", "👍", ""]
        {
            assert_eq!(standalone(polite, Some(BEFORE)), None, "{polite}");
        }
        assert!(standalone("Merci. Quel est le délai de recours ?", None).is_some());
    }

    #[test]
    fn a_question_about_the_document_itself_is_known() {
        for question in ["Résume", "Que dit ce document ?", "Fais une synthèse du fichier", "Summarize this"] {
            assert!(is_about_document(question), "{question}");
        }
        assert!(!is_about_document("Combien de jours ?"));
    }
}
