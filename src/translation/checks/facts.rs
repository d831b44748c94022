//! What a text says in figures, and its addresses.

use super::{
    amounts, dates,
    difference::Kind,
    fact::{Fact, Value},
    reading::Reading,
    tokens::{Shape, Token, ascii, tokens},
};

/// The facts of a text, in order.
pub fn of<'a>(text: &'a str, language: &str) -> Vec<Fact<'a>> {
    let tokens = tokens(text);
    let mut finding = Finding { reading: Reading { text, language, tokens }, facts: Vec::new() };
    let mut at = 0;
    while at < finding.reading.tokens.len() {
        at = finding.step(at);
    }
    finding.facts
}

/// A text being read, and what was found in it.
struct Finding<'a, 'l> {
    reading: Reading<'a, 'l>,
    facts: Vec<Fact<'a>>,
}

impl Finding<'_, '_> {
    /// What begins at a token. Gives the token behind it.
    fn step(&mut self, at: usize) -> usize {
        let begins = at == 0
            || !self.reading.joined(at)
            || self
                .reading
                .token(at - 1)
                .is_some_and(|before| matches!(before.shape, Shape::Mark(mark) if !"@/".contains(mark)));
        if begins && let Some((end, fact)) = self.address(at) {
            return self.push(at, end, Kind::Address, vec![Value::Exact(fact)]);
        }
        if let Some((end, values)) = dates::date(&self.reading, at) {
            return self.push(at, end, Kind::Date, values);
        }
        if let Some((end, values)) = dates::time(&self.reading, at) {
            return self.push(at, end, Kind::Time, values);
        }
        if let Some((end, exact)) = self.reference(at) {
            return self.push(at, end, Kind::Reference, vec![Value::Exact(exact)]);
        }
        if let Some((end, values)) = amounts::amount(&self.reading, at) {
            let with_unit = values.iter().any(|value| matches!(value, Value::Amount { unit: Some(_), .. }));
            let kind = if with_unit { Kind::Amount } else { Kind::Number };
            return self.push(at, end, kind, values);
        }
        at + 1
    }

    fn push(&mut self, at: usize, end: usize, kind: Kind, values: Vec<Value>) -> usize {
        let start = self.reading.token(at).map_or(0, |token| token.start);
        let stop = self.reading.token(end.saturating_sub(1)).map_or(start, Token::end);
        let shown = self.reading.text.get(start..stop).unwrap_or_default();
        self.facts.push(Fact { kind, shown, start, values });
        end.max(at + 1)
    }

    /// An address of mail or of the Web: to the next white space, without what closes a sentence.
    fn address(&self, at: usize) -> Option<(usize, String)> {
        let mut end = at + 1;
        while self.reading.joined(end) {
            end += 1;
        }
        let stop = |end: usize| self.reading.token(end - 1).map(Token::end);
        while end > at + 1
            && self
                .reading
                .token(end - 1)
                .is_some_and(|last| matches!(last.shape, Shape::Mark(mark) if mark != '/' && mark != '='))
        {
            end -= 1;
        }
        // What stands in brackets or quotation marks, or is a link's.
        let start = self.reading.token(at)?.start;
        let chunk = self.reading.text.get(start..stop(end)?)?;
        let closes = chunk.find([')', '>', '»', '"', '|', ']']).unwrap_or(chunk.len());
        let chunk = chunk.get(..closes)?.trim_end_matches(['.', ',', ';', ':']);
        let is_web = chunk.starts_with("http://") || chunk.starts_with("https://") || chunk.starts_with("www.");
        let is_mail = chunk.split_once('@').is_some_and(|(who, place)| {
            let plain = |text: &str| {
                !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || ".-_+".contains(letter))
            };
            plain(who) && plain(place) && place.contains('.')
        });
        if !is_web && !is_mail {
            return None;
        }
        let stop = start + chunk.len();
        let end =
            (at..end).find(|end| self.reading.token(*end).is_some_and(|token| token.start >= stop)).unwrap_or(end);
        Some((end, chunk.to_lowercase()))
    }

    /// A reference: figures with letters or other figures, joined by hyphens, strokes or nothing.
    fn reference(&self, at: usize) -> Option<(usize, String)> {
        // Only from where the joined signs begin.
        let connects = |token: &Token<'_>| token.is_dash() || token.is('/') || token.is('_') || token.is('.');
        if at > 0
            && self.reading.joined(at)
            && self.reading.token(at - 1).is_some_and(|before| {
                before.shape != Shape::Mark('(') && (connects(before) || !matches!(before.shape, Shape::Mark(_)))
            })
        {
            return None;
        }
        if matches!(self.reading.token(at)?.shape, Shape::Mark(_)) {
            return None;
        }
        let mut end = at + 1;
        while self.reading.joined(end) {
            let token = self.reading.token(end)?;
            let goes_on = match token.shape {
                Shape::Mark(_) => {
                    connects(token)
                        && self.reading.joined(end + 1)
                        && self.reading.token(end + 1).is_some_and(|next| !matches!(next.shape, Shape::Mark(_)))
                }
                Shape::Digits | Shape::Word => true,
            };
            if !goes_on {
                break;
            }
            end += 1;
        }
        let inside = self.reading.tokens.get(at..end)?;
        // "L.123-4" is written "L. 123-4" as well.
        let begins_with_letter = matches!(inside, [first, dot, ..] if first.shape == Shape::Word && dot.is('.'));
        let inside = if begins_with_letter { inside.get(2..)? } else { inside };
        let count = |wanted: &dyn Fn(&Token<'_>) -> bool| inside.iter().filter(|token| wanted(token)).count();
        let figures = count(&|token| token.shape == Shape::Digits);
        let letters = count(&|token| token.shape == Shape::Word);
        let joints = count(&|token| token.is_dash() || token.is('/') || token.is('_'));
        let dots = count(&|token| token.is('.'));
        // Letters that stand in front or inside, hyphens, several points: "A4", "2016/679", "1.2.3". "12km" and "1er" are numbers.
        let first_is_word = inside.first().is_some_and(|token| token.shape == Shape::Word);
        let mixed = letters > 0 && (first_is_word || letters > 1 || joints > 0 || (figures > 1 && dots == 0));
        let is_one = figures > 0 && (mixed || (letters == 0 && (joints > 0 || dots > 1)));
        if !is_one || (joints > 0 && letters > 0 && is_prose(inside)) {
            return None;
        }
        let exact: String = inside
            .iter()
            .map(|token| match token.shape {
                Shape::Digits => ascii(token.text),
                Shape::Word => token.text.to_uppercase(),
                Shape::Mark(_) if token.is_dash() => "-".to_owned(),
                Shape::Mark(mark) => mark.to_string(),
            })
            .collect();
        Some((end, exact))
    }
}

/// Whether joined words are words: "20-year-old", "demi-3".
fn is_prose(inside: &[Token<'_>]) -> bool {
    let mut words = inside.iter().filter(|token| token.shape == Shape::Word);
    words.any(|word| word.text.chars().count() > 3 && word.text.chars().any(char::is_lowercase))
        || inside.iter().all(|token| token.shape != Shape::Word || token.text.chars().all(char::is_lowercase))
}
