//! A strict look at one word, for texts into which nothing is put back: there a word replaced for nothing costs nothing.

use super::flags::Flags;
use super::fold::fold;
use super::gazetteer::GAZETTEER;

/// The fewest letters of a word that is doubted.
const LETTERS: usize = 3;

/// Whether a word may name somebody or somewhere, whatever stands around it: it is known as a name and as nothing else, or it has a capital
/// and is no known word. `opens` says that it begins a sentence, where any word has one.
#[must_use]
pub fn may_name(word: &str, opens: bool) -> bool {
    let word = word.trim_matches(|letter: char| !letter.is_alphanumeric());
    if word.chars().count() < LETTERS || !word.chars().any(char::is_alphabetic) {
        return false;
    }
    let folded = fold(word);
    let flags = GAZETTEER.flags(&folded);
    if flags.any(Flags::FUNCTION | Flags::KNOWN | Flags::TITLE | Flags::ROLE | Flags::GREETING) {
        return false;
    }
    let named = flags.any(Flags::NAME | Flags::PLACE);
    if word.chars().next().is_some_and(char::is_uppercase) {
        // "Rose" within a sentence is somebody.
        return !flags.any(Flags::WORD) || (named && !opens && !flags.any(Flags::VERB | Flags::BODY | Flags::STREET));
    }
    named && !flags.any(Flags::WORD) && !GAZETTEER.accented_word(word)
}

#[cfg(test)]
mod tests {
    use super::may_name;

    #[test]
    fn a_word_is_doubted_alone() {
        for (word, opens, doubted) in [
            ("Zbrwkova", true, true),
            ("benali", false, true),
            ("Rose", false, true),
            ("Rose", true, false),
            ("dossier", false, false),
            ("Préfecture", false, false),
            ("CAF", false, false),
            ("Bonjour", true, false),
            ("à", false, false),
            ("123", false, false),
        ] {
            assert_eq!(may_name(word, opens), doubted, "{word}");
        }
    }
}
