//! Quotations: what stands between quotation marks, and whether a passage holds it word for word.

use std::sync::LazyLock;

use regex::Regex;

use super::comparable::{comparable, find_words};

/// The most bytes of a quotation: of a longer one it is not known whether it is one.
pub const LONGEST_QUOTATION: usize = 2_000;

/// Fewer words between quotation marks are a term, not a quotation.
pub const FEWEST_WORDS: usize = 3;

/// The most parts of a quotation with gaps; and the fewest words of each: of single words anything could be put together.
const MOST_PARTS: usize = 4;
const FEWEST_WORDS_OF_PART: usize = 2;

/// The most white space on a line that is seen to be empty.
const MOST_BLANK: usize = 16;

/// What stands for words that are left out.
static GAP: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\[(]\s*(?:…|\.\s?\.\s?\.)\s*[\])]").ok());

/// A mark in a quotation.
static MARK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\[\d{1,3}(?:\s*[,;]\s*\d{1,3})*\]").ok());

/// Where a quotation ends, seen from behind its opening mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its closing mark, of so many bytes, begins here.
    Closed(usize, usize),
    /// Its paragraph, or the text, ends here without one.
    Open(usize),
    /// It is too long to be known.
    TooLong,
    /// It depends on what follows.
    More,
}

/// The closing marks of an opening one; nothing where the letter opens no quotation.
pub fn closing(open: char) -> &'static [char] {
    match open {
        '«' => &['»'],
        '“' | '‟' => &['”', '“'],
        '„' => &['“', '”'],
        '"' => &['"'],
        '‹' => &['›'],
        _ => &[],
    }
}

/// Finds the end of a quotation that an opening mark begins; `text` is what follows the mark.
pub fn end(open: char, text: &str, ended: bool) -> End {
    let close = closing(open);
    let mut depth = 0_usize;
    let mut before = open;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if at > LONGEST_QUOTATION {
            return End::TooLong;
        }
        let next = letters.peek().map(|(_, next)| *next);
        match letter {
            '\n' => {
                let following = &text.as_bytes()[at + 1..];
                let blank = following.iter().take(MOST_BLANK).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                match following.get(blank) {
                    Some(b'\n') => return End::Open(at),
                    None if !ended && blank < MOST_BLANK => return End::More,
                    _ => {}
                }
            }
            '"' if open == '"' => match next {
                None if !ended => return End::More,
                // Between two words it closes nothing.
                Some(next) if next.is_alphanumeric() && !before.is_whitespace() => {}
                _ => return End::Closed(at, 1),
            },
            letter if close.contains(&letter) && open != '"' => {
                if depth == 0 {
                    return End::Closed(at, letter.len_utf8());
                }
                depth -= 1;
            }
            letter if letter == open && matches!(open, '«' | '‹') => depth += 1,
            _ => {}
        }
        before = letter;
    }
    match ended {
        true => End::Open(text.len()),
        false if text.len() > LONGEST_QUOTATION => End::TooLong,
        false => End::More,
    }
}

/// How many words a text has.
pub fn words(text: &str) -> usize {
    text.split(|letter: char| letter.is_whitespace() || matches!(letter, '\'' | '’' | '-'))
        .filter(|word| word.contains(char::is_alphanumeric))
        .count()
}

/// Whether a quotation stands word for word in a passage that is made comparable. What is left out in brackets is left out in order.
pub fn holds(passage: &str, quotation: &str) -> bool {
    let quotation = MARK.as_ref().map_or(quotation.into(), |regex| regex.replace_all(quotation, ""));
    let parts: Vec<String> = match GAP.as_ref() {
        Some(regex) => regex.split(&quotation).map(trimmed).filter(|part| !part.is_empty()).collect(),
        None => vec![trimmed(&quotation)],
    };
    let short = |part: &String| words(part) < FEWEST_WORDS_OF_PART;
    if parts.is_empty() || parts.len() > MOST_PARTS || (parts.len() > 1 && parts.iter().any(short)) {
        return false;
    }
    let mut from = 0;
    parts.iter().all(|part| match find_words(passage, part, from) {
        Some(end) => {
            from = end;
            true
        }
        None => false,
    })
}

fn trimmed(part: &str) -> String {
    comparable(part).trim_matches(['.', ',', ';', ':', '!', '?', '-', ' ', '\'']).to_owned()
}
