//! The common base: the rules that hold for every compagnon. The program writes them before a compagnon's own text, whoever wrote that, so
//! none has to repeat them, and none can leave them out. Pure.

use super::{
    definition::{Unfilled, filled, lines},
    language::Language,
};

/// The most characters of a base: it stands before everything that a model reads, in each conversation.
pub(super) const LONGEST: usize = 6_000;

/// Why a file cannot be the common base. Each is one sentence that names the remedy.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum BaseError {
    /// There is no text.
    #[error("the common base is empty; without this file, the one that comes with the program is used")]
    Empty,
    /// It begins with a front matter.
    #[error("the common base has no front matter: it is text alone")]
    FrontMatter,
    /// It is too long.
    #[error("the common base is longer than {LONGEST} characters")]
    TooLong,
    /// A variable does not exist.
    #[error(
        "`{0}` is not a variable of the common base, which is the same in all rooms; there are `date`, `organisation`"
    )]
    Variable(String),
    /// A variable does not end.
    #[error("a `{{{{` is not closed by `}}}}`")]
    Unclosed,
}

/// The base in each language that the bot speaks. Its variables are not yet replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bases {
    fr: String,
    en: String,
}

impl Default for Bases {
    /// Those that come with the program.
    fn default() -> Self {
        let [fr, en] = [include_str!("../../prompts/socle.md"), include_str!("../../prompts/socle.en.md")];
        Self { fr: lines(fr).trim().to_owned(), en: lines(en).trim().to_owned() }
    }
}

impl Bases {
    /// The language whose base a file of the prompts folder is, by its name without `.md`.
    pub(super) fn language_of(id: &str) -> Option<Language> {
        match id {
            "socle" => Some(Language::Fr),
            "socle.en" => Some(Language::En),
            _ => None,
        }
    }

    /// Puts the text of a file in the place of one of them. Where it is refused, the one there was stays.
    pub(super) fn replace(&mut self, language: Language, text: &str) -> Result<(), BaseError> {
        let text = lines(text.trim_start_matches('\u{feff}')).trim().to_owned();
        if text.is_empty() {
            return Err(BaseError::Empty);
        }
        if text.starts_with("---\n") {
            return Err(BaseError::FrontMatter);
        }
        if text.chars().count() > LONGEST {
            return Err(BaseError::TooLong);
        }
        replaced(&text, "", "").map_err(|unfilled| match unfilled {
            Unfilled::Unknown(name) => BaseError::Variable(name),
            Unfilled::Unclosed => BaseError::Unclosed,
        })?;
        *self.of_mut(language) = text;
        Ok(())
    }

    /// Takes one of them from others.
    pub(super) fn take(&mut self, language: Language, others: &Self) {
        others.of(language).clone_into(self.of_mut(language));
    }

    /// What stands before a compagnon's own text: the rules, and the words that announce a role. It is the same for all rooms of a language, so
    /// that a model reads it once for all of them.
    #[must_use]
    pub fn written(&self, language: Language, date: &str, organisation: &str) -> String {
        let text = self.of(language);
        // Whatever is kept was filled once before.
        let rules = replaced(text, date, organisation).unwrap_or_else(|_| text.to_owned());
        let role = match language {
            Language::Fr => "Votre rôle :",
            Language::En => "Your role:",
        };
        format!("{rules}\n\n{role}")
    }

    fn of(&self, language: Language) -> &str {
        match language {
            Language::Fr => &self.fr,
            Language::En => &self.en,
        }
    }

    fn of_mut(&mut self, language: Language) -> &mut String {
        match language {
            Language::Fr => &mut self.fr,
            Language::En => &mut self.en,
        }
    }
}

/// A base with its variables replaced.
fn replaced(text: &str, date: &str, organisation: &str) -> Result<String, Unfilled> {
    filled(text, |name| match name {
        "date" => Some(date),
        "organisation" => Some(organisation),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::{BaseError, Bases, LONGEST, Language};

    #[test]
    fn the_embedded_ones_say_what_every_compagnon_needs_in_few_words() {
        let bases = Bases::default();
        for (language, date) in [(Language::Fr, "24 novembre 2026"), (Language::En, "24 November 2026")] {
            let base = bases.written(language, date, "la préfecture");
            for needed in ["Tchap", "3114", "15", "112", "114", "SMS", "Diffusion Restreinte", date, "la préfecture"] {
                let needed = if needed == "SMS" && language == Language::En { "text message" } else { needed };
                assert!(base.contains(needed), "{language:?} lacks {needed}");
            }
            assert!(base.chars().count() < 1_500 && !base.contains("{{"), "{}", base.chars().count());
            // What changes each day stands last, so that what a model has computed of the rules lasts longer than that.
            let (rules, last) = base.split_once(date).expect("a date");
            assert!(rules.len() > last.len() * 10, "{last}");
        }
        assert_eq!(bases.written(Language::Fr, "", "").lines().last(), Some("Votre rôle :"));
        assert_eq!(bases.written(Language::En, "", "").lines().last(), Some("Your role:"));
    }

    #[test]
    fn a_file_takes_the_place_of_one_of_them() {
        let mut bases = Bases::default();
        let english = bases.written(Language::En, "", "");
        let text = "\u{feff}Nous sommes le {{ date }}.\r\nVous travaillez pour {{organisation}}.\n\n";
        bases.replace(Language::Fr, text).expect("a good text");
        let written = bases.written(Language::Fr, "24 novembre", "{{ date }}");
        assert_eq!(written, "Nous sommes le 24 novembre.\nVous travaillez pour {{ date }}.\n\nVotre rôle :");
        assert_eq!(bases.written(Language::En, "", ""), english);
    }

    #[test]
    fn what_cannot_be_a_base_is_refused_and_the_one_there_was_stays() {
        let variable = |name: &str| BaseError::Variable(name.to_owned());
        for (text, expected) in [
            ("", BaseError::Empty),
            ("\u{feff} \n", BaseError::Empty),
            ("---\nname: C\n---\nRègles.", BaseError::FrontMatter),
            ("Vous êtes {{ name }}.", variable("name")),
            ("Dans {{ room }}.", variable("room")),
            ("Le {{ date", BaseError::Unclosed),
            (&"x".repeat(LONGEST + 1), BaseError::TooLong),
        ] {
            let mut bases = Bases::default();
            assert_eq!(bases.replace(Language::Fr, text), Err(expected), "{text:.20}");
            assert_eq!(bases, Bases::default());
        }
    }
}
