//! Which stars and tildes are operators or signs, and which are markup.
//!
//! Markdown takes `5*4*3` for an emphasised 4 and drops the stars: a wrong figure. An operator stands between two operands without spaces
//! (with spaces Markdown leaves it alone): numbers, single letters, parentheses. Between two words a star stays markup.

/// What a run of stars or tildes is, with its length.
pub(super) enum Run {
    /// To be shown.
    Operator(usize),
    /// Markdown's.
    Markup(usize),
    /// The end of an emphasis that Markdown would not see, because a sign stands before it and a letter behind: `**Délai :**3 mois`.
    End(usize),
}

/// The stars of one paragraph, read from its beginning.
#[derive(Default)]
pub(super) struct Operators {
    /// Whether an emphasis seems to be open: with one star, with two.
    open: [bool; 2],
    /// Where the last run of markup ended: of one star, of two.
    ended: [usize; 2],
}

/// What stands beside a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand {
    Number,
    /// One letter, such as a variable.
    Letter,
    Parenthesis,
    Word,
}

impl Operators {
    /// The run at the beginning of `rest`.
    pub fn read(&mut self, before: &str, rest: &str) -> Run {
        let Some(sign) = rest.chars().next() else { return Run::Markup(0) };
        let length = rest.len() - rest.trim_start_matches(sign).len();
        let (left, right) = (left(before), right(&rest[length..]));
        let figures = left == Some(Operand::Number) && right == Some(Operand::Number);
        let is_operator = match (sign, length) {
            // A tilde says "about"; only two of them strike out.
            ('~', 1) => true,
            ('~', 2) => figures,
            ('*', 1 | 2) => figures || (!self.is_closed_by(before, length) && are_operands(left, right, length)),
            _ => false,
        };
        if is_operator {
            return Run::Operator(length);
        }
        let ends = sign == '*' && length <= 2 && self.open[length - 1] && is_hidden_end(before, &rest[length..]);
        if sign == '*' {
            self.note(before, rest, length);
        }
        if ends { Run::End(length) } else { Run::Markup(length) }
    }

    /// Whether a run closes an emphasis that was opened before, rather than being an operator: `**P**roduit`, `*f*(x)`.
    fn is_closed_by(&self, before: &str, length: usize) -> bool {
        let operand = before.trim_end_matches(|letter: char| letter.is_alphanumeric());
        self.open[length - 1] || (self.ended[length - 1] > 0 && operand.len() == self.ended[length - 1])
    }

    /// Takes note of a run of markup.
    fn note(&mut self, before: &str, rest: &str, length: usize) {
        let closes = before.chars().next_back().is_some_and(|letter| !letter.is_whitespace());
        let opens = rest[length..].chars().next().is_some_and(|letter| !letter.is_whitespace());
        for kind in 0..2 {
            if length == kind + 1 || length >= 3 {
                self.open[kind] = if self.open[kind] { !closes } else { opens };
                self.ended[kind] = before.len() + length;
            }
        }
    }
}

/// Whether a sign stands before a run, and a letter or a figure behind.
fn is_hidden_end(before: &str, after: &str) -> bool {
    let sign =
        before.chars().next_back().is_some_and(|last| !last.is_alphanumeric() && !last.is_whitespace() && last != '*');
    sign && after.starts_with(char::is_alphanumeric)
}

/// Whether something is computed from these.
fn are_operands(left: Option<Operand>, right: Option<Operand>, length: usize) -> bool {
    let (Some(left), Some(right)) = (left, right) else { return false };
    match (left, right) {
        (Operand::Word, Operand::Word) => false,
        (Operand::Word, other) | (other, Operand::Word) => length == 1 && other == Operand::Number,
        _ => true,
    }
}

fn left(before: &str) -> Option<Operand> {
    let mut letters = before.chars().rev();
    let last = letters.next()?;
    Some(match last {
        '%' | '€' | '£' | '°' => Operand::Number,
        ')' | ']' => Operand::Parenthesis,
        _ if last.is_numeric() => Operand::Number,
        _ if last.is_alphabetic() => match letters.next() {
            Some(other) if other.is_alphanumeric() => Operand::Word,
            _ => Operand::Letter,
        },
        _ => return None,
    })
}

fn right(after: &str) -> Option<Operand> {
    let mut letters = after.chars();
    let first = letters.next()?;
    let second = letters.next();
    Some(match first {
        '-' | '+' | '−' | '.' | ',' | '€' | '$' | '£' | '√' if second.is_some_and(char::is_numeric) => {
            Operand::Number
        }
        '(' | '[' => Operand::Parenthesis,
        _ if first.is_numeric() => Operand::Number,
        _ if first.is_alphabetic() => match second {
            Some(other) if other.is_alphanumeric() => Operand::Word,
            _ => Operand::Letter,
        },
        _ => return None,
    })
}
