//! What is said of messages that a question points at and that cannot be read, in both languages.

use super::Language;
use crate::material::Unreadable;

/// Said instead of an answer: nothing else was asked.
pub(super) fn cannot_answer_to(why: Unreadable, language: Language) -> &'static str {
    match (why, language) {
        (Unreadable::Redacted, Language::Fr) => {
            "Le message auquel vous répondez a été supprimé. Écrivez votre question dans le même message que ma mention."
        }
        (Unreadable::Redacted, Language::En) => {
            "The message that you reply to was deleted. Please write your question in the message that mentions me."
        }
        (Unreadable::Undecryptable, Language::Fr) => {
            "Je ne peux pas lire le message auquel vous répondez : sa clé de chiffrement ne m’est pas parvenue. Copiez-en le texte dans votre message."
        }
        (Unreadable::Undecryptable, Language::En) => {
            "I cannot read the message that you reply to because its encryption key has not reached me. Please copy its text into your message."
        }
        (Unreadable::Unavailable, Language::Fr) => {
            "Je n’ai pas accès au message auquel vous répondez. Copiez-en le texte dans votre message."
        }
        (Unreadable::Unavailable, Language::En) => {
            "I have no access to the message that you reply to. Please copy its text into your message."
        }
    }
}

/// Said instead of an answer: nothing else was asked.
pub(super) fn cannot_read_thread(language: Language) -> &'static str {
    match language {
        Language::Fr => {
            "Je n’ai pas pu lire ce fil. Écrivez votre question dans le même message que ma mention, avec le texte dont il s’agit."
        }
        Language::En => {
            "I could not read this thread. Please write your question in the message that mentions me, with the text that it is about."
        }
    }
}

/// Put under an answer.
pub(super) fn answered_without(why: Unreadable, language: Language) -> &'static str {
    match (why, language) {
        (Unreadable::Redacted, Language::Fr) => {
            "*(Le message auquel vous répondez a été supprimé : je ne l’ai pas lu.)*"
        }
        (Unreadable::Redacted, Language::En) => "*(The message that you reply to was deleted: I have not read it.)*",
        (Unreadable::Undecryptable, Language::Fr) => {
            "*(Je n’ai pas pu lire le message auquel vous répondez : sa clé de chiffrement ne m’est pas parvenue.)*"
        }
        (Unreadable::Undecryptable, Language::En) => {
            "*(I could not read the message that you reply to: its encryption key has not reached me.)*"
        }
        (Unreadable::Unavailable, Language::Fr) => {
            "*(Je n’ai pas lu le message auquel vous répondez : je n’y ai pas accès.)*"
        }
        (Unreadable::Unavailable, Language::En) => {
            "*(I have not read the message that you reply to: I have no access to it.)*"
        }
    }
}

/// Put under an answer.
pub(super) fn thread_not_whole(language: Language) -> &'static str {
    match language {
        Language::Fr => "*(Je n’ai pas pu lire tous les messages de ce fil.)*",
        Language::En => "*(I could not read all messages of this thread.)*",
    }
}
