//! What in a review cannot wait for a reply: known by its words, before a model reads anything. Pure.
//!
//! It errs towards saying too much: the agent reads the review, and decides.

use serde::{Deserialize, Serialize};

use crate::index::french::fold;

/// What a review lets one fear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distress {
    /// Its author may think of suicide.
    Suicide,
    /// Its author or somebody near is hurt, or may be.
    Violence,
    /// A child is in danger, perhaps.
    Child,
    /// Its author threatens somebody.
    Threat,
    /// Housing, income or care is lost, or about to be.
    Rights,
}

/// Beginnings of words, without case and accents; `$` ends a word.
const SUICIDE: &[&str] = &[
    "suicid",
    "me tuer$",
    "me pendre$",
    "me foutre en l air",
    "mettre fin a mes jours",
    "mettre fin a ma vie",
    "en finir avec la vie",
    "veux en finir$",
    "vais en finir$",
    "envie d en finir$",
    "fin a mes jours",
    "envie de mourir",
    "veux mourir",
    "vais mourir",
    "prefere mourir",
    "voudrais mourir",
    "autant mourir",
    "plus envie de vivre",
    "plus gout a la vie",
    "plus le gout de vivre",
    "plus la force de vivre",
    "plus la force de continuer",
    "n en peux plus de vivre",
    "jeter sous un train",
    "jeter sous le train",
    "jeter par la fenetre",
    "sauter par la fenetre",
    "sauter d un pont",
    "jeter d un pont",
    "m immoler",
    "avaler des medicaments",
    "ma mort sur la conscience",
    "plus de raison de vivre",
    "quitter ce monde",
    "disparaitre pour toujours",
    "idees noires",
    "kill myself",
    "end my life",
    "want to die",
];
const VIOLENCE: &[&str] = &[
    "violences",
    "violence conjugale",
    "me frappe",
    "m a frappe",
    "me bat$",
    "m a battu",
    "me tape$",
    "des coups$",
    "roue de coups",
    "rouee de coups",
    "viol$",
    "viole$",
    "violee$",
    "agresse",
    "agression",
    "harcel",
    "menace de mort",
    "menacee de mort",
    "menaces de mort",
    "menace de me tuer",
    "peur pour ma vie",
    "peur de mon mari",
    "peur de mon ex",
    "peur de mon conjoint",
    "sequestre",
    "proxenet",
    "mariage force",
];
const CHILD: &[&str] = &[
    "enfant battu",
    "enfants battus",
    "frappe mon fils",
    "frappe ma fille",
    "frappe les enfants",
    "frappe mes enfants",
    "enfant en danger",
    "enfants en danger",
    "maltrait",
    "inceste",
    "attouchement",
    "mineur isole",
    "mineure isolee",
    "pedophil",
];
const THREAT: &[&str] = &[
    "vous allez le payer",
    "vous le paierez",
    "vais tout casser",
    "vais tout peter",
    "vais vous tuer",
    "je vous tue",
    "vais le tuer",
    "vais la tuer",
    "vais les tuer",
    "vais vous retrouver",
    "sais ou vous habitez",
    "sais ou il habite",
    "sais ou elle habite",
    "vais venir avec une arme",
    "vais venir avec un couteau",
    "vais mettre le feu",
    "mettre le feu a",
    "faire sauter",
    "une bombe",
    "prendre les armes",
    "fusil$",
    "vais lui regler son compte",
    "regler leur compte",
];
const RIGHTS: &[&str] = &[
    "expuls",
    "a la rue$",
    "sans abri",
    "sans domicile",
    "sdf$",
    "dors dans ma voiture",
    "dormir dans ma voiture",
    "dors dehors",
    "dormir dehors",
    "plus rien a manger",
    "plus de quoi manger",
    "plus de quoi vivre",
    "rien a manger",
    "ne mange plus",
    "sans ressources",
    "sans ressource",
    "sans revenu",
    "plus aucun revenu",
    "plus aucune ressource",
    "plus de logement",
    "perdre mon logement",
    "perdu mon logement",
    "perdre mon emploi",
    "perdre mon travail",
    "perdu mon travail",
    "perdu mon emploi",
    "coupure d electricite",
    "coupe l electricite",
    "coupe le chauffage",
    "rsa suspendu",
    "suspendu mon rsa",
    "coupe mon rsa",
    "allocations suspendues",
    "droits suspendus",
    "rupture de droits",
    "perte de mes droits",
    "perdu mes droits",
    "sans papiers",
    "quitter le territoire",
    "oqtf$",
    "sans traitement",
    "plus de traitement",
    "plus de medicaments",
    "urgence vitale",
    "huissier",
    "saisie sur",
    "surendett",
];

/// What a review lets one fear, the gravest first, each once.
#[must_use]
pub fn distress(text: &str) -> Vec<Distress> {
    let folded = fold(text);
    let words: Vec<&str> =
        folded.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let spaced = format!(" {} ", words.join(" "));
    let has = |phrases: &[&str]| {
        phrases.iter().any(|phrase| match phrase.strip_suffix('$') {
            Some(whole) => spaced.contains(&format!(" {whole} ")),
            None => spaced.contains(&format!(" {phrase}")),
        })
    };
    [
        (Distress::Suicide, SUICIDE),
        (Distress::Violence, VIOLENCE),
        (Distress::Child, CHILD),
        (Distress::Threat, THREAT),
        (Distress::Rights, RIGHTS),
    ]
    .into_iter()
    .filter(|(_, phrases)| has(phrases))
    .map(|(distress, _)| distress)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::{Distress, distress};

    #[test]
    fn what_cannot_wait_is_known_by_its_words() {
        for (text, expected) in [
            ("Si ça continue je vais me suicider.", Distress::Suicide),
            ("J'ai plus envie de vivre, personne ne répond", Distress::Suicide),
            ("JE VEUX EN FINIR !", Distress::Suicide),
            ("je n’ai plus la force de continuer", Distress::Suicide),
            ("Mon mari me frappe et vous ne faites rien", Distress::Violence),
            ("Victime de violences conjugales", Distress::Violence),
            ("son père frappe mes enfants", Distress::Child),
            ("Je sais où vous habitez.", Distress::Threat),
            ("On va être expulsés lundi", Distress::Rights),
            ("Je me retrouve à la rue.", Distress::Rights),
            ("plus rien à manger pour mes enfants", Distress::Rights),
            ("mon RSA suspendu sans raison", Distress::Rights),
        ] {
            assert!(distress(text).contains(&expected), "{text}: {:?}", distress(text));
        }
    }

    #[test]
    fn anger_and_waiting_are_no_distress() {
        for text in [
            "Deux heures d’attente, c’est une honte !",
            "Je me bats depuis six mois pour un rendez-vous.",
            "Quelques coups de fil et tout est réglé.",
            "Merci à toute l’équipe, la salle violette est jolie.",
            "J’aimerais en finir avec ce dossier.",
            "L’alarme sonnait, personne n’a bougé.",
            "J’habite au bout de la rue de la République.",
            "",
        ] {
            assert_eq!(distress(text), [], "{text}");
        }
    }
}
