//! Text as it is kept: composed, without what only a layout needs.

use unicode_normalization::UnicodeNormalization as _;

use crate::compagnon;

/// A text of one or several lines: composed (NFC), ligatures as letters, without soft hyphens, marks of direction, control characters and
/// other invisible ones; white space is one space, and an empty line ends a paragraph no more than a line does.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for line in text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let start = cleaned.len();
        let visible = line.chars().filter(|c| !is_invisible(*c));
        for c in visible.flat_map(Letters::of).nfc() {
            if !c.is_whitespace() {
                cleaned.push(c);
            } else if cleaned.len() > start && !cleaned.ends_with(' ') {
                cleaned.push(' ');
            }
        }
        cleaned.truncate(start + cleaned.get(start..).map_or(0, |line| line.trim_end().len()));
        if cleaned.len() > start {
            cleaned.push('\n');
        }
    }
    cleaned.truncate(cleaned.trim_end().len());
    cleaned
}

/// What is not to be seen: a soft hyphen, a mark of direction, a control character that is no white space.
pub(super) fn is_invisible(c: char) -> bool {
    compagnon::is_invisible(c) || (c.is_control() && !c.is_whitespace())
}

/// The letters of a ligature, or the character itself. Bullets of symbol fonts lie in the private area: they are bullets.
enum Letters {
    One(Option<char>),
    Several(std::str::Chars<'static>),
}

impl Letters {
    fn of(c: char) -> Self {
        Self::Several(match c {
            'ﬀ' => "ff".chars(),
            'ﬁ' => "fi".chars(),
            'ﬂ' => "fl".chars(),
            'ﬃ' => "ffi".chars(),
            'ﬄ' => "ffl".chars(),
            'ﬅ' | 'ﬆ' => "st".chars(),
            '\u{f0a7}' | '\u{f0b7}' | '\u{f0d8}' | '\u{f0fc}' => "•".chars(),
            '\u{e000}'..='\u{f8ff}' => "".chars(),
            _ => return Self::One(Some(c)),
        })
    }
}

impl Iterator for Letters {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self {
            Self::One(c) => c.take(),
            Self::Several(chars) => chars.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn what_only_a_layout_needs_goes() {
        assert_eq!(clean("  e\u{301}te\u{301}\u{a0}:\t l’of\u{ad}fice  "), "été : l’office");
        assert_eq!(clean("e\u{ad}\u{301}"), "é");
        assert_eq!(clean("a\u{fb01}n\u{fb03}\u{200b}x\u{202e}"), "afinffix");
        assert_eq!(clean("\n\n a \r\n\n b\u{c}c \n"), "a\nb\nc");
        assert_eq!(clean("\u{f0b7} point \u{0}\u{1b}[2J"), "• point [2J");
        assert_eq!(clean(" \u{200b}\n "), "");
        assert_eq!(clean("a\u{180e}b\u{3164}c\u{e0101}"), "abc", "as everywhere in the program");
    }
}
