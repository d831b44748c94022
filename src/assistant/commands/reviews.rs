//! `!avis`: drafts of replies to users' reviews. A job: `assistant::jobs` carries it out.

use super::Spec;

pub(super) const SPEC: Spec = Spec {
    names: &["avis", "review", "reviews"],
    forms: [
        &[
            ("<texte de l’avis>", "ou en réponse à un message, ou avec un fichier CSV d’avis"),
            ("suivant", "l’avis suivant du fichier ; aussi `précédent`, `12`"),
            (
                "plus court",
                "le brouillon réécrit ; aussi `plus chaleureux`, `plus formel`, `corriger <consigne ou fait>`",
            ),
            ("exporter", "le fichier avec les brouillons"),
            ("fin", "oublie les avis et les brouillons"),
        ],
        &[
            ("<text of the review>", "or in reply to a message, or with a CSV file of reviews"),
            ("next", "the next review of the file; also `previous`, `12`"),
            ("shorter", "the draft rewritten; also `warmer`, `more formal`, `rewrite <instruction or fact>`"),
            ("export", "the file with the drafts"),
            ("end", "forgets the reviews and the drafts"),
        ],
    ],
    urgent: false,
    instance: false,
};
