//! How what is kept is protected, and what is counted.

use super::view::View;

/// A sentence about protection and figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measures {
    /// How it is sealed.
    Sealed,
    /// The bot's keys are kept on the homeserver as well.
    KeyBackup,
    /// The accreditation.
    Security,
    /// The impact assessment.
    Impact,
    /// The record of processing.
    Register,
    /// What is counted.
    Counted,
    /// How people are.
    People,
    /// What 👍 and 👎 do.
    Ratings,
    /// Who is asked why.
    Why,
    /// Who gets the figures.
    Digest,
    /// That they are published.
    Published,
}

impl Measures {
    /// The sentence; nothing where it would not be true.
    pub(super) fn say(self, view: &View<'_>) -> Option<String> {
        let (facts, stated) = (view.facts, &view.facts.stated);
        Some(match self {
            Self::Sealed => view.say(
                "Ce que je garde est chiffré sur le disque, avec une clé par salon ; oublier, c’est aussi détruire la clé.",
                "What I keep is encrypted on the disk, with a key for each room; forgetting also destroys the key.",
            ),
            Self::KeyBackup => view.say(
                "Mes clés de lecture des salons chiffrés sont aussi sauvegardées, scellées, sur le serveur de messagerie.",
                "My keys to encrypted rooms are also backed up, sealed, on the chat server.",
            ),
            Self::Security => {
                let security = view.stated(stated.security.as_ref())?;
                view.say(format!("Sécurité : {security}."), format!("Security: {security}."))
            }
            Self::Impact => {
                let dpia = view.stated(stated.dpia.as_ref())?;
                view.say(format!("Analyse d’impact : {dpia}."), format!("Impact assessment: {dpia}."))
            }
            Self::Register => {
                let register = view.stated(stated.register.as_ref())?;
                view.say(format!("Registre des traitements : {register}."), format!("Record of processing: {register}."))
            }
            Self::Counted => {
                let months = facts.keeps.months_counted;
                view.say(
                    format!("Je compte par jour les questions, les réponses, les refus, les temps de calcul, l’énergie et les avis : sans nom ni texte, pendant {months} mois."),
                    format!("I count by day the questions, answers, refusals, computing times, energy and ratings: without names or text, for {months} months."),
                )
            }
            Self::People => view.say(
                "Pour savoir combien de personnes m’écrivent, j’utilise chaque semaine des empreintes, dont la clé est détruite la semaine suivante.",
                "To know how many people write to me, I use fingerprints each week, whose key is destroyed the week after.",
            ),
            Self::Ratings => view.say(
                "Votre 👍 ou 👎 compte pour le compagnon, sans votre nom dans les chiffres ; il part avec la réponse.",
                "Your 👍 or 👎 counts for the compagnon, without your name in the figures; it goes with the answer.",
            ),
            Self::Why => {
                if !facts.asks_why {
                    return None;
                }
                view.say(
                    "Après un 👎, je peux vous demander pourquoi, une fois par semaine au plus.",
                    "After a 👎, I may ask you why, once a week at most.",
                )
            }
            Self::Digest => {
                if !facts.digest || facts.administrators == 0 {
                    return None;
                }
                view.say(
                    "Les administrateurs de l’assistant reçoivent chaque lundi des chiffres, rien d’autre.",
                    "The assistant administrators receive figures each Monday, and nothing else.",
                )
            }
            Self::Published => {
                if !facts.publishes {
                    return None;
                }
                view.say(
                    "Une page publique montre ces chiffres, jamais pour moins de dix personnes.",
                    "A public page shows these figures, never for fewer than ten people.",
                )
            }
        })
    }
}
