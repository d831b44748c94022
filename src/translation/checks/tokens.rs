//! A text as words, runs of digits and marks.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Digits.
    Digits,
    /// Letters.
    Word,
    /// Any other character.
    Mark(char),
}

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub shape: Shape,
    pub text: &'a str,
    pub start: usize,
    /// Whether white space stands before it.
    pub spaced: bool,
}

impl Token<'_> {
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub fn is(&self, mark: char) -> bool {
        self.shape == Shape::Mark(mark)
    }

    pub fn is_dash(&self) -> bool {
        matches!(self.shape, Shape::Mark('-' | '‐' | '‑' | '–' | '—' | '−'))
    }

    pub fn is_apostrophe(&self) -> bool {
        matches!(self.shape, Shape::Mark('\'' | '’'))
    }
}

/// The tokens of a text.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut letters = text.char_indices().peekable();
    let mut spaced = true;
    while let Some((start, letter)) = letters.next() {
        if letter.is_whitespace() {
            spaced = true;
            continue;
        }
        let shape = if digit(letter).is_some() {
            Shape::Digits
        } else if letter.is_alphabetic() || unicode_normalization::char::is_combining_mark(letter) {
            Shape::Word
        } else {
            Shape::Mark(letter)
        };
        let mut end = start + letter.len_utf8();
        while let Some((at, next)) = letters.peek().copied() {
            let goes_on = match shape {
                Shape::Digits => digit(next).is_some(),
                Shape::Word => {
                    (next.is_alphabetic() && digit(next).is_none())
                        || unicode_normalization::char::is_combining_mark(next)
                }
                Shape::Mark(_) => false,
            };
            if !goes_on {
                break;
            }
            end = at + next.len_utf8();
            letters.next();
        }
        tokens.extend(text.get(start..end).map(|text| Token { shape, text, start, spaced }));
        spaced = false;
    }
    tokens
}

/// The value of a digit, also of those that Arabic and Persian are written with.
pub fn digit(letter: char) -> Option<u32> {
    match letter {
        '0'..='9' => letter.to_digit(10),
        '\u{660}'..='\u{669}' => Some(u32::from(letter) - 0x660),
        '\u{6f0}'..='\u{6f9}' => Some(u32::from(letter) - 0x6f0),
        _ => None,
    }
}

/// Digits as those of ASCII.
pub fn ascii(digits: &str) -> String {
    digits.chars().filter_map(|letter| char::from_digit(digit(letter)?, 10)).collect()
}

/// The number of a few digits.
pub fn small(digits: &str) -> Option<u32> {
    ascii(digits).parse().ok()
}

/// A whole number as it is compared.
pub fn plain(digits: &str) -> String {
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() { "0".to_owned() } else { digits.to_owned() }
}
