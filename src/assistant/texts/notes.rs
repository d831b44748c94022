//! The sentences about notes of conversations, and the headings of a note. In both languages.

use crate::compagnon::Language;

/// A sentence about a note.
#[derive(Clone, Debug, PartialEq)]
pub enum Notes<'a> {
    /// How far the reading of a conversation has come.
    Reading {
        /// Parts that are read.
        read: usize,
        /// All of them.
        parts: usize,
    },
    /// How much was read, and why so much.
    Made {
        /// How many messages.
        messages: usize,
        /// By how many people.
        people: usize,
        /// The time of the first, in words.
        from: &'a str,
        /// The time of the last.
        to: &'a str,
        /// Why so much.
        reach: Reach,
    },
    /// Below a note: what it does not hold.
    LeftOut {
        /// Older messages were not read: there are too many.
        cut: bool,
        /// So many messages could not be read.
        unread: usize,
        /// Not everything had a place, or a part could not be noted.
        full: bool,
    },
    /// Below a published note.
    PublishedBy {
        /// Who read it over.
        name: &'a str,
    },
    /// Below a draft: how it is corrected and what becomes of it.
    Below {
        /// Until when it is kept, in words.
        until: &'a str,
    },
    /// Below a note for one person.
    BelowMissed,
    /// There is no message to be noted.
    Nothing,
    /// A conversation of two has no note.
    Direct,
    /// What follows the command is not understood.
    NotUnderstood,
    /// The command belongs into a thread.
    NoThread,
    /// There is no draft in this conversation.
    NoDraft,
    /// The model has written nothing that is a note.
    NotWritten,
    /// The homeserver does not give the messages.
    NotRead,
    /// A correction names what is not there.
    NoSuch {
        /// The number.
        index: usize,
    },
    /// The note was published.
    Published,
    /// The draft was dropped.
    Dropped,
    /// The note as a file was sent.
    File,
    /// The summary is sent to the person alone.
    MissedSent,
    /// It was asked for in a conversation of two.
    MissedDirect,
    /// Above the summary.
    MissedOf {
        /// The room's name, fit to be shown; empty where it has none.
        room: &'a str,
    },
    /// Nobody has written since.
    MissedNothing,
    /// There is no conversation of two to send it to.
    MissedNowhere,
}

/// Why so much was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Since the last note.
    LastNote,
    /// The last day: there is no earlier note.
    Day,
    /// The last messages: the last day has none.
    Few,
    /// As was asked.
    Asked,
    /// The whole thread.
    Thread,
    /// Since the person last wrote there.
    Own,
    /// The last two weeks: the person has not written there since.
    Fortnight,
}

