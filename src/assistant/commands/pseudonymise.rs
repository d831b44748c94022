//! `!pseudonymiser`: a text or a file with placeholders for what identifies people, and back. A job: `assistant::jobs` carries it out.

use super::Spec;

pub(super) const SPEC: Spec = Spec {
    names: &["pseudonymiser", "pseudonymise", "pseudonymisez", "anonymiser", "anonymise"],
    forms: [
        &[
            ("<texte>", "le texte peut suivre à la ligne"),
            ("", "en réponse à un message ou à un fichier, ou avec un fichier"),
            ("annuler", "de même, pour remettre les noms"),
        ],
        &[
            ("<text>", "the text may begin on the next line"),
            ("", "in reply to a message or to a file, or with a file"),
            ("undo", "the same, to put the names back"),
        ],
    ],
    urgent: false,
    instance: false,
};
