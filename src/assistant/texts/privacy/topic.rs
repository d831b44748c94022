//! What can be asked about privacy, and which sentences answer it.

use super::{
    claim::Claim::{self, Machine as Ma, Measures as Me, People as Pe, Place as Pl, Rights as Ri, Time as Ti},
    machine::Machine,
    measures::Measures,
    people::People,
    place::Place,
    rights::Rights,
    time::Time,
};
use crate::{compagnon::Language, index::french::fold};

/// A subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Who answers for it, who reads.
    Who,
    /// What for.
    Why,
    /// Where it is.
    Where,
    /// For how long.
    Durations,
    /// Which model.
    Model,
    /// What it reads.
    Reading,
    /// What one can do.
    Rights,
    /// What must not be entered.
    Never,
    /// What is counted.
    Figures,
    /// How it is protected.
    Security,
}

/// What one bullet says, under a word that says what it is about.
pub(super) type Bullet = (Option<[&'static str; 2]>, &'static [Claim]);

/// The short answer.
pub(super) const SHORT: &[Bullet] = &[
    (Some(["Qui", "Who"]), &[Pe(People::OfferedBy), Pe(People::Controller), Pe(People::Officer)]),
    (Some(["Pourquoi", "Why"]), &[Ri(Rights::Purpose), Ri(Rights::Basis), Ri(Rights::NoDecision)]),
    (
        Some(["Où", "Where"]),
        &[
            Pl(Place::Model),
            Pl(Place::RemoteModel),
            Pl(Place::NoAiService),
            Pl(Place::Scanner),
            Pl(Place::Search),
            Pl(Place::Docs),
            Pl(Place::Tchap),
        ],
    ),
    (
        Some(["Ici", "Here"]),
        &[
            Pl(Place::Encrypted),
            Pl(Place::Clear),
            Pl(Place::Open),
            Ma(Machine::AddressedHere),
            Ma(Machine::AllHere),
            Ma(Machine::TranslatedHere),
        ],
    ),
    (Some(["Combien de temps", "How long"]), &[Ti(Time::Short)]),
    (Some(["Cloisonnement", "Separation"]), &[Ri(Rights::Separation), Ma(Machine::NoTraining)]),
    (Some(["Supprimer", "Deleting"]), &[Ri(Rights::Delete)]),
    (Some(["Jamais", "Never"]), &[Ri(Rights::Never), Ri(Rights::Forbidden)]),
    (
        Some(["Vos droits", "Your rights"]),
        &[Ri(Rights::Access), Ri(Rights::Erase), Ri(Rights::Write), Ri(Rights::Complaint)],
    ),
];

/// What the short answer says.
pub fn in_short() -> impl Iterator<Item = Claim> {
    SHORT.iter().flat_map(|(_, claims)| claims.iter().copied())
}

impl Topic {
    /// All of them, in the order of the notice.
    pub const ALL: [Self; 10] = [
        Self::Who,
        Self::Why,
        Self::Where,
        Self::Durations,
        Self::Model,
        Self::Reading,
        Self::Rights,
        Self::Never,
        Self::Figures,
        Self::Security,
    ];

    /// The subject of that name, in either language, however it is written.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = fold(name.trim());
        Self::ALL.into_iter().find(|topic| topic.names().iter().any(|known| fold(known) == name))
    }

    /// What it is called when it is asked for.
    #[must_use]
    pub fn name(self, language: Language) -> &'static str {
        match language {
            Language::Fr => self.names()[0],
            Language::En => self.names()[1],
        }
    }

    /// Its names: the French, the English, then what people write as well.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Who => &["qui", "who", "responsable", "controller", "contact", "dpo"],
            Self::Why => &["pourquoi", "why", "finalités", "finalité", "purposes", "base légale"],
            Self::Where => &["où", "where", "lieu", "hébergement", "hosting", "ici", "here"],
            Self::Durations => {
                &["durées", "durations", "durée", "conservation", "retention", "combien de temps", "how long"]
            }
            Self::Model => &["modèle", "model", "ia", "ai", "moteur"],
            Self::Reading => &["lecture", "reading", "lire", "messages"],
            Self::Rights => &["droits", "rights", "droit", "mes droits", "vos droits", "my rights", "cnil"],
            Self::Never => &["interdits", "never", "jamais", "interdit", "forbidden", "usages"],
            Self::Figures => &["chiffres", "figures", "statistiques", "statistics", "mesures"],
            Self::Security => &["sécurité", "security", "chiffrement", "encryption"],
        }
    }

    /// Its title.
    pub(super) fn title(self, language: Language) -> &'static str {
        let [fr, en] = match self {
            Self::Who => ["Qui est responsable, qui lit", "Who answers for it, who reads"],
            Self::Why => ["Pourquoi, et pour quoi", "Why, and what for"],
            Self::Where => ["Où vont vos messages", "Where your messages go"],
            Self::Durations => ["Combien de temps", "For how long"],
            Self::Model => ["Quel modèle", "Which model"],
            Self::Reading => ["Ce que je lis", "What I read"],
            Self::Rights => ["Vos droits", "Your rights"],
            Self::Never => ["Ce qu’il ne faut ni écrire, ni faire", "What not to write or do"],
            Self::Figures => ["Ce que je compte", "What I count"],
            Self::Security => ["Sécurité", "Security"],
        };
        match language {
            Language::Fr => fr,
            Language::En => en,
        }
    }

    /// What it says, a bullet each.
    #[must_use]
    #[allow(clippy::too_many_lines)] // One line per sentence.
    pub fn claims(self) -> &'static [Claim] {
        match self {
            Self::Who => &[
                Pe(People::OfferedBy),
                Pe(People::Controller),
                Pe(People::Officer),
                Pe(People::Contact),
                Pe(People::Audience),
                Pe(People::Members),
                Pe(People::ExternalsServed),
                Pe(People::ExternalsRefused),
                Pe(People::OpenRoomsRefused),
                Pe(People::Administrators),
                Pe(People::NoAdministrators),
                Pe(People::Operators),
                Pe(People::Recipients),
                Pe(People::Processors),
            ],
            Self::Why => &[
                Ri(Rights::Purpose),
                Ri(Rights::Basis),
                Ri(Rights::NoDecision),
                Ma(Machine::NoTraining),
                Ri(Rights::Uses),
                Ri(Rights::ForbiddenUses),
                Ri(Rights::Charter),
            ],
            Self::Where => &[
                Pl(Place::Clear),
                Pl(Place::Encrypted),
                Pl(Place::Open),
                Pl(Place::Model),
                Pl(Place::RemoteModel),
                Pl(Place::NoAiService),
                Pl(Place::NothingLeaves),
                Pl(Place::Scanner),
                Pl(Place::Search),
                Pl(Place::Docs),
                Pl(Place::Tchap),
                Pl(Place::EncryptedOnly),
                Pl(Place::ClearServed),
                Pl(Place::Transfers),
            ],
            Self::Durations => &[
                Ti(Time::Exchanges),
                Ti(Time::Waiting),
                Ti(Time::Undecrypted),
                Ti(Time::Files),
                Ti(Time::Facts),
                Ti(Time::Notes),
                Ti(Time::Addresses),
                Ti(Time::Made),
                Ti(Time::Audit),
                Ti(Time::Marks),
                Ti(Time::Counted),
                Ti(Time::Backups),
                Ti(Time::BackupsUnsaid),
                Ti(Time::Logs),
                Ti(Time::LogsUnsaid),
                Pl(Place::Tchap),
            ],
            Self::Model => &[
                Ma(Machine::Name),
                Ma(Machine::Trial),
                Ma(Machine::Engine),
                Ma(Machine::Embedding),
                Ma(Machine::Reranker),
                Ma(Machine::Entities),
                Ma(Machine::NoTraining),
                Ma(Machine::NoLinks),
                Ma(Machine::Mark),
            ],
            Self::Reading => &[
                Ma(Machine::Addressed),
                Ma(Machine::AddressedHere),
                Ma(Machine::AllHere),
                Ma(Machine::TranslatedHere),
                Ma(Machine::Reads),
                Ma(Machine::OnRequest),
                Ma(Machine::Names),
                Ma(Machine::NoLinks),
                Ma(Machine::Collections),
                Ri(Rights::Separation),
                Ma(Machine::Drafts),
            ],
            Self::Rights => &[
                Ri(Rights::Access),
                Ri(Rights::Erase),
                Ri(Rights::Rectify),
                Ri(Rights::Delete),
                Ri(Rights::Write),
                Ri(Rights::Portability),
                Ri(Rights::NoDecision),
                Ri(Rights::Complaint),
                Ri(Rights::Notice),
                Ri(Rights::Accessibility),
                Ri(Rights::Updated),
            ],
            Self::Never => &[
                Ri(Rights::Never),
                Ri(Rights::Forbidden),
                Ri(Rights::Uses),
                Ri(Rights::ForbiddenUses),
                Ri(Rights::Charter),
            ],
            Self::Figures => &[
                Me(Measures::Counted),
                Me(Measures::People),
                Me(Measures::Ratings),
                Me(Measures::Why),
                Me(Measures::Digest),
                Me(Measures::Published),
            ],
            Self::Security => &[
                Me(Measures::Sealed),
                Me(Measures::KeyBackup),
                Pe(People::Operators),
                Me(Measures::Security),
                Me(Measures::Impact),
                Me(Measures::Register),
            ],
        }
    }
}
