//! Where what people write is, and where it goes.

use super::view::View;

/// A sentence about places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Where the model runs.
    Model,
    /// It runs elsewhere.
    RemoteModel,
    /// No service of AI is asked.
    NoAiService,
    /// Nor is any other, beside the messenger.
    NothingLeaves,
    /// Notes that become documents.
    Docs,
    /// Files that are looked through for viruses.
    Scanner,
    /// Terms that shared collections are searched with.
    Search,
    /// The messages are the messenger's.
    Tchap,
    /// This room is encrypted.
    Encrypted,
    /// This room is not.
    Clear,
    /// This room is open to external accounts.
    Open,
    /// Only encrypted rooms are served.
    EncryptedOnly,
    /// Others are, too.
    ClearServed,
    /// Transfers out of the Union.
    Transfers,
}

impl Place {
    /// The sentence; nothing where it would not be true.
    #[allow(clippy::too_many_lines)] // One arm per sentence: the table that people proofread.
    pub(super) fn say(self, view: &View<'_>) -> Option<String> {
        let (facts, stated) = (view.facts, &view.facts.stated);
        Some(match self {
            Self::Model | Self::NoAiService if facts.models.remote => return None,
            Self::Model => match view.stated(stated.hosting.as_ref()) {
                Some(hosting) => view.say(
                    format!("Le modèle qui répond tourne dans le même programme que moi. Hébergement : {hosting}."),
                    format!("The model that answers runs in the same program as I do. Hosting: {hosting}."),
                ),
                None => view.say(
                    "Le modèle qui répond tourne dans le même programme que moi.",
                    "The model that answers runs in the same program as I do.",
                ),
            },
            Self::RemoteModel if !facts.models.remote => return None,
            Self::RemoteModel => view.say(
                "**Le modèle qui répond est sur un autre serveur : vos questions et ce qu’il faut pour y répondre lui sont envoyés.**",
                "**The model that answers is on another server: your questions and what is needed to answer them are sent to it.**",
            ),
            Self::NoAiService => view.say(
                "Aucun message n’est envoyé à un service d’IA extérieur.",
                "No message is sent to an outside AI service.",
            ),
            Self::NothingLeaves => {
                if !facts.sends.is_nothing() || facts.models.remote {
                    return None;
                }
                view.say("Hors de Tchap, je n’envoie rien à personne.", "Outside Tchap, I send nothing to anybody.")
            }
            Self::Docs => {
                let host = facts.sends.docs.as_ref()?;
                view.say(
                    format!("Si vous le demandez (`!note docs`), une note, son titre et votre adresse électronique partent vers {host} ; je vous le dis avant."),
                    format!("If you ask for it (`!note docs`), a note, its title and your e-mail address leave for {host}; I tell you so before."),
                )
            }
            Self::Scanner => {
                let host = facts.sends.scanner.as_ref()?;
                view.say(
                    format!("Les fichiers que vous me faites lire passent par un antivirus ({host}), qui les déchiffre."),
                    format!("The files that you have me read go through an antivirus ({host}), which decrypts them."),
                )
            }
            Self::Search => {
                let host = facts.sends.search.as_ref()?;
                let vector = facts.models.embedding.is_some();
                let (fr, en) = if vector { (" et un vecteur qui en est tiré", " and a vector made from it") } else { ("", "") };
                view.say(
                    format!("Pour chercher dans les documents partagés, les mots de votre question{fr} sont envoyés à une base de données ({host}), sans votre nom."),
                    format!("To search shared documents, the words of your question{en} are sent to a database ({host}), without your name."),
                )
            }
            Self::Tchap => {
                let operator = view.stated(stated.homeserver_operator.as_ref());
                let operator = operator.map_or_else(String::new, |operator| format!(" ({operator})"));
                view.say(
                    format!("Les messages, eux, restent dans Tchap{operator}, selon ses propres règles : les oublier ici ne les efface pas là-bas."),
                    format!("The messages themselves stay in Tchap{operator}, under its own rules: forgetting them here does not erase them there."),
                )
            }
            Self::Encrypted => {
                if !view.here?.encrypted {
                    return None;
                }
                view.say("Cette conversation est chiffrée de bout en bout.", "This conversation is end-to-end encrypted.")
            }
            Self::Clear => {
                if view.here?.encrypted {
                    return None;
                }
                view.say(
                    "**Cette conversation n’est pas chiffrée : les serveurs de messagerie peuvent lire les questions et les réponses.**",
                    "**This conversation is not encrypted: the chat servers can read the questions and the answers.**",
                )
            }
            Self::Open => {
                if !view.here?.open {
                    return None;
                }
                view.say(
                    "**Des externes sont dans ce salon ou peuvent y entrer. Ils lisent les questions et les réponses.**",
                    "**External accounts are in this room or can join it. They read the questions and the answers.**",
                )
            }
            Self::EncryptedOnly => {
                if facts.unencrypted {
                    return None;
                }
                view.say(
                    "Je ne réponds à aucune question dans les salons qui ne sont pas chiffrés.",
                    "I answer no question in rooms that are not encrypted.",
                )
            }
            Self::ClearServed => {
                if !facts.unencrypted {
                    return None;
                }
                view.say(
                    "Je réponds aussi dans des salons qui ne sont pas chiffrés : les serveurs de messagerie peuvent y lire les questions et les réponses.",
                    "I also answer in rooms that are not encrypted: the chat servers can read the questions and the answers there.",
                )
            }
            Self::Transfers => {
                let transfers = view.stated(stated.transfers.as_ref())?;
                view.say(format!("Transferts : {transfers}."), format!("Transfers: {transfers}."))
            }
        })
    }
}
