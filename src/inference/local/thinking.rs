//! Removes a reasoning model's reasoning from its answer: it is neither shown nor stored.
//!
//! Reasoning is between `<think>` and `</think>`. Only a `<think>` at the start of a line opens it: an answer may mention the tag.

/// The tag that opens the reasoning.
pub(super) const OPEN: &str = "<think>";
/// The tag that closes it.
pub(super) const CLOSE: &str = "</think>";

/// Whether an answer begins with reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reasoning {
    /// The model decides.
    #[default]
    Possible,
    /// The prompt has opened it, so that the model generates only its end.
    Open,
    /// The prompt has closed it.
    Closed,
}

impl Reasoning {
    /// What a template's last markup leaves to the model.
    pub(super) fn after(markup: &str) -> Self {
        match markup.trim_end() {
            markup if markup.ends_with(OPEN) => Self::Open,
            markup if markup.ends_with(CLOSE) => Self::Closed,
            _ => Self::Possible,
        }
    }
}

/// The text of a token if it is one of the tags: vocabularies in which they are control tokens have no bytes for them.
pub(super) fn tag(token: &str) -> Option<&'static str> {
    [OPEN, CLOSE].into_iter().find(|tag| *tag == token)
}

/// Passes on the text that is not reasoning.
pub(super) struct ReasoningFilter {
    state: FilterState,
    /// Whether text was passed on. White space before the first reasoning belongs to it.
    begun: bool,
    /// Whether the last line that was passed on is blank so far.
    blank: bool,
    held: String,
}

#[derive(PartialEq)]
enum FilterState {
    Text,
    Reasoning,
    /// After reasoning: white space is dropped until text comes.
    After,
}

impl ReasoningFilter {
    /// The filter of one answer; `inside` when the template has opened the reasoning.
    pub(super) fn new(inside: bool) -> Self {
        let state = if inside { FilterState::Reasoning } else { FilterState::Text };
        Self { state, begun: false, blank: true, held: String::new() }
    }

    /// Whether what comes next is reasoning.
    pub(super) fn is_inside(&self) -> bool {
        self.state == FilterState::Reasoning
    }

    /// Adds text and returns what can be shown; what might be the start of a tag is held back.
    pub(super) fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        let mut out = String::new();
        loop {
            if self.state == FilterState::Reasoning {
                let Some(at) = self.held.find(CLOSE) else {
                    let doubtful = (1..CLOSE.len()).rev().find(|end| self.held.ends_with(&CLOSE[..*end]));
                    self.held.drain(..self.held.len() - doubtful.unwrap_or(0));
                    return out;
                };
                self.held.drain(..at + CLOSE.len());
                self.state = FilterState::After;
            }
            if self.state == FilterState::After {
                self.held.drain(..self.held.len() - self.held.trim_start().len());
                if self.held.is_empty() {
                    return out;
                }
                self.state = FilterState::Text;
            }
            let (at, opens) = self.next_tag();
            if self.begun || !self.held[..at].trim().is_empty() {
                self.begun = true;
                self.blank = blank(&self.held[..at], self.blank);
                out.extend(self.held.drain(..at));
            } else if opens {
                self.held.drain(..at);
            }
            if !opens {
                return out;
            }
            self.held.drain(..OPEN.len());
            self.state = FilterState::Reasoning;
        }
    }

    /// What was held back, once nothing more can come; reasoning without an end stays hidden.
    pub(super) fn finish(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        if self.state == FilterState::Reasoning { String::new() } else { held }
    }

    /// The index up to which the text is no reasoning, and whether reasoning opens there.
    fn next_tag(&self) -> (usize, bool) {
        let tags = self.held.match_indices('<').map(|(at, _)| at);
        for at in tags.filter(|at| blank(&self.held[..*at], self.blank)) {
            let rest = &self.held[at..];
            if rest.starts_with(OPEN) {
                return (at, true);
            } else if OPEN.starts_with(rest) {
                return (at, false);
            }
        }
        (self.held.len(), false)
    }
}

/// Whether the last line of a text is blank; `before` says so of the line that it continues.
fn blank(text: &str, before: bool) -> bool {
    match text.rfind('\n') {
        Some(at) => text[at..].trim().is_empty(),
        None => before && text.trim().is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Reasoning, ReasoningFilter};

    fn through(inside: bool, pieces: &[&str]) -> String {
        let mut filter = ReasoningFilter::new(inside);
        let mut out: String = pieces.iter().map(|piece| filter.push(piece)).collect();
        out.push_str(&filter.finish());
        out
    }

    #[test]
    fn reasoning_is_not_shown() {
        let cases = [
            ("<think>\nDonc…\n</think>\n\nBonjour.", "Bonjour."),
            ("\n<think></think>Bonjour.", "Bonjour."),
            ("Un.\n\n<think>hm</think>\n\nDeux.", "Un.\n\nDeux."),
            ("<think>a</think> <think>b</think> c", "c"),
            ("<think>a <think> b</think>c", "c"),
            // An answer that is only reasoning, with or without its end.
            ("<think>a</think>\n", ""),
            ("<think>jamais fini", ""),
            ("<think>a</thin", ""),
            // What only looks like one.
            ("La balise <think> ouvre.", "La balise <think> ouvre."),
            ("a < b, <thin", "a < b, <thin"),
            ("<thin", "<thin"),
            ("<b>gras</b></think>", "<b>gras</b></think>"),
            (" \n", " \n"),
            ("  texte", "  texte"),
        ];
        for (text, shown) in cases {
            assert_eq!(through(false, &[text]), shown, "{text}");
        }
        assert_eq!(through(true, &["Donc…</think>\n\nBonjour."]), "Bonjour.");
        assert_eq!(through(true, &["Donc…"]), "");
    }

    #[test]
    fn text_is_not_held_longer_than_it_is_in_doubt() {
        let mut filter = ReasoningFilter::new(false);
        let pieces = ["Oui", ".\n<", "th", "e", " a <", "think>"].map(|piece| filter.push(piece));
        assert_eq!(pieces, ["Oui", ".\n", "", "<the", " a <", "think>"]);
    }

    #[test]
    fn a_template_can_open_the_reasoning_and_close_it() {
        assert_eq!(Reasoning::after("<|im_start|>assistant\n<think>\n"), Reasoning::Open);
        assert_eq!(Reasoning::after("<|im_start|>assistant\n<think>\n\n</think>\n\n"), Reasoning::Closed);
        assert_eq!(Reasoning::after(""), Reasoning::Possible);
    }

    proptest! {
        #[test]
        fn what_is_shown_does_not_depend_on_the_pieces(
            words in prop::collection::vec(
                prop_oneof![
                    Just("<think>"), Just("</think>"), Just("<"), Just("<th"), Just("ink>"), Just("</"), Just("\n"), Just(" "), Just("é")
                ],
                0..14,
            ),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
            inside in any::<bool>(),
        ) {
            let whole = words.concat();
            let mut cuts: Vec<usize> =
                cuts.iter().map(|cut| cut.index(whole.len() + 1)).filter(|cut| whole.is_char_boundary(*cut)).collect();
            cuts.extend([0, whole.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|cut| &whole[cut[0]..cut[1]]).collect();
            prop_assert_eq!(through(inside, &pieces), through(inside, &[&whole]));
        }

        #[test]
        fn a_text_without_tags_passes_unchanged(text in "[a-z<> \n/é]{0,40}") {
            prop_assume!(!text.contains("<think>"));
            prop_assert_eq!(through(false, &[&text]), text);
        }
    }
}
