//! The sentences about what people have asked to be remembered, in both languages.

use std::time::Duration;

use crate::compagnon::Language;

/// A sentence about what is remembered.
#[derive(Clone, Debug, PartialEq)]
pub enum Memory<'a> {
    /// A fact is remembered now.
    Noted(FactPlace),
    /// It was remembered already; its time begins anew.
    Known(FactPlace),
    /// The fact has more characters than are remembered.
    TooLong {
        /// The most characters.
        limit: usize,
    },
    /// As many facts are remembered as there may be.
    Full {
        /// Whether those of the room.
        of_room: bool,
        /// How many.
        limit: usize,
    },
    /// What is remembered: lists of facts, empty where there are none.
    List {
        /// For the person who asks.
        person: &'a str,
        /// For everybody in the room.
        room: &'a str,
        /// How long it is kept.
        retention: Duration,
    },
    /// Nothing is remembered.
    Nothing {
        /// Whether this is a direct conversation.
        direct: bool,
    },
    /// There is no fact of that number.
    NoSuch(FactPlace),
    /// A fact is forgotten.
    Forgotten(FactPlace),
    /// All facts are forgotten.
    ForgottenAll {
        /// Whether those of the room.
        of_room: bool,
    },
}

/// The number of a fact, among those of the room or of the person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FactPlace {
    /// Whether it is the room's.
    pub of_room: bool,
    /// The number.
    pub number: u32,
}

impl FactPlace {
    /// As it is written in a command.
    pub fn written(self, language: Language) -> String {
        match language {
            Language::Fr => self.fr(),
            Language::En => self.en(),
        }
    }

    fn fr(self) -> String {
        let Self { of_room, number } = self;
        if of_room { format!("salon {number}") } else { number.to_string() }
    }

    fn en(self) -> String {
        let Self { of_room, number } = self;
        if of_room { format!("room {number}") } else { number.to_string() }
    }
}

/// In French. `after` says at the end of what time.
pub fn fr(memory: &Memory<'_>, after: impl Fn(Duration) -> String) -> String {
    match memory {
        Memory::Noted(place) => {
            let what = if place.of_room {
                "C’est noté pour ce salon : j’en tiendrai compte pour tous ceux qui m’écrivent ici, et nulle part ailleurs."
            } else {
                "C’est noté : j’en tiendrai compte quand vous m’écrirez ici, et nulle part ailleurs."
            };
            let place = place.fr();
            format!("{what} Pour tout voir : `!mémoire` ; pour l’oublier : `!oublier mémoire {place}`.")
        }
        Memory::Known(place) => format!("Je le savais déjà (`{}`).", place.fr()),
        Memory::TooLong { limit } => {
            format!("C’est trop long à retenir : {limit} caractères au plus. Écrivez un fait en une phrase.")
        }
        Memory::Full { of_room: false, limit } => format!(
            "Je retiens déjà {limit} faits pour vous ici, et pas davantage. Oubliez-en un avec `!oublier mémoire` et son numéro ; pour les voir : `!mémoire`."
        ),
        Memory::Full { of_room: true, limit } => format!(
            "Je retiens déjà {limit} faits pour ce salon, et pas davantage. Oubliez-en un avec `!oublier mémoire salon` et son numéro ; pour les voir : `!mémoire`."
        ),
        Memory::List { person, room, retention } => {
            let mut text = "**Ce que je retiens ici**".to_owned();
            for (heading, facts) in [("Pour vous :", person), ("Pour tout le salon :", room)] {
                if !facts.is_empty() {
                    text = format!("{text}\n\n{heading}\n\n{facts}");
                }
            }
            format!(
                "{text}\n\nJ’oublie chaque fait au bout {}, ou avec `!oublier mémoire` et son numéro.",
                after(*retention)
            )
        }
        Memory::Nothing { direct: true } => {
            "Je ne retiens rien pour vous ici. Pour que je retienne un fait : `!retenir`, puis ce fait.".to_owned()
        }
        Memory::Nothing { direct: false } => {
            "Je ne retiens rien pour vous ni pour ce salon. Pour que je retienne un fait : `!retenir`, puis ce fait ; pour tout le salon, ses administrateurs écrivent `!retenir salon`.".to_owned()
        }
        Memory::NoSuch(place) => format!("Je ne retiens rien sous `{}`. Pour voir les numéros : `!mémoire`.", place.fr()),
        Memory::Forgotten(place) => format!(
            "C’est oublié (`{}`). Le message par lequel on me l’a dit reste affiché dans Tchap : supprimez-le si besoin.",
            place.fr()
        ),
        Memory::ForgottenAll { of_room: false } => {
            "J’ai oublié tout ce que je retenais pour vous ici. Les messages restent affichés dans Tchap.".to_owned()
        }
        Memory::ForgottenAll { of_room: true } => {
            "J’ai oublié tout ce que je retenais pour ce salon. Les messages restent affichés dans Tchap.".to_owned()
        }
    }
}

/// In English.
pub fn en(memory: &Memory<'_>, span: impl Fn(Duration) -> String) -> String {
    match memory {
        Memory::Noted(place) => {
            let what = if place.of_room {
                "Noted for this room: I will take it into account for everybody who writes to me here, and nowhere else."
            } else {
                "Noted: I will take it into account when you write to me here, and nowhere else."
            };
            let place = place.en();
            format!("{what} To see everything: `!memory`; to make me forget it: `!forget memory {place}`.")
        }
        Memory::Known(place) => format!("I knew that already (`{}`).", place.en()),
        Memory::TooLong { limit } => {
            format!("This is too long to remember: {limit} characters at most. Write one fact in one sentence.")
        }
        Memory::Full { of_room: false, limit } => format!(
            "I already remember {limit} facts for you here, which is the most. Make me forget one with `!forget memory` and its number; to see them: `!memory`."
        ),
        Memory::Full { of_room: true, limit } => format!(
            "I already remember {limit} facts for this room, which is the most. Make me forget one with `!forget memory room` and its number; to see them: `!memory`."
        ),
        Memory::List { person, room, retention } => {
            let mut text = "**What I remember here**".to_owned();
            for (heading, facts) in [("For you:", person), ("For the whole room:", room)] {
                if !facts.is_empty() {
                    text = format!("{text}\n\n{heading}\n\n{facts}");
                }
            }
            format!("{text}\n\nI forget each fact after {}, or with `!forget memory` and its number.", span(*retention))
        }
        Memory::Nothing { direct: true } => {
            "I remember nothing for you here. To have me remember a fact: `!remember`, then the fact.".to_owned()
        }
        Memory::Nothing { direct: false } => {
            "I remember nothing for you or for this room. To have me remember a fact: `!remember`, then the fact; for the whole room, its administrators write `!remember room`.".to_owned()
        }
        Memory::NoSuch(place) => format!("I remember nothing under `{}`. To see the numbers: `!memory`.", place.en()),
        Memory::Forgotten(place) => format!(
            "Forgotten (`{}`). The message that told me is still shown in Tchap: delete it if needed.",
            place.en()
        ),
        Memory::ForgottenAll { of_room: false } => {
            "I have forgotten everything that I remembered for you here. The messages are still shown in Tchap.".to_owned()
        }
        Memory::ForgottenAll { of_room: true } => {
            "I have forgotten everything that I remembered for this room. The messages are still shown in Tchap.".to_owned()
        }
    }
}
