//! Web addresses, mail addresses and phone numbers: what people would call or open, and so must not be invented.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;
use unicode_normalization::UnicodeNormalization as _;

use crate::compagnon::is_invisible;

/// The most bytes of a phone number with what separates its digits.
pub const LONGEST_PHONE: usize = 64;

/// An address in a text without white space.
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?:",
        // With a scheme, or as if one stood there.
        r"\b[a-z][a-z0-9+.-]{0,20}:/{1,3}[^\s<>«»“”`|\\]+|//[\p{L}\p{N}][^\s<>«»“”`|\\]*\.[^\s<>«»“”`|\\]+",
        r"|\b(?:mailto|tel|sms|xmpp|sip):[^\s<>«»“”`|\\]+|\bwww\.[^\s<>«»“”`|\\]+",
        // Mail.
        r"|[\p{L}\p{N}][\p{L}\p{N}._%+'’-]*(?:@|\((?:at|arobase)\)|\[(?:at|arobase)\])[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+",
        // A domain by itself.
        r"|(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+(?:fr|com|org|net|eu|info|biz|io|app|dev|gouv|edu|gov|int|paris|bzh|alsace|corsica|uk|online|site|tech|xyz|cloud|рф)\b(?:[:/?\#][^\s<>«»“”`|\\]*)?",
        r"|(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+\p{L}{2,24}/[^\s<>«»“”`|\\]*",
        r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?/[^\s<>«»“”`|\\]*",
        r")",
    ))
    .ok()
});

/// What may be written: what stands in the passages, in the question and before it.
#[derive(Default)]
pub struct Allowed {
    texts: Vec<String>,
    numbers: HashSet<String>,
}

impl Allowed {
    /// What stands in these texts.
    pub fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut allowed = Self::default();
        for text in texts {
            let text = folded(text);
            for (at, _) in text.char_indices() {
                if let Some(phone) = phone(&text[at..], previous(&text, at), true) {
                    allowed.numbers.insert(phone.digits);
                }
            }
            allowed.texts.push(text);
        }
        allowed
    }

    /// Whether an address stands there as a whole.
    fn has(&self, address: &str) -> bool {
        let address = bare(address);
        !address.is_empty() && self.texts.iter().any(|text| stands_in(text, &address))
    }

    fn has_number(&self, digits: &str) -> bool {
        self.numbers.contains(digits)
    }
}

fn previous(text: &str, at: usize) -> Option<char> {
    text[..at].chars().next_back()
}

/// A text in one case and one width, without what is not seen.
fn folded(text: &str) -> String {
    text.nfkc().filter(|letter| !is_invisible(*letter)).flat_map(char::to_lowercase).collect()
}

/// An address without what makes no difference: scheme, `www.`, what stands at its end.
fn bare(address: &str) -> String {
    let folded = folded(address);
    let mut bare = folded.as_str();
    for scheme in ["https://", "http://", "mailto:", "tel:", "//"] {
        bare = bare.strip_prefix(scheme).unwrap_or(bare);
    }
    bare.strip_prefix("www.").unwrap_or(bare).trim_end_matches('/').to_owned()
}

fn stands_in(text: &str, address: &str) -> bool {
    text.match_indices(address).any(|(at, _)| {
        let before = text[..at].strip_suffix("www.").unwrap_or(&text[..at]).chars().next_back();
        let mut after = text[at + address.len()..].chars();
        let next = after.next();
        // Neither a part of a longer name nor the end of another one.
        let begins = before
            .is_none_or(|letter| !letter.is_alphanumeric() && !matches!(letter, '.' | '-' | '_' | '@' | '+' | '%'));
        let ends = match next {
            None => true,
            Some('.' | '-' | '_' | '@' | ':' | '?' | '&' | '=' | '+' | '%') => {
                !after.next().is_some_and(char::is_alphanumeric)
            }
            Some(letter) => !letter.is_alphanumeric(),
        };
        begins && ends
    })
}

/// A word with what of its addresses is not allowed replaced; `None` where nothing is.
pub fn masked(word: &str, allowed: &Allowed, placeholders: &Placeholders) -> Option<String> {
    if !word.contains(|letter: char| {
        matches!(letter, '.' | '@' | ':' | '/' | '．' | '＠' | '。' | '｡') || letter.is_ascii_digit()
    }) {
        return None;
    }
    let plain: String = word
        .nfkc()
        .filter(|letter| !is_invisible(*letter))
        .map(|letter| if letter == '。' { '.' } else { letter })
        .collect();
    let mut shown = String::new();
    let mut rest = plain.as_str();
    let mut changed = false;
    while let Some(found) = ADDRESS.as_ref().and_then(|regex| regex.find(rest)) {
        let mut address = trimmed(with_host(rest, found.start(), found.end()));
        let before = &rest[..found.start()];
        if address.is_empty() {
            address = found.as_str();
        }
        let end = found.start() + address.len();
        if allowed.has(address) {
            shown.push_str(&rest[..end]);
        } else {
            changed = true;
            // A link that leads nowhere is none.
            let text =
                before.strip_suffix("](").or_else(|| before.strip_suffix('(')).or_else(|| before.strip_suffix('<'));
            let closing = if before.ends_with('<') { '>' } else { ')' };
            match text.filter(|_| rest[end..].starts_with(closing)) {
                Some(text) => {
                    let link = if before.ends_with("](") { "] " } else { "" };
                    shown.extend([text, link, placeholders.address]);
                    rest = &rest[end + 1..];
                    continue;
                }
                None => shown.extend([before, placeholders.address]),
            }
        }
        rest = &rest[end..];
    }
    if !changed {
        return None;
    }
    shown.push_str(rest);
    Some(shown)
}

/// An address with what goes on after it as if it were its host's: `service-public.fr.example`.
fn with_host(text: &str, start: usize, end: usize) -> &str {
    let of_host = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_' | '@' | ':' | '/');
    let more = text[end..].find(|letter| !of_host(letter)).unwrap_or(text.len() - end);
    &text[start..end + more]
}

/// An address without the punctuation of its sentence.
fn trimmed(address: &str) -> &str {
    let mut address = address;
    loop {
        let shorter = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '"', '*', '_', '~', '’', '…']);
        let open = |pair: (char, char)| {
            shorter.ends_with(pair.1) && shorter.matches(pair.0).count() < shorter.matches(pair.1).count()
        };
        let shorter = if open(('(', ')')) || open(('[', ']')) || open(('{', '}')) {
            &shorter[..shorter.len() - 1]
        } else {
            shorter
        };
        if shorter.len() == address.len() {
            return address;
        }
        address = shorter;
    }
}

/// What is shown in the place of what is not verified.
#[derive(Clone, Copy, Debug)]
pub struct Placeholders {
    /// For a web or mail address.
    pub address: &'static str,
    /// For a phone number.
    pub phone: &'static str,
}

/// A phone number.
#[derive(PartialEq, Eq)]
pub struct Phone {
    /// How many bytes it has, with what separates its digits.
    pub length: usize,
    /// Its digits, as they are dialled in the country.
    digits: String,
}

impl Phone {
    /// Whether it may be written.
    pub fn is_allowed(&self, allowed: &Allowed) -> bool {
        allowed.has_number(&self.digits)
    }
}

/// Whether a letter may stand in a phone number.
pub fn is_of_phone(letter: char) -> bool {
    letter.is_numeric() || separates(letter) || letter == '+'
}

fn separates(letter: char) -> bool {
    matches!(letter, ' ' | '.' | '-' | '‐'..='―' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '(' | ')' | '*' | '_' | '·')
}

/// The phone number at the beginning of a text, whose letter before it is given. `called` says that the words before it speak of one: then
/// four digits are enough.
pub fn phone(text: &str, before: Option<char>, called: bool) -> Option<Phone> {
    if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '+') {
        return None;
    }
    let first = text.chars().next()?;
    if !(first == '+' || first == '＋' || first == '(' || first.is_numeric()) {
        return None;
    }
    let mut digits = String::new();
    // After each digit, how many bytes were read; and the separators of three and four digits of other countries.
    let mut ends = Vec::new();
    let mut gap = 0;
    let mut hard = false;
    let plus = first == '+' || first == '＋' || text.starts_with("(+");
    for (at, letter) in text.char_indices().take_while(|(at, _)| *at < LONGEST_PHONE) {
        let folded = letter.to_string().nfkc().next().unwrap_or(letter);
        if let Some(digit) = folded.to_digit(10) {
            digits.push(char::from_digit(digit, 10)?);
            ends.push(at + letter.len_utf8());
            gap = 0;
        } else if (folded == '+' && digits.is_empty()) || (separates(letter) && gap < 3) {
            hard |= matches!(letter, '-' | '.' | '(' | ')');
            gap += usize::from(!digits.is_empty());
        } else {
            break;
        }
    }
    let of = |count: usize| ends.get(count.checked_sub(1)?).copied();
    // The number ends where it does: no other digit follows at once.
    let whole = |count: usize| {
        let end = of(count)?;
        let next = text[end..].chars().next();
        (!next.is_some_and(char::is_numeric)).then_some(Phone { length: end, digits: digits[..count].to_owned() })
    };
    if plus || digits.starts_with("00") {
        let least = if plus { 8 } else { 10 };
        let count = if (digits.starts_with("33") && plus) || digits.starts_with("0033") {
            let prefix = if plus { 2 } else { 4 };
            prefix + if digits[prefix..].starts_with('0') { 10 } else { 9 }
        } else {
            digits.len().min(15)
        };
        let count = if digits.len() >= count { count } else { digits.len() };
        return (count >= least).then(|| whole(count)).flatten().map(national);
    }
    if digits.starts_with('0') && digits.len() >= 10 && !digits.starts_with("00") {
        return whole(10);
    }
    if hard && digits.len() >= 10 && !digits.starts_with('0') {
        let groups: Vec<usize> =
            text[..of(10)?].split(separates).map(|group| group.chars().count()).filter(|count| *count > 0).collect();
        if groups == [3, 3, 4] {
            return whole(10);
        }
    }
    if called && digits.starts_with(['3', '1']) {
        let four = (digits.len() >= 4 && digits.starts_with('3')).then(|| whole(4)).flatten();
        // As short numbers are written: `3939`, `39 39`; `3 500` is an amount.
        return four.filter(|phone| phone.length == 4 || of(2).is_some_and(|end| end == 2 && of(3) > Some(3)));
    }
    None
}

/// The same number as it is dialled in the country.
fn national(phone: Phone) -> Phone {
    let digits = phone.digits.strip_prefix("0033").or_else(|| phone.digits.strip_prefix("33"));
    let digits = digits.map(|rest| format!("0{}", rest.trim_start_matches('0')));
    Phone { digits: digits.unwrap_or(phone.digits), ..phone }
}
