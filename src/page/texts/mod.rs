//! Every sentence of the public page, French first: short ones in `fr` and `en`, the pages that are read as Markdown beside them.
//!
//! Apart from `assistant/texts`, because nothing of it is said in a conversation and none of that is said here. `{…}` is filled in by `view`.

mod en;
mod fr;
mod words;

use crate::compagnon::Language;

pub(super) use self::words::Words;

/// The declaration of accessibility, as the law asks for it.
pub(super) const ACCESSIBILITY_FR: &str = include_str!("accessibilite.fr.md");
pub(super) const ACCESSIBILITY_EN: &str = include_str!("accessibilite.en.md");
/// What is counted, and what is not.
pub(super) const PRIVACY_FR: &str = include_str!("confidentialite.fr.md");
pub(super) const PRIVACY_EN: &str = include_str!("confidentialite.en.md");

/// The address of the guide, which is in French.
pub(super) const GUIDE: &str = "guide";

/// The addresses of the data, in both languages.
pub(super) const CSV: &str = "statistiques.csv";
pub(super) const JSON: &str = "statistiques.json";

/// The sentences of a language.
pub(super) fn words(language: Language) -> &'static Words {
    match language {
        Language::Fr => &fr::WORDS,
        Language::En => &en::WORDS,
    }
}

/// The language's code.
pub(super) fn code(language: Language) -> &'static str {
    match language {
        Language::Fr => "fr",
        Language::En => "en",
    }
}

/// A page with an address in each language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Statistics,
    Accessibility,
    Privacy,
}

impl Address {
    /// Relative, so that a proxy may put the site below a path.
    pub(super) fn path(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Statistics, Language::Fr) => "statistiques",
            (Self::Statistics, Language::En) => "statistics",
            (Self::Accessibility, Language::Fr) => "accessibilite",
            (Self::Accessibility, Language::En) => "accessibility",
            (Self::Privacy, Language::Fr) => "confidentialite",
            (Self::Privacy, Language::En) => "privacy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ACCESSIBILITY_EN, ACCESSIBILITY_FR, PRIVACY_EN, PRIVACY_FR, words};
    use crate::compagnon::Language;

    #[test]
    fn every_sentence_is_said_somewhere_and_in_both_languages() {
        let said = [
            include_str!("../view.rs"),
            include_str!("../tables.rs"),
            include_str!("../templates.rs"),
            include_str!("../templates/layout.html"),
            include_str!("../templates/statistics.html"),
            include_str!("../templates/notice.html"),
        ];
        let all = [Language::Fr, Language::En].map(|language| serde_json::to_value(words(language)).expect("plain"));
        for (name, french) in all[0].as_object().expect("a struct") {
            let used = |text: &&str| text.contains(&format!(".{name}"));
            assert!(said.iter().any(used), "{name} is said nowhere");
            let places = |text: &str| {
                text.split('{')
                    .skip(1)
                    .filter_map(|rest| rest.split_once('}'))
                    .map(|(name, _)| name.to_owned())
                    .collect::<std::collections::BTreeSet<_>>()
            };
            let [french, english] = [french, &all[1][name]].map(|text| text.as_str().expect("text"));
            assert!(!french.trim().is_empty() && !english.trim().is_empty(), "{name}");
            assert_eq!(places(french), places(english), "{name}");
            assert!(!french.contains('\''), "{name}: the apostrophe is ’");
        }
    }

    #[test]
    fn both_languages_have_the_same_headings() {
        for (french, english) in [(ACCESSIBILITY_FR, ACCESSIBILITY_EN), (PRIVACY_FR, PRIVACY_EN)] {
            let levels = |text: &str| {
                text.lines()
                    .filter(|line| line.starts_with('#'))
                    .map(|line| line.matches('#').count())
                    .collect::<Vec<_>>()
            };
            assert_eq!(levels(french), levels(english));
            assert!(!french.contains('\''), "the apostrophe is ’");
        }
    }
}
