//! `!traduire`: a message, a text or a file in another language. A job: `assistant::jobs` carries it out.

use super::Spec;

pub(super) const SPEC: Spec = Spec {
    names: &["traduire", "translate", "traduis", "traduction"],
    forms: [
        &[
            ("en <langue>", "en réponse à un message ou à un fichier, ou comme légende d’un fichier"),
            ("en <langue> : <texte>", "ou le texte à la ligne"),
            ("", "vers la langue du salon"),
        ],
        &[
            ("to <language>", "in reply to a message or a file, or as the caption of a file"),
            ("to <language>: <text>", "or the text on the lines below"),
            ("", "to the language of the room"),
        ],
    ],
    urgent: false,
    instance: false,
};
