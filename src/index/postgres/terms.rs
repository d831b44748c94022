//! The terms of a text, as the server keeps them: words in lower case without accents.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// The most letters of a term.
const LONGEST: usize = 64;

/// The terms of a text, in order, with repetitions.
pub(super) fn terms(text: &str) -> Vec<String> {
    let folded: String =
        text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase).collect();
    let words = folded.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.chars().count() > 1);
    // Plurals are the ending that most queries differ by.
    words.map(|word| word.trim_end_matches('s').chars().take(LONGEST).collect()).collect()
}
