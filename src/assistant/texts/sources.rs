//! The sentences about the sources of answers. In both languages.

use crate::compagnon::Language;

/// A sentence about sources.
#[derive(Clone, Debug, PartialEq)]
pub enum Sources<'a> {
    /// Put under an answer: the passages that it cites, one a line.
    Cited {
        /// The lines.
        lines: &'a str,
    },
    /// Put under an answer that was given passages and cites none of them.
    NoneCited,
    /// Put under an answer for which nothing was found in the documents that are here.
    NothingFound {
        /// Whether this is a conversation of two.
        direct: bool,
    },
    /// Put under an answer for which the documents could not be searched.
    NotSearched,
    /// Said instead of an answer, where only what documents say is answered.
    Required,
    /// As [`Sources::Required`], where the documents could not be searched.
    RequiredNotSearched,
    /// The passages of the last answer in full.
    Passages {
        /// The passages.
        passages: &'a str,
    },
    /// One of the passages, of a document that is no more.
    Gone {
        /// The number of its mark.
        mark: usize,
    },
    /// The last answer cites nothing.
    CitesNothing,
    /// The rest of the passages is too long to be shown.
    More {
        /// How many are left out.
        left: usize,
    },
}

/// In French.
pub(super) fn fr(text: &Sources<'_>) -> String {
    match text {
        Sources::Cited { lines } => format!("**Sources :**\n\n{lines}"),
        Sources::NoneCited => {
            "*Cette réponse ne cite aucun des passages de documents qui lui ont été donnés : vérifiez-la.*".to_owned()
        }
        Sources::NothingFound { direct: false } => {
            "*Rien trouvé à ce sujet dans les documents de ce salon : réponse sans source.*".to_owned()
        }
        Sources::NothingFound { direct: true } => {
            "*Rien trouvé à ce sujet dans les documents de cette conversation : réponse sans source.*".to_owned()
        }
        Sources::NotSearched => "*Les documents n’ont pas pu être consultés : réponse sans source.*".to_owned(),
        Sources::Required => {
            "Je ne réponds ici que d’après des documents, et je n’y trouve rien qui réponde à cette question.".to_owned()
        }
        Sources::RequiredNotSearched => {
            "Je ne réponds ici que d’après des documents, et ils n’ont pas pu être consultés. Réessayez dans quelques minutes."
                .to_owned()
        }
        Sources::Passages { passages } => format!("Voici les passages que cite la réponse :\n\n{passages}"),
        Sources::Gone { mark } => format!("**\\[{mark}\\]** Ce document n’est plus là."),
        Sources::CitesNothing => "Cette réponse ne cite aucun document.".to_owned(),
        Sources::More { left: 1 } => "*Un autre passage est trop long pour être montré ici.*".to_owned(),
        Sources::More { left } => format!("*{left} autres passages sont trop longs pour être montrés ici.*"),
    }
}

/// In English.
pub(super) fn en(text: &Sources<'_>) -> String {
    match text {
        Sources::Cited { lines } => format!("**Sources:**\n\n{lines}"),
        Sources::NoneCited => "*This answer cites none of the passages it was given: please check it.*".to_owned(),
        Sources::NothingFound { direct: false } => {
            "*I found nothing about this in this room’s documents: this answer has no sources.*".to_owned()
        }
        Sources::NothingFound { direct: true } => {
            "*I found nothing about this in this conversation’s documents: this answer has no sources.*".to_owned()
        }
        Sources::NotSearched => "*The documents could not be searched: this answer has no sources.*".to_owned(),
        Sources::Required => {
            "Here I answer only from documents, and I found nothing in them that answers this question.".to_owned()
        }
        Sources::RequiredNotSearched => {
            "Here I answer only from documents, and they could not be searched. Please try again in a few minutes."
                .to_owned()
        }
        Sources::Passages { passages } => format!("Here are the passages the answer cites:\n\n{passages}"),
        Sources::Gone { mark } => format!("**\\[{mark}\\]** This document is no longer there."),
        Sources::CitesNothing => "This answer cites no document.".to_owned(),
        Sources::More { left: 1 } => "*One more passage is too long to be shown here.*".to_owned(),
        Sources::More { left } => format!("*{left} more passages are too long to be shown here.*"),
    }
}

/// What stands in the place of an address that nobody has written, and of a phone number.
pub fn placeholders(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Fr => ("(adresse non vérifiée)", "(numéro non vérifié)"),
        Language::En => ("(unverified address)", "(unverified number)"),
    }
}

/// A quotation in a list of sources.
pub fn quoted(sentence: &str, language: Language) -> String {
    match language {
        Language::Fr => format!(" : « {sentence} »"),
        Language::En => format!(": “{sentence}”"),
    }
}

/// One of each, for `docs/phrases.md`.
#[cfg(test)]
pub(super) fn samples() -> Vec<Sources<'static>> {
    vec![
        Sources::Cited {
            lines: "- \\[1\\] Guide RH.pdf, page 3 — Congés › Report : « Les jours non pris sont reportés jusqu’au 31 mars. »",
        },
        Sources::NoneCited,
        Sources::NothingFound { direct: false },
        Sources::NothingFound { direct: true },
        Sources::NotSearched,
        Sources::Required,
        Sources::RequiredNotSearched,
        Sources::Passages {
            passages: "**\\[1\\] Guide RH.pdf, page 3 — Congés › Report**\n\n> Les jours non pris sont reportés jusqu’au 31 mars.",
        },
        Sources::Gone { mark: 2 },
        Sources::CitesNothing,
        Sources::More { left: 1 },
        Sources::More { left: 3 },
    ]
}
