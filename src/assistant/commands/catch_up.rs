//! `!manqué`: what its author has missed in a room. A job: `assistant::jobs` carries it out.

use super::{Spec, words::core};
use crate::index::french::fold;

pub(super) const SPEC: Spec = Spec {
    names: &["manqué", "missed"],
    forms: [
        &[
            ("", "résumé, pour vous seul, de ce qui s’est dit ici depuis votre dernier message"),
            ("depuis lundi", "ou depuis un autre moment"),
        ],
        &[
            ("", "a summary, for you alone, of what was said here since your last message"),
            ("since Monday", "or since another time"),
        ],
    ],
    urgent: false,
    instance: false,
};

/// Questions that ask for it, folded, and whether they are in English.
const ASKED: [(&str, bool); 12] = [
    ("qu'ai-je manque", false),
    ("qu'ai je manque", false),
    ("qu'est-ce que j'ai manque", false),
    ("qu'est ce que j'ai manque", false),
    ("qu'ai-je rate", false),
    ("qu'est-ce que j'ai rate", false),
    ("j'ai manque quoi", false),
    ("j'ai rate quoi", false),
    ("what did i miss", true),
    ("what have i missed", true),
    ("what i missed", true),
    ("did i miss anything", true),
];

/// Whether somebody who speaks to the bot asks what they have missed; gives whether in English.
pub(super) fn is_asked(text: &str) -> Option<bool> {
    let text = fold(core(text).trim_end_matches(['?', '？', '!', '.']).trim_end());
    ASKED.iter().find(|(asked, _)| *asked == text).map(|(_, english)| *english)
}

#[cfg(test)]
mod tests {
    use super::is_asked;

    #[test]
    fn the_question_is_known_as_people_write_it() {
        for text in ["Qu’ai-je manqué ?", "qu'ai je manque", "Qu’est-ce que j’ai raté ?", "QU’AI-JE MANQUÉ ??"]
        {
            assert_eq!(is_asked(text), Some(false), "{text}");
        }
        assert_eq!(is_asked("What did I miss?"), Some(true));
        for text in ["Qu’ai-je manqué dans ce décret ?", "J’ai manqué le train", ""] {
            assert_eq!(is_asked(text), None, "{text}");
        }
    }
}
