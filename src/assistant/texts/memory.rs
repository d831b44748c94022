//! The sentences about what people have asked to be remembered, in both languages.

use std::time::Duration;

use crate::compagnon::Language;

/// A sentence about what is remembered.
#[derive(Clone, Debug, PartialEq)]
pub enum Memory<'a> {
    /// A fact is remembered now, for the person.
    Noted {
        /// Its number.
        number: u32,
        /// Whether it may have been meant for the room.
        room_meant: bool,
    },
    /// A fact is remembered now, for the room.
    NotedForRoom {
        /// Its number.
        number: u32,
        /// The fact as it is remembered, fit to be shown.
        fact: &'a str,
    },
    /// It was remembered already; its time begins anew.
    Known(FactPlace),
    /// The fact is longer than what is remembered.
    TooLong {
        /// The most characters. `None`: the model takes less.
        limit: Option<usize>,
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
        /// Whether there is more that is not shown here.
        hidden: bool,
        /// How long it is kept.
        retention: Duration,
    },
    /// Nothing is remembered that may be shown here.
    Nothing {
        /// Whether this is a direct conversation.
        direct: bool,
        /// Whether there is something that is not shown here.
        hidden: bool,
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

const HIDDEN_FR: &str = " Ce que vous m’avez fait retenir quand nous étions seuls reste caché ici ; `!oublier mémoire` efface tout ce que je retiens pour vous.";
const HIDDEN_EN: &str = " What you had me remember when we were alone stays hidden here; `!forget memory` erases everything that I remember for you.";

/// In French. `after` says at the end of what time.
pub fn fr(memory: &Memory<'_>, after: impl Fn(Duration) -> String) -> String {
    match memory {
        Memory::Noted { number, room_meant } => {
            let meant = if *room_meant { " Pour tout le salon, mettez deux-points : `!retenir salon : …`." } else { "" };
            format!("C’est noté : j’en tiendrai compte quand vous m’écrirez ici, et nulle part ailleurs.{meant} Pour tout voir : `!mémoire` ; pour l’oublier : `!oublier mémoire {number}`.")
        }
        Memory::NotedForRoom { number, fact } => format!(
            "C’est noté pour ce salon : j’en tiendrai compte pour tous ceux qui m’écrivent ici, et nulle part ailleurs.\n\n> {fact}\n\nPour tout voir : `!mémoire` ; pour l’oublier : `!oublier mémoire salon {number}`."
        ),
        Memory::Known(place) => format!("Je le savais déjà (`{}`).", place.fr()),
        Memory::TooLong { limit: Some(limit) } => {
            format!("C’est trop long à retenir : {limit} caractères au plus. Écrivez un fait en une phrase.")
        }
        Memory::TooLong { limit: None } => "C’est trop long à retenir. Écrivez un fait en une phrase courte.".to_owned(),
        Memory::Full { of_room, limit: 1 } => {
            let (whom, place) = if *of_room { ("ce salon", " salon") } else { ("vous ici", "") };
            format!(
                "Je retiens déjà un fait pour {whom}, et il n’y a pas la place d’un autre. Oubliez-le avec `!oublier mémoire{place}`, ou écrivez plus court ; pour le voir : `!mémoire`."
            )
        }
        Memory::Full { of_room: false, limit } => format!(
            "Je retiens déjà {limit} faits pour vous ici, et pas davantage. Oubliez-en un avec `!oublier mémoire` et son numéro ; pour les voir : `!mémoire`."
        ),
        Memory::Full { of_room: true, limit } => format!(
            "Je retiens déjà {limit} faits pour ce salon, et pas davantage. Oubliez-en un avec `!oublier mémoire salon` et son numéro ; pour les voir : `!mémoire`."
        ),
        Memory::List { person, room, hidden, retention } => {
            let mut text = "**Ce que je retiens ici**".to_owned();
            for (heading, facts) in [("Pour vous :", person), ("Pour tout le salon :", room)] {
                if !facts.is_empty() {
                    text = format!("{text}\n\n{heading}\n\n{facts}");
                }
            }
            format!(
                "{text}\n\nJ’oublie chaque fait au bout {}, ou avec `!oublier mémoire` et son numéro.{}",
                after(*retention),
                if *hidden { HIDDEN_FR } else { "" }
            )
        }
        Memory::Nothing { direct: true, .. } => {
            "Je ne retiens rien pour vous ici. Pour que je retienne un fait : `!retenir`, puis ce fait.".to_owned()
        }
        Memory::Nothing { direct: false, hidden: true } => format!("Je n’ai rien à montrer dans ce salon.{HIDDEN_FR}"),
        Memory::Nothing { direct: false, hidden: false } => {
            "Je ne retiens rien pour vous ni pour ce salon. Pour que je retienne un fait : `!retenir`, puis ce fait ; pour tout le salon, ses administrateurs écrivent `!retenir salon : …`.".to_owned()
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
        Memory::Noted { number, room_meant } => {
            let meant = if *room_meant { " For the whole room, put a colon: `!remember room: …`." } else { "" };
            format!("Noted: I will take it into account when you write to me here, and nowhere else.{meant} To see everything: `!memory`; to make me forget it: `!forget memory {number}`.")
        }
        Memory::NotedForRoom { number, fact } => format!(
            "Noted for this room: I will take it into account for everybody who writes to me here, and nowhere else.\n\n> {fact}\n\nTo see everything: `!memory`; to make me forget it: `!forget memory room {number}`."
        ),
        Memory::Known(place) => format!("I knew that already (`{}`).", place.en()),
        Memory::TooLong { limit: None } => "This is too long to remember. Write one fact in a short sentence.".to_owned(),
        Memory::Full { of_room, limit: 1 } => {
            let (whom, place) = if *of_room { ("this room", " room") } else { ("you here", "") };
            format!(
                "I already remember one fact for {whom}, and there is no space for another one. Make me forget it with `!forget memory{place}`, or write less; to see it: `!memory`."
            )
        }
        Memory::TooLong { limit: Some(limit) } => {
            format!("This is too long to remember: {limit} characters at most. Write one fact in one sentence.")
        }
        Memory::Full { of_room: false, limit } => format!(
            "I already remember {limit} facts for you here, which is the most. Make me forget one with `!forget memory` and its number; to see them: `!memory`."
        ),
        Memory::Full { of_room: true, limit } => format!(
            "I already remember {limit} facts for this room, which is the most. Make me forget one with `!forget memory room` and its number; to see them: `!memory`."
        ),
        Memory::List { person, room, hidden, retention } => {
            let mut text = "**What I remember here**".to_owned();
            for (heading, facts) in [("For you:", person), ("For the whole room:", room)] {
                if !facts.is_empty() {
                    text = format!("{text}\n\n{heading}\n\n{facts}");
                }
            }
            let hidden = if *hidden { HIDDEN_EN } else { "" };
            format!(
                "{text}\n\nI forget each fact after {}, or with `!forget memory` and its number.{hidden}",
                span(*retention)
            )
        }
        Memory::Nothing { direct: true, .. } => {
            "I remember nothing for you here. To have me remember a fact: `!remember`, then the fact.".to_owned()
        }
        Memory::Nothing { direct: false, hidden: true } => format!("I have nothing to show in this room.{HIDDEN_EN}"),
        Memory::Nothing { direct: false, hidden: false } => {
            "I remember nothing for you or for this room. To have me remember a fact: `!remember`, then the fact; for the whole room, its administrators write `!remember room: …`.".to_owned()
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