/// The headings of a note.
#[derive(Clone, Copy, Debug)]
pub struct Headings {
    /// Before the object.
    pub note: &'static str,
    /// Before the names.
    pub participants: &'static str,
    /// Before the context.
    pub context: &'static str,
    /// The sections, in the order of the note.
    pub sections: [&'static str; 4],
    /// What an action without a person or a time says.
    pub nobody: &'static str,
    /// The text of a link to a message.
    pub message: &'static str,
    /// A note without an object.
    pub untitled: &'static str,
}

impl Headings {
    /// In a language.
    pub const fn of(language: Language) -> Self {
        match language {
            Language::Fr => Self {
                note: "Note",
                participants: "Participants",
                context: "Contexte",
                sections: ["Points abordés", "Décisions", "Actions", "Questions ouvertes"],
                nobody: "à attribuer",
                message: "message",
                untitled: "Note de la conversation",
            },
            Language::En => Self {
                note: "Note",
                participants: "Participants",
                context: "Context",
                sections: ["Points discussed", "Decisions", "Actions", "Open questions"],
                nobody: "nobody yet",
                message: "message",
                untitled: "Note of the conversation",
            },
        }
    }
}

/// In French.
pub(super) fn fr(text: &Notes<'_>) -> String {
    match text {
        Notes::Reading { parts: 1, .. } => "_Je lis la conversation…_".to_owned(),
        Notes::Reading { read, parts } => format!("_Je lis la conversation : {read} parties sur {parts}…_"),
        Notes::Made { messages, people, from, to, reach } => {
            let messages = if *messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") };
            let people = if *people == 1 { "d’une personne".to_owned() } else { format!("de {people} personnes") };
            let reach = match reach {
                Reach::LastNote => ", depuis la dernière note",
                Reach::Day => ", depuis 24 heures : je n’ai pas de note précédente ici",
                Reach::Few => ", les derniers : rien n’a été écrit depuis 24 heures",
                Reach::Thread => ", tout le fil",
                Reach::Own => ", depuis votre dernier message",
                Reach::Fortnight => ", depuis 14 jours : je n’y vois aucun message de vous",
                Reach::Asked => "",
            };
            format!("_{messages} {people}, du {from} au {to}{reach}._")
        }
        Notes::LeftOut { cut, unread, full } => {
            let mut said = Vec::new();
            if *cut {
                said.push("Les messages plus anciens n’ont pas été lus : il y en a trop.".to_owned());
            }
            match unread {
                0 => {}
                1 => said.push("Un message n’a pas pu être lu.".to_owned()),
                unread => said.push(format!("{unread} messages n’ont pas pu être lus.")),
            }
            if *full {
                said.push("Tout n’a pas trouvé place : relisez la conversation, ou demandez une période plus courte.".to_owned());
            }
            said.join(" ")
        }
        Notes::Below { until } => format!(
            "_Brouillon fait par une IA, à relire : chaque lien ouvre le message d’origine. Corrigez-le en répondant dans ce fil (« l’action 2 est pour Awa », « retire la décision 1 », « ajoute l’action … »), puis `!note valider` pour le publier dans le salon, `!note fichier` ou `!note docs` pour l’emporter, `!note abandonner` pour l’effacer. Je le garde jusqu’au {until}._"
        ),
        Notes::PublishedBy { name } => format!("_Note faite avec une IA, relue et publiée par {name}._"),
        Notes::BelowMissed => {
            "_Résumé fait par une IA, pour vous seul : chaque lien ouvre le message d’origine._".to_owned()
        }
        Notes::Nothing => "Il n’y a aucun message à résumer ici sur cette période. Élargissez-la, par exemple : `!note depuis lundi` ou `!note 100 messages`.".to_owned(),
        Notes::Direct => "Nous ne sommes que deux ici : je fais la note d’un salon ou d’un fil. Dans un salon, écrivez `!note`.".to_owned(),
        Notes::NotUnderstood => "Je ne comprends pas cette période. Écrivez par exemple `!note depuis lundi`, `!note depuis 9h`, `!note depuis le 12 novembre`, `!note 50 messages`, ou dans un fil `!note ce fil`.".to_owned(),
        Notes::NoThread => "`!note ce fil` s’écrit dans un fil.".to_owned(),
        Notes::NoDraft => "Je n’ai pas de note en cours dans ce fil. Écrivez-le dans le fil de la note, ou faites-en une : `!note`.".to_owned(),
        Notes::NotWritten => "Je n’ai pas réussi à rédiger cette note : le modèle n’a pas rendu de texte exploitable. Réessayez, ou demandez une période plus courte, par exemple `!note 50 messages`.".to_owned(),
        Notes::NotRead => "Le serveur ne m’a pas donné les messages à temps. Réessayez dans un moment, ou demandez une période plus courte.".to_owned(),
        Notes::NoSuch { index } => format!("Je ne trouve pas de numéro {index} dans cette partie de la note : rien n’est changé."),
        Notes::Published => "La note est publiée dans le salon, et je n’en garde pas le brouillon. La prochaine `!note` partira d’ici.".to_owned(),
        Notes::Dropped => "Le brouillon est effacé.".to_owned(),
        Notes::File => "Voici la note, en Markdown et en ODT.".to_owned(),
        Notes::MissedSent => "Je vous l’envoie dans notre conversation.".to_owned(),
        Notes::MissedDirect => "Écrivez `!manqué` dans le salon dont vous voulez le résumé : je vous l’enverrai ici.".to_owned(),
        Notes::MissedOf { room: "" } => "**Ce que vous avez manqué**".to_owned(),
        Notes::MissedOf { room } => format!("**Ce que vous avez manqué dans {room}**"),
        Notes::MissedNothing => "Vous n’avez rien manqué : personne n’a écrit depuis votre dernier message.".to_owned(),
        Notes::MissedNowhere => "Je n’ai pas pu ouvrir de conversation avec vous : invitez-moi dans une conversation privée, puis réessayez.".to_owned(),
    }
}

/// In English.
pub(super) fn en(text: &Notes<'_>) -> String {
    match text {
        Notes::Reading { parts: 1, .. } => "_I am reading the conversation…_".to_owned(),
        Notes::Reading { read, parts } => format!("_I am reading the conversation: {read} parts of {parts}…_"),
        Notes::Made { messages, people, from, to, reach } => {
            let messages = if *messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") };
            let people = if *people == 1 { "one person".to_owned() } else { format!("{people} people") };
            let reach = match reach {
                Reach::LastNote => ", since the last note",
                Reach::Day => ", the last 24 hours: I have no earlier note here",
                Reach::Few => ", the last ones: nothing was written in the last 24 hours",
                Reach::Thread => ", the whole thread",
                Reach::Own => ", since your last message",
                Reach::Fortnight => ", the last 14 days: I see no message of yours",
                Reach::Asked => "",
            };
            format!("_{messages} by {people}, from {from} to {to}{reach}._")
        }
        Notes::LeftOut { cut, unread, full } => {
            let mut said = Vec::new();
            if *cut {
                said.push("Older messages were not read: there are too many.".to_owned());
            }
            match unread {
                0 => {}
                1 => said.push("One message could not be read.".to_owned()),
                unread => said.push(format!("{unread} messages could not be read.")),
            }
            if *full {
                said.push("Not everything had a place: read the conversation over, or ask for less.".to_owned());
            }
            said.join(" ")
        }
        Notes::Below { until } => format!(
            "_A draft made by an AI, to be checked: each link opens the message that it comes from. Correct it by a reply in this thread (“action 2 is for Awa”, “remove decision 1”, “add action: …”), then `!note publish` to publish it in the room, `!note file` or `!note docs` to take it away, `!note drop` to erase it. I keep it until {until}._"
        ),
        Notes::PublishedBy { name } => format!("_A note made with an AI, read over and published by {name}._"),
        Notes::BelowMissed => {
            "_A summary made by an AI, for you alone: each link opens the message that it comes from._".to_owned()
        }
        Notes::Nothing => "There is no message to be noted here in that time. Ask for more, for example: `!note since Monday` or `!note 100 messages`.".to_owned(),
        Notes::Direct => "There are only two of us here: I write the note of a room or a thread. In a room, write `!note`.".to_owned(),
        Notes::NotUnderstood => "I do not understand how far back to read. Write for example `!note since Monday`, `!note since 9am`, `!note since 12 November`, `!note 50 messages`, or in a thread `!note this thread`.".to_owned(),
        Notes::NoThread => "`!note this thread` is written in a thread.".to_owned(),
        Notes::NoDraft => "I have no note in this thread. Write this in the thread of the note, or make one: `!note`.".to_owned(),
        Notes::NotWritten => "I could not write this note: the model gave no text that is one. Try again, or ask for less, for example `!note 50 messages`.".to_owned(),
        Notes::NotRead => "The server did not give me the messages in time. Try again later, or ask for less.".to_owned(),
        Notes::NoSuch { index } => format!("There is no number {index} in that part of the note: nothing has changed."),
        Notes::Published => "The note is published in the room, and I do not keep its draft. The next `!note` begins here.".to_owned(),
        Notes::Dropped => "The draft is erased.".to_owned(),
        Notes::File => "Here is the note, in Markdown and ODT.".to_owned(),
        Notes::MissedSent => "I am sending it to you in our conversation.".to_owned(),
        Notes::MissedDirect => "Write `!missed` in the room that you want the summary of: I will send it to you here.".to_owned(),
        Notes::MissedOf { room: "" } => "**What you missed**".to_owned(),
        Notes::MissedOf { room } => format!("**What you missed in {room}**"),
        Notes::MissedNothing => "You missed nothing: nobody has written since your last message.".to_owned(),
        Notes::MissedNowhere => "I could not open a conversation with you: send me a direct message, then try again.".to_owned(),
    }
}

/// One of each, for `docs/phrases.md`.
#[cfg(test)]
pub(super) fn samples() -> Vec<Notes<'static>> {
    let made = |messages, people, reach| Notes::Made {
        messages,
        people,
        from: "lundi 23 novembre 2026 à 9 h 05",
        to: "mercredi 25 novembre 2026 à 18 h 10",
        reach,
    };
    vec![
        Notes::Reading { read: 0, parts: 1 },
        Notes::Reading { read: 2, parts: 8 },
        made(42, 5, Reach::LastNote),
        made(42, 5, Reach::Day),
        made(1, 1, Reach::Few),
        made(42, 5, Reach::Asked),
        made(42, 5, Reach::Thread),
        made(42, 5, Reach::Own),
        made(42, 5, Reach::Fortnight),
        Notes::LeftOut { cut: true, unread: 1, full: true },
        Notes::LeftOut { cut: false, unread: 3, full: false },
        Notes::Below { until: "vendredi 27 novembre 2026 à 18 h 15" },
        Notes::PublishedBy { name: "Awa Diallo" },
        Notes::BelowMissed,
        Notes::Nothing,
        Notes::Direct,
        Notes::NotUnderstood,
        Notes::NoThread,
        Notes::NoDraft,
        Notes::NotWritten,
        Notes::NotRead,
        Notes::NoSuch { index: 7 },
        Notes::Published,
        Notes::Dropped,
        Notes::File,
        Notes::MissedSent,
        Notes::MissedDirect,
        Notes::MissedOf { room: "Budget" },
        Notes::MissedOf { room: "" },
        Notes::MissedNothing,
        Notes::MissedNowhere,
    ]
}
