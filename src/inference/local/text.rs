//! From tokens' bytes to text that may be shown: whole characters only, and never a part of a stop text.

/// Collects bytes and lets go of text.
pub(super) struct Text<'a> {
    stops: &'a [String],
    /// Bytes that are not yet a whole character.
    bytes: Vec<u8>,
    /// Text held back because a stop text may begin in it.
    held: String,
}

/// What may be shown now, and whether a stop text ended the answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) stopped: bool,
}

impl<'a> Text<'a> {
    pub(super) fn new(stops: &'a [String]) -> Self {
        Self { stops, bytes: Vec::new(), held: String::new() }
    }

    /// Takes the bytes of one more token.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Shown {
        self.bytes.extend_from_slice(bytes);
        self.take_characters(false);
        self.release(false)
    }

    /// The answer is over: what was held back is text after all.
    pub(super) fn finish(&mut self) -> Shown {
        self.take_characters(true);
        self.release(true)
    }

    fn take_characters(&mut self, last: bool) {
        let mut rest = self.bytes.as_slice();
        let mut kept = Vec::new();
        for chunk in rest.utf8_chunks() {
            self.held.push_str(chunk.valid());
            rest = &rest[chunk.valid().len()..];
            let invalid = chunk.invalid();
            // Only at the very end may an unfinished character still be finished.
            let unfinished = !invalid.is_empty() && rest.len() == invalid.len() && is_unfinished(invalid);
            if unfinished && !last {
                kept = invalid.to_vec();
            } else if !invalid.is_empty() {
                self.held.push(char::REPLACEMENT_CHARACTER);
            }
            rest = &rest[invalid.len()..];
        }
        self.bytes = kept;
    }

    fn release(&mut self, last: bool) -> Shown {
        let first_stop =
            self.stops.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| self.held.find(stop)).min();
        if let Some(at) = first_stop {
            self.held.truncate(at);
            return Shown { text: std::mem::take(&mut self.held), stopped: true };
        }
        let keep = if last { 0 } else { self.stops.iter().map(|stop| beginning(&self.held, stop)).max().unwrap_or(0) };
        let rest = self.held.split_off(self.held.len() - keep);
        Shown { text: std::mem::replace(&mut self.held, rest), stopped: false }
    }
}

/// The length of the longest end of `text` that begins `stop`.
fn beginning(text: &str, stop: &str) -> usize {
    (1..stop.len()).rev().find(|length| stop.is_char_boundary(*length) && text.ends_with(&stop[..*length])).unwrap_or(0)
}

/// Whether these bytes begin a character that more bytes may complete.
fn is_unfinished(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Text;

    /// What is shown when the bytes come in pieces of these lengths, and whether a stop text was met.
    fn shown(stops: &[String], bytes: &[u8], lengths: &[usize]) -> (Vec<String>, bool) {
        let mut text = Text::new(stops);
        let mut out = Vec::new();
        let mut rest = bytes;
        let mut lengths = lengths.iter().cycle();
        while !rest.is_empty() {
            let (now, later) = rest.split_at((*lengths.next().expect("endless")).clamp(1, rest.len()));
            let step = text.push(now);
            out.push(step.text);
            if step.stopped {
                return (out, true);
            }
            rest = later;
        }
        let end = text.finish();
        out.push(end.text);
        (out, end.stopped)
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_same_text_is_shown(text in "[a-z🙂é ]{0,40}", lengths in prop::collection::vec(1_usize..6, 1..8)) {
            let (pieces, _) = shown(&[], text.as_bytes(), &lengths);
            prop_assert_eq!(pieces.concat(), text);
        }

        #[test]
        fn nothing_of_a_stop_text_is_ever_shown(text in "[abc]{0,40}", lengths in prop::collection::vec(1_usize..6, 1..8)) {
            let stop = "abca".to_owned();
            let (pieces, stopped) = shown(std::slice::from_ref(&stop), text.as_bytes(), &lengths);
            let expected = text.split(&stop).next().unwrap_or_default();
            prop_assert_eq!(pieces.concat(), expected);
            prop_assert_eq!(stopped, text.contains(&stop));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..40), lengths in prop::collection::vec(1_usize..6, 1..8)) {
            let (pieces, _) = shown(&[], &bytes, &lengths);
            prop_assert_eq!(pieces.concat(), String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_character_spread_over_tokens_is_shown_once_whole() {
        let (pieces, _) = shown(&[], "a🙂".as_bytes(), &[1]);
        assert_eq!(pieces, ["a", "", "", "", "🙂", ""]);
    }
}
