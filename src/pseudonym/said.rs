//! What the words before a number say that it is.

use super::flags::Flags;
use super::gazetteer::has;
use super::page::Page;
use super::tokens::Shape;

/// What the words before a number say that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Nir,
    Siret,
    Siren,
    Bank,
    Card,
    Tax,
    Caf,
    Passport,
    Identity,
    Plate,
    Phone,
    Reference,
}

/// Words, and what is a number after them.
const ANNOUNCE: [(Said, &str); 12] = [
    (Said::Nir, "nir nss securite secu vitale immatriculation-sociale"),
    (Said::Siret, "siret"),
    (Said::Siren, "siren"),
    (Said::Bank, "iban rib compte bancaire bancaires"),
    (Said::Card, "carte bancaire bleue cb visa mastercard"),
    (Said::Tax, "fiscal fiscale fiscaux spi impots impot declarant telepaiement"),
    (Said::Caf, "allocataire caf allocataires msa"),
    (Said::Passport, "passeport passport passeports"),
    (Said::Identity, "identite cni"),
    (Said::Plate, "immatricule immatriculee immatriculation plaque vehicule voiture grise scooter moto camion"),
    (
        Said::Phone,
        "tel telephone portable mobile joindre joignable fixe fax whatsapp telephonique appeler appelez rappeler rappelez phone",
    ),
    (
        Said::Reference,
        "dossier dossiers reference references ref refs contrat client cliente identifiant agdref ine permis titre sejour etranger recepisse \
            licence matricule facture adherent adherente abonne abonnee compteur pdl pce visa affaire rg parcelle inscription candidat candidature patient \
            ticket courrier recommande colis demandeur oqtf avis numen siv nif foyer assure assuree usager police sinistre",
    ),
];

/// What is said between the word and the number.
const FILLERS: &str = "numero numeros no nos num n est suivant suivante le la l du de des d mon ma mes son sa ses votre vos notre nos leur et pour a au sous \
    porte portant fin finissant commencant par qui que avec ancien ancienne nouveau nouvelle actuel personnel personnelle francais francaise complet code voici \
    electronique biometrique est-le sociale sociaux bancaire bleue nationale national conduire sejour credit unique interne enregistre enregistree depose deposee";

/// How far the word may be.
const REACH: usize = 9;

/// What the words before a token say.
pub(super) fn said(page: &Page<'_>, token: usize) -> Option<Said> {
    let mut others = 0;
    for at in page.before(page.tokens[token].start, REACH) {
        let current = page.tokens[at];
        match current.shape {
            Shape::Word | Shape::Elided => {}
            Shape::Mark(':' | '°' | 'º' | '.' | '(' | '/' | '-' | '#' | '*' | '«' | '=' | '’' | '"' | '|') => {
                continue;
            }
            _ => return None,
        }
        let word = page.folded(at);
        // "carte bancaire" is nearer to a card than to an account.
        if word == "bancaire" && at > 0 && page.folded(at - 1) == "carte" {
            return Some(Said::Card);
        }
        if let Some((said, _)) = ANNOUNCE.iter().find(|(_, words)| has(words, word)) {
            return Some(*said);
        }
        if !has(FILLERS, word) && !page.flags(at).any(Flags::FUNCTION) {
            others += 1;
        }
        if others > 1 {
            return None;
        }
    }
    None
}
