//! Words of texts, as they are compared.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// A text in lower case and without accents; ligatures are two letters.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfd().filter(|letter| !is_combining_mark(*letter)) {
        match letter {
            'œ' | 'Œ' => folded.push_str("oe"),
            'æ' | 'Æ' => folded.push_str("ae"),
            'ß' => folded.push_str("ss"),
            '’' => folded.push('\''),
            letter => folded.extend(letter.to_lowercase()),
        }
    }
    folded
}

/// A word of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// Where it begins, in bytes.
    pub start: usize,
    /// The word: letters and digits, nothing else.
    pub text: &'a str,
}

/// The words of a text. Hyphens and apostrophes part them.
pub fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices() {
        if letter.is_alphanumeric() || is_combining_mark(letter) {
            start.get_or_insert(at);
        } else if let Some(from) = start.take() {
            words.extend(text.get(from..at).map(|text| Word { start: from, text }));
        }
    }
    words.extend(start.and_then(|from| Some(Word { start: from, text: text.get(from..)? })));
    words
}

#[cfg(test)]
mod tests {
    use super::{fold, words};

    #[test]
    fn words_are_letters_and_digits() {
        assert_eq!(fold("Œuvre d’État"), "oeuvre d'etat");
        let of = |text| words(text).into_iter().map(|word| word.text).collect::<Vec<_>>();
        assert_eq!(of("L’aide-mémoire, n° 12 !"), ["L", "aide", "mémoire", "n", "12"]);
        assert_eq!(of(""), [""; 0]);
        assert_eq!(words("é à")[1].start, 3);
    }
}
