//! Quotations in the pass: what is not verbatim loses its quotation marks.

use super::{
    super::{
        brackets::{self, Read},
        quotations::{self, End, FEWEST_WORDS},
    },
    LONGEST_LINE, Scan, Step, cited,
};

impl Scan {
    /// A quotation: its marks stay only where it is verbatim. What is between them is read on as text.
    pub(super) fn quotation(&mut self, open: char, rest: &str, ended: bool, out: &mut String) -> Step {
        let length = open.len_utf8();
        let inside = &rest[length..];
        if inside.is_empty() && !ended {
            return Step::More;
        }
        let Some(checks) = self.checks().cloned() else { return Step::More };
        let (text, close) = match quotations::end(open, inside, ended) {
            End::More => return Step::More,
            End::TooLong => {
                self.orphan = Some(quotations::closing(open));
                return self.unquote(length);
            }
            End::Open(end) => (&inside[..end], None),
            End::Closed(end, close) => (&inside[..end], Some((length + end, close))),
        };
        if quotations::words(text) < FEWEST_WORDS {
            if let Some((at, _)) = close {
                self.closings.insert(self.offset + at, true);
            }
            self.write(&rest[..length], out);
            return Step::Read(length);
        }
        let cited = match close {
            Some((at, close)) => match cited(&rest[at + close..], ended) {
                Read::Is(cited) => cited,
                Read::More => return Step::More,
                Read::IsNot => Vec::new(),
            },
            None => Vec::new(),
        };
        let cited: Vec<usize> = cited.into_iter().filter(|mark| checks.has(*mark)).collect();
        let verified = checks.verifies(text, &cited);
        if let Some((at, _)) = close {
            self.closings.insert(self.offset + at, verified);
        }
        if !verified {
            return self.unquote(length);
        }
        self.write(&rest[..length], out);
        Step::Read(length)
    }

    /// Drops an opening mark with the white space behind it.
    pub(super) fn unquote(&mut self, length: usize) -> Step {
        self.drop_spaces = true;
        Step::Read(length)
    }

    /// A line that is marked as a quotation: the sign stays only where the line is verbatim.
    pub(super) fn quoted_line(&mut self, rest: &str, ended: bool, out: &mut String) -> Step {
        let end = rest.find('\n');
        if end.is_none() && !ended && rest.len() <= LONGEST_LINE {
            return Step::More;
        }
        let Some(checks) = self.checks().cloned() else { return Step::More };
        let line = rest[..end.unwrap_or(rest.len())].trim_start_matches(['>', ' ']);
        let mut marks = Vec::new();
        for (at, _) in line.char_indices().filter(|(_, letter)| matches!(letter, '[' | '【' | '［')) {
            if let Read::Is(found) = brackets::read(&line[at..], true) {
                marks.extend(found.numbers.into_iter().map(|(_, number)| number).filter(|number| checks.has(*number)));
            }
        }
        if end.unwrap_or(rest.len()) > LONGEST_LINE
            || (quotations::words(line) >= FEWEST_WORDS && !checks.verifies(line, &marks))
        {
            return self.unquote(1);
        }
        self.write(">", out);
        Step::Read(1)
    }
}
