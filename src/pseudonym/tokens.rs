//! A text as words, numbers and marks.

use unicode_normalization::char::is_combining_mark;

/// The most bytes of a word; what is longer is nobody's name.
const LONGEST_WORD: usize = 80;

/// What stands before an apostrophe and is a word of its own.
const ELISIONS: [&str; 14] =
    ["l", "d", "j", "m", "t", "s", "c", "n", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "quelqu"];

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Letters, with hyphens and apostrophes inside.
    Word,
    /// An elided word with its apostrophe.
    Elided,
    /// Digits.
    Number,
    /// Letters and digits.
    Code,
    /// Letters beyond what a word has.
    Long,
    /// Anything else, one character.
    Mark(char),
}

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// No capital at its start.
    Lower,
    /// A capital, then none but after a hyphen or an apostrophe.
    Capital,
    /// Capitals only, two at least.
    Upper,
    /// One capital alone.
    Initial,
    /// A capital, then others.
    Mixed,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and a text has a token for every few bytes"
)]
pub(super) struct Token {
    pub start: usize,
    pub end: usize,
    pub shape: Shape,
    pub case: Case,
    /// Which of the page's words.
    pub word: u32,
    /// First of a sentence.
    pub opens: bool,
    /// First of a line.
    pub line: bool,
    /// Whether there is space before.
    pub space: bool,
    /// On a line that is not in French.
    pub foreign: bool,
    /// Whether something was found here.
    pub taken: bool,
}

/// Cuts a text.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 5);
    let (mut opens, mut line, mut space) = (true, true, true);
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        if character.is_whitespace() || character == '\u{feff}' {
            line |= matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}');
            opens |= line;
            space = true;
            at += character.len_utf8();
            continue;
        }
        let (end, shape) = piece(text, at, character);
        let piece = &text[at..end];
        tokens.push(Token {
            start: at,
            end,
            shape,
            case: case(piece),
            word: 0,
            opens,
            line,
            space,
            foreign: false,
            taken: false,
        });
        opens = match shape {
            Shape::Mark('.') => !abbreviation(&tokens, text),
            Shape::Mark('!' | '?' | '…' | ';' | '•' | '|' | '>' | '\t') => true,
            // A list, or a quotation after what opens.
            Shape::Mark(_) => opens,
            _ => false,
        };
        (line, space) = (false, false);
        at = end;
    }
    tokens
}

/// Whether the point that comes last ends an abbreviation, not a sentence.
fn abbreviation(tokens: &[Token], text: &str) -> bool {
    let Some(before) = tokens.len().checked_sub(2).map(|at| &tokens[at]) else { return false };
    let word = &text[before.start..before.end];
    before.case == Case::Initial
        || matches!(word, "MM" | "Mme" | "Mlle" | "Mr" | "Dr" | "Pr" | "av" | "bd" | "St" | "Ste" | "m" | "mr" | "mme")
}

/// One token, from its first character on.
fn piece(text: &str, start: usize, first: char) -> (usize, Shape) {
    if first.is_ascii_digit() || first.is_alphabetic() {
        return alphanumeric(text, start);
    }
    (start + first.len_utf8(), Shape::Mark(first))
}

fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '’' | 'ʼ')
}

fn is_hyphen(character: char) -> bool {
    matches!(character, '-' | '‐' | '‑')
}

fn alphanumeric(text: &str, start: usize) -> (usize, Shape) {
    let (mut letters, mut digits) = (false, false);
    let mut characters = text[start..].char_indices().peekable();
    let mut end = start;
    while let Some((offset, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let letter_next = next.is_some_and(char::is_alphabetic);
        if character.is_ascii_digit() {
            digits = true;
        } else if character.is_alphabetic() || (letters && is_combining_mark(character)) {
            letters = true;
        } else if is_apostrophe(character) && letters && !digits && letter_next {
            let before = &text[start..start + offset];
            if ELISIONS.iter().any(|elision| elision.eq_ignore_ascii_case(before)) {
                return (start + offset + character.len_utf8(), Shape::Elided);
            }
        } else if !(is_hyphen(character) && letters && !digits && letter_next) {
            break;
        }
        end = start + offset + character.len_utf8();
        if end - start > LONGEST_WORD {
            // The rest is looked at again, and is none either.
            return (end, Shape::Long);
        }
    }
    let shape = match (letters, digits) {
        (true, true) => Shape::Code,
        (false, true) => Shape::Number,
        _ => Shape::Word,
    };
    (end, shape)
}

fn case(word: &str) -> Case {
    let mut letters = word.chars().filter(|character| character.is_alphabetic());
    if !letters.next().is_some_and(char::is_uppercase) {
        return Case::Lower;
    }
    let (mut upper, mut lower) = (0_usize, 0_usize);
    for letter in letters {
        if letter.is_uppercase() {
            upper += 1;
        } else {
            lower += 1;
        }
    }
    let parts = word.chars().filter(|character| is_apostrophe(*character) || is_hyphen(*character)).count();
    match (upper, lower) {
        (0, 0) => Case::Initial,
        (_, 0) => Case::Upper,
        (upper, _) if upper <= parts => Case::Capital,
        _ => Case::Mixed,
    }
}
