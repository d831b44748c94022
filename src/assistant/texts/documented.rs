//! The sentences about notes that become documents of La Suite Docs, in both languages.

/// A sentence about a note that leaves for Docs.
#[derive(Clone, Debug, PartialEq)]
pub enum Documented<'a> {
    /// A text could not be written in another place.
    NotPosted,
    /// Nobody knows whether the document was made.
    Unknown,
    /// Docs cannot be reached.
    Unreachable,
    /// Docs does not take the program's token, or is not where the configuration says.
    Setting,
    /// Docs does not take the address.
    AddressRefused,
    /// Docs could not read the content.
    ContentRefused,
    /// Docs refuses the document for another reason.
    Refused,
    /// No Docs is configured.
    NotConfigured,
    /// The person's e-mail address is not known.
    AskAddress,
    /// What was given is no address, or none of those that are allowed.
    BadAddress {
        /// The domains of the addresses that are, fit to be shown; empty for all.
        domains: &'a str,
    },
    /// An address is kept now.
    AddressKept {
        /// The address, fit to be shown.
        address: &'a str,
    },
    /// The address is forgotten.
    AddressForgotten,
    /// What would leave, and for where: to be confirmed.
    Confirm {
        /// The title, fit to be shown.
        title: &'a str,
        /// How many characters.
        characters: usize,
        /// Where to.
        host: &'a str,
        /// For whom.
        address: &'a str,
    },
    /// What leaves now, and for where.
    Leaving {
        /// The title, fit to be shown.
        title: &'a str,
        /// How many characters.
        characters: usize,
        /// Where to.
        host: &'a str,
        /// For whom.
        address: &'a str,
    },
    /// The document is there.
    Made {
        /// The link.
        link: &'a str,
    },
    /// This note has its document already.
    Already {
        /// The link.
        link: &'a str,
    },
    /// The document is being made.
    UnderWay,
}

impl Documented<'_> {
    /// What a refusal of Docs means: its status, and the fields that it names.
    #[must_use]
    pub fn of_refusal(status: u16, fields: &[String]) -> Documented<'static> {
        let names = |name: &str| fields.iter().any(|field| field == name);
        match status {
            400 | 422 if names("email") || names("sub") => Documented::AddressRefused,
            400 | 413 | 422 if names("content") || names("title") || status == 413 => Documented::ContentRefused,
            0 | 300..=399 | 401 | 403..=405 => Documented::Setting,
            _ => Documented::Refused,
        }
    }
}

/// In French.
pub(super) fn fr(text: &Documented<'_>) -> String {
    match text {
        Documented::NotPosted => "Je n’ai pas pu l’envoyer là où il devait aller : la conversation ou le salon ne l’accepte pas.".to_owned(),
        Documented::Unknown => "Je ne sais pas si le document a été créé : Docs n’a pas répondu jusqu’au bout. Pour ne pas le créer deux fois, je ne réessaie pas de moi-même : regardez dans Docs et, s’il n’y est pas, écrivez de nouveau `!note docs oui`.".to_owned(),
        Documented::Unreachable => "Docs ne répond pas : rien n’est parti. Réessayez plus tard avec `!note docs`, ou emportez la note avec `!note fichier`.".to_owned(),
        Documented::Setting => "Docs refuse ma demande : la connexion entre Docs et moi est mal réglée. Prévenez l’équipe qui m’exploite ; en attendant : `!note fichier`.".to_owned(),
        Documented::AddressRefused => "Docs n’accepte pas cette adresse, ou la connaît déjà pour un autre compte. Vérifiez-la, et changez-la avec `!note docs adresse prenom.nom@…` ; en attendant : `!note fichier`.".to_owned(),
        Documented::ContentRefused => "Docs n’a pas pu convertir cette note. Emportez-la avec `!note fichier`.".to_owned(),
        Documented::Refused => "Docs refuse ce document, sans que je sache pourquoi : rien n’a été créé. Emportez la note avec `!note fichier`.".to_owned(),
        Documented::NotConfigured => "Je ne suis pas relié à Docs ici. Voici la note en fichier.".to_owned(),
        Documented::AskAddress => "Pour créer le document à votre nom dans Docs, il me faut votre adresse électronique professionnelle, une seule fois : `!note docs adresse prenom.nom@…`. Je la garde chiffrée ; `!note docs oublier` l’efface.".to_owned(),
        Documented::BadAddress { domains: "" } => "Ce n’est pas une adresse électronique. Écrivez par exemple `!note docs adresse prenom.nom@exemple.gouv.fr`.".to_owned(),
        Documented::BadAddress { domains } => format!("Je n’accepte ici que les adresses de : {domains}. Écrivez par exemple `!note docs adresse prenom.nom@…`."),
        Documented::AddressKept { address } => format!("C’est noté : vos documents seront créés dans Docs pour {address}. `!note docs oublier` efface cette adresse. Vous pouvez maintenant écrire `!note docs`."),
        Documented::AddressForgotten => "J’ai effacé votre adresse.".to_owned(),
        Documented::Confirm { title, characters, host, address } => format!("La note « {title} » ({characters} caractères : son texte, les noms des participants et les liens vers les messages) partira vers {host}, dans un document dont le propriétaire sera {address}. Pour l’envoyer : `!note docs oui`."),
        Documented::Leaving { title, characters, host, address } => format!("J’envoie la note « {title} » ({characters} caractères) vers {host}, pour {address}."),
        Documented::Made { link } => format!("Le document est créé dans Docs : [ouvrir le document]({link}). Vous en êtes propriétaire."),
        Documented::Already { link } => format!("Cette version de la note a déjà son document : [ouvrir le document]({link}). Je n’en crée pas un second."),
        Documented::UnderWay => "Ce document est déjà en cours de création : je vous donne son lien dès qu’il est là.".to_owned(),
    }
}

