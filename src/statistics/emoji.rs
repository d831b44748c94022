//! Ratings as people give them: by an emoji on an answer.

use super::counters::{Rating, Reason};

impl Rating {
    /// The rating that an emoji is, whatever its skin tone and presentation.
    #[must_use]
    pub fn of_emoji(emoji: &str) -> Option<Self> {
        match bare(emoji).as_str() {
            "👍" | "✅" => Some(Self::Useful),
            "👎" | "❌" => Some(Self::NotUseful),
            _ => None,
        }
    }

    /// The emoji that stands for it.
    #[must_use]
    pub fn emoji(self) -> &'static str {
        match self {
            Self::Useful => "👍",
            Self::NotUseful => "👎",
        }
    }
}

impl Reason {
    /// The reason that an emoji is.
    #[must_use]
    pub fn of_emoji(emoji: &str) -> Option<Self> {
        let asked = bare(emoji);
        Self::ALL.into_iter().find(|reason| bare(reason.emoji()) == asked)
    }

    /// The emoji that stands for it.
    #[must_use]
    pub fn emoji(self) -> &'static str {
        match self {
            Self::Wrong => "1️⃣",
            Self::Incomplete => "2️⃣",
            Self::OffTopic => "3️⃣",
            Self::TooLong => "4️⃣",
            Self::Sources => "5️⃣",
        }
    }
}

/// The longest emoji that is looked at, in bytes. A reaction may be as long as an event.
const LONGEST: usize = 64;

/// An emoji without its skin tone and without the marks that ask for its coloured or its plain form. Some clients take any text as a reaction,
/// with the spaces around it.
fn bare(emoji: &str) -> String {
    let is_mark = |letter: &char| matches!(letter, '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    let emoji = if emoji.len() > LONGEST { "" } else { emoji.trim() };
    emoji.chars().filter(|letter| !is_mark(letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Rating, Reason};

    #[test]
    fn ratings_are_known_by_their_emoji_whatever_its_form() {
        let (useful, not) = (Some(Rating::Useful), Some(Rating::NotUseful));
        for (emoji, rating) in [
            ("👍", useful),
            ("👍\u{fe0f}", useful),
            ("👍🏻", useful),
            ("👍🏿\u{fe0f}", useful),
            ("✅", useful),
            ("👎🏽", not),
            ("❌\u{fe0e}", not),
            ("🛑", None),
            ("👍👍", None),
            ("🏽", None),
            // As clients with a field for any text send it.
            (" 👍 ", useful),
            ("👎\u{fe0f}\n", not),
            // A custom emoji is a picture, or the name of one: what it shows is not known.
            ("mxc://example.org/thumbsup", None),
            (":thumbsup:", None),
            (":+1:", None),
            ("+1", None),
            ("-1", None),
            ("👍 👍", None),
            // One emoji of several.
            ("👍\u{200d}👎", None),
            ("\u{200d}", None),
            ("\u{fe0f}", None),
            ("", None),
        ] {
            assert_eq!(Rating::of_emoji(emoji), rating, "{emoji}");
        }
        assert_eq!(Rating::of_emoji(&format!("👍{}", "🏽".repeat(10_000))), None);
        for reason in Reason::ALL {
            assert_eq!(Reason::of_emoji(reason.emoji()), Some(reason));
            assert_eq!(Reason::of_emoji(&reason.emoji().replace('\u{fe0f}', "")), Some(reason));
        }
        for other in ["1", "6️⃣", "👍", "①", "1\u{20e3}2\u{20e3}"] {
            assert_eq!(Reason::of_emoji(other), None, "{other}");
        }
    }
}
