//! How a placeholder is written and read: `[PERSONNE_1]`, and `[PERSONNE_1.2]` for the second spelling of the same person.
//!
//! It is read more loosely than it is written, since models rewrite it: in lower case, with the underscore escaped as in Markdown. What the
//! reader takes for a placeholder in a text that has none yet is itself replaced, so that restoring never puts there what was not.

use super::kind::Kind;

/// The most bytes of a placeholder, as it is read.
pub const LONGEST: usize = 40;

/// The most digits of a number.
const DIGITS: usize = 9;

/// A placeholder that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Placeholder {
    pub kind: Kind,
    pub number: u32,
    /// Which spelling, from 1 on.
    pub spelling: u32,
}

impl Placeholder {
    /// As it is written.
    pub(super) fn write(self) -> String {
        let Self { kind, number, spelling } = self;
        if spelling == 1 {
            format!("[{}_{number}]", kind.label())
        } else {
            format!("[{}_{number}.{spelling}]", kind.label())
        }
    }
}

/// The placeholder at the start of a text, and its length.
pub(super) fn read(text: &str) -> Option<(Placeholder, usize)> {
    let inner = text.strip_prefix('[')?;
    let letters = inner.bytes().take(LONGEST).take_while(u8::is_ascii_alphabetic).count();
    let kind = Kind::from_label(&inner[..letters])?;
    let after = &inner[letters..];
    let separator = ["\\_", "_", " ", "-"].into_iter().find(|separator| after.starts_with(separator))?;
    let after = &after[separator.len()..];
    let (number, digits) = number(after)?;
    let mut length = 1 + letters + separator.len() + digits;
    let mut spelling = 1;
    if let Some((second, digits)) = after[digits..].strip_prefix('.').and_then(self::number) {
        spelling = second;
        length += 1 + digits;
    }
    text[length..].starts_with(']').then_some((Placeholder { kind, number, spelling }, length + 1))
}

/// The number at the start of a text, and how many digits it has.
fn number(text: &str) -> Option<(u32, usize)> {
    let digits = text.bytes().take(DIGITS + 1).take_while(u8::is_ascii_digit).count();
    if digits > DIGITS {
        return None;
    }
    Some((text[..digits].parse().ok()?, digits))
}

/// A text in which placeholders are what they stand for. Those that stand for nothing are left.
pub(super) fn restored<'a>(text: &str, original: impl Fn(Placeholder) -> Option<&'a str>) -> String {
    let mut restored = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end, placeholder) in all(text) {
        if let Some(original) = original(placeholder) {
            restored.push_str(&text[done..start]);
            restored.push_str(original);
            done = end;
        }
    }
    restored.push_str(&text[done..]);
    restored
}

/// Every placeholder of a text, with where it stands.
pub(super) fn all(text: &str) -> impl Iterator<Item = (usize, usize, Placeholder)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += text.get(at..)?.find('[')?;
            if let Some((placeholder, length)) = read(&text[at..]) {
                let start = at;
                at += length;
                return Some((start, at, placeholder));
            }
            at += 1;
        }
    })
}
