//! From the bytes of tokens to text: whole characters only, and no part of a stop text.

/// Decodes UTF-8 that arrives in pieces.
#[derive(Default)]
pub(super) struct Characters {
    pending: Vec<u8>,
}

impl Characters {
    /// Adds bytes and returns the characters they complete; invalid bytes become U+FFFD.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.pending) {
                Ok(valid) => {
                    text.push_str(valid);
                    self.pending.clear();
                    return text;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    text.push_str(&String::from_utf8_lossy(&self.pending[..valid]));
                    // Without a length, the bytes are the start of an incomplete character.
                    let Some(invalid) = error.error_len() else {
                        self.pending.drain(..valid);
                        return text;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    self.pending.drain(..valid + invalid);
                }
            }
        }
    }

    /// The end of the text: one U+FFFD if a character is incomplete.
    pub(super) fn finish(&mut self) -> &'static str {
        if std::mem::take(&mut self.pending).is_empty() { "" } else { "\u{FFFD}" }
    }
}

/// Passes text on up to the first stop text.
pub(super) struct Stops {
    stops: Vec<String>,
    held: String,
}

/// What [`Stops::push`] passes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// Text that is no part of a stop text; may be empty.
    Text(String),
    /// The last text: a stop text followed it.
    Stopped(String),
}

impl Stops {
    /// Stops at any of these texts; empty ones are ignored.
    pub(super) fn new(stops: &[String]) -> Self {
        let stops = stops.iter().filter(|stop| !stop.is_empty()).cloned().collect();
        Self { stops, held: String::new() }
    }

    /// Adds text; what might be the start of a stop text is held back.
    pub(super) fn push(&mut self, text: &str) -> Passed {
        self.held.push_str(text);
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.held.truncate(at);
            return Passed::Stopped(std::mem::take(&mut self.held));
        }
        let doubtful = self.stops.iter().map(|stop| self.begins(stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - doubtful);
        Passed::Text(std::mem::replace(&mut self.held, rest))
    }

    /// What was held back, once nothing more can come.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// The length in bytes of the longest end of the held text that starts `stop`.
    fn begins(&self, stop: &str) -> usize {
        let starts = stop.char_indices().map(|(at, _)| at).filter(|at| *at > 0);
        starts.filter(|at| self.held.ends_with(&stop[..*at])).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Characters, Passed, Stops};

    #[test]
    fn an_emoji_comes_out_only_whole() {
        let mut characters = Characters::default();
        let bytes = "é👍".as_bytes();
        let pieces: Vec<String> = bytes.iter().map(|byte| characters.push(&[*byte])).collect();
        assert_eq!(pieces, ["", "é", "", "", "", "👍"]);
        assert_eq!(characters.finish(), "");
    }

    #[test]
    fn bytes_that_are_not_text_do_not_block_what_follows() {
        let mut characters = Characters::default();
        assert_eq!(characters.push(b"a\xFFb\xF0\x9F"), "a\u{FFFD}b");
        assert_eq!(characters.push(b"!"), "\u{FFFD}!");
        assert_eq!(characters.push(b"\xE2"), "");
        assert_eq!(characters.finish(), "\u{FFFD}");
    }

    fn through(stops: &[&str], pieces: &[&str]) -> (String, bool) {
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut filter = Stops::new(&stops);
        let mut out = String::new();
        for piece in pieces {
            match filter.push(piece) {
                Passed::Text(text) => out.push_str(&text),
                Passed::Stopped(text) => return (out + text.as_str(), true),
            }
        }
        out.push_str(&filter.finish());
        (out, false)
    }

    #[test]
    fn a_stop_text_split_over_pieces_never_shows() {
        assert_eq!(through(&["###", "FIN"], &["ok #", "#", "# suite"]), ("ok ".to_owned(), true));
        assert_eq!(through(&["###"], &["a#", "b##"]), ("a#b##".to_owned(), false));
        assert_eq!(through(&["aab"], &["a", "a", "a", "b"]), ("a".to_owned(), true));
        assert_eq!(through(&["", "é!"], &["é", "é", "!"]), ("é".to_owned(), true));
    }

    proptest! {
        #[test]
        fn whatever_the_pieces_the_text_up_to_the_stop_comes_out(
            pieces in prop::collection::vec("[abé]{0,4}", 0..12), stop in "[abé]{1,4}",
        ) {
            let whole = pieces.concat();
            let borrowed: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (out, stopped) = through(&[&stop], &borrowed);
            if let Some((before, _)) = whole.split_once(&stop) {
                prop_assert_eq!((out.as_str(), stopped), (before, true));
            } else {
                prop_assert_eq!((out, stopped), (whole, false));
            }
        }

        #[test]
        fn characters_are_those_of_the_whole_text(text in any::<String>(), cut in 1_usize..5) {
            let mut characters = Characters::default();
            let mut out: String = text.as_bytes().chunks(cut).map(|bytes| characters.push(bytes)).collect();
            out.push_str(characters.finish());
            prop_assert_eq!(out, text);
        }
    }
}
