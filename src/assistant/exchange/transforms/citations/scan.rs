//! One pass over the text of an answer, token by token.

mod quoting;
mod words;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    brackets::{self, LONGEST_SPACE, Read},
    checks::{Checks, Mark},
    quotations,
};

/// The most bytes of one word that are looked at together.
const LONGEST_WORD: usize = 512;

/// The most bytes between the backticks of code within a line.
const LONGEST_CODE: usize = 400;

/// The most bytes of a line that are looked at together, to know whether it is a quotation.
const LONGEST_LINE: usize = 2_000;

/// The most white space behind the fence that ends a code block.
const MOST_BLANK: usize = 16;

/// The most bytes behind a quotation in which its marks are looked for.
const BEHIND: usize = 24;

/// What a phone number is announced by.
const CALLS: [&str; 12] = [
    "appel",
    "compos",
    "joindre",
    "joignable",
    "téléph",
    "numéro",
    "tél",
    "call",
    "dial",
    "phone",
    "number",
    "faites le",
];

/// What a step came to.
enum Step {
    /// So many bytes of the input are decided.
    Read(usize),
    /// More of the text must be known.
    More,
}

/// What is done.
enum Work {
    /// Marks, quotations and addresses are checked.
    Check(Arc<Checks>),
    /// Marks are found, and kept.
    Find,
    /// Marks are removed.
    Remove,
}

/// The state between two pieces.
pub struct Scan {
    work: Work,
    /// What is not decided yet.
    held: String,
    /// How many bytes of the text came before it.
    offset: usize,
    /// How many bytes were given out.
    written: usize,
    /// The fence of the code block, and how long it is.
    fence: Option<(char, usize)>,
    /// Where the code within a line ends.
    code_until: usize,
    /// Whether only white space and quote signs stand before on the line.
    line_start: bool,
    /// The last letter that was read.
    previous: Option<char>,
    /// The last letter that was taken in.
    taken: Option<char>,
    /// Whether white space is dropped: something stood before it that is gone.
    drop_spaces: bool,
    /// The closing quotation marks that were seen ahead, and whether they stay.
    closings: BTreeMap<usize, bool>,
    /// A closing mark to be dropped, wherever it comes.
    orphan: Option<&'static [char]>,
    /// Whether the rest of a long word is dropped with its address.
    drop_word: bool,
    /// The last words, for what announces a phone number.
    recent: String,
    /// The marks that stay.
    marks: Vec<Mark>,
}

impl Scan {
    /// Checks an answer.
    pub fn new(checks: Arc<Checks>) -> Self {
        Self { work: Work::Check(checks), ..Self::reading() }
    }

    /// Finds the marks of an answer that was checked.
    pub fn reading() -> Self {
        Self {
            work: Work::Find,
            held: String::new(),
            offset: 0,
            written: 0,
            fence: None,
            code_until: 0,
            line_start: true,
            previous: None,
            taken: None,
            drop_spaces: false,
            closings: BTreeMap::new(),
            orphan: None,
            drop_word: false,
            recent: String::new(),
            marks: Vec::new(),
        }
    }

    /// Removes the marks of an answer.
    pub fn removing() -> Self {
        Self { work: Work::Remove, ..Self::reading() }
    }

    fn checks(&self) -> Option<&Arc<Checks>> {
        match &self.work {
            Work::Check(checks) => Some(checks),
            Work::Find | Work::Remove => None,
        }
    }

    /// The marks that were found.
    pub fn into_marks(self) -> Vec<Mark> {
        self.marks
    }

    /// How many bytes are held back.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes the next piece.
    pub fn push(&mut self, piece: &str, out: &mut String) {
        self.take(piece);
        self.run(out, false);
    }

    /// Takes the end.
    pub fn finish(&mut self, out: &mut String) {
        self.run(out, true);
    }

    /// Takes text in, without letters that are not seen: they would part what belongs together.
    fn take(&mut self, piece: &str) {
        for letter in piece.chars() {
            let hidden = self.checks().is_some() && is_hidden(letter, self.taken);
            if !hidden {
                self.held.push(letter);
                self.taken = Some(letter);
            }
        }
    }

