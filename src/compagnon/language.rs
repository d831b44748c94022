//! The languages the bot speaks by itself.

use std::fmt::Display;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The language of the bot's own sentences.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

impl Language {
    /// A number with its decimals, as people of the language write it.
    #[must_use]
    pub fn decimal(self, number: impl Display) -> String {
        match self {
            Self::Fr => number.to_string().replace('.', ","),
            Self::En => number.to_string(),
        }
    }

    /// A whole number with its thousands set apart.
    #[must_use]
    pub fn number(self, number: impl Display) -> String {
        let digits = number.to_string();
        let mark = match self {
            // A narrow space, where no line ends.
            Self::Fr => '\u{202f}',
            Self::En => ',',
        };
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(mark);
            }
            text.push(digit);
        }
        text
    }

    /// A date in words, as a system prompt gives it.
    #[must_use]
    pub fn date(self, date: Date) -> String {
        const FR: [&str; 12] = [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ];
        match self {
            Self::Fr => {
                let day = if date.day() == 1 { "1er".to_owned() } else { date.day().to_string() };
                let month = FR.get(usize::from(date.month().unsigned_abs()) - 1).copied().unwrap_or_default();
                format!("{day} {month} {}", date.year())
            }
            Self::En => date.strftime("%-d %B %Y").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn thousands_are_set_apart() {
        for (number, french, english) in [(0, "0", "0"), (999, "999", "999"), (16_000, "16\u{202f}000", "16,000")] {
            assert_eq!((Language::Fr.number(number), Language::En.number(number)), (french.into(), english.into()));
        }
        assert_eq!(Language::Fr.number(1_234_567), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn dates_are_in_words() {
        let first = jiff::civil::date(2026, 8, 1);
        assert_eq!(Language::Fr.date(first), "1er août 2026");
        assert_eq!(Language::En.date(first), "1 August 2026");
    }
}
