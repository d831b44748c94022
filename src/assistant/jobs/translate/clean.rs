//! A model's translation without what is none of it, and what is wrong with it. Pure.

/// How many times longer than its text a translation may be, and how many characters more.
const TIMES: usize = 3;
const MORE: usize = 120;

/// The most words that a model goes on repeating, and how often it does before that is noticed.
const LONGEST_REPEATED: usize = 8;
const TIMES_REPEATED: usize = 4;

/// The fewest words of a text that no translation leaves as it is.
const FEWEST_WORDS: usize = 4;

/// Words of sentences that announce a translation.
const ANNOUNCES: [&str; 10] = [
    "traduction",
    "traduit",
    "translation",
    "translated",
    "übersetzung",
    "traducción",
    "traduzione",
    "tradução",
    "vertaling",
    "переклад",
];

/// The marks of quotations, in pairs.
const QUOTES: [(char, char); 5] = [('«', '»'), ('“', '”'), ('"', '"'), ('„', '“'), ('‘', '’')];

/// Why a translation cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is none.
    Empty,
    /// It is much longer than its text.
    Endless,
    /// It is the text.
    Same,
}

/// The translation in what a model wrote for a text.
pub fn clean(written: &str, source: &str) -> String {
    let mut text = written.trim();
    if !source.trim_start().starts_with("```")
        && let Some(inside) = text.strip_prefix("```").and_then(|text| text.strip_suffix("```"))
    {
        text = inside.split_once('\n').map_or(inside, |(_, inside)| inside).trim();
    }
    if let Some(after) = without_announcement(text, source) {
        text = after;
    }
    let quoted = |open: char, close: char, text: &str| {
        text.chars().count() > 1 && text.starts_with(open) && text.ends_with(close)
    };
    if let Some((open, close)) = QUOTES.into_iter().find(|(open, close)| quoted(*open, *close, text))
        && !QUOTES.iter().any(|(open, _)| source.trim_start().starts_with(*open))
    {
        let inside = text.strip_prefix(open).and_then(|text| text.strip_suffix(close)).unwrap_or(text);
        // Not of two quotations, one at each end.
        if !inside.contains(close) || open == close && !inside.contains(open) {
            text = inside.trim();
        }
    }
    if source.contains('\n') {
        return text.to_owned();
    }
    // A comment stands in a paragraph of its own.
    let first = text.split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What follows "Voici la traduction :", where the text itself announces nothing.
fn without_announcement<'a>(text: &'a str, source: &str) -> Option<&'a str> {
    let announces = |line: &str| {
        let line = line.to_lowercase();
        ANNOUNCES.iter().any(|word| line.contains(word))
    };
    let (line, colon) = text.split_once(':')?;
    let short = line.chars().count() <= 60 && !line.contains('\n') && !line.contains('.');
    let own = source.split_once(':').is_some_and(|(line, _)| announces(line));
    let after = colon.trim();
    (short && announces(line) && !own && !after.is_empty()).then_some(after)
}

/// What is wrong with a translation. `cut` says that it ended because it was long enough; `foreign`, that the languages differ.
pub fn fault(translation: &str, source: &str, cut: bool, foreign: bool) -> Option<Fault> {
    let (length, of_source) = (translation.chars().count(), source.chars().count());
    if translation.trim().is_empty() {
        Some(Fault::Empty)
    } else if cut || length > of_source * TIMES + MORE || (repeats(translation) && !repeats(source)) {
        Some(Fault::Endless)
    } else if foreign && is_prose(source) && folded(translation) == folded(source) {
        Some(Fault::Same)
    } else {
        None
    }
}

/// Whether a text ends with the same few words over and over.
fn repeats(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().rev().take(LONGEST_REPEATED * TIMES_REPEATED).collect();
    (1..=LONGEST_REPEATED).any(|count| {
        let ends = words.get(..count * TIMES_REPEATED);
        ends.is_some_and(|ends| ends.chunks(count).all(|chunk| Some(chunk) == ends.get(..count)))
    })
}

fn is_prose(text: &str) -> bool {
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_lowercase));
    words.count() >= FEWEST_WORDS
}

/// A text as it is compared: a model that only changes capitals is not asked again.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Fault, clean, fault};

    #[test]
    fn what_is_no_translation_is_taken_away() {
        for (written, source, translation) in [
            ("The meeting is over.", "La réunion est finie.", "The meeting is over."),
            (" The meeting\nis over. \n", "La réunion est finie.", "The meeting is over."),
            ("Voici la traduction :\n\nThe meeting is over.", "La réunion est finie.", "The meeting is over."),
            ("Translation: The meeting is over.", "La réunion est finie.", "The meeting is over."),
            ("Translation: by hand", "Traduction : à la main", "Translation: by hand"),
            ("“The meeting is over.”", "La réunion est finie.", "The meeting is over."),
            ("“The meeting is over.”", "« La réunion est finie. »", "“The meeting is over.”"),
            ("“Yes” and “no”", "Oui et « non »", "“Yes” and “no”"),
            ("\"Yes\" and \"no\"", "Oui et « non »", "\"Yes\" and \"no\""),
            ("```\nThe meeting is over.\n```", "La réunion est finie.", "The meeting is over."),
            ("The meeting is over.\n\nNote: I kept the tone.", "La réunion est finie.", "The meeting is over."),
            ("One\nTwo", "Un\nDeux", "One\nTwo"),
            ("", "Un", ""),
            ("\"", "Un", "\""),
        ] {
            assert_eq!(clean(written, source), translation, "{written}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let source = "La réunion est finie depuis hier.";
        assert_eq!(fault("The meeting has been over since yesterday.", source, false, true), None);
        assert_eq!(fault(" ", source, false, true), Some(Fault::Empty));
        assert_eq!(fault(&"word ".repeat(100), source, false, true), Some(Fault::Endless));
        assert_eq!(fault("The", source, true, true), Some(Fault::Endless));
        let looping = "The meeting is over it is over it is over it is over it is over";
        assert_eq!(fault(looping, source, false, true), Some(Fault::Endless));
        assert_eq!(fault("no no no no", "non non non non", false, true), None);
        assert_eq!(fault(source, source, false, true), Some(Fault::Same));
        assert_eq!(fault(source, source, false, false), None);
        assert_eq!(fault("Awa Ndiaye, Rouen", "Awa Ndiaye, Rouen", false, true), None);
    }
}
