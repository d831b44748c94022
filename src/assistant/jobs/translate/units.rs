//! A text in pieces to be translated, and what stands between them and stays. Pure.

use crate::documents::sentence_ends;

/// The most words of a piece: a small model loses the thread in longer ones.
const MOST_WORDS: usize = 80;

/// The most bytes of a piece, where words are not parted by spaces.
const MOST_BYTES: usize = 1_200;

/// A stretch of a text. All of them together are the text.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Piece<'a> {
    /// It stays: white space, marks of lists and tables, code, figures.
    Kept(&'a str),
    /// It is translated. No white space stands around it.
    Text(&'a str),
}

/// The pieces of a text in Markdown, or of any other.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut cut = Cut(Vec::new());
    let mut fence: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let shown = line.trim();
        let mark = ["```", "~~~"].into_iter().find(|mark| shown.starts_with(mark));
        match (fence, mark) {
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, Some(mark)) => fence = Some(mark),
            (Some(_), _) => {}
            (None, None) => {
                cut.line(line);
                continue;
            }
        }
        cut.kept(line);
    }
    cut.0
}

/// A text without the marks of lines: one cell, one paragraph of a file.
pub fn sentences(text: &str) -> Vec<Piece<'_>> {
    let mut cut = Cut(Vec::new());
    cut.content(text);
    cut.0
}

struct Cut<'a>(Vec<Piece<'a>>);

impl<'a> Cut<'a> {
    fn kept(&mut self, text: &'a str) {
        if !text.is_empty() {
            self.0.push(Piece::Kept(text));
        }
    }

    /// A line with its marks and its end.
    fn line(&mut self, line: &'a str) {
        let (content, end) = line.split_at(line.trim_end().len());
        let (lead, content) = content.split_at(lead(content));
        self.kept(lead);
        if content.starts_with('|') {
            for cell in content.split_inclusive('|') {
                let (inside, bar) = cell.split_at(cell.len() - usize::from(cell.ends_with('|')));
                self.content(inside);
                self.kept(bar);
            }
        } else {
            self.content(content);
        }
        self.kept(end);
    }

    /// Words, in pieces that end with sentences.
    fn content(&mut self, content: &'a str) {
        let mut start = 0;
        let mut ends: Vec<usize> = sentence_ends(content);
        let stops = content.match_indices(['。', '！', '？']).map(|(at, stop)| at + stop.len());
        ends.extend(stops);
        ends.push(content.len());
        ends.sort_unstable();
        let mut last = 0;
        for end in ends {
            let whole = content.get(start..end).unwrap_or_default();
            if last > start && is_long(whole) {
                self.piece(content.get(start..last).unwrap_or_default());
                start = last;
            }
            last = end;
        }
        self.piece(content.get(start..).unwrap_or_default());
    }

    /// A piece, cut at words where one sentence is too long.
    fn piece(&mut self, mut rest: &'a str) {
        while is_long(rest) {
            let most = rest.floor_char_boundary(MOST_BYTES);
            let words = rest.char_indices().filter(|(_, letter)| letter.is_whitespace()).map(|(at, _)| at + 1);
            let at_word = words.take(MOST_WORDS).take_while(|at| *at <= most).last();
            let at = at_word.map_or(most, |at| rest.ceil_char_boundary(at)).max(1);
            let (head, tail) = rest.split_at(rest.ceil_char_boundary(at));
            self.trimmed(head);
            rest = tail;
        }
        self.trimmed(rest);
    }

    fn trimmed(&mut self, text: &'a str) {
        let shown = text.trim();
        if !shown.chars().any(char::is_alphabetic) {
            return self.kept(text);
        }
        let before = text.len() - text.trim_start().len();
        self.kept(text.get(..before).unwrap_or_default());
        self.0.push(Piece::Text(shown));
        self.kept(text.get(before + shown.len()..).unwrap_or_default());
    }
}

fn is_long(text: &str) -> bool {
    text.len() > MOST_BYTES || text.split_whitespace().nth(MOST_WORDS).is_some()
}

/// How many bytes of a line are its marks: of a quote, a title, a list.
fn lead(line: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let spaces = rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        let marks = rest.find(|letter: char| letter != '#').unwrap_or(rest.len());
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let follows = |mark: usize| rest.get(mark..).is_some_and(|after| after.starts_with(' '));
        let long = if rest.starts_with('>') {
            1
        } else if (1..=6).contains(&marks) && follows(marks) {
            marks
        } else if rest.starts_with(['-', '*', '+', '•', '–', '—']) && follows(rest.ceil_char_boundary(1)) {
            rest.ceil_char_boundary(1)
        } else if ["[ ] ", "[x] ", "[X] "].iter().any(|boxed| rest.starts_with(boxed)) {
            3
        } else if (1..=3).contains(&digits)
            && rest.get(digits..).is_some_and(|after| after.starts_with(['.', ')']))
            && follows(digits + 1)
        {
            digits + 1
        } else {
            return at + spaces;
        };
        at += spaces + long;
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_BYTES, Piece, pieces};

    fn texts(text: &str) -> Vec<&str> {
        let cut = pieces(text);
        let whole: String = cut
            .iter()
            .map(|piece| match piece {
                Piece::Kept(text) | Piece::Text(text) => *text,
            })
            .collect();
        assert_eq!(whole, text);
        cut.into_iter()
            .filter_map(|piece| match piece {
                Piece::Text(text) => Some(text),
                Piece::Kept(_) => None,
            })
            .collect()
    }

    #[test]
    fn marks_code_and_figures_stay() {
        let text = "# Titre\n\n> Une citation.\n  - [ ] Un point\n2. Deuxième **point**\n```\nlet code = 1;\n```\n| Nom | Âge |\n|---|---:|\n| Awa | 12 |\n12/03/2026\n\n\tFin  \n";
        assert_eq!(
            texts(text),
            ["Titre", "Une citation.", "Un point", "Deuxième **point**", "Nom", "Âge", "Awa", "Fin"]
        );
        assert_eq!(texts(""), [""; 0]);
        assert_eq!(texts("-5 degrés *déjà*"), ["-5 degrés *déjà*"]);
        assert_eq!(texts("```\nsans fin"), [""; 0]);
    }

    #[test]
    fn long_lines_are_cut_at_sentences_and_without_them_all_the_same() {
        let long = "Une phrase de six mots ici. ".repeat(40);
        let cut = texts(&long);
        assert!(cut.len() > 2 && cut.iter().all(|piece| piece.ends_with('.')), "{cut:?}");
        let words = "mot ".repeat(500);
        assert!(texts(&words).iter().all(|piece| piece.len() <= MOST_BYTES));
        let glued = "漢字です。".repeat(500);
        assert!(texts(&glued).iter().all(|piece| piece.len() <= MOST_BYTES && piece.ends_with('。')));
        let one = "é".repeat(5_000);
        assert!(texts(&one).iter().all(|piece| piece.len() <= MOST_BYTES));
    }
}
