//! The model, what it reads, and what it is not.

use super::view::View;
use crate::compagnon::Answers;

/// A sentence about the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    /// Which it is.
    Name,
    /// It is the tiny one for trials.
    Trial,
    /// What computes.
    Engine,
    /// What searches by meaning.
    Embedding,
    /// What orders passages.
    Reranker,
    /// What finds names.
    Entities,
    /// Documents that ops give.
    Collections,
    /// What is read for an answer.
    Reads,
    /// Which messages, in general.
    Addressed,
    /// Here, those that are addressed to the bot.
    AddressedHere,
    /// Here, all that are answered.
    AllHere,
    /// Here, all that are translated.
    TranslatedHere,
    /// What is read when asked for.
    OnRequest,
    /// That names are read.
    Names,
    /// That no link is opened.
    NoLinks,
    /// That it learns nothing.
    NoTraining,
    /// How an answer says that a machine wrote it.
    Mark,
    /// That drafts stay in the messenger's history.
    Drafts,
}

impl Machine {
    /// The sentence; nothing where it would not be true.
    #[allow(clippy::too_many_lines)] // One arm per sentence: the table that people proofread.
    pub(super) fn say(self, view: &View<'_>) -> Option<String> {
        let models = &view.facts.models;
        Some(match self {
            Self::Name => {
                let source = models.source.as_ref()?;
                let name = models.name.as_ref().filter(|name| *name != source);
                let name = name.map_or_else(|| source.clone(), |name| format!("{name} ({source})"));
                view.say(format!("Modèle qui répond : {name}."), format!("Model that answers: {name}."))
            }
            Self::Trial => {
                if models.source.is_some() {
                    return None;
                }
                view.say(
                    "Modèle qui répond : le petit modèle d’essai du programme ; ses réponses ne valent rien.",
                    "Model that answers: the program’s tiny trial model; its answers are worth nothing.",
                )
            }
            Self::Engine => {
                if models.remote {
                    return None;
                }
                let version = env!("CARGO_PKG_VERSION");
                view.say(
                    format!("Il est calculé par ce programme (compagnon {version}), sans autre moteur ni service."),
                    format!("It is computed by this program (compagnon {version}), without another engine or service."),
                )
            }
            Self::Embedding => {
                let name = models.embedding.as_ref()?;
                view.say(
                    format!("Recherche par le sens dans les documents : {name}, dans le même programme."),
                    format!("Search by meaning in documents: {name}, in the same program."),
                )
            }
            Self::Reranker => {
                let name = models.reranker.as_ref()?;
                view.say(
                    format!("Classement des passages trouvés : {name}, dans le même programme."),
                    format!("Ordering of the passages found: {name}, in the same program."),
                )
            }
            Self::Entities => {
                let name = models.entities.as_ref()?;
                view.say(
                    format!("Repérage des noms à pseudonymiser : {name}, dans le même programme."),
                    format!("Finding names to pseudonymise: {name}, in the same program."),
                )
            }
            Self::Collections => {
                let titles = &view.facts.collections;
                if titles.is_empty() {
                    return None;
                }
                let titles = titles.join(", ");
                view.say(
                    format!("Documents fournis par le service : {titles}."),
                    format!("Documents provided by the service: {titles}."),
                )
            }
            Self::Reads => view.say(
                "Pour répondre, le modèle lit votre question, nos échanges d’ici, la consigne d’ici, ce que vous m’avez fait retenir et, s’il y a lieu, le message cité, le fil, le fichier ou les documents utiles.",
                "To answer, the model reads your question, our exchanges here, the instruction given here, what you have had me remember and, where it applies, the message replied to, the thread, the file or the documents that help.",
            ),
            Self::Addressed => {
                if view.here.is_some() {
                    return None;
                }
                view.say(
                    "Je ne traite que les messages qui me sont adressés, sauf dans un salon qui a choisi que je réponde à tout ou que je traduise tout.",
                    "I only process messages addressed to me, except in a room that has chosen to have me answer or translate everything.",
                )
            }
            Self::AddressedHere => {
                let here = view.here?;
                if here.direct || here.answers == Answers::All || here.translated {
                    return None;
                }
                view.say(
                    "Ici, je ne traite que les messages qui me sont adressés.",
                    "Here, I only process messages addressed to me.",
                )
            }
            Self::AllHere => {
                let here = view.here?;
                if !here.direct && here.answers != Answers::All {
                    return None;
                }
                view.say(
                    "Ici, je réponds à tous les messages : le modèle les lit donc tous.",
                    "Here, I answer every message, so the model reads them all.",
                )
            }
            Self::TranslatedHere => {
                if !view.here?.translated {
                    return None;
                }
                view.say(
                    "Ici, je traduis les messages écrits dans une autre langue : le modèle les lit donc.",
                    "Here, I translate messages in another language, so the model reads them.",
                )
            }
            Self::OnRequest => view.say(
                "À votre demande, je lis aussi le message auquel vous répondez, un fil, ou les messages d’un salon pour une note : pour cela seulement, sans les garder. Ce qui reste affiché dans Tchap peut être relu ainsi, même oublié de moi.",
                "When you ask for it, I also read the message you reply to, a thread, or the messages of a room for a note: for that only, without keeping them. What is still displayed in Tchap can be read again that way, even if I have forgotten it.",
            ),
            Self::Names => view.say(
                "À plusieurs, le modèle lit les noms affichés.",
                "With several people, the model reads the display names.",
            ),
            Self::NoLinks => {
                view.say("Je n’ouvre aucun lien et ne consulte pas Internet.", "I open no link and do not browse the Internet.")
            }
            Self::NoTraining => view.say(
                "Ce que vous écrivez n’entraîne aucun modèle.",
                "Nothing that you write trains a model.",
            ),
            Self::Mark => view.say(
                "Chaque réponse du modèle porte « réponse d’une IA, à vérifier » et une marque lisible par les machines (règlement européen sur l’IA, article 50).",
                "Each answer of the model says “AI-generated, please check” and has a machine-readable mark (EU AI Act, article 50).",
            ),
            Self::Drafts => {
                if !view.facts.streaming {
                    return None;
                }
                view.say(
                    "Une réponse s’affiche pendant que je l’écris : ses versions intermédiaires restent dans l’historique de Tchap.",
                    "An answer is shown while I write it: its earlier versions stay in Tchap’s history.",
                )
            }
        })
    }
}
