//! Marks: `[1]`, and the other forms in which models write them.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization as _;

/// The most bytes of white space before a mark.
pub const LONGEST_SPACE: usize = 48;

/// The most bytes between the brackets of a mark.
const LONGEST_MARK: usize = 64;

/// The most bytes of what a model puts in brackets behind a mark, as if it were a link.
const LONGEST_TARGET: usize = 300;

/// The most marks in a row that are read together.
const MOST_IN_A_ROW: usize = 24;

/// What is between the brackets of a mark: numbers, perhaps with a word before them.
static INSIDE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)^ \^? \s* (?: (?: sources? | extraits? | extracts? | passages? | documents? | doc | r[ée]f(?: [ée]rences? )? | n[°o] | no | id | \# ) [\s.:°\#]* )?
        [\d¹²³⁰⁴-⁹]{1,3} (?: (?: \s* (?: , | ; | & | / | - | – | et | and | à ) \s* | \s+ ) (?: (?: source | extrait | extract | passage | document ) \s+ )? \^? [\d¹²³⁰⁴-⁹]{1,3} )*
        \s* [,;]? \s* (?: † [^\[\]【】]{0,40} )? $",
    )
    .ok()
});

/// What may stand between two marks in a row.
static BETWEEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[ \t\u{a0}\u{202f}]{0,4}(?:[,;&–-]|et|and)?[ \t\u{a0}\u{202f}]{0,4}").ok());

/// What was read at a place.
#[derive(Debug, PartialEq, Eq)]
pub enum Read<T> {
    /// This.
    Is(T),
    /// Something else stands there.
    IsNot,
    /// It depends on what follows.
    More,
}

/// Marks in a row.
#[derive(Debug, PartialEq, Eq)]
pub struct Marks {
    /// How many bytes they have.
    pub length: usize,
    /// The numbers, each with what stands before it: nothing at the first.
    pub numbers: Vec<(String, usize)>,
    /// Whether they stand between round brackets.
    pub in_brackets: bool,
    /// Whether a colon follows, as after the label of a definition.
    pub defines: bool,
}

/// Reads the marks that stand at the beginning of a text; `ended` says that nothing follows it.
pub fn read(text: &str, ended: bool) -> Read<Marks> {
    let inner = text.strip_prefix('(').unwrap_or(text);
    let in_brackets = inner.len() < text.len();
    let mut at = text.len() - inner.len();
    let mut numbers: Vec<(String, usize)> = Vec::new();
    let mut between = String::new();
    loop {
        match one(&text[at..], ended) {
            Read::Is((length, found)) => {
                for number in found {
                    numbers.push((std::mem::take(&mut between), number));
                }
                at += length;
            }
            Read::More => return Read::More,
            Read::IsNot if numbers.is_empty() => return Read::IsNot,
            Read::IsNot => break,
        }
        if numbers.len() >= MOST_IN_A_ROW {
            break;
        }
        let gap = BETWEEN.as_ref().and_then(|regex| regex.find(&text[at..])).map_or(0, |gap| gap.end());
        let after = &text[at + gap..];
        // A separator may be cut in the middle: "e" of "et".
        if !ended && (after.is_empty() || ["e", "a", "an", "\\"].contains(&after)) {
            return Read::More;
        }
        if !after.starts_with(['[', '［', '【', '〔', '\\']) {
            break;
        }
        match one(after, ended) {
            Read::Is(_) => {
                text[at..at + gap].clone_into(&mut between);
                at += gap;
            }
            Read::More => return Read::More,
            Read::IsNot => break,
        }
    }
    let closed = in_brackets && text[at..].starts_with(')');
    if in_brackets && !closed {
        // The bracket belongs to something else.
        return if text[at..].is_empty() && !ended { Read::More } else { Read::IsNot };
    }
    at += usize::from(closed);
    if text[at..].is_empty() && !ended {
        return Read::More;
    }
    let defines = text[at..].starts_with(':');
    Read::Is(Marks { length: at, numbers, in_brackets, defines })
}

/// Reads one pair of brackets with what is behind it.
fn one(text: &str, ended: bool) -> Read<(usize, Vec<usize>)> {
    let mut rest = text;
    let mut depth = 0;
    while depth < 2 {
        let open = rest.strip_prefix('\\').unwrap_or(rest);
        if open.is_empty() && !rest.is_empty() && !ended {
            return Read::More;
        }
        let Some(inside) = open.strip_prefix(['[', '［', '【', '〔']) else { break };
        rest = inside;
        depth += 1;
    }
    if depth == 0 {
        return if text.is_empty() && !ended { Read::More } else { Read::IsNot };
    }
    let Some(close) = rest
        .char_indices()
        .take_while(|(at, _)| *at <= LONGEST_MARK)
        .find_map(|(at, letter)| matches!(letter, ']' | '］' | '】' | '〕' | '[' | '\n').then_some((at, letter)))
    else {
        return if rest.len() <= LONGEST_MARK && !ended { Read::More } else { Read::IsNot };
    };
    if matches!(close.1, '[' | '\n') {
        return Read::IsNot;
    }
    let inside: String = rest[..close.0].trim_end_matches('\\').nfkc().collect();
    if !INSIDE
        .as_ref()
        .is_some_and(|regex| regex.is_match(rest[..close.0].trim_end_matches('\\')) || regex.is_match(&inside))
    {
        return Read::IsNot;
    }
    rest = &rest[close.0 + close.1.len_utf8()..];
    if depth == 2 {
        let second = rest.strip_prefix('\\').unwrap_or(rest);
        match second.chars().next() {
            Some(']' | '］' | '】' | '〕') => rest = &second[second.chars().next().map_or(0, char::len_utf8)..],
            Some(_) => return Read::IsNot,
            None => return if ended { Read::IsNot } else { Read::More },
        }
    }
    // A link behind the number: it never leads to the passage.
    if let Some(target) = rest.strip_prefix('(') {
        let end = target.char_indices().take_while(|(at, _)| *at <= LONGEST_TARGET);
        match end.into_iter().find(|(_, letter)| letter.is_whitespace() || *letter == ')') {
            Some((at, ')')) => rest = &target[at + 1..],
            None if target.len() <= LONGEST_TARGET && !ended => return Read::More,
            _ => {}
        }
    } else if rest.is_empty() && !ended {
        return Read::More;
    }
    Read::Is((text.len() - rest.len(), numbers(&inside)))
}

/// The numbers between two brackets; a range stands for all that are in it.
fn numbers(inside: &str) -> Vec<usize> {
    let inside = inside.split('†').next().unwrap_or_default();
    let mut numbers: Vec<usize> = Vec::new();
    let mut range = false;
    let mut digits = String::new();
    for letter in inside.chars().chain([' ']) {
        if letter.is_numeric() {
            digits.push(letter);
            continue;
        }
        if !digits.is_empty() {
            // Digits of another script are no number of ours.
            let number = std::mem::take(&mut digits).parse().unwrap_or(0);
            if let Some(first) =
                numbers.last().copied().filter(|first| range && *first < number && number - first <= 12)
            {
                numbers.extend(first + 1..number);
            }
            numbers.push(number);
            range = false;
        }
        range = range || matches!(letter, '-' | '–' | 'à');
    }
    numbers
}
