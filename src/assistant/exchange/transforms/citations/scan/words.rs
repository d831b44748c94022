//! Words in the pass: addresses and phone numbers that nobody has written are masked.

use super::{
    super::addresses::{self, LONGEST_PHONE},
    CALLS, LONGEST_WORD, Scan, Step, is_address,
};

impl Scan {
    /// A word, or a phone number.
    pub(super) fn word(&mut self, rest: &str, ended: bool, out: &mut String) -> Step {
        self.drop_spaces = false;
        let Some(checks) = self.checks().cloned() else {
            let letter = rest.chars().next().map_or(1, char::len_utf8);
            self.write(&rest[..letter], out);
            return Step::Read(letter);
        };
        let first = rest.chars().next();
        if first == Some('(') {
            match rest[1..].chars().next() {
                None if !ended => return Step::More,
                Some(next) if next.is_numeric() || matches!(next, '+' | '＋') => {
                    self.write("(", out);
                    return Step::Read(1);
                }
                _ => {}
            }
        }
        if first.is_some_and(|letter| letter.is_numeric() || matches!(letter, '+' | '＋')) {
            let open = rest.chars().all(addresses::is_of_phone);
            if open && !ended && rest.len() <= LONGEST_PHONE {
                return Step::More;
            }
            let called = CALLS.iter().any(|call| self.recent.to_lowercase().contains(call));
            if let Some(phone) = addresses::phone(rest, self.previous, called) {
                let text =
                    if phone.is_allowed(&checks.allowed) { &rest[..phone.length] } else { checks.placeholders.phone };
                self.write(text, out);
                return Step::Read(phone.length);
            }
        }
        let end = self.word_end(rest);
        if end == rest.len() && !ended && end <= LONGEST_WORD {
            return Step::More;
        }
        let cut = end > LONGEST_WORD;
        let end =
            if cut { (1..=LONGEST_WORD).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(end) } else { end };
        match addresses::masked(&rest[..end], &checks.allowed, &checks.placeholders) {
            Some(text) => {
                self.write(&text, out);
                self.drop_word = cut;
            }
            None => self.write(&rest[..end], out),
        }
        Step::Read(end)
    }

    /// Where a word ends: at white space, at what is looked at by itself, and before a number that could be a phone's.
    pub(super) fn word_end(&self, rest: &str) -> usize {
        let mut previous = None;
        for (at, letter) in rest.char_indices() {
            let parts = letter.is_whitespace()
                || matches!(
                    letter,
                    '«' | '»' | '“' | '”' | '„' | '‟' | '"' | '‹' | '›' | '【' | '［' | '〔' | '`' | '|'
                )
                || (letter == '[' && !rest[..at].contains("//"))
                || (letter == '(' && rest[at + 1..].starts_with('['));
            if at > 0 && (parts || self.closings.contains_key(&(self.offset + at))) {
                return at;
            }
            let begins = letter.is_numeric() || letter == '+';
            let after: Option<char> = previous;
            if begins
                && after.is_some_and(|after| matches!(after, ':' | '(' | ')' | ',' | ';' | '=' | '/' | '*' | '_'))
                && !is_address(&rest[..at])
            {
                return at;
            }
            previous = Some(letter);
        }
        rest.len()
    }
}