    fn run(&mut self, out: &mut String, ended: bool) {
        let held = std::mem::take(&mut self.held);
        let begun = self.offset;
        loop {
            let rest = held.get(self.offset - begun..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            match self.step(rest, ended, out) {
                Step::Read(bytes) => {
                    self.note(rest.get(..bytes).unwrap_or(rest));
                    self.offset += bytes.min(rest.len());
                }
                Step::More => break,
            }
        }
        held.get(self.offset - begun..).unwrap_or_default().clone_into(&mut self.held);
    }

    /// Remembers what was read.
    fn note(&mut self, read: &str) {
        for letter in read.chars() {
            self.line_start = letter == '\n' || (self.line_start && (letter == '>' || letter.is_whitespace()));
            self.previous = Some(letter);
        }
        self.recent.push_str(read);
        let excess = self.recent.char_indices().rev().nth(40).map_or(0, |(at, _)| at);
        self.recent.drain(..excess);
    }

    fn write(&mut self, text: &str, out: &mut String) {
        self.written += text.len();
        out.push_str(text);
    }

    fn in_code(&self) -> bool {
        self.fence.is_some() || self.offset < self.code_until
    }

    fn step(&mut self, rest: &str, ended: bool, out: &mut String) -> Step {
        let Some(letter) = rest.chars().next() else { return Step::More };
        let length = letter.len_utf8();
        if self.drop_word {
            if !letter.is_whitespace() {
                return Step::Read(length);
            }
            self.drop_word = false;
        }
        if let Some(step) = self.code(letter, rest, ended, out) {
            return step;
        }
        if let Some(stays) = self.closings.remove(&self.offset) {
            if stays {
                self.write(&rest[..length], out);
            }
            return Step::Read(length);
        }
        if self.orphan.is_some_and(|close| close.contains(&letter)) {
            self.orphan = None;
            return Step::Read(length);
        }
        if !self.in_code() {
            if self.line_start && letter == '>' && self.checks().is_some() {
                return self.quoted_line(rest, ended, out);
            }
            match self.mark(letter, rest, ended, out) {
                Read::Is(step) => return step,
                Read::More => return Step::More,
                Read::IsNot => {}
            }
            if self.checks().is_some() && self.opens(letter, rest) {
                return self.quotation(letter, rest, ended, out);
            }
        }
        if letter.is_whitespace() {
            return self.space(letter, rest, ended, out);
        }
        self.word(rest, ended, out)
    }

    /// The fences of code blocks, and code within a line.
    fn code(&mut self, letter: char, rest: &str, ended: bool, out: &mut String) -> Option<Step> {
        if !matches!(letter, '`' | '~') || self.offset < self.code_until {
            return None;
        }
        let run = rest.len() - rest.trim_start_matches(letter).len();
        if run == rest.len() && !ended && run < LONGEST_CODE {
            return Some(Step::More);
        }
        let run = run.min(LONGEST_CODE);
        if let Some((fence, least)) = self.fence {
            let after = &rest.as_bytes()[run..];
            let blank = after.iter().take(MOST_BLANK).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            if after.len() == blank && !ended && blank < MOST_BLANK {
                return Some(Step::More);
            }
            let alone = after.get(blank).is_none_or(|byte| *byte == b'\n');
            if self.line_start && letter == fence && run >= least && alone {
                self.fence = None;
            }
        } else if self.line_start && run >= 3 {
            self.fence = Some((letter, run));
        } else if letter == '`' {
            match code_end(&rest[run..], run, ended) {
                Read::Is(end) => self.code_until = self.offset + run + end,
                Read::More => return Some(Step::More),
                Read::IsNot => {}
            }
        }
        self.write(&rest[..run], out);
        Some(Step::Read(run))
    }

    /// Marks, with the white space before them: without a passage both go.
    fn mark(&mut self, letter: char, rest: &str, ended: bool, out: &mut String) -> Read<Step> {
        let spaces = if is_space(letter) { rest.len() - rest.trim_start_matches(is_space).len() } else { 0 };
        if spaces > LONGEST_SPACE {
            return Read::IsNot;
        }
        let at = &rest[spaces..];
        if at.is_empty() {
            return if ended { Read::IsNot } else { Read::More };
        }
        if !at.starts_with(['[', '［', '【', '〔', '\\', '(']) || self.closings.contains_key(&(self.offset + spaces))
        {
            return Read::IsNot;
        }
        let found = match brackets::read(at, ended) {
            Read::Is(found) => found,
            Read::More => return Read::More,
            Read::IsNot => return Read::IsNot,
        };
        let behind_word = spaces == 0 && self.previous.is_some_and(char::is_alphanumeric);
        if matches!(self.work, Work::Find) || (matches!(self.work, Work::Remove) && behind_word) {
            return Read::Is(self.keep(rest, spaces, &found, out));
        }
        let checks = self.checks().cloned();
        let has = |number: usize| checks.as_ref().is_some_and(|checks| checks.has(number));
        let following = at[found.length..].chars().next();
        let kept: Vec<&(String, usize)> = found.numbers.iter().filter(|(_, number)| has(*number)).collect();
        if kept.is_empty() {
            if following.is_none() && !ended {
                return Read::More;
            }
            let joins = following.is_some_and(char::is_alphanumeric) && spaces > 0;
            if joins {
                self.write(&rest[..spaces], out);
            }
            self.drop_spaces = self.line_start;
            return Read::Is(Step::Read(spaces + found.length));
        }
        if self.drop_spaces {
            self.drop_spaces = false;
        } else {
            self.write(&rest[..spaces], out);
        }
        if found.in_brackets {
            self.write("(", out);
        }
        for (index, (before, number)) in kept.into_iter().enumerate() {
            if index > 0 {
                self.write(before, out);
            }
            let start = self.written;
            self.write(&format!("[{number}]"), out);
            self.marks.push(Mark { number: *number, place: start..self.written });
        }
        // With its colon it would be the definition of a link, which nobody sees.
        self.write(
            if found.in_brackets {
                ")"
            } else if found.defines {
                " "
            } else {
                ""
            },
            out,
        );
        Read::Is(Step::Read(spaces + found.length))
    }

    /// The marks of a text that was checked stay as they are.
    fn keep(&mut self, rest: &str, spaces: usize, found: &brackets::Marks, out: &mut String) -> Step {
        let start = self.written;
        let whole = &rest[..spaces + found.length];
        self.write(whole, out);
        let mut from = spaces;
        for (_, number) in &found.numbers {
            let text = format!("[{number}]");
            if let Some(at) = whole.get(from..).and_then(|rest| rest.find(&text)) {
                let place = start + from + at..start + from + at + text.len();
                from += at + text.len();
                self.marks.push(Mark { number: *number, place });
            }
        }
        Step::Read(whole.len())
    }

    /// Whether a letter opens a quotation here.
    fn opens(&self, letter: char, rest: &str) -> bool {
        match letter {
            '"' => {
                let before = self
                    .previous
                    .is_none_or(|before| !before.is_alphanumeric() && !matches!(before, '.' | ',' | '!' | '?' | '…'));
                before && rest[1..].chars().next().is_none_or(|next| !next.is_whitespace())
            }
            letter => !quotations::closing(letter).is_empty(),
        }
    }

    fn space(&mut self, letter: char, rest: &str, ended: bool, out: &mut String) -> Step {
        if !is_space(letter) {
            self.drop_spaces = false;
            self.write(&rest[..letter.len_utf8()], out);
            return Step::Read(letter.len_utf8());
        }
        let spaces = rest.len() - rest.trim_start_matches(is_space).len();
        if spaces == rest.len() && !ended && spaces <= LONGEST_SPACE {
            return Step::More;
        }
        if spaces > LONGEST_SPACE {
            let (end, _) = rest.char_indices().take_while(|(at, _)| *at <= LONGEST_SPACE).last().unwrap_or_default();
            let end = end.max(letter.len_utf8());
            if !self.drop_spaces {
                self.write(&rest[..end], out);
            }
            return Step::Read(end);
        }
        // Before a closing mark that goes, the white space of French typography goes too.
        let goes = self.closings.get(&(self.offset + spaces)) == Some(&false);
        if !goes && !self.drop_spaces {
            self.write(&rest[..spaces], out);
        }
        Step::Read(spaces)
    }
}

/// Whether a part of a word looks like the beginning of an address.
fn is_address(text: &str) -> bool {
    let dotted = text.char_indices().any(|(at, letter)| {
        letter == '.' && text[..at].ends_with(char::is_alphanumeric) && text[at + 1..].starts_with(char::is_alphabetic)
    });
    dotted || text.contains("//") || text.contains('@')
}

/// The marks behind a quotation, past what ends it.
fn cited(behind: &str, ended: bool) -> Read<Vec<usize>> {
    let quiet =
        |letter: char| is_space(letter) || matches!(letter, '.' | ',' | ';' | ':' | '!' | '?' | '…' | '*' | '_');
    let skipped = behind.len() - behind.trim_start_matches(quiet).len();
    if skipped > BEHIND {
        return Read::IsNot;
    }
    let at = &behind[skipped..];
    if at.is_empty() {
        return if ended { Read::IsNot } else { Read::More };
    }
    match brackets::read(at, ended) {
        Read::Is(found) => Read::Is(found.numbers.into_iter().map(|(_, number)| number).collect()),
        Read::More => Read::More,
        Read::IsNot => Read::IsNot,
    }
}

/// Where code within a line ends that so many backticks begin; the bytes from behind them.
fn code_end(text: &str, run: usize, ended: bool) -> Read<usize> {
    let mut at = 0;
    while at < text.len() && at <= LONGEST_CODE {
        let rest = &text[at..];
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        if ticks > 0 {
            if ticks > LONGEST_CODE {
                return Read::IsNot;
            }
            if ticks == rest.len() && !ended {
                return Read::More;
            }
            if ticks == run {
                return Read::Is(at + ticks);
            }
            at += ticks;
            continue;
        }
        if rest.starts_with("\n\n") {
            return Read::IsNot;
        }
        if rest == "\n" && !ended {
            return Read::More;
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    if at <= LONGEST_CODE && !ended { Read::More } else { Read::IsNot }
}

fn is_space(letter: char) -> bool {
    letter.is_whitespace() && !matches!(letter, '\n' | '\r')
}

/// Whether a letter is not seen, and only parts what belongs together: not the joiners of other scripts and of emoji.
fn is_hidden(letter: char, previous: Option<char>) -> bool {
    match letter {
        '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => {
            previous.is_none_or(|before| before.is_ascii() || is_latin(before))
        }
        '\u{e0000}'..='\u{e0fff}' => previous.is_none_or(|before| before.is_ascii() || is_latin(before)),
        letter => crate::compagnon::is_invisible(letter),
    }
}

fn is_latin(letter: char) -> bool {
    matches!(letter, '\u{c0}'..='\u{24f}' | '«' | '»' | '‘'..='‟' | ' '..='~')
}
