//! Texts as they are compared: what typography, markup and line breaks change is the same.

use unicode_normalization::UnicodeNormalization as _;

use crate::compagnon::is_invisible;

/// A text for comparing word for word: one case, one kind of apostrophe and dash, no quotation marks, no emphasis, and white space only
/// between two words.
pub fn comparable(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut space = false;
    for letter in text.nfkc().flat_map(char::to_lowercase).filter(|letter| !is_invisible(*letter)) {
        let letter = match letter {
            '’' | '‘' | 'ʼ' | '′' | '`' | '´' => '\'',
            '‐'..='―' | '−' => '-',
            '«' | '»' | '“' | '”' | '„' | '‟' | '"' | '‹' | '›' | '*' | '_' | '~' => continue,
            '|' | '>' | '#' => ' ',
            letter => letter,
        };
        if letter.is_whitespace() {
            space = true;
            continue;
        }
        let between = letter.is_alphanumeric() && plain.chars().next_back().is_some_and(char::is_alphanumeric);
        if std::mem::take(&mut space) && between {
            plain.push(' ');
        }
        match letter {
            'œ' => plain.push_str("oe"),
            'æ' => plain.push_str("ae"),
            letter => plain.push(letter),
        }
    }
    plain
}

/// Whether one comparable text stands in another as whole words; and where it ends there.
pub fn find_words(text: &str, words: &str, from: usize) -> Option<usize> {
    let mut from = from;
    while let Some(found) = text.get(from..)?.find(words) {
        let (start, end) = (from + found, from + found + words.len());
        let inside = |one: Option<char>, other: Option<char>| {
            one.is_some_and(char::is_alphanumeric) && other.is_some_and(char::is_alphanumeric)
        };
        let cut_before = inside(text[..start].chars().next_back(), words.chars().next());
        let cut_after = inside(words.chars().next_back(), text[end..].chars().next());
        if !cut_before && !cut_after {
            return Some(end);
        }
        from = start + text[start..].chars().next().map_or(1, char::len_utf8);
    }
    None
}
