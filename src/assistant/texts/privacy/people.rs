//! Who answers for the service, who is served, and who reads what.

use super::view::View;

/// A sentence about people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum People {
    /// Which body offers the assistant.
    OfferedBy,
    /// Who decides why and how data is processed.
    Controller,
    /// The data protection officer.
    Officer,
    /// Where to write.
    Contact,
    /// Who is served.
    Audience,
    /// Who reads questions and answers.
    Members,
    /// External accounts may be served.
    ExternalsServed,
    /// They are not.
    ExternalsRefused,
    /// Nor are rooms open to them.
    OpenRoomsRefused,
    /// What the assistant's administrators read.
    Administrators,
    /// There are none.
    NoAdministrators,
    /// Who runs the machine could read what is kept.
    Operators,
    /// Who else receives data.
    Recipients,
    /// Who processes data for the controller.
    Processors,
}

impl People {
    /// The sentence; nothing where it would not be true.
    pub(super) fn say(self, view: &View<'_>) -> Option<String> {
        let (facts, stated) = (view.facts, &view.facts.stated);
        Some(match self {
            Self::OfferedBy => {
                let organisation = facts.organisation.trim_end_matches('.');
                view.say(
                    format!("Cet assistant est proposé par {organisation}."),
                    format!("This assistant is offered by {organisation}."),
                )
            }
            Self::Controller => {
                let controller = view.stated(stated.controller.as_ref())?;
                view.say(format!("Responsable du traitement : {controller}."), format!("Controller: {controller}."))
            }
            Self::Officer => {
                let officer = view.stated(stated.dpo.as_ref())?;
                view.say(
                    format!("Délégué à la protection des données : {officer}."),
                    format!("Data protection officer: {officer}."),
                )
            }
            Self::Contact => {
                let contact = view.stated(stated.contact.as_ref())?;
                view.say(
                    format!("Pour une question ou une erreur : {contact}."),
                    format!("For a question, or to report an error: {contact}."),
                )
            }
            Self::Audience => {
                let audience = view.stated(stated.audience.as_ref())?;
                view.say(format!("Il s’adresse à un public précis : {audience}."), format!("It is for: {audience}."))
            }
            Self::Members => view.say(
                "Tous les membres d’un salon lisent les questions et les réponses qui s’y écrivent.",
                "All members of a room read the questions and the answers that are written there.",
            ),
            Self::ExternalsServed => {
                if !facts.externals && !facts.named_externals {
                    return None;
                }
                view.say(
                    "Des comptes externes peuvent m’écrire ; là où ils sont, ils lisent les questions et les réponses.",
                    "External accounts may write to me; where they are, they read the questions and the answers.",
                )
            }
            Self::ExternalsRefused => {
                if facts.externals || facts.named_externals {
                    return None;
                }
                view.say("Je ne réponds pas aux comptes externes.", "I do not answer external accounts.")
            }
            Self::OpenRoomsRefused => {
                if facts.externals {
                    return None;
                }
                view.say(
                    "Je ne réponds à aucune question dans les salons ouverts aux externes.",
                    "I answer no question in rooms that are open to external accounts.",
                )
            }
            Self::Administrators => {
                let count = facts.administrators;
                if count == 0 {
                    return None;
                }
                view.say(
                    format!("Administrateurs de l’assistant : {count}. Ils décident du catalogue de compagnons et lisent la trace des commandes ; ils ne voient pas nos échanges."),
                    format!("Assistant administrators: {count}. They decide on the catalogue of compagnons and read the record of commands; they do not see our exchanges."),
                )
            }
            Self::NoAdministrators => {
                if facts.administrators > 0 {
                    return None;
                }
                view.say(
                    "L’assistant n’a pas d’administrateur : aucun compte ne lit la trace des commandes.",
                    "The assistant has no administrator: no account reads the record of commands.",
                )
            }
            Self::Operators => view.say(
                "Les personnes qui exploitent le serveur détiennent les clés de ce que je garde : elles pourraient techniquement le lire.",
                "The people who run the server hold the keys of what I keep: technically, they could read it.",
            ),
            Self::Recipients => {
                let recipients = view.listed(stated.recipients.as_ref())?;
                view.say(format!("Autres destinataires : {recipients}."), format!("Other recipients: {recipients}."))
            }
            Self::Processors => {
                let processors = view.listed(stated.processors.as_ref())?;
                view.say(format!("Sous-traitants : {processors}."), format!("Processors: {processors}."))
            }
        })
    }
}
