//! Texts as they are compared: without case, accents and the shapes of apostrophes and spaces. And as patterns match them: with case and accents.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// A text as it is compared: lower case, no accents, one space between words, straight apostrophes, the usual hyphen.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase) {
        match letter {
            '’' | '‘' | 'ʼ' | '`' => plain.push('\''),
            '‐' | '‑' | '–' | '—' | '−' => plain.push('-'),
            'œ' => plain.push_str("oe"),
            'æ' => plain.push_str("ae"),
            letter if letter.is_whitespace() => {
                if !plain.ends_with(' ') && !plain.is_empty() {
                    plain.push(' ');
                }
            }
            letter if takes_no_room(letter) => {}
            letter => plain.push(letter),
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

/// The beginning of a text on one line.
pub(super) fn beginning(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A text as patterns match it: composed (NFC), with the space and the apostrophe of the keyboard, line feeds between lines, and nothing that takes
/// no room. Patterns are brought into the same form, so that either may be written in any way.
pub(super) fn typed(text: &str) -> String {
    let letters = text.nfc().filter(|letter| !takes_no_room(*letter) && *letter != '\r');
    letters
        .map(|letter| match letter {
            '’' | '‘' | 'ʼ' => '\'',
            '\u{2028}' | '\u{2029}' => '\n',
            letter if letter.is_whitespace() && !letter.is_ascii() => ' ',
            letter => letter,
        })
        .collect()
}

/// Zero-width spaces and joiners, soft hyphens, marks of direction.
fn takes_no_room(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{202a}'..='\u{202e}' | '\u{feff}')
}

/// Whether a text contains another as whole words: "art" is not in "partie".
pub(super) fn contains(text: &str, sought: &str) -> bool {
    let sought = plain(sought);
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(&sought)) {
        let (begin, end) = (from + at, from + at + sought.len());
        let joins = |inside: Option<char>, outside: Option<char>| {
            inside.zip(outside).is_some_and(|(a, b)| a.is_alphanumeric() && b.is_alphanumeric())
        };
        let before = joins(sought.chars().next(), text[..begin].chars().next_back());
        let after = joins(sought.chars().next_back(), text[end..].chars().next());
        if !before && !after {
            return true;
        }
        from = begin + text[begin..].chars().next().map_or(1, char::len_utf8);
    }
    false
}

/// How many words a text has: what stands between spaces and has a letter or digit.
pub(super) fn count(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()
}

#[cfg(test)]
mod tests {
    use super::{contains, count, plain, typed};

    #[test]
    fn texts_are_compared_as_people_read_them() {
        assert_eq!(plain("  L’ÉTÉ\u{a0}:  cœur\n"), "l'ete : coeur");
        let text = plain("Appelez le 3114, c’est gratuit. La partie 12‑3.");
        for (sought, found) in [("3114", true), ("C'EST", true), ("art", false), ("311", false), ("12-3", true)] {
            assert_eq!(contains(&text, sought), found, "{sought}");
        }
        assert_eq!(count("Un, deux : trois — 4 !"), 4);
    }

    #[test]
    fn patterns_match_what_could_be_typed() {
        let text = "L’e\u{301}te\u{301}\u{a0}: 3\u{202f}450\u{2009}€\r\nau\u{200b}jour\u{ad}d’hui\u{feff}";
        assert_eq!(typed(text), "L'été : 3 450 €\naujourd'hui");
        assert_eq!(typed("```\tA\n"), "```\tA\n", "case, fences and tabs stay");
    }
}