/// In English.
pub(super) fn en(text: &Documented<'_>) -> String {
    match text {
        Documented::NotPosted => "I could not send it where it had to go: the conversation or the room does not take it.".to_owned(),
        Documented::Unknown => "I do not know whether the document was made: Docs did not answer to the end. So as not to make it twice, I do not try again by myself: look in Docs and, if it is not there, write `!note docs yes` once more.".to_owned(),
        Documented::Unreachable => "Docs does not answer: nothing has left. Try again later with `!note docs`, or take the note away with `!note file`.".to_owned(),
        Documented::Setting => "Docs refuses my request: the connection between Docs and me is not set up well. Tell the team that runs me; meanwhile: `!note file`.".to_owned(),
        Documented::AddressRefused => "Docs does not take this address, or knows it already as another account's. Check it, and change it with `!note docs address first.last@…`; meanwhile: `!note file`.".to_owned(),
        Documented::ContentRefused => "Docs could not convert this note. Take it away with `!note file`.".to_owned(),
        Documented::Refused => "Docs refuses this document, and I do not know why: nothing was made. Take the note away with `!note file`.".to_owned(),
        Documented::NotConfigured => "I am not connected to Docs here. Here is the note as a file.".to_owned(),
        Documented::AskAddress => "To make the document yours in Docs, I need your e-mail address at work, once: `!note docs address first.last@…`. I keep it encrypted; `!note docs forget` erases it.".to_owned(),
        Documented::BadAddress { domains: "" } => "This is no e-mail address. Write for example `!note docs address first.last@example.gouv.fr`.".to_owned(),
        Documented::BadAddress { domains } => format!("Here I take addresses of these only: {domains}. Write for example `!note docs address first.last@…`."),
        Documented::AddressKept { address } => format!("Noted: your documents will be made in Docs for {address}. `!note docs forget` erases this address. You can write `!note docs` now."),
        Documented::AddressForgotten => "I have erased your address.".to_owned(),
        Documented::Confirm { title, characters, host, address } => format!("The note “{title}” ({characters} characters: its text, the names of the participants and the links to the messages) will leave for {host}, as a document whose owner is {address}. To send it: `!note docs yes`."),
        Documented::Leaving { title, characters, host, address } => format!("I am sending the note “{title}” ({characters} characters) to {host}, for {address}."),
        Documented::Made { link } => format!("The document is in Docs: [open the document]({link}). It is yours."),
        Documented::Already { link } => format!("This version of the note has its document already: [open the document]({link}). I do not make a second one."),
        Documented::UnderWay => "This document is being made: I give you its link as soon as it is there.".to_owned(),
    }
}

/// One of each, for `docs/phrases.md`.
#[cfg(test)]
pub(super) fn samples() -> Vec<Documented<'static>> {
    let (title, host, address) = ("Budget 2027", "docs.numerique.gouv.fr", "awa.diallo@exemple.gouv.fr");
    let link = "https://docs.numerique.gouv.fr/docs/0f8fad5b/";
    vec![
        Documented::NotPosted,
        Documented::Unknown,
        Documented::Unreachable,
        Documented::Setting,
        Documented::AddressRefused,
        Documented::ContentRefused,
        Documented::Refused,
        Documented::NotConfigured,
        Documented::AskAddress,
        Documented::BadAddress { domains: "" },
        Documented::BadAddress { domains: "gouv.fr" },
        Documented::AddressKept { address },
        Documented::AddressForgotten,
        Documented::Confirm { title, characters: 2345, host, address },
        Documented::Leaving { title, characters: 2345, host, address },
        Documented::Made { link },
        Documented::Already { link },
        Documented::UnderWay,
    ]
}
