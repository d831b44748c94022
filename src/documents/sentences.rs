//! Where a long text may be cut.

/// Word endings with a full stop that end no sentence.
const SHORT_FORMS: [&str; 18] = [
    "M.", "MM.", "Mme.", "Mr.", "Dr.", "art.", "al.", "cf.", "p.", "pp.", "n.", "no.", "vol.", "ex.", "env.", "max.",
    "min.", "St.",
];

/// How many bytes count as a word where white space is rare.
const WORD: usize = 20;

/// How much a text is, in words.
pub(super) fn words(text: &str) -> usize {
    text.split_whitespace().map(|word| word.len().div_ceil(WORD)).sum()
}

/// Cuts a text after its sentences and lines, and a sentence of more than so many words after that many.
pub(super) fn sentences(text: &str, most: usize) -> Vec<&str> {
    let mut cut = Vec::new();
    for line in text.split('\n') {
        let mut start = 0;
        for end in sentence_ends(line) {
            pieces(line.get(start..end).unwrap_or_default(), most, &mut cut);
            start = end;
        }
        pieces(line.get(start..).unwrap_or_default(), most, &mut cut);
    }
    cut
}

/// The places behind the white space that follows a sentence.
#[must_use]
pub fn sentence_ends(line: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    for (space, _) in line.match_indices(' ') {
        let (before, after) = (line.get(..space).unwrap_or_default(), line.get(space + 1..).unwrap_or_default());
        let bare = before.trim_end_matches(['»', '"', '”', '’', ')', ']', ' ']);
        let word = bare.rsplit([' ', '(', '«']).next().unwrap_or_default();
        let stops = bare.ends_with(['.', '!', '?', '…', ';']) && !SHORT_FORMS.contains(&word);
        // « begins a sentence; what closes one is part of it.
        let begins = after.chars().next().is_some_and(|c| !c.is_lowercase() && !"»”’)]!?;:".contains(c));
        if stops && begins {
            ends.push(space + 1);
        }
    }
    ends
}

/// A sentence as it is, or in pieces of so many words. Each piece is looked for in a stretch that has more: time is linear in the text.
fn pieces<'a>(sentence: &'a str, most: usize, cut: &mut Vec<&'a str>) {
    let mut rest = sentence.trim();
    loop {
        let stretch = rest.get(..rest.floor_char_boundary(most * (WORD + 1))).unwrap_or_default();
        if stretch.len() == rest.len() && words(rest) <= most {
            break;
        }
        let (piece, after) = rest.split_at(nth_word(stretch, most));
        cut.push(piece.trim_end());
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        cut.push(rest);
    }
}

/// The place behind at most so many words, and not before the first character's end.
fn nth_word(stretch: &str, most: usize) -> usize {
    let (mut held, mut start, mut end) = (0, 0, 0);
    for (space, _) in stretch.match_indices(char::is_whitespace) {
        held += (space - start).div_ceil(WORD);
        if held > most {
            break;
        }
        (start, end) = (space + 1, space);
    }
    // One word alone is too long.
    if end == 0 { stretch.ceil_char_boundary((most * WORD).min(stretch.len()).max(1)) } else { end }
}

#[cfg(test)]
mod tests {
    use super::{sentences, words};

    #[test]
    fn sentences_end_where_they_end() {
        let text = "M. Dupont part. Il revient le 3. mars ? « Oui ! » dit-il. Voir art. 5 du code.\nFin";
        assert_eq!(
            sentences(text, 100),
            ["M. Dupont part.", "Il revient le 3. mars ?", "« Oui ! » dit-il.", "Voir art. 5 du code.", "Fin"]
        );
    }

    #[test]
    fn what_has_no_sentences_is_cut_all_the_same() {
        let text = "mot ".repeat(1_000);
        let cut = sentences(&text, 100);
        assert_eq!(cut.len(), 10);
        assert!(cut.iter().all(|piece| words(piece) <= 100));
        let long = "é".repeat(100_000);
        let cut = sentences(&long, 100);
        assert_eq!(cut.concat(), long);
        assert!(cut.iter().all(|piece| words(piece) <= 100), "{}", cut.len());
    }
}
