//! Every sentence the bot says by itself, in one place: French first, English second.

use jiff::civil::Date;
use serde::Deserialize;

use crate::matrix::{Refusal, Sentence};

/// The language of the bot's own sentences.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

impl Language {
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

/// A sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Too many questions wait.
    Busy,
    /// The question is older than the bot answers.
    TooOld,
    /// The question does not fit in what the model can read.
    TooLong,
    /// The bot was called and nothing was asked.
    NoQuestion,
    /// The model failed.
    Failed,
    /// The model wrote nothing.
    Empty,
    /// An invitation from another homeserver than those served.
    RefusedServer,
    /// An invitation from outside of the State.
    RefusedExternal,
    /// An invitation to a room open to people outside of the State.
    RefusedOpenRoom,
    /// Put after an answer that reached the greatest length allowed.
    Cut,
}

impl Text {
    /// All of them, for the tests and for who proofreads.
    pub const ALL: [Self; 10] = [
        Self::Busy,
        Self::TooOld,
        Self::TooLong,
        Self::NoQuestion,
        Self::Failed,
        Self::Empty,
        Self::RefusedServer,
        Self::RefusedExternal,
        Self::RefusedOpenRoom,
        Self::Cut,
    ];

    /// What is said of a refused invitation, in a language.
    #[must_use]
    pub fn refusal(language: Language) -> Sentence {
        const fn text(refusal: Refusal) -> Text {
            match refusal {
                Refusal::Server => Text::RefusedServer,
                Refusal::External => Text::RefusedExternal,
                Refusal::OpenRoom => Text::RefusedOpenRoom,
            }
        }
        match language {
            Language::Fr => |refusal| text(refusal).say(Language::Fr),
            Language::En => |refusal| text(refusal).say(Language::En),
        }
    }

    /// The sentence in a language.
    #[must_use]
    pub fn say(self, language: Language) -> &'static str {
        let (fr, en) = match self {
            Self::Busy => (
                "Je réponds déjà à beaucoup de questions. Reposez-moi la vôtre dans une minute.",
                "I am answering many questions already. Please ask yours again in a minute.",
            ),
            Self::TooOld => (
                "J’étais arrêté quand vous avez posé cette question, et elle date : je n’y réponds pas. Reposez-la si elle vous est encore utile.",
                "I was stopped when you asked this question, and it is old by now: I am not answering it. Ask again if you still need it.",
            ),
            Self::TooLong => (
                "Votre message est trop long pour que je le lise en une fois. Raccourcissez-le ou envoyez-le en plusieurs messages.",
                "Your message is too long for me to read at once. Shorten it, or send it as several messages.",
            ),
            Self::NoQuestion => (
                "Vous m’avez appelé sans rien me demander. Écrivez votre question dans le même message.",
                "You called me without asking anything. Write your question in the same message.",
            ),
            Self::Failed => (
                "Je n’ai pas pu répondre : le modèle a rencontré une erreur. Reposez votre question ; si cela se reproduit, prévenez l’administrateur du service.",
                "I could not answer: the model met an error. Ask again; if it happens once more, tell the administrator of the service.",
            ),
            Self::Empty => (
                "Je n’ai rien trouvé à répondre. Posez votre question autrement.",
                "I found nothing to answer. Please ask in another way.",
            ),
            Self::RefusedServer => (
                "Je ne réponds qu’aux agents de mon administration : je ne peux pas rejoindre ce salon.",
                "I only serve the staff of my own organisation: I cannot join this room.",
            ),
            Self::RefusedExternal => (
                "Je ne suis pas ouvert aux invités externes : je ne peux pas rejoindre ce salon.",
                "I am not open to external guests: I cannot join this room.",
            ),
            Self::RefusedOpenRoom => (
                "Je ne rejoins pas les salons ouverts aux externes.",
                "I do not join rooms that are open to external guests.",
            ),
            Self::Cut => (
                "*(Réponse arrêtée : longueur maximale atteinte. Demandez-moi de continuer.)*",
                "*(Answer stopped at the greatest length allowed. Ask me to go on.)*",
            ),
        };
        match language {
            Language::Fr => fr,
            Language::En => en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Language, Text};

    #[test]
    fn dates_are_in_words() {
        let first = jiff::civil::date(2026, 8, 1);
        assert_eq!(Language::Fr.date(first), "1er août 2026");
        assert_eq!(Language::En.date(first), "1 August 2026");
    }

    #[test]
    fn each_sentence_exists_once_in_each_language() {
        let mut seen = std::collections::BTreeSet::new();
        for text in Text::ALL {
            for language in [Language::Fr, Language::En] {
                let sentence = text.say(language);
                assert!(!sentence.trim().is_empty() && seen.insert(sentence), "{text:?} {language:?}");
            }
        }
    }
}
