//! `!note`: the note of a conversation. A job: `assistant::jobs` carries it out.

use super::{Spec, words::is};

pub(super) const SPEC: Spec = Spec {
    names: &["note", "note", "compte-rendu"],
    forms: [
        &[
            ("", "note de ce qui s’est dit depuis la dernière note"),
            ("depuis lundi", "ou `depuis 9h`, `depuis hier`, `depuis le 12 novembre`, `50 messages`, `ce fil`"),
            ("valider", "dans le fil de la note : la publie dans le salon (`valider ici` : dans le fil)"),
            ("fichier", "la note en Markdown et en ODT"),
            ("docs", "la note dans La Suite Docs (`docs adresse …`, `docs oublier`)"),
            ("abandonner", "efface le brouillon"),
        ],
        &[
            ("", "the note of what was said since the last note"),
            ("since Monday", "or `since 9am`, `since yesterday`, `since 12 November`, `50 messages`, `this thread`"),
            ("publish", "in the thread of the note: publishes it in the room (`publish here`: in the thread)"),
            ("file", "the note in Markdown and ODT"),
            ("docs", "the note in La Suite Docs (`docs address …`, `docs forget`)"),
            ("drop", "erases the draft"),
        ],
    ],
    urgent: false,
    instance: false,
};

/// Words of the arguments that are English: the command has one name in both languages.
const ENGLISH: [&str; 22] = [
    "since",
    "from",
    "last",
    "this",
    "thread",
    "today",
    "yesterday",
    "week",
    "month",
    "morning",
    "publish",
    "validate",
    "here",
    "file",
    "files",
    "drop",
    "cancel",
    "discard",
    "address",
    "forget",
    "yes",
    "confirm",
];

/// Whether what follows the command is English.
pub(super) fn is_english(arguments: &str) -> bool {
    arguments.split_whitespace().take(6).any(|word| is(word, &ENGLISH))
}

#[cfg(test)]
mod tests {
    use super::is_english;

    #[test]
    fn the_arguments_tell_the_language() {
        for arguments in ["since Monday", "last 50 messages", "publish here", "docs yes"] {
            assert!(is_english(arguments), "{arguments}");
        }
        for arguments in ["", "depuis lundi", "50 messages", "valider", "docs oui", "docs adresse this@x.fr"] {
            assert!(!is_english(arguments), "{arguments}");
        }
    }
}
